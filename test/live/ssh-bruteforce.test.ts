import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { moatBin, onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';
import { sshdNeeds, startSshd, type TestSshd } from './sshd.ts';

describe.skipIf(lacks(sshdNeeds))('a brute force against a real sshd', () => {
  let sshd: TestSshd;
  let moat: RunningMoat;

  beforeAll(async () => {
    sshd = await startSshd();
    moat = await startMoat(onlyLog(sshd.authLog));
  });
  afterAll(async () => {
    await moat?.stop();
    await sshd?.stop();
    if (moat) removeFolder(moat.folder);
  });

  const stored = () => execFileSync(process.execPath, [moatBin, '--data', join(moat.folder, 'data'), 'alerts', '--json']).toString().trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as { rule_id: string; source_ip?: string; count: number; level: string });

  it('raises one alert for the address, with the number of attempts', async () => {
    const attempts = 12;
    const outcomes = await Promise.all(Array.from({ length: attempts }, (_, i) => sshd.login(i % 3 === 0 ? 'root' : i % 3 === 1 ? sshd.user : `guest${i}`, `wrong ${i}`)));
    expect(outcomes).not.toContain(true);
    const alert = await moat.waitFor((a) => a.rule_id === 'ssh_brute_force', 'of the brute force');
    expect(alert.source_ip).toBe('127.0.0.1');
    // Every attempt is in the stored alert once the last line has been read.
    for (let i = 0; i < 50 && stored().find((a) => a.rule_id === 'ssh_brute_force')?.count !== attempts; i++) await new Promise((done) => setTimeout(done, 100));
    const forAddress = stored().filter((a) => a.source_ip === '127.0.0.1');
    expect(forAddress.map((a) => [a.rule_id, a.count])).toEqual([['ssh_brute_force', attempts]]);
  });

  it('raises the next one when a log-in succeeds after it', async () => {
    expect(await sshd.login(sshd.user, sshd.password), readFileSync(sshd.authLog, 'utf8').slice(-2000)).toBe(true);
    const alert = await moat.waitFor((a) => a.rule_id === 'login_after_brute_force', 'of the success after failures');
    expect(alert).toMatchObject({ source_ip: '127.0.0.1', user: sshd.user, level: 'critical' });
  });

  it('counts nothing twice and loses nothing when it is killed and started again', async () => {
    const before = stored();
    await moat.stop('SIGKILL');
    const more = 4;
    await Promise.all(Array.from({ length: more }, (_, i) => sshd.login('root', `again ${i}`)));
    const folder = moat.folder;
    moat = await startMoat(onlyLog(sshd.authLog), { folder });
    const expected = before.find((a) => a.rule_id === 'ssh_brute_force')!.count + more;
    for (let i = 0; i < 100 && stored().find((a) => a.rule_id === 'ssh_brute_force')?.count !== expected; i++) await new Promise((done) => setTimeout(done, 100));
    expect(stored().filter((a) => a.rule_id === 'ssh_brute_force').map((a) => a.count)).toEqual([expected]);
    expect(stored().filter((a) => a.rule_id === 'login_after_brute_force').map((a) => a.count)).toEqual([1]);
  });
});
