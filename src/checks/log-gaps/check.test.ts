import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { journalOf, journalWriter, makeJournal, withHole, type Line } from '../../../test/journal-maker.ts';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout } from '../../../test/throwaway-root.ts';
import { guessedLogon } from '../guessed-logon/check.ts';
import { logging } from '../logging/check.ts';
import { logonRecords } from '../logon-records/check.ts';
import { logGaps } from './check.ts';
import { stampsOf } from './times.ts';

const hour = 3_600_000;
const start = Date.UTC(2026, 9, 1);
/** A line every ten minutes from one hour to another. */
const lines = (from: number, to: number, what = 'CRON[1]: session opened', long = true): string => Array.from({ length: (to - from) * 6 }, (_, i) => {
  const at = new Date(start + from * hour + i * 600_000);
  return `${long ? at.toISOString() : `${at.toUTCString().slice(8, 11)} ${String(at.getUTCDate()).padStart(2)} ${at.toISOString().slice(11, 19)}`} web ${what}\n`;
}).join('');
const told = async (files: Record<string, string>) => (await scanRoot([logGaps], Object.fromEntries(Object.entries(files).map(([name, text]) => [`/var/log/${name}`, { text, modified: start + 200 * hour }])))).findings.map(({ kind, level, title }) => `${kind} ${level} ${title.en}`);

