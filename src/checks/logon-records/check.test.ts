import { describe, expect, it } from 'vitest';
import { lastlog2Of, makeDatabase, wtmpdbOf } from '../../../test/database-maker.ts';
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

  it('finds files of nothing but zeros', async () => {
    expect(await told({ wtmp: Buffer.alloc(384 * 6) })).toEqual(['intrusion high wtmp']);
    expect(await told({ wtmp: Buffer.alloc(384 * 2), btmp: Buffer.alloc(384 * 6) })).toEqual(['intrusion medium btmp', 'intrusion medium wtmp']);
    expect(await told({ wtmp: Buffer.alloc(0), btmp: Buffer.alloc(0), lastlog: Buffer.alloc(0) })).toEqual([]); // a fresh machine
  });

  it('finds a lastlog that has nobody though people logged on by SSH', async () => {
    const from = (host: string, user = 'lin') => { const one = record(7, user, 90_000); one.write(host, 76); return Buffer.concat([...whole.slice(0, 3), one]); };
    const wiped = async (wtmp: Buffer, text: Buffer, after = 5000, more = {}) => (await scanRoot([logonRecords], { '/var/log/wtmp': { text: wtmp }, '/var/log/lastlog': { text, modified: (start + 90_000 + after) * 1000 }, ...more })).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);
    const found = ['intrusion medium /var/log/lastlog'];
    expect(await wiped(from('203.0.113.9'), Buffer.alloc(0))).toEqual(found);
    expect(await wiped(from('2001:db8::9'), Buffer.alloc(292 * 1001))).toEqual(found);
    expect(await wiped(from('203.0.113.9'), Buffer.alloc(0), -5000)).toEqual([]); // never written to
    expect(await wiped(from(':0'), Buffer.alloc(0))).toEqual([]);
    expect(await wiped(from('tmux(512).%0'), Buffer.alloc(0))).toEqual([]);
    expect(await wiped(from('203.0.113.9', 'gone'), Buffer.alloc(0))).toEqual([]); // the account is gone
    expect(await wiped(from('203.0.113.9'), Buffer.alloc(0), 5000, { '/var/lib/lastlog/lastlog2.db': { text: lastlog2Of([]) } })).toEqual([]);
    expect(await wiped(from('203.0.113.9'), lastlog(1000, 90_000))).toEqual([]);
  });

  it('reads the wide records of other machines', async () => {
    expect(await told({ wtmp: Buffer.concat([record(2, 'reboot', 0, '~', true), Buffer.alloc(400), record(7, 'lin', 9, 'pts/0', true)]) })).toEqual(['intrusion high wtmp']);
  });

  it('holds lastlog2 and wtmpdb against each other', async () => {
    type Row = [id: number, type: number, user: string, at: number];
    const whole: Row[] = [[4, 1, 'reboot', 0], [5, 3, 'root', 1000], [6, 3, 'lin', 90_000], [7, 3, 'lin', 95_000]];
    const scanned = async (rows: readonly Row[], last: [user: string, at: number, tty: string, service: string][] = [], more: Parameters<typeof makeRoot>[0] = {}) => (await scanRoot([logonRecords], {
      '/var/lib/wtmpdb/wtmp.db': wtmpdbOf(rows.map(([id, type, user, at]) => ({ id, type, user, at: start + at }))),
      '/var/lib/lastlog/lastlog2.db': lastlog2Of(last.map(([user, at, tty, service]) => ({ user, at: start + at, tty, service }))),
      ...more,
    })).findings.map(({ kind, level, path, title }) => `${kind} ${level} ${path!.slice(9)}${title.en.slice(path!.length + 1, path!.length + 20)}`);
    expect(await scanned(whole, [['lin', 95_001, 'pts/0', 'sshd'], ['root', -900_000, 'pts/0', 'login'], ['wu', 96_000, 'ssh', 'sshd'], ['hu', 96_000, 'pts/3', 'su']])).toEqual([]);
    expect(await scanned(whole, [['wu', 96_000, 'pts/0', 'sshd']])).toEqual(['intrusion medium wtmpdb/wtmp.db a log-on of wu is ']);
    expect(await scanned(whole.toSpliced(2, 1))).toEqual(['intrusion medium wtmpdb/wtmp.db 1 records were tak']);
    expect(await scanned(whole.toSpliced(2, 1), [], { '/var/log/wtmp_20260901.db': '' })).toEqual(['notice low wtmpdb/wtmp.db 1 records were tak']);
    expect(await scanned(whole.slice(1))).toEqual([]); // rotated
    expect(await scanned([...whole, [8, 3, 'root', 3000]])).toEqual(['intrusion medium wtmpdb/wtmp.db times go back thou']);
    expect(await scanned([...whole, [8, 1, 'reboot', 10], [9, 3, 'root', 20]])).toEqual([]);
    expect(await scanned([], [['lin', -9e6, 'tty1', 'login']], { '/var/lib/wtmpdb/wtmp.db': { text: '' } })).toEqual(['intrusion medium wtmpdb/wtmp.db the records were e']);
    const many = Array.from({ length: 5000 }, (_, i): Row => [i + 1, 3, `user-${i}`, i]);
    expect(await scanned(many)).toEqual([]);
    expect(await scanned(many.toSpliced(2500, 40))).toEqual(['intrusion medium wtmpdb/wtmp.db 40 records were ta']);
    expect((await scanRoot([logonRecords], { '/var/lib/wtmpdb/wtmp.db': 'x'.repeat(500), '/var/lib/lastlog/lastlog2.db': makeDatabase('CREATE TABLE other(a)', 'INSERT INTO other VALUES (?)', [[1]]) })).blind.map(({ what }) => what)).toEqual(['/var/lib/wtmpdb/wtmp.db', '/var/lib/lastlog/lastlog2.db']);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([logonRecords], makeRoot({ '/var/log/wtmp': { text: Buffer.concat(whole) } }), '/var/log/wtmp');
    expect(report.blind.map(({ what }) => what)).toEqual(['/var/log/wtmp']);
    const newer = await scanWithout([logonRecords], makeRoot({ '/var/lib/wtmpdb/wtmp.db': { text: wtmpdbOf([]) } }), '/var/lib/wtmpdb/wtmp.db');
    expect(newer.blind.map(({ what }) => what)).toEqual(['/var/lib/wtmpdb/wtmp.db']);
  });
});
