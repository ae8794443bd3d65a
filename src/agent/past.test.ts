import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalWriter, makeJournal } from '../../test/journal-maker.ts';
import { lacks } from '../../test/need.ts';
import type { Story } from '../core/incident.ts';
import { withEchoes } from '../engine/incident/story-echoes.ts';
import { readPast } from './past.ts';

const t0 = Date.UTC(2026, 10, 22, 2), minute = 60_000, day = 86_400_000;
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moat-past-'));
  mkdirSync(join(root, 'var/log'), { recursive: true });
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\nharbour:x:1000:1000::/home/harbour:/bin/sh\n');
});
afterEach(() => { rmSync(root, { recursive: true }); });

/** struct utmp of x86, as login and sshd write it. */
function utmp(type: number, time: number, { pid = 7, terminal = 'pts/0', user = '', host = '' } = {}): Buffer {
  const record = Buffer.alloc(384);
  record.writeInt16LE(type, 0);
  record.writeInt32LE(pid, 4);
  record.write(terminal, 8);
  record.write(user, 44);
  record.write(host, 76);
  record.writeUInt32LE(Math.floor(time / 1000), 340);
  return record;
}
const log = (name: string, ...records: Buffer[]): void => { writeFileSync(join(root, 'var/log', name), Buffer.concat(records)); };
const orphan = (at: number): Story => ({ entry: undefined, nodes: [{ id: 'persistence:/etc/cron.d/x', kind: 'persistence', label: '/etc/cron.d/x', first: at, last: at, facts: { path: '/etc/cron.d/x' } }], edges: [], gaps: [], echoes: [], began: at, ended: at, left: 0 });

describe('what the machine’s own records tell', () => {
  it('names the log-on of wtmp that was open when a job was planted, with failures of btmp and the last of lastlog', async () => {
    log('wtmp', utmp(7, t0 - 300 * minute, { user: 'harbour', host: '192.0.2.7' }), utmp(8, t0 - 200 * minute), utmp(7, t0 - 20 * minute, { user: 'root', host: '203.0.113.9', terminal: 'pts/1' }), utmp(8, t0 + 10 * minute, { terminal: 'pts/1' }));
    log('btmp', ...Array.from({ length: 30 }, (_, i) => utmp(6, t0 - 30 * minute + i * 1000, { user: i % 2 === 0 ? 'root' : 'admin', host: '203.0.113.9', terminal: 'ssh:notty' })));
    const last = Buffer.alloc(292);
    last.writeUInt32LE(Math.floor((t0 - 20 * minute) / 1000), 0);
    last.write('pts/1', 4);
    last.write('203.0.113.9', 36);
    log('lastlog', last);
    const { past, gaps } = await readPast({ root, from: t0 - day, to: t0 + 60 * minute });
    const { entry, echoes } = withEchoes(orphan(t0), past);
    expect(entry).toMatchObject({ user: 'root', address: '203.0.113.9', guessed: 'wtmp', time: t0 - 20 * minute });
    expect(echoes.map(({ kind, from, count }) => `${kind} ${from} ${count}`)).toContain('failed-log-on btmp 30');
    expect(gaps.map(({ kind, what }) => `${kind} ${what.en}`)).toEqual(['log wtmp begins only after this (rotated, or cut)']);
  });

  it('says what is missing, and that nothing could be read of what is damaged', async () => {
    expect((await readPast({ root, from: t0 - day, to: t0 })).gaps.map(({ what }) => what.en)).toEqual(['there is no wtmp: past sessions are not known']);
    const folder = join(root, 'var/log/journal', 'b'.repeat(32));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'system.journal'), 'no journal at all');
    mkdirSync(join(root, 'var/log/wtmp'));
    const { gaps } = await readPast({ root, from: t0 - day, to: t0 });
    expect(gaps.map(({ what }) => what.en).join('\n')).toMatch(/system\.journal could not be read to its end/);
  });

  it.skipIf(lacks({ files: [journalWriter] }))('reads log-ons and sudo out of real journal files, within its time', async () => {
    const folder = join(root, 'var/log/journal', 'b'.repeat(32));
    mkdirSync(folder, { recursive: true });
    const line = (at: number, tag: string, message: string, pid = '700'): { time: number; fields: Record<string, string> } => ({ time: t0 + at, fields: { MESSAGE: message, SYSLOG_IDENTIFIER: tag, _PID: pid, _UID: '0', _COMM: tag, _EXE: `/usr/sbin/${tag}`, _TRANSPORT: 'syslog' } });
    writeFileSync(join(folder, 'system.journal'), makeJournal([
      line(-600 * minute, 'kernel', 'nothing'), line(-40 * minute, 'sshd', 'Failed password for root from 203.0.113.9 port 50122 ssh2'), line(-30 * minute, 'sshd', 'Accepted password for root from 203.0.113.9 port 50123 ssh2', '701'),
      line(-25 * minute, 'sudo', '    root : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/id'), line(2000 * minute, 'sshd', 'Accepted password for root from 192.0.2.99 port 50123 ssh2', '702'),
    ]));
    const { past, gaps } = await readPast({ root, from: t0 - day, to: t0 + 60 * minute, now: () => t0 + 3000 * minute });
    const { entry, echoes } = withEchoes(orphan(t0), past);
    expect(entry).toMatchObject({ user: 'root', address: '203.0.113.9', guessed: 'journal', time: t0 - 30 * minute });
    expect(echoes.map(({ kind, from, what }) => `${kind} ${from} ${what ?? ''}`.trim())).toEqual(['failed-log-on journal', 'log-on journal password', 'privilege journal /usr/bin/id']);
    expect(gaps.some(({ what }) => what.en.startsWith('the systemd journal begins only after this'))).toBe(true);
    expect((await readPast({ root, from: t0 - day, to: t0 + 60 * minute, ms: 0 })).gaps.map(({ kind }) => kind)).toContain('unread');
  });
});
