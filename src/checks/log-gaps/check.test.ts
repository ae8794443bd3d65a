import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout } from '../../../test/throwaway-root.ts';
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

  it('bears hostile text', async () => {
    expect(await told({ 'auth.log': `${'9'.repeat(100_000)}\n${'Jan '.repeat(100_000)}\n${'\n'.repeat(100_000)}` })).toEqual([]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([logGaps], makeRoot({ '/var/log/auth.log': 'x\n' }), '/var/log/auth.log');
    expect(report.blind.map(({ what }) => what)).toEqual(['/var/log/auth.log']);
  });
});
