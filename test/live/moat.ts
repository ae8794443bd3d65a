/** Runs `moat up` as a user would and reads its alerts from the JSON it prints. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { unitText } from '../../src/agent/install.ts';

export interface AlertLine { id: string; rule_id: string; level: string; summary: string; source_ip?: string; user?: string; count: number; time: string; last_time: string; seenAt: number }

export const moatBin = fileURLToPath(new URL('../../bin/moat', import.meta.url));

/** What it runs once it has looked whether that is fresh, for whoever asks again and again: the look costs a fifth of a short command. */
export const moatBundle = fileURLToPath(new URL('../../dist/moat.js', import.meta.url));

export interface HostOfMoat { enter: readonly string[]; data: { here: string; inside: string }; node: string; moat: string }

export interface RunningMoat {
  folder: string;
  alerts: AlertLine[];
  /** When it said that it is ready, Unix ms; 0 when it had not in time. */
  readyAt: number;
  /** All it said on standard error. */
  said(): string;
  /** Waits until an alert fits; throws with what was seen when none does in time. */
  waitFor(fits: (alert: AlertLine) => boolean, what: string, ms?: number): Promise<AlertLine>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  child: ChildProcess;
}

/** `namespace`: the network namespace it runs in. `smallDataMb`: the data folder is a file system of that size in a mount namespace of its own (needs root). `node`: arguments for node itself; `env`: more of the environment. `asText`: alerts as people see them; `alerts` stays empty. `asService`: with the rights that its unit leaves it, and this socket of the hands (needs root). `on`: on a host of its own; its folder is `here` for the test and `inside` for Moat. */
export async function startMoat(config: string, options: { folder?: string; smallDataMb?: number; namespace?: string; node?: readonly string[]; env?: Readonly<Record<string, string>>; asText?: boolean; asService?: string; on?: HostOfMoat } = {}): Promise<RunningMoat> {
  const folder = options.folder ?? options.on?.data.here ?? mkdtempSync(join(tmpdir(), 'moat-up-'));
  // The machine that runs the tests is nobody's to judge: whoever tests scans names their root. Nor are its ports to be taken.
  const unless = (key: string): string => (new RegExp(`^${key}:`, 'm').test(config) ? '' : `${key}: { enabled: false }\n`);
  writeFileSync(join(folder, 'moat.yml'), `${config.trimEnd()}\n${unless('scan')}${unless('server')}`);
  const seen = options.on?.data.inside ?? folder;
  const data = join(seen, 'data');
  const command = [options.on?.node ?? process.execPath, ...options.node ?? [], options.on?.moat ?? moatBin, '--config', join(seen, 'moat.yml'), '--data', data, '--lang', 'en', 'up', ...(options.asText === true ? [] : ['--json'])];
  if (options.smallDataMb !== undefined) {
    mkdirSync(data, { recursive: true });
    // The shell's words are fixed; folder and size are its arguments.
    command.unshift('unshare', '--mount', '--propagation', 'private', 'sh', '-c', 'mount -t tmpfs -o "size=$1m,mode=0700" tmpfs "$2" && shift 2 && exec "$@"', 'sh', String(options.smallDataMb), data);
  }
  if (options.asService !== undefined) {
    mkdirSync(data, { recursive: true });
    const rights = /^CapabilityBoundingSet=(.*)$/m.exec(unitText({ memoryMb: 300, cpuPercent: 50 }))![1]!.split(' ').map((name) => `+${name.slice('CAP_'.length).toLowerCase()}`);
    const readOnly = 'mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift && exec "$@"';
    command.unshift('unshare', '--mount', '--propagation', 'private', 'sh', '-c', readOnly, 'sh', data, 'setpriv', '--no-new-privs', '--inh-caps=-all', `--bounding-set=-all,${rights.join(',')}`);
  }
  if (options.on) command.unshift(...options.on.enter);
  if (options.namespace !== undefined) command.unshift('ip', 'netns', 'exec', options.namespace);
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env, ...(options.asService !== undefined && { MOAT_HANDS: options.asService }) } });
  const alerts: AlertLine[] = [];
  let said = '';
  let readyAt = 0;
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
    if (readyAt === 0 && said.includes('Alerts appear below')) readyAt = Date.now();
  };
  child.stderr.on('data', hear);
  // Alerts as text come without end, and nobody asks for them again.
  if (options.asText === true) child.stdout.on('data', (chunk: Buffer) => { if (readyAt === 0) hear(chunk); });
  else createInterface({ input: child.stdout }).on('line', (line) => alerts.push({ ...(JSON.parse(line) as AlertLine), seenAt: Date.now() }));
  for (let i = 0; !said.includes('Alerts appear below'); i++) {
    if (i > 1200) throw new Error(`moat up is not ready: ${said}`);
    if (child.exitCode !== null) throw new Error(`moat ended with ${child.exitCode}: ${said}`);
    await sleep(50);
  }
  return {
    folder, alerts, child, readyAt,
    said: () => said,
    async waitFor(fits, what, ms = 20_000) {
      for (const until = Date.now() + ms; Date.now() < until; await sleep(20)) {
        const found = alerts.find(fits);
        if (found) return found;
      }
      throw new Error(`no alert ${what}; got ${JSON.stringify(alerts.map(({ rule_id, level, count, summary }) => `${level} ${rule_id} ×${count} ${summary.slice(0, 300)}`))}; ${said}`);
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
      child.kill(signal);
      return gone;
    },
  };
}

/** Only the log at `path`: nothing of the machine that runs the tests. */
export const onlyLog = (path: string): string => `logs:\n  journal: "off"\n  usual: false\n  files: [${JSON.stringify(path)}]\nprocesses: { enabled: false }\nfiles: { enabled: false }\nmetrics: { enabled: false }\nhealth_checks: { urls: [] }\n`;

export function removeFolder(folder: string): void { rmSync(folder, { recursive: true, force: true }); }
