import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout } from '../../../test/throwaway-root.ts';
import { logonRecords } from './check.ts';

const start = 1_795_000_000;
const record = (type: number, user: string, at: number, line = 'pts/0', wide = false): Buffer => {
  const bytes = Buffer.alloc(wide ? 400 : 384);
  bytes.writeInt16LE(type, 0); bytes.write(line, 8); bytes.write(user, 44);
  if (wide) bytes.writeBigInt64LE(BigInt(start + at), 344); else bytes.writeInt32LE(start + at, 340);
  return bytes;
};
const lastlog = (uid: number, at: number, line = 'pts/0'): Buffer => { const bytes = Buffer.alloc(292 * (uid + 1)); bytes.writeInt32LE(start + at, 292 * uid); bytes.write(line, 292 * uid + 4); return bytes; };
const told = async (files: Record<string, Buffer>) => (await scanRoot([logonRecords], Object.fromEntries(Object.entries(files).map(([name, text]) => [`/var/log/${name}`, { text }])))).findings.map(({ kind, level, path }) => `${kind} ${level} ${path!.slice(9)}`);
const whole = [record(2, 'reboot', 0, '~'), record(7, 'root', 1000), record(8, '', 2000), record(7, 'lin', 90_000), record(8, '', 91_000)];

describe('logon-records', () => {
  it('finds records that were zeroed, blanked or put in later', async () => {
    expect(await told({ wtmp: Buffer.concat(whole) })).toEqual([]);
    expect(await told({ wtmp: Buffer.concat(whole.with(1, Buffer.alloc(384))) })).toEqual(['intrusion high wtmp']);
    expect(await told({ btmp: Buffer.concat([record(6, 'x', 1), Buffer.alloc(384), record(6, 'y', 2)]) })).toEqual(['intrusion high btmp']);
    expect(await told({ wtmp: Buffer.concat(whole.with(1, record(7, '', 1000))) })).toEqual(['intrusion medium wtmp']);
    expect(await told({ wtmp: Buffer.concat([...whole, record(7, 'root', 80_000)]) })).toEqual(['intrusion medium wtmp']);
    expect(await told({ wtmp: Buffer.concat([...whole, record(2, 'reboot', 100, '~'), record(7, 'root', 200)]) })).toEqual([]); // a start with a wrong clock
    expect(await told({ wtmp: Buffer.concat([...whole, Buffer.alloc(384 * 4)]) })).toEqual([]); // a crash
    expect(await told({ wtmp: Buffer.concat([...whole, Buffer.alloc(100)]) })).toEqual(['notice low wtmp']);
  });

  it('finds a log-on that lastlog knows and wtmp does not', async () => {
    expect(await told({ wtmp: Buffer.concat(whole), lastlog: lastlog(1000, 90_001) })).toEqual([]);
    expect(await told({ wtmp: Buffer.concat(whole), lastlog: lastlog(1000, 95_000) })).toEqual(['intrusion medium wtmp']);
    expect(await told({ 'wtmp.1': Buffer.concat(whole), wtmp: Buffer.alloc(0), lastlog: lastlog(1000, 90_001) })).toEqual([]);
    expect(await told({ wtmp: Buffer.concat(whole), lastlog: lastlog(1000, -5000) })).toEqual([]); // before the records begin
    expect(await told({ wtmp: Buffer.concat(whole), lastlog: lastlog(1000, 95_000, 'ssh') })).toEqual([]);
  });

  it('finds records emptied after a log-on', async () => {
    const planted = (modified: number) => scanRoot([logonRecords], { '/var/log/wtmp': { text: '', modified }, '/var/log/lastlog': { text: lastlog(1000, 0) } });
    expect((await planted((start + 5000) * 1000)).findings.map(({ level, user }) => `${level} ${user}`)).toEqual(['medium lin']);
    expect((await planted((start - 5000) * 1000)).findings).toEqual([]); // never written to
  });

  it('reads the wide records of other machines', async () => {
    expect(await told({ wtmp: Buffer.concat([record(2, 'reboot', 0, '~', true), Buffer.alloc(400), record(7, 'lin', 9, 'pts/0', true)]) })).toEqual(['intrusion high wtmp']);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([logonRecords], makeRoot({ '/var/log/wtmp': { text: Buffer.concat(whole) } }), '/var/log/wtmp');
    expect(report.blind.map(({ what }) => what)).toEqual(['/var/log/wtmp']);
  });
});
