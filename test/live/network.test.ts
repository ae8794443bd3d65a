import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerIp, hostIp, Net, otherIp, outsideIp } from '../namespaces.ts';
import { lacks } from '../need.ts';
import { moatBin, onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/ss', '/usr/bin/socat', '/bin/nc.openbsd'] }))('network actions by command', () => {
  let net: Net;
  let moat: RunningMoat;
  const config = (): string => `${onlyLog(join(moat?.folder ?? '/nonexistent', 'auth.log'))}response: { management: { from: [${outsideIp}], ports: [22], probe: ["${outsideIp}:22"] } }\n`;
  const cli = (...args: string[]): Record<string, unknown>[] => execFileSync(process.execPath, [moatBin, '--data', join(moat.folder, 'data'), '--lang', 'en', ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] }).toString().trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
  const reaches = (from: string, port = 80): Promise<boolean> => net.reaches(net.outside, hostIp, port, from);

  beforeAll(async () => {
    net = new Net();
    for (const port of [22, 80]) await net.listen(net.host, port);
    await net.listen(net.outside, 22);
    await net.listen(net.container, 80);
    const folder = mkdtempSync(join(tmpdir(), 'moat-network-'));
    writeFileSync(join(folder, 'auth.log'), '');
    moat = await startMoat(config(), { folder, namespace: net.host });
  });
  afterAll(async () => {
    await moat?.stop();
    await net?.close();
    if (moat) removeFolder(moat.folder);
  });

  it('does nothing where nobody can be asked', async () => {
    expect(() => cli('isolate')).toThrow(/there is no terminal to ask on/);
    expect(cli('actions')).toEqual([]);
    expect(await reaches(otherIp)).toBe(true);
  });

  it('isolates, keeps it over a crash and a reboot once confirmed, and releases', async () => {
    expect(cli('isolate', '--yes', '--confirm-within', '10m', '--why', 'an intruder')).toMatchObject([{ action: 'isolate-host', status: 'applied', why: 'an intruder', risk: 'high' }]);
    expect(await Promise.all([reaches(outsideIp), reaches(otherIp, 22), reaches(outsideIp, 22)])).toEqual([false, false, true]);
    const [confirmed] = cli('isolate', '--confirm');
    expect(confirmed).toMatchObject({ status: 'applied' });
    expect(confirmed).not.toHaveProperty('until');
    await moat.stop('SIGKILL');
    execFileSync('ip', ['netns', 'exec', net.host, 'nft', 'delete', 'table', 'inet', 'moat']);
    expect(await reaches(outsideIp)).toBe(true);
    moat = await startMoat(config(), { folder: moat.folder, namespace: net.host });
    for (let i = 0; i < 100 && (await reaches(outsideIp)); i++) await new Promise((resolve) => { setTimeout(resolve, 100); });
    expect(await Promise.all([reaches(outsideIp), net.reaches(net.host, containerIp, 80), reaches(outsideIp, 22)])).toEqual([false, false, true]);
    expect(cli('release')).toMatchObject([{ action: 'isolate-host', status: 'undone' }]);
    expect(await Promise.all([reaches(outsideIp), reaches(otherIp, 22), net.reaches(net.host, containerIp, 80)])).toEqual([true, true, true]);
    expect(cli('release')).toEqual([]);
  });

  it('limits and closes, and takes back', async () => {
    const [limit] = cli('limit', otherIp, '--rate', '1/h', '--for', '1h', '--yes');
    expect([await reaches(otherIp), await reaches(otherIp), await reaches(outsideIp)]).toEqual([true, false, true]);
    const [closed] = cli('close-port', '80/tcp', '--except', outsideIp, '--yes');
    cli('undo', String(limit?.['id']));
    expect(await Promise.all([reaches(otherIp), reaches(outsideIp)])).toEqual([false, true]);
    cli('undo', String(closed?.['id']));
    expect(await reaches(otherIp)).toBe(true);
    expect(() => cli('close-port', '22', '--yes')).toThrow(/management channel/);
    expect(cli('audit', 'verify')).toMatchObject([{ faults: [] }]);
  });

  it('shows what wanted ports would drop, enforces them, and takes them away again', async () => {
    const rows = (): string[] => cli('firewall', 'check').filter(({ protocol, program }) => protocol === 'tcp' && program === 'socat').map((row) => `${String(row['port'])} ${String(row['for'])} ${String(row['enforced'])}`).sort();
    const restart = async (more: string): Promise<void> => {
      await moat.stop();
      moat = await startMoat(`${config()}${more}`, { folder: moat.folder, namespace: net.host });
    };
    const policy = (enforce: boolean): string => `firewall: { enforce: ${enforce}, ports: [{ port: 443/tcp }], zones: [{ name: web, networks: [${otherIp}] }, { name: inner, networks: [198.51.100.0/24] }], flows: [] }\n`;
    await restart(policy(false));
    expect(rows()).toEqual(['22 channel false', '80 nobody false']);
    expect(await Promise.all([reaches(outsideIp), net.reaches(net.outside, containerIp, 80, otherIp)])).toEqual([true, true]);
    await restart(policy(true));
    for (let i = 0; i < 100 && (await reaches(outsideIp)); i++) await new Promise((resolve) => { setTimeout(resolve, 100); });
    expect(rows()).toEqual(['22 channel true', '80 nobody true']);
    expect(await Promise.all([reaches(outsideIp), reaches(outsideIp, 22), reaches(otherIp, 22)])).toEqual([false, true, false]);
    expect(await Promise.all([net.reaches(net.outside, containerIp, 80, otherIp), net.reaches(net.outside, containerIp, 80, outsideIp)])).toEqual([false, true]);
    await restart('');
    for (let i = 0; i < 100 && !(await reaches(outsideIp)); i++) await new Promise((resolve) => { setTimeout(resolve, 100); });
    expect(await Promise.all([reaches(outsideIp), net.reaches(net.outside, containerIp, 80, otherIp)])).toEqual([true, true]);
    expect(cli('audit').flatMap(({ operation, target }) => (String(operation).includes('firewall') ? [`${String(operation)} ${String(target)}`] : []))).toEqual(['firewall-policy ports', 'firewall-policy zones', 'undo firewall-policy ports', 'undo firewall-policy zones']);
  });
});
