import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { moatBin, onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';

const failure = (address: string, n: number): string => `${new Date().toISOString().slice(0, 19)}+00:00 web1 sshd[${100 + n}]: Failed password for root from ${address} port ${4000 + n} ssh2\n`;

let folder: string;
let log: string;
let moat: RunningMoat;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'moat-reload-'));
  log = join(folder, 'auth.log');
  writeFileSync(log, '');
  moat = await startMoat(onlyLog(log), { folder });
});
afterAll(async () => {
  await moat.stop();
  removeFolder(folder);
});

const said = async (words: string): Promise<void> => {
  for (let i = 0; i < 200 && !moat.said().includes(words); i++) await new Promise((done) => setTimeout(done, 50));
  expect(moat.said()).toContain(words);
};
const cli = (...args: string[]): string => execFileSync(process.execPath, [moatBin, '--data', join(folder, 'data'), ...args]).toString();

it('takes a changed configuration without a restart, and keeps the old one when the new one has a fault', async () => {
  for (let n = 0; n < 6; n++) appendFileSync(log, failure('203.0.113.1', n));
  const first = await moat.waitFor((a) => a.source_ip === '203.0.113.1', 'before the change');

  writeFileSync(join(folder, 'moat.yml'), `${onlyLog(log)}exceptions:\n  - rule: ssh_brute_force\n    when: { source_ip: 203.0.113.2 }\n`);
  await said('moat.yml:10: exceptions.0.why');
  writeFileSync(join(folder, 'moat.yml'), `${onlyLog(log)}exceptions:\n  - rule: ssh_brute_force\n    when: { source_ip: 203.0.113.2 }\n    why: our own scanner\n`);
  await said('configuration read again');

  for (let n = 0; n < 6; n++) appendFileSync(log, failure('203.0.113.2', n));
  for (let n = 0; n < 6; n++) appendFileSync(log, failure('203.0.113.3', n));
  await moat.waitFor((a) => a.source_ip === '203.0.113.3', 'after the change');
  expect(moat.alerts.filter((a) => a.source_ip === '203.0.113.2' && a.rule_id === 'ssh_brute_force')).toEqual([]);
  const status = JSON.parse(cli('status', '--json')) as { counters: Record<string, number> };
  expect(status.counters['exceptions: our own scanner']).toBeGreaterThan(0);

  // A closed alert stays closed; the same address begins a new one.
  expect(cli('alerts', 'close', first.id)).toContain('closed');
  for (let n = 6; n < 12; n++) appendFileSync(log, failure('203.0.113.1', n));
  const second = await moat.waitFor((a) => a.source_ip === '203.0.113.1' && a.rule_id === 'ssh_brute_force' && a.id !== first.id, 'after the first was closed');
  expect(second.count).toBeGreaterThan(0);
});
