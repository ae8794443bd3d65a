/** The SSH daemon of this machine: asked what it would make of a configuration, told to read it anew, and tried. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { basename } from 'node:path';
import { MoatError } from '../core/error.ts';
import type { Run } from './run.ts';

/** `argv`: as it was started; `unit`: the service it runs under. */
export interface SshdDaemon { pid: number; argv: readonly string[]; unit?: string }

export interface Sshd {
  /** What sshd has against a configuration; undefined when it takes it. Throws MoatError 'no-program'. */
  complaint(config: string): Promise<string | undefined>;
  /** What would hold for somebody, or (without) for all: keyword in lower case → values. Throws MoatError 'bad-config'. */
  effective(config: string, who?: { user: string; address: string }): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The one whose number stands in this file and that listens. */
  daemon(pidFile: string): SshdDaemon | undefined;
  /** Has it read its configuration anew; resolves when it has begun again. Throws MoatError 'not-reloaded'. */
  reload(daemon: SshdDaemon, pidFile: string, timeoutMs: number): Promise<void>;
  /** One that ended is started as it was. */
  start(daemon: SshdDaemon): Promise<void>;
  /** Does a connection to it come about, and does it say that it is SSH? */
  answers(address: string, port: number, timeoutMs: number): Promise<boolean>;
}

const program = '/usr/sbin/sshd';
const stepMs = 50;
const bannerMax = 8192;

export function machineSshd(run: Run): Sshd {
  return {
    async complaint(config) {
      const { code, stderr, stdout } = await run(program, ['-t', '-f', config]);
      return code === 0 ? undefined : (stderr || stdout).trim().slice(0, 1000) || `exit code ${code}`;
    },

    async effective(config, who) {
      const { code, stderr, stdout } = await run(program, ['-T', '-f', config, ...(who ? ['-C', `user=${who.user},host=localhost,addr=${who.address},laddr=127.0.0.1,lport=22`] : [])]);
      if (code !== 0) throw new MoatError('bad-config', `sshd does not take the configuration: ${stderr.trim().slice(0, 500)}`);
      const out = new Map<string, string[]>();
      for (const line of stdout.split('\n')) {
        const cut = line.indexOf(' ');
        if (cut < 0) continue;
        const key = line.slice(0, cut);
        const values = out.get(key);
        if (values) values.push(line.slice(cut + 1)); else out.set(key, [line.slice(cut + 1)]);
      }
      return out;
    },

    daemon(pidFile) {
      const pid = numberIn(pidFile);
      if (pid === undefined) return undefined;
      try {
        if (basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '')) !== 'sshd') return undefined;
        // As it calls itself: "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups".
        const said = /^(?:sshd: )?(\/\S.*?) \[listener\]/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
        const unit = /\/([\w@:.\\-]{1,200}\.service)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
        return said ? { pid, argv: said[1]!.split(' '), ...(unit !== undefined && { unit }) } : undefined;
      } catch { return undefined; /* it ended */ }
    },

    async reload({ pid }, pidFile, timeoutMs) {
      const before = stamp(pidFile);
      process.kill(pid, 'SIGHUP');
      // It removes the file, begins anew under its old number, and writes the file again once it listens.
      for (const end = Date.now() + timeoutMs; Date.now() < end && existsSync(`/proc/${pid}`); await sleep(stepMs)) if (stamp(pidFile) !== before && this.daemon(pidFile)?.pid === pid) return;
      throw new MoatError('not-reloaded', `sshd (${pid}) did not begin anew`);
    },

    async start({ argv, unit }) {
      if (unit !== undefined) {
        const { code, stderr } = await run('systemctl', ['restart', unit], { timeoutMs: 30_000 });
        if (code !== 0) throw new MoatError('not-reloaded', `${unit} could not be started: ${stderr.trim().slice(0, 300)}`);
        return;
      }
      const [first = '', ...rest] = argv;
      if (basename(first) !== 'sshd' || !first.startsWith('/')) throw new MoatError('not-reloaded', `expected the program sshd, got ${first.slice(0, 100)}`);
      // Whether it came up is seen by whoever connects.
      spawn(first, rest, { detached: true, stdio: 'ignore', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }).on('error', () => undefined).unref();
    },

    answers: banner,
  };
}

function banner(address: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    let said = '';
    const end = (isSsh: boolean): void => { socket.destroy(); resolve(isSsh); };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (/^SSH-\d/m.test(said)) end(true); else if (said.length > bannerMax) end(false);
    });
  });
}

function numberIn(path: string): number | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return /^[1-9]\d{0,6}$/.test(text) ? Number(text) : undefined;
  } catch { return undefined; /* none runs, or it writes no such file */ }
}

function stamp(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.mtimeNs} ${found.ctimeNs}`;
}
