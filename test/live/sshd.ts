/** A real sshd with a real syslog daemon in a namespace of their own, and a real ssh client. Needs root. */
import { execFileSync, spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../port.ts';

export const sshdNeeds = { root: true, files: ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/sshpass', '/usr/sbin/rsyslogd', '/usr/bin/unshare'] };

export interface TestSshd {
  port: number;
  /** Where rsyslog writes what sshd says. */
  authLog: string;
  user: string;
  password: string;
  /** One log-on attempt; resolves to whether it succeeded. */
  login(user: string, password: string): Promise<boolean>;
  /** A command over ssh as the test's user; `said` grows with what it prints. */
  run(command: string): { said(): string; ended: Promise<void> };
  stop(): Promise<void>;
}

/** `hostPids`: its processes have the machine's process ids, as on a real server, not those of a namespace. */
export async function startSshd(options: { hostPids?: boolean } = {}): Promise<TestSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-sshd-'));
  const at = (name: string) => join(folder, name);
  const port = await freePort();
  const user = 'harbour';
  const password = 'correct horse 47';
  const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: password }).toString().trim();
  writeFileSync(at('passwd'), `${readFileSync('/etc/passwd', 'utf8')}${user}:x:4747:4747::/tmp:/bin/sh\n`, { mode: 0o644 });
  writeFileSync(at('group'), `${readFileSync('/etc/group', 'utf8')}${user}:x:4747:\n`, { mode: 0o644 });
  writeFileSync(at('shadow'), `root:*:19000::::::\nsshd:!:19000::::::\n${user}:${hash}:19000:0:99999:7:::\n`, { mode: 0o600 });
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('hostkey')]);
  writeFileSync(at('sshd_config'), [
    `Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${at('hostkey')}`, `PidFile ${at('sshd.pid')}`,
    'PasswordAuthentication yes', 'KbdInteractiveAuthentication no', 'UsePAM yes', 'PermitRootLogin yes', 'MaxStartups 100', 'LoginGraceTime 30', 'UseDNS no',
  ].join('\n'));
  writeFileSync(at('rsyslog.conf'), `module(load="imuxsock" SysSock.RateLimit.Interval="0")\n*.* action(type="omfile" file="${at('auth.log')}" asyncWriting="off" flushOnTXEnd="on")\n`);
  const script = fileURLToPath(new URL('sshd-namespace.sh', import.meta.url));
  const child = spawn('unshare', ['--mount', ...(options.hostPids ? [] : ['--pid', '--mount-proc']), '--fork', '--kill-child', 'sh', script, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  for (let i = 0; i < 100 && !(existsSync(at('auth.log')) && readFileSync(at('auth.log'), 'utf8').includes('Server listening')); i++) {
    if (child.exitCode !== null) throw new Error(`sshd did not start: ${said}`);
    await sleep(100);
  }
  return {
    port, user, password, authLog: at('auth.log'),
    login: (name, word) => ssh(port, name, word),
    run(command) {
      const client = sshClient(port, user, password, command, ['ignore', 'pipe', 'ignore']);
      let said = '';
      client.stdout?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
      return { said: () => said, ended: new Promise((resolve) => { client.once('exit', () => resolve()); }) };
    },
    async stop() {
      await ended(child);
      if (options.hostPids) endByFile(at('rsyslog.pid'), 'rsyslogd');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function ssh(port: number, user: string, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    sshClient(port, user, password, 'true', 'ignore').on('exit', (code) => resolve(code === 0));
  });
}

function sshClient(port: number, user: string, password: string, command: string, stdio: StdioOptions): ChildProcess {
  return spawn('sshpass', ['-e', 'ssh', '-p', String(port), '-F', '/dev/null', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'PreferredAuthentications=password', '-o', 'NumberOfPasswordPrompts=1', '-o', 'LogLevel=ERROR', `${user}@127.0.0.1`, command], { env: { ...process.env, SSHPASS: password }, stdio });
}

/** Without a pid namespace nothing ends the daemons that the script has left behind. */
function endByFile(file: string, name: string): void {
  const pid = Number(readFileSync(file, 'utf8'));
  if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name) process.kill(pid, 'SIGTERM');
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) { resolve(); return; }
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
