/**
 * Network namespaces of a test's own: a host with Moat's firewall, somebody outside, and a container behind the host whose port
 * it publishes. Nothing in them reaches the machine's own network. Ended by `close`, which ends what was started in them by PID.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { runner, type Run } from '../src/linux/run.ts';

export const hostIp = '192.0.2.1', hostIp6 = '2001:db8::1';
export const outsideIp = '192.0.2.9', outsideIp6 = '2001:db8::9';
/** A second address of the one outside. */
export const otherIp = '192.0.2.77';
export const containerIp = '198.51.100.2';
/** Where the host publishes the container's port 80. */
export const publishedPort = 8080;

let made = 0;

export class Net {
  readonly host: string;
  readonly outside: string;
  readonly container: string;
  /** Runs programs on the host. */
  readonly run: Run;
  private readonly started: ChildProcess[] = [];

  constructor() {
    const id = `mt${process.pid.toString(36)}${made++}`;
    [this.host, this.outside, this.container] = [`${id}h`, `${id}o`, `${id}c`];
    this.run = runner(['ip', 'netns', 'exec', this.host]);
    for (const name of [this.host, this.outside, this.container]) ip('netns', 'add', name);
    this.link(this.host, this.outside, 'out', [[`${hostIp}/24`, `${hostIp6}/64`], [`${outsideIp}/24`, `${outsideIp6}/64`, `${otherIp}/24`]]);
    this.link(this.host, this.container, 'ct', [['198.51.100.1/24'], [`${containerIp}/24`]]);
    ip('-n', this.container, 'route', 'add', 'default', 'via', '198.51.100.1');
    ip('-n', this.outside, 'route', 'add', '198.51.100.0/24', 'via', hostIp);
    execFileSync('ip', ['netns', 'exec', this.host, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    // As Docker publishes a port.
    execFileSync('ip', ['netns', 'exec', this.host, 'nft', '-f', '-'], { input: `table ip published { chain pre { type nat hook prerouting priority -100; tcp dport ${publishedPort} dnat to ${containerIp}:80; }; }\n` });
  }

  private link(a: string, b: string, name: string, [left, right]: [string[], string[]]): void {
    ip('link', 'add', name, 'netns', a, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', b);
    for (const [ns, device, addresses] of [[a, name, left], [b, 'eth0', right]] as const) {
      for (const address of addresses) ip('-n', ns, 'addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
      ip('-n', ns, 'link', 'set', device, 'up');
      ip('-n', ns, 'link', 'set', 'lo', 'up');
    }
  }

  /** Listens for TCP, IPv4 and IPv6, until the end. */
  async listen(namespace: string, port: number): Promise<void> {
    await this.start(namespace, '/usr/bin/socat', [`TCP6-LISTEN:${port},ipv6only=0,fork,reuseaddr`, 'PIPE']);
    for (let i = 0; i < 100 && !execFileSync('ip', ['netns', 'exec', namespace, 'cat', '/proc/net/tcp6'], { encoding: 'utf8' }).includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `); i++) await new Promise((resolve) => { setTimeout(resolve, 20); });
  }

  async start(namespace: string, program: string, args: string[]): Promise<ChildProcess> {
    const child = spawn('ip', ['netns', 'exec', namespace, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.started.push(child);
    await once(child, 'spawn');
    return child;
  }

  /** Does a TCP connection come about within a second? `from`: the address it is made from. */
  async reaches(namespace: string, address: string, port: number, from?: string): Promise<boolean> {
    const { code } = await runner(['ip', 'netns', 'exec', namespace])('/bin/nc.openbsd', ['-z', '-w', '1', ...(from === undefined ? [] : ['-s', from]), address, String(port)]);
    return code === 0;
  }

  /** A TCP connection that stays: `says` tells whether what it sends comes back (from `listen`) within the time. */
  async connection(namespace: string, address: string, port: number, { from, fromPort }: { from?: string; fromPort?: number } = {}): Promise<{ says: (text: string, ms?: number) => Promise<boolean> }> {
    const child = spawn('ip', ['netns', 'exec', namespace, '/bin/nc.openbsd', ...(from === undefined ? [] : ['-s', from]), ...(fromPort === undefined ? [] : ['-p', String(fromPort)]), address, String(port)], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.started.push(child);
    await once(child, 'spawn');
    let heard = '';
    child.stdout.on('data', (chunk: Buffer) => { heard += chunk.toString(); });
    return {
      says: async (text, ms = 10_000) => {
        child.stdin.write(`${text}\n`);
        for (const end = Date.now() + ms; !heard.includes(text);) {
          if (Date.now() > end) return false;
          await new Promise((resolve) => { setTimeout(resolve, 20); });
        }
        return true;
      },
    };
  }

  async close(): Promise<void> {
    for (const child of this.started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    for (const name of [this.host, this.outside, this.container]) {
      // What a daemon of the test left behind in its namespace.
      for (const pid of execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n').filter(Boolean)) {
        try { process.kill(Number(pid), 'SIGKILL'); } catch { /* it ended by itself */ }
      }
      ip('netns', 'del', name);
    }
  }
}

function ip(...args: string[]): void { execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] }); }
