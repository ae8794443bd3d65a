import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { moatBin, onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';

const failure = (address: string, n: number): string => `${new Date().toISOString().slice(0, 19)}+00:00 web1 sshd[${100 + n}]: Failed password for root from ${address} port ${4000 + n} ssh2\n`;

describe.skipIf(lacks({ root: true, files: ['/usr/bin/unshare', '/usr/bin/nsenter'] }))('a disk that fills', () => {
  let folder: string;
  let log: string;
  let moat: RunningMoat;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'moat-full-'));
    log = join(folder, 'auth.log');
    writeFileSync(log, '');
    // The data folder is a small file system that only this Moat sees.
    moat = await startMoat(onlyLog(log), { folder, smallDataMb: 24 });
  });
  afterAll(async () => {
    await moat?.stop();
    removeFolder(folder);
  });

  /** Runs a command where Moat's data folder is what Moat sees. */
  const inside = (...command: string[]): string => execFileSync('nsenter', ['--target', String(moat.child.pid), '--mount', ...command], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  const stored = (sql: string): Record<string, unknown>[] => inside(process.execPath, moatBin, '--data', join(folder, 'data'), 'query', '--json', sql).trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);

  it('does not stop detection, and what was not stored is stored when there is room', async () => {
    for (let n = 0; n < 6; n++) appendFileSync(log, failure('203.0.113.1', n));
    await moat.waitFor((a) => a.source_ip === '203.0.113.1', 'before the disk is full');

    try { inside('dd', 'if=/dev/zero', `of=${join(folder, 'data/filler')}`, 'bs=64k'); } catch { /* dd ends in "no space left", as it should */ }
    // Enough to need new pages in the database.
    for (let n = 0; n < 2000; n++) appendFileSync(log, failure('203.0.113.2', n));
    await moat.waitFor((a) => a.source_ip === '203.0.113.2', 'while the disk is full');
    for (let i = 0; i < 100 && !moat.said().includes('cannot write'); i++) await new Promise((done) => setTimeout(done, 100));
    expect(moat.said()).toContain('cannot write');

    inside('rm', join(folder, 'data/filler'));
    const count = (): unknown => stored("SELECT count(*) AS n FROM events WHERE source_ip = '203.0.113.2'")[0]?.['n'];
    for (let i = 0; i < 60 && count() !== 2000; i++) await new Promise((done) => setTimeout(done, 500));
    expect(count()).toBe(2000);
    expect(stored("SELECT source_ip, count FROM alerts WHERE rule_id = 'ssh_brute_force' ORDER BY source_ip")).toEqual([
      { source_ip: '203.0.113.1', count: 6 },
      { source_ip: '203.0.113.2', count: 2000 },
    ]);
  });
});
