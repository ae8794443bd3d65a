import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { install } from '../../src/agent/install.ts';
import { lacks } from '../need.ts';
import { lacksSystemd, startSystemd, type Systemd } from '../systemd.ts';

/** As a user gets it: installed into a root whose first process is the real systemd, with namespaces of its own. */
describe.skipIf(lacksSystemd() || lacks({ files: ['/usr/sbin/nft'] }))('Moat as a service of systemd', () => {
  let systemd: Systemd;
  const at = (path: string): string => join(systemd.root, path);
  const moat = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await systemd.run('/opt/moat/bin/moat', ['--lang', 'en', ...args]);
    if (code !== 0) throw new Error(`moat ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  };
  const rows = async (...args: string[]): Promise<Record<string, unknown>[]> => (await moat(...args, '--json')).trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
  const answers = async (): Promise<void> => {
    for (let i = 0; i < 300; i++) {
      if (existsSync(at('/var/lib/moat/moat.sock')) && (await systemd.run('/opt/moat/bin/moat', ['status'])).code === 0) return;
      await sleep(200);
    }
    throw new Error(`no agent answers: ${(await systemd.run('systemctl', ['status', '--no-pager', 'moat.service'])).stdout}`);
  };

  beforeAll(async () => {
    systemd = await startSystemd({ 'var/lib/dpkg/status': '' });
    mkdirSync(at('/var/lib/dpkg/info'));
    install({ root: systemd.root, lang: 'en', start: false, memoryMb: 300, cpuPercent: 200, say: () => undefined });
    writeFileSync(at('/etc/moat/moat.yml'), 'scan: { enabled: false }\nbaseline: { enabled: false }\nlogs: { journal: "off", usual: false, files: [] }\n', { mode: 0o600 });
    await systemd.systemctl('daemon-reload');
    await systemd.systemctl('enable', '--now', 'moat-hands.socket', 'moat.service');
    await answers();
  });
  afterAll(async () => { await systemd?.close(); });

  it('runs with the kernel sensor, and nothing of it is blind for want of rights', async () => {
    expect(await systemd.systemctl('is-active', 'moat.service')).toBe('active\n');
    let parts: Record<string, { state: string }> = {};
    for (let i = 0; i < 300 && ['ebpf', 'packages'].some((part) => parts[part]?.state !== 'live'); i++) {
      await sleep(200);
      parts = (await rows('status'))[0]!['parts'] as typeof parts;
    }
    expect(Object.entries(parts).filter(([, { state }]) => state === 'blind')).toEqual([]);
    for (const part of ['ebpf', 'process', 'metrics', 'packages', 'store']) expect(parts[part]).toMatchObject({ state: 'live' });
  });

  it('takes a file away and puts it back, by hands that systemd starts for it', async () => {
    expect((await systemd.run('systemctl', ['is-active', 'moat-hands.service'])).stdout).toBe('inactive\n');
    systemd.plant('tmp/xmrig', 'mining\n');
    const [receipt] = await rows('quarantine', '/tmp/xmrig');
    expect(receipt).toMatchObject({ status: 'applied' });
    expect(existsSync(at('/tmp/xmrig'))).toBe(false);
    expect(await systemd.systemctl('is-active', 'moat-hands.service')).toBe('active\n');
    await rows('restore', String(receipt?.['id']));
    expect(existsSync(at('/tmp/xmrig'))).toBe(true);
  });

  it('blocks an address, also after a restart', async () => {
    await rows('block', '203.0.113.9', '--for', '1h');
    await systemd.systemctl('restart', 'moat.service');
    await answers();
    expect(await rows('blocklist')).toMatchObject([{ network: '203.0.113.9', packets: 0 }]);
  });

  it('freezes and kills a process', async () => {
    await systemd.run('sh', ['-c', 'setsid sleep 600 >/dev/null 2>&1 & echo $! >/tmp/pid']);
    const pid = (await systemd.run('cat', ['/tmp/pid'])).stdout.trim();
    expect(await rows('freeze', pid)).toMatchObject([{ status: 'applied' }]);
    expect(await rows('kill', pid, '--yes')).toMatchObject([{ status: 'applied' }]);
  });

  it('goes without a trace', async () => {
    await moat('uninstall', '--yes');
    expect((await systemd.run('systemctl', ['is-active', 'moat.service', 'moat-hands.socket', 'moat-hands.service'])).stdout).toBe('inactive\ninactive\ninactive\n');
    expect(readdirSync(at('/etc/systemd/system')).filter((name) => name.includes('moat'))).toEqual([]);
    expect([at('/opt/moat'), at('/var/lib/moat'), at('/etc/moat'), at('/run/moat/hands.sock')].filter((path) => existsSync(path))).toEqual([]);
  });
});
