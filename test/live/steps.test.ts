/** Single actions and `moat fix` as an operator types them, on files of the test's own. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { moatBin, onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';

describe.skipIf(lacks({ root: true }))('moat change-mode, deny-file, cloud-step, confirm, fix', () => {
  let moat: RunningMoat, here: string;
  const cli = (...more: string[]): { status: number | null; rows: Record<string, unknown>[]; err: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [moatBin, '--data', join(moat.folder, 'data'), '--lang', 'en', ...more], { encoding: 'utf8' });
    return { status, rows: stdout.trim().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>), err: stderr };
  };

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'moat-steps-'));
    here = mkdtempSync(join(tmpdir(), 'moat-here-'));
    const log = join(folder, 'auth.log');
    writeFileSync(log, '');
    moat = await startMoat(onlyLog(log), { folder });
  }, 60_000);
  afterAll(async () => {
    await moat?.stop();
    if (moat) removeFolder(moat.folder);
    rmSync(here, { recursive: true, force: true });
  });

  it('shows, asks, does, and takes back', () => {
    const path = join(here, 'x'), mode = (): number => statSync(path).mode & 0o7777;
    writeFileSync(path, 'x');
    chmodSync(path, 0o666);
    expect(cli('change-mode', path, '0600', '--dry-run', '--json').rows).toMatchObject([{ action: 'change-mode', target: path, risk: 'low' }]);
    // Nobody to ask.
    expect([cli('change-mode', path, '0600').status, mode()]).toEqual([1, 0o666]);
    const { rows: [receipt] } = cli('change-mode', path, '0600', '--yes', '--json');
    expect([receipt?.['status'], mode()]).toEqual(['applied', 0o600]);
    // Nothing of it ends by itself.
    expect(cli('confirm', String(receipt?.['id']), '--json')).toMatchObject({ status: 1, rows: [{ done: false, why: expect.stringContaining('waits to be confirmed') as string }] });
    expect([cli('undo', String(receipt?.['id']), '--json').rows[0]?.['status'], mode()]).toEqual(['undone', 0o666]);
  });

  it('refuses with a reason', () => {
    expect(cli('cloud-step', 'aliyun', 'snapshot-disk', 'd-1', '--yes', '--json')).toMatchObject({ status: 1, rows: [{ done: false, why: expect.stringContaining('no connector') as string }] });
    expect(cli('deny-file', 'ab'.repeat(32), '--yes', '--json')).toMatchObject({ status: 1, rows: [{ done: false, why: expect.stringContaining('denying is off') as string }] });
    expect(cli('restore-file', join(here, 'x'), '--yes', '--json')).toMatchObject({ status: 1, rows: [{ done: false, why: expect.stringContaining('no package has') as string }] });
    expect(cli('set', 'sshd', 'Include', '/tmp/x', '--yes', '--json')).toMatchObject({ status: 1, rows: [{ done: false }] });
    expect(cli('fix', '0123456789abcdef')).toMatchObject({ status: 2, err: expect.stringContaining('moat scan') as string });
  });
});
