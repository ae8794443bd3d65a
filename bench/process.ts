/** What a process costs, and quantiles. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How the installed service runs node (unitText of src/agent/install.ts), so that memory is what a server gives up for it. */
export const serviceNode = { node: ['--max-semi-space-size=16', '--max-old-space-size=256'], env: { MALLOC_ARENA_MAX: '1' } } as const;

/** Resident memory that is its own, and its share of what others have too, MB: the rest of what rss() says is node itself and libraries. */
export function sharedApart(child: ChildProcess): { anonymous: number; proportional: number } {
  const text = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8');
  const mb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024;
  return { anonymous: mb('Anonymous'), proportional: mb('Pss') };
}

/** Resident memory, MB. */
export function rss(child: ChildProcess): number {
  const line = readFileSync(`/proc/${child.pid}/status`, 'utf8').split('\n').find((l) => l.startsWith('VmRSS:'));
  return Number(/\d+/.exec(line ?? '')?.[0] ?? 0) / 1024;
}

/** Of one core, user and system, since it began (100 ticks a second). */
export function cpuSeconds(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Percent of one core over a span. */
export async function cpuPercent(child: ChildProcess, ms: number): Promise<number> {
  const before = cpuSeconds(child);
  await sleep(ms);
  return ((cpuSeconds(child) - before) * 100) / (ms / 1000);
}

/** Undefined when there is none. */
export function quantile(values: readonly number[], q: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** Seconds; `cpu` is user and system time with that of children that were waited for; `status` undefined when it was ended at the limit. */
export interface Measured { wall: number; cpu: number; /** Resident memory of it and all its descendants together, MB. */ peakMb: number; status: number | undefined; out: string; err: string }

const sampleMs = 100;
const saidMax = 64 << 20;

/** Runs a program to its end, or to the limit: then it and its process group are killed. */
export async function measured(file: string, args: readonly string[], limitMs: number, cwd?: string): Promise<Measured> {
  const began = performance.now();
  // The shell waits for it and tells on its own channel what the kernel counted for it.
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%U %S"; { time "$@" 2>&4 3>&- 4>&-; } 4>&2 2>&3', 'bash', file, ...args], { detached: true, cwd, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const said = { out: '', err: '', times: '' };
  const listen = (name: keyof typeof said, fd: number): void => { child.stdio[fd]!.on('data', (bytes: Buffer) => { if (said[name].length < saidMax) said[name] += bytes.toString('latin1'); }); };
  listen('out', 1); listen('err', 2); listen('times', 3);
  let peakMb = 0;
  let late = false;
  const sampling = setInterval(() => { peakMb = Math.max(peakMb, treeMb(child.pid!)); }, sampleMs);
  const limit = setTimeout(() => { late = true; process.kill(-child.pid!, 'SIGKILL'); }, limitMs);
  const code = await new Promise<number | null>((resolve, reject) => { child.once('error', reject); child.once('close', resolve); });
  clearInterval(sampling);
  clearTimeout(limit);
  const cpu = said.times.trim().split(/\s+/).reduce((sum, text) => sum + Number(text), 0);
  return { wall: (performance.now() - began) / 1000, cpu, peakMb, status: late ? undefined : code ?? -1, out: said.out, err: said.err };
}

/** Pages that several of them share are counted for each. */
function treeMb(top: number): number {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const [, parent = ''] = fieldsOf(name, 'stat')?.split(') ')[1]?.split(' ') ?? [];
    const siblings = children.get(Number(parent));
    if (siblings) siblings.push(Number(name)); else children.set(Number(parent), [Number(name)]);
  }
  let mb = 0;
  for (const waiting = [top]; waiting.length > 0;) {
    const pid = waiting.pop()!;
    mb += Number(/^VmRSS:\s*(\d+)/m.exec(fieldsOf(String(pid), 'status') ?? '')?.[1] ?? 0) / 1024;
    waiting.push(...children.get(pid) ?? []);
  }
  return mb;
}

function fieldsOf(pid: string, file: string): string | undefined {
  try { return readFileSync(`/proc/${pid}/${file}`, 'latin1'); } catch { return undefined; /* it is gone */ }
}
