/** `moat intel` as a user runs it, and lists at work in a running Moat. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/moat', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'moat-intel-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const config = join(folder, 'moat.yml');
const moat = (...args: string[]): { status: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, '--config', config, '--data', join(folder, 'data'), '--lang', 'en', ...args], { encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '' } });
  return { status, out: stdout, err: stderr };
};

writeFileSync(join(folder, 'c2.txt'), '203.0.113.0/28\nbad.example\n10.0.0.0/8\n');

it('answers what stands on a list without a running Moat', () => {
  writeFileSync(config, `intelligence:\n  lists:\n    - { name: c2, file: ${join(folder, 'c2.txt')}, what: c2 }\n`);
  expect(moat('intel', 'check', '203.0.113.9')).toEqual({ status: 1, out: 'high  203.0.113.9  is on list c2: 203.0.113.0/28 (c2)\n', err: '' });
  expect(moat('intel', 'check', 'https://user@www.bad.example:8443/x?y', 'pool.minexmr.com').out).toBe('high  https://user@www.bad.example:8443/x?y  is on list c2: bad.example (c2)\nhigh  pool.minexmr.com  is on list pools: minexmr.com (miner)\n');
  expect(moat('intel', 'check', '198.51.100.1', '--json')).toMatchObject({ status: 0, out: '{"asked":"198.51.100.1","listed":false}\n' });
  writeFileSync(config, 'intelligence:\n  lists:\n    - { name: gone, file: /nowhere/list.txt }\n');
  const blind = moat('intel', 'check', '198.51.100.1');
  expect(blind.status).toBe(2);
  expect(blind.err).toContain('gone: ENOENT');
  writeFileSync(config, 'intelligence:\n  lists:\n    - { name: both, file: a, url: "http://a.example" }\n');
  expect(moat('intel', 'check', 'x')).toMatchObject({ status: 2, err: expect.stringContaining('moat.yml:3: intelligence.lists.0: expected either file or url') as string });
});

it('shows the lists of a running Moat, and takes a new list up without a restart', async () => {
  expect(moat('intel', 'list').status).toBe(2);
  const head = 'logs: { journal: "off", usual: false }\nprocesses: { enabled: false }\nmetrics: { enabled: false }\nhealth_checks: { urls: [] }\nserver: { enabled: false }\n';
  writeFileSync(config, `${head}intelligence:\n  lists:\n    - { name: c2, file: ${join(folder, 'c2.txt')}, what: c2 }\n`);
  const running = spawn(process.execPath, [bin, '--config', config, '--data', join(folder, 'data'), '--lang', 'en', 'up', '--json'], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let said = '';
    running.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    const lists = async (ready: (rows: Record<string, unknown>[]) => boolean): Promise<Record<string, unknown>[]> => {
      for (;;) {
        const { status, out } = moat('intel', 'list', '--json');
        const rows = status === 0 ? out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>) : [];
        if (ready(rows)) return rows;
        if (running.exitCode !== null) throw new Error(`moat ended: ${said}`);
        await sleep(100);
      }
    };
    const rows = await lists((found) => found.length === 2 && found.every((row) => row['state'] === 'live'));
    expect(rows[0]).toMatchObject({ name: 'c2', level: 'high', entries: { address: 1, domain: 1, hash: 0, wallet: 0 }, refused: { 'private or local network': 1 } });
    expect(moat('intel').out).toMatch(/c2 .* c2 .* high .*\n(?:.*\n)*.* pools /);
    writeFileSync(config, `${head}intelligence:\n  builtin: false\n  lists:\n    - { name: c2, file: ${join(folder, 'c2.txt')}, what: c2, level: low }\n`);
    expect((await lists((found) => found.length === 1 && found[0]?.['level'] === 'low' && found[0]['state'] === 'live'))[0]).toMatchObject({ what: 'c2' });
  } finally {
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGTERM');
    await gone;
  }
});
