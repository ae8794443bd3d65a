/**
 * The way in of somebody from afar: a network namespace with an address of its own, a real sshd on this side, and
 * commands over real ssh from there. Needs root, iproute2 and OpenSSH; `entranceNeeds` says so.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../port.ts';

export const entranceNeeds = { root: true, files: ['/usr/sbin/ip', '/usr/sbin/sshd', '/usr/bin/ssh'] };

export interface Entrance {
  /** Of those who come in. */
  address: string;
  /** Of this machine, as they see it. */
  server: string;
  namespace: string;
  /** A private key that every sshd of this test lets in. */
  key: string;
  /** One ssh connection as root that runs a script of sh; resolves with what it printed and its end. */
  run(script: string): Promise<{ out: string; code: number | null }>;
  /** Further hosts: addresses of the namespace behind which an sshd listens on port 22. */
  hosts(addresses: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** `network`: the first three numbers of a documentation network; tests that run at one time need different ones. */
export async function openEntrance(network: string): Promise<Entrance> {
  const folder = mkdtempSync(join(tmpdir(), 'entrance-'));
  const at = (name: string): string => join(folder, name);
  const namespace = `moat-in-${process.pid}`;
  const [here, there] = [`mi${process.pid}a`, `mi${process.pid}b`];
  const address = `${network}.254`, server = `${network}.253`;
  const ip = (...args: string[]): Buffer => execFileSync('ip', args, { stdio: 'pipe' });
  const daemons: ChildProcess[] = [];
  const quiet = ['-F', '/dev/null', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'];
  const sshd = (port: string, pidFile: string): string[] => ['/usr/sbin/sshd', '-D', '-f', '/dev/null', '-p', port, '-h', at('host'), '-o', `PidFile=${at(pidFile)}`, '-o', `AuthorizedKeysFile=${at('authorized')}`, '-o', 'StrictModes=no', '-o', 'UsePAM=no', '-o', 'PermitRootLogin=yes', '-o', 'UseDNS=no'];
  const begin = (command: readonly string[]): void => { daemons.push(spawn(command[0]!, command.slice(1), { stdio: 'ignore' })); };

  for (const name of ['host', 'client']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  copyFileSync(at('client.pub'), at('authorized'));
  chmodSync(folder, 0o755);
  mkdirSync('/run/sshd', { recursive: true });
  ip('netns', 'add', namespace);
  const close = async (): Promise<void> => {
    for (const child of daemons) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => { child.once('exit', resolve); });
      child.kill('SIGTERM');
      await gone;
    }
    ip('netns', 'del', namespace);
    rmSync(folder, { recursive: true });
  };
  try {
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', namespace);
    ip('addr', 'add', `${server}/24`, 'dev', here);
    ip('link', 'set', here, 'up');
    ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', there);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'link', 'set', there, 'up');
    const port = String(await freePort());
    begin([...sshd(port, 'pid'), '-o', `ListenAddress=${server}`]);
    const run = (script: string): Promise<{ out: string; code: number | null }> => new Promise((resolve) => {
      const client = spawn('ip', ['netns', 'exec', namespace, 'ssh', ...quiet, '-p', port, '-i', at('client'), `root@${server}`, script], { stdio: ['ignore', 'pipe', 'ignore'] });
      let out = '';
      client.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
      client.once('close', (code) => { resolve({ out, code }); });
    });
    for (let i = 0; (await run('true')).code !== 0; i++, await sleep(100)) if (i > 100) throw new Error('nobody can log on to the sshd of the test');
    return {
      address, server, namespace, key: at('client'), run, close,
      async hosts(addresses) {
        for (const one of addresses) ip('-n', namespace, 'addr', 'add', `${one}/24`, 'dev', there);
        begin(['ip', 'netns', 'exec', namespace, ...sshd('22', 'pid-hosts')]);
        const last = addresses.at(-1)!;
        for (let i = 0; i < 100; i++, await sleep(50)) {
          try { execFileSync('/usr/bin/bash', ['-c', `: < /dev/tcp/${last}/22`], { stdio: 'ignore' }); return; } catch { /* not yet */ }
        }
        throw new Error(`no sshd listens at ${last}`);
      },
    };
  } catch (error) { await close(); throw error; }
}
