import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logindSession, logons } from './logons.ts';

interface Entry { type: number; pid?: number; line?: string; user?: string; host?: string; seconds: number; address?: number[] }

/** struct utmp as glibc writes it: 384 bytes, on arm64 400. */
function utmp(entries: readonly Entry[], arch: string): Buffer {
  const wide = arch === 'arm64';
  return Buffer.concat(entries.map(({ type, pid = 0, line = '', user = '', host = '', seconds, address = [] }) => {
    const bytes = Buffer.alloc(wide ? 400 : 384);
    bytes.writeInt16LE(type, 0);
    bytes.writeInt32LE(pid, 4);
    bytes.write(line, 8);
    bytes.write(user, 44);
    bytes.write(host, 76);
    if (wide) bytes.writeBigInt64LE(BigInt(seconds), 344);
    else bytes.writeInt32LE(seconds, 340);
    Buffer.from(address).copy(bytes, wide ? 360 : 348);
    return bytes;
  }));
}

const at = 1_795_314_000;
const v6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const history: Entry[] = [
  { type: 2, line: '~', user: 'reboot', seconds: at - 90_000 },
  { type: 7, pid: 700, line: 'pts/0', user: 'wang', host: '203.0.113.9', address: [203, 0, 113, 9], seconds: at },
  { type: 7, pid: 710, line: 'pts/1', user: 'li', host: 'jump.example', address: v6, seconds: at + 5 },
  { type: 8, pid: 700, line: 'pts/0', seconds: at + 60 },
  { type: 7, pid: 1, line: 'tty1', user: 'root', seconds: at + 70 },
];

describe('log-ons of utmp and wtmp', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'moat-logons-'));
    mkdirSync(join(root, 'var/log'), { recursive: true });
    mkdirSync(join(root, 'run/systemd/sessions'), { recursive: true });
  });
  afterEach(() => { rmSync(root, { recursive: true }); });

  it.each(['x64', 'arm64'])('on %s: who, from where, on what terminal, from when to when', (arch) => {
    writeFileSync(join(root, 'var/log/wtmp'), Buffer.concat([utmp(history, arch), Buffer.from('half a record')]));
    writeFileSync(join(root, 'run/utmp'), utmp([history[2]!, { type: 7, pid: 720, line: 'pts/2', user: 'zhao', host: '198.51.100.4', seconds: at + 80 }], arch));
    const found = logons(root, (at + 30) * 1000, arch);
    expect(found).toEqual([
      { user: 'wang', source_ip: '203.0.113.9', terminal: 'pts/0', pid: 700, since: at * 1000, until: (at + 60) * 1000 },
      { user: 'li', source_ip: '2001:db8::1', terminal: 'pts/1', pid: 710, since: (at + 5) * 1000, until: undefined },
      { user: 'root', source_ip: undefined, terminal: 'tty1', pid: 1, since: (at + 70) * 1000, until: undefined },
      { user: 'zhao', source_ip: '198.51.100.4', terminal: 'pts/2', pid: 720, since: (at + 80) * 1000, until: undefined },
    ]);
    expect(logons(root, (at + 61) * 1000, arch).map((one) => one.user)).not.toContain('wang');
  });

  it.skipIf(process.arch !== 'x64')('reads what who(1) reads', () => {
    const file = join(root, 'var/log/wtmp');
    writeFileSync(file, utmp(history, 'x64'));
    const said = execFileSync('who', [file]).toString();
    for (const { user, terminal } of logons(root, 0, 'x64')) expect(said).toMatch(new RegExp(`^${user} +${terminal} `, 'm'));
    expect(said).toContain('203.0.113.9');
  });

  it('no files, no log-ons; a file of rubbish breaks nothing', () => {
    expect(logons(root, 0)).toEqual([]);
    writeFileSync(join(root, 'var/log/wtmp'), Buffer.alloc(4000, 0xff));
    expect(() => logons(root, 0)).not.toThrow();
  });

  it('sessions of logind', () => {
    writeFileSync(join(root, 'run/systemd/sessions/5'), 'UID=1000\nUSER=wang\nACTIVE=1\nSTATE=active\nREMOTE=1\nTTY=pts/3\nREMOTE_HOST=203.0.113.9\nSERVICE=sshd\nLEADER=700\nREALTIME=1795314000000000\n');
    expect(logindSession(root, '5')).toEqual({ user: 'wang', source_ip: '203.0.113.9', terminal: 'pts/3', pid: 700, since: at * 1000, until: undefined });
    for (const id of ['6', '../5', '', 'x'.repeat(40)]) expect(logindSession(root, id)).toBeUndefined();
  });
});
