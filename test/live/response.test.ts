import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostIp, Net, otherIp, outsideIp, publishedPort } from '../namespaces.ts';
import { lacks } from '../need.ts';
import { moatBin, onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/socat', '/bin/nc.openbsd'] }))('moat up in guard mode', () => {
  let net: Net;
  let moat: RunningMoat;
  let log: string;
  const config = (): string => `${onlyLog(log)}response: { mode: guard }\n`;
  const cli = (...args: string[]): Record<string, unknown>[] => execFileSync(process.execPath, [moatBin, '--data', join(moat.folder, 'data'), '--lang', 'en', ...args, '--json']).toString().trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
  const guess = (address: string, n: number): void => {
    const time = new Date().toString().slice(4, 24).replace(/ \d{4} /, ' ').replace(/^(\w{3}) 0/, '$1  ');
    appendFileSync(log, Array.from({ length: n }, (_, i) => `${time} web1 sshd[${4000 + i}]: Failed password for root from ${address} port ${40_000 + i} ssh2\n`).join(''));
  };
  const reaches = (from: string): Promise<boolean> => net.reaches(net.outside, hostIp, 80, from);
  const until = async (what: () => Promise<boolean>): Promise<boolean> => {
    for (let i = 0; i < 100; i++) {
      if (await what()) return true;
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
    return false;
  };

  beforeAll(async () => {
    net = new Net();
    await net.listen(net.host, 80);
    await net.listen(net.container, 80);
    const folder = mkdtempSync(join(tmpdir(), 'moat-guard-'));
    log = join(folder, 'auth.log');
    writeFileSync(log, '');
    moat = await startMoat(config(), { folder, namespace: net.host });
  });
  afterAll(async () => {
    await moat?.stop();
    await net?.close();
    if (moat) removeFolder(moat.folder);
  });

  it('cuts off who guesses passwords, also from published containers, and nobody else', async () => {
    expect(await reaches(outsideIp)).toBe(true);
    guess(outsideIp, 12);
    await moat.waitFor(({ rule_id }) => rule_id === 'ssh_brute_force', 'of the brute force');
    expect(await until(async () => !(await reaches(outsideIp)))).toBe(true);
    expect(await net.reaches(net.outside, hostIp, publishedPort, outsideIp)).toBe(false);
    expect(await reaches(otherIp)).toBe(true);
    const [block, ...rest] = cli('blocklist');
    expect(rest).toEqual([]);
    expect(block).toMatchObject({ network: outsideIp, by: 'link:ban-guessing', times: 1, why: expect.stringContaining(outsideIp) as string });
    expect(block?.['packets']).toBeGreaterThan(0);
    // Ten minutes the first time.
    expect(Math.round((Date.parse(String(block?.['until'])) - Date.parse(String(block?.['since']))) / 60_000)).toBe(10);
  });

  it('goes on blocking after a crash and a reboot, for the time that is left', async () => {
    const [before] = cli('blocklist');
    await moat.stop('SIGKILL');
    expect(await reaches(outsideIp)).toBe(false);
    execFileSync('ip', ['netns', 'exec', net.host, 'nft', 'delete', 'table', 'inet', 'moat']);
    expect(await reaches(outsideIp)).toBe(true);
    moat = await startMoat(config(), { folder: moat.folder, namespace: net.host });
    expect(await until(async () => !(await reaches(outsideIp)))).toBe(true);
    expect(cli('blocklist')[0]).toMatchObject({ until: before?.['until'], times: 1 });
  });

  it('lets it through at a word, says why it was blocked, and does not block it again for the same alert', async () => {
    const [undone] = cli('unblock', outsideIp, '--why', 'it was me');
    expect(undone).toMatchObject({ action: 'block-address', status: 'undone', by: 'link:ban-guessing' });
    expect(await reaches(outsideIp)).toBe(true);
    guess(outsideIp, 3);
    guess(otherIp, 12);
    expect(await until(async () => !(await reaches(otherIp)))).toBe(true);
    expect(await reaches(outsideIp)).toBe(true);
    const entries = cli('audit').map(({ operation, target }) => `${String(operation)} ${String(target)}`);
    // The brute force became an incident, which is another matter.
    expect(entries.filter((entry) => !entry.startsWith('incident-'))).toEqual([`block-address ${outsideIp}`, `undo block-address ${outsideIp}`, `block-address ${otherIp}`]);
    expect(cli('audit', 'verify')).toMatchObject([{ entries: entries.length, faults: [] }]);
  });

  it('does nothing by itself while it is paused, and a person still can', async () => {
    execFileSync(process.execPath, [moatBin, '--data', join(moat.folder, 'data'), 'pause', '--for', '1h', '--why', 'a drill']);
    cli('unblock', otherIp);
    guess('203.0.113.50', 12);
    await moat.waitFor(({ source_ip }) => source_ip === '203.0.113.50', 'of the third address');
    cli('block', '203.0.113.51', '--for', '1h');
    expect(cli('blocklist').map(({ network }) => network)).toEqual(['203.0.113.51']);
    execFileSync(process.execPath, [moatBin, '--data', join(moat.folder, 'data'), 'resume']);
    guess('203.0.113.52', 12);
    expect(await until(() => Promise.resolve(cli('blocklist').some(({ network }) => network === '203.0.113.52')))).toBe(true);
    const [status] = cli('status');
    expect(status?.['response']).toMatchObject({ mode: 'guard', blocked: 2, stuck: 0 });
  });
});