describe('log-gaps', () => {
  it.each([true, false])('finds hours that are missing while another log went on (long form %s)', async (long) => {
    const auth = lines(0, 50, undefined, long) + lines(80, 120, undefined, long);
    expect(await told({ 'auth.log': auth, 'syslog': lines(0, 120, 'CRON[7]: (root) CMD (x)', long) })).toEqual(['intrusion medium /var/log/auth.log lacks 30 hours in which /var/log/syslog went on']);
    expect(await told({ 'auth.log': lines(0, 120, undefined, long), 'syslog': lines(0, 120, 'app: ok', long) })).toEqual([]);
    expect(await told({ 'auth.log': auth, 'syslog': lines(0, 120, 'app: ok', long) })).toEqual(['notice low /var/log/auth.log lacks 30 hours']);
    expect(await told({ 'auth.log': auth })).toEqual(['notice low /var/log/auth.log lacks 30 hours']);
  });

  it('is silent when the machine was off, when a log is quiet by nature, and across rotation', async () => {
    const off = lines(0, 50) + lines(80, 81, 'kernel: Linux version 6.1') + lines(81, 120);
    expect(await told({ 'auth.log': off, 'syslog': off })).toEqual([]);
    const quiet = Array.from({ length: 300 }, (_, i) => `${new Date(start + i * 20 * hour).toISOString()} web sshd[1]: x\n`).join('');
    expect(await told({ 'auth.log': quiet, 'syslog': lines(0, 3000, 'sshd[1]: ok') })).toEqual([]);
    expect(await told({ 'auth.log.1': lines(0, 60), 'auth.log': lines(60, 120), 'syslog': lines(0, 120, 'app: ok') })).toEqual([]);
  });

  it('goes back over the turn of the year', () => {
    const times = stampsOf('Dec 31 23:59:00 a b\nJan  1 00:01:00 a b\nnonsense\nFeb 29 99:99:99 x\n', Date.UTC(2026, 0, 5)).map(({ time }) => new Date(time).toISOString().slice(0, 16));
    expect(times.slice(0, 2)).toEqual(['2025-12-31T23:59', '2026-01-01T00:01']);
  });

  describe('a log that holds nothing', () => {
    const conf = { '/etc/rsyslog.conf': 'auth,authpriv.* /var/log/auth.log\n*.*;auth,authpriv.none -/var/log/syslog\n' };
    const auth = 'CRON[1]: pam_unix(cron:session): session opened', cmd = 'CRON[1]: (root) CMD (x)';
    const toldIn = async (files: Record<string, string>, more: Parameters<typeof makeRoot>[0] = conf, modified: Record<string, number> = {}) =>
      (await scanRoot([logGaps], { ...more, ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`/var/log/${name}`, { text, modified: start + (modified[name] ?? 200) * hour }])) })).findings.map(({ kind, level, title }) => `${kind} ${level} ${title.en}`);
    const high = 'intrusion high /var/log/auth.log was emptied: programs that write to it went on in /var/log/syslog';

    it.each(['', '\0'.repeat(5000), '\n'])('is one that was emptied when programs that write to it went on elsewhere (%#)', async (nothing) => {
      expect(await toldIn({ 'auth.log': nothing, 'auth.log.1': lines(0, 100, auth), syslog: lines(0, 150, cmd) })).toEqual([high]);
      expect(await toldIn({ 'auth.log': nothing, 'auth.log.1': lines(0, 100, auth, false), syslog: lines(0, 150, cmd, false) })).toEqual([high]);
      expect(await toldIn({ 'secure': nothing, 'secure-20261001': lines(0, 100, auth), cron: lines(0, 150, cmd) }, {})).toEqual(['intrusion medium /var/log/secure was emptied: programs that write to it went on in /var/log/cron']);
      // The first week has no older part yet.
      expect(await toldIn({ 'auth.log': nothing, syslog: lines(0, 150, cmd) })).toEqual([high]);
    });

    it('is none when it was just turned, never written to, quiet, or written elsewhere by now', async () => {
      expect(await toldIn({ 'auth.log': '', 'auth.log.1': lines(0, 149, auth), syslog: lines(0, 150, cmd) })).toEqual([]);
      expect(await toldIn({ 'auth.log': '', 'auth.log.1': lines(0, 100, auth), syslog: lines(0, 150, 'app: ok') })).toEqual([]);
      expect(await toldIn({ 'auth.log': '', syslog: lines(0, 150, cmd) }, conf, { 'auth.log': -1 })).toEqual([]);
      expect(await toldIn({ 'auth.log': '', 'auth.log.1': lines(0, 100, auth), syslog: lines(0, 150, cmd) }, { '/etc/rsyslog.conf': '*.* /var/log/syslog\n' })).toEqual([]);
      expect(await toldIn({ 'auth.log': '', syslog: '' })).toEqual([]);
      expect(await toldIn({ 'auth.log': '' })).toEqual([]);
    });

    it('in its middle was overwritten, unless the machine started anew', async () => {
      const hole = (behind: string) => lines(0, 30, auth) + '\0'.repeat(4096) + behind + lines(31, 60, auth);
      expect(await toldIn({ 'auth.log': hole('') })).toEqual(['intrusion medium 4096 bytes of /var/log/auth.log are zeros, and no start of the machine explains it']);
      expect(await toldIn({ 'auth.log': '\0'.repeat(4096) + lines(0, 60, auth) })).toEqual(['intrusion medium 4096 bytes of /var/log/auth.log are zeros, and no start of the machine explains it']);
      expect(await toldIn({ 'auth.log': hole(lines(31, 32, 'systemd-logind[1]: New seat seat0.')) })).toEqual([]);
      expect(await toldIn({ 'auth.log': hole(''), 'kern.log': '', syslog: lines(0, 30, cmd) + lines(30, 31, 'kernel: Linux version 6.1') + lines(31, 60, cmd) })).toEqual([]);
      expect(await toldIn({ 'auth.log': `${lines(0, 60, auth)}${'\0'.repeat(4096)}` })).toEqual([]); // a power cut
    });

    it('is read within bounds', async () => {
      const runs = Array.from({ length: 4000 }, (_, i) => '\0'.repeat(i) + '\n').join('');
      expect(await toldIn({ 'auth.log': runs, 'auth.log.1': '\0'.repeat(1 << 20), syslog: `${'\0'.repeat(20)}x\n`.repeat(100_000) })).toEqual([]);
    });

    it.skipIf(lacks({ files: ['/usr/sbin/logrotate'] }))('is none after Debian\'s logrotate', async () => {
      const root = makeRoot({ ...conf, '/var/log/auth.log': lines(0, 100, auth), '/var/log/syslog': lines(0, 100, cmd), '/var/log/wtmp': '', '/var/log/btmp': 'x'.repeat(384) });
      const settings = join(root, 'rotate.conf');
      writeFileSync(settings, `create\n${['auth.log', 'syslog', 'btmp'].map((name) => `${root}/var/log/${name} {\n  rotate 4\n  weekly\n  missingok\n  notifempty\n  compress\n  delaycompress\n}\n`).join('')}`, { mode: 0o644 });
      chmodSync(join(root, 'var/log'), 0o755);
      execFileSync('/usr/sbin/logrotate', ['--force', '--state', join(root, 'state'), settings], { stdio: 'pipe' });
      expect(readdirSync(join(root, 'var/log'))).toEqual(expect.arrayContaining(['auth.log', 'auth.log.1', 'btmp.1', 'syslog.1']));
      expect(statSync(join(root, 'var/log/auth.log')).size).toBe(0);
      expect((await scanRoot([logGaps, logging, logonRecords, guessedLogon], root)).findings.filter(({ kind }) => kind === 'intrusion')).toEqual([]);
    });
  });

  it('bears hostile text', async () => {
    expect(await told({ 'auth.log': `${'9'.repeat(100_000)}\n${'Jan '.repeat(100_000)}\n${'\n'.repeat(100_000)}` })).toEqual([]);
  });

  describe.skipIf(lacks({ files: [journalWriter] }))('with a journal', () => {
    const file = `/var/log/journal/${'c'.repeat(32)}/system.journal`;
    const cron = (from: number, to: number, boot = 'a'.repeat(32)): Line[] => Array.from({ length: to - from }, (_, i) => ({ time: start + (from + i) * hour, boot, fields: { SYSLOG_IDENTIFIER: 'CRON', MESSAGE: `hour ${from + i}` } }));
    const toldWith = async (journal: Buffer, files: Record<string, string> = {}, at = file) => {
      const report = await scanRoot([logGaps], { [at]: journal, ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`/var/log/${name}`, { text, modified: start + 200 * hour }])) });
      return [...report.findings.map(({ kind, level, path, title }) => `${kind} ${level} ${path === file ? 'journal' : path}: ${title.en}`), ...report.blind.map(({ what }) => `blind ${what === file ? 'journal' : what}`)];
    };
    const auth = lines(0, 50) + lines(80, 120);

    it('finds numbers that are missing in the middle', async () => {
      const whole = makeJournal([...cron(0, 50), ...cron(80, 120)]);
      expect(await toldWith(whole)).toEqual([]);
      expect(await toldWith(withHole(whole, 50, 400))).toEqual(['intrusion medium journal: the journal lacks 400 entries of 31 hours']);
      expect(await toldWith(withHole(whole, 50, 10))).toEqual([]); // of an account's file that was cleared away
      expect(await toldWith(withHole(whole, 30, 400))).toEqual([]); // an hour
      expect(await toldWith(withHole(makeJournal([...cron(0, 50), ...cron(80, 120, 'b'.repeat(32))]), 50, 400))).toEqual([]); // another start of the machine
    });

    it('holds text logs against it', async () => {
      const journal = makeJournal(cron(0, 120));
      expect(await toldWith(journal, { 'auth.log': auth, syslog: lines(0, 120, 'app: ok') })).toEqual(['intrusion medium /var/log/auth.log: /var/log/auth.log lacks 30 hours in which /var/log/journal/cccccccccccccccccccccccccccccccc/system.journal went on']);
      // A log daemon that stood still.
      expect((await toldWith(journal, { 'auth.log': auth })).map((one) => one.slice(0, 10))).toEqual(['notice low']);
      const old = lines(0, 50, undefined, false) + lines(80, 120, undefined, false);
      expect(await toldWith(journal, { 'auth.log': old, syslog: lines(0, 120, 'app: ok', false) })).toEqual(['notice low /var/log/auth.log: /var/log/auth.log lacks 30 hours']);
    });

    it('says what it could not read, and takes a torn end for what a power cut leaves', async () => {
      const bytes = makeJournal([...cron(0, 50), ...cron(80, 120)]);
      const [, second] = journalOf(bytes).entries();
      const torn = withHole(bytes, 50, 400);
      torn.writeUInt8(0, second!.offset);
      torn.writeUInt8(0, 16); // closed
      expect(await toldWith(torn)).toEqual(['blind journal']);
      torn.writeUInt8(1, 16);
      expect(await toldWith(torn)).toEqual([]);
      expect(await toldWith(Buffer.from('no journal'))).toEqual(['blind journal']);
      expect(await toldWith(Buffer.alloc(0), {}, file.replace('.journal', '@0-0.journal~'))).toEqual([]);
    });
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([logGaps], makeRoot({ '/var/log/auth.log': 'x\n' }), '/var/log/auth.log');
    expect(report.blind.map(({ what }) => what)).toEqual(['/var/log/auth.log']);
    const journal = `/var/log/journal/${'c'.repeat(32)}/system.journal`;
    expect((await scanWithout([logGaps], makeRoot({ [journal]: 'x' }), journal)).blind.map(({ what }) => what)).toEqual([journal]);
    expect((await scanWithout([logGaps], makeRoot({ [journal]: 'x' }), '/var/log/journal')).blind.map(({ what }) => what)).toEqual(['/var/log/journal']);
  });
});

it('a journal that is none is blind, also one that was set aside', async () => {
  const noise = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * i * 7 + (i >> 4)) & 255));
  const folder = '/var/log/journal/0123456789abcdef0123456789abcdef';
  const report = await scanRoot([logGaps], { [`${folder}/system.journal`]: noise, [`${folder}/user-1000@1-2.journal~`]: noise });
  expect(new Set(report.blind.map(({ what }) => what))).toEqual(new Set([`${folder}/system.journal`, `${folder}/user-1000@1-2.journal~`]));
});
