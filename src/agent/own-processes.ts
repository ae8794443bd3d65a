/**
 * Moat looks around on the machine as intruders do. What its own processes look at is no sign of one: told by who started a program, as
 * the kernel and the origin graph know it, never by what a program calls itself.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Detection } from '../core/alert.ts';
import type { Event } from '../core/gen/event.ts';
import { atLeast } from '../core/level.ts';
import type { Lineage, ProcessNode } from '../core/lineage.ts';
import { installRoot } from './paths.ts';

export interface OwnProcessesOptions { lineage: Lineage; /** The agent's. */ pid: number; now: () => number; /** For tests: the executable and programs that are Moat. */ exe?: string; programs?: readonly string[] }

interface Collector { pid: number; since: number }

const collectorsMax = 20;
const collectorMs = 4 * 3_600_000;
const depthMax = 4;
/** Looking at the machine, its accounts and its network (ATT&CK: discovery). Whatever else a child of Moat's does is judged as anybody's. */
const looking = new Set(['T1007', 'T1016', 'T1018', 'T1033', 'T1049', 'T1057', 'T1069', 'T1082', 'T1083', 'T1087', 'T1120', 'T1124', 'T1135', 'T1201', 'T1518', 'T1614', 'T1615', 'T1652']);
/** By these somebody's code would run in a process that looks like ours. */
const foreignCode = /(?:^|\0)(?:NODE_OPTIONS|NODE_PATH|LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|OPENSSL_(?:CONF|MODULES|ENGINES))=[^\0]/;
/** Options of node that the service gives; any other may bring code of somebody's, as --require=FILE does. */
const ownOption = /^--max-(?:old|semi)-space-size=\d+$/;

export class OwnProcesses {
  private readonly options: OwnProcessesOptions;
  private readonly exe: string;
  private readonly programs: ReadonlySet<string>;
  private collectors: Collector[] = [];

  constructor(options: OwnProcessesOptions) {
    this.options = options;
    this.exe = options.exe ?? process.execPath;
    this.programs = new Set((options.programs ?? ['bin/moat', 'dist/moat.js'].map((part) => join(installRoot(), part))).flatMap((path) => real(path) ?? []));
  }

  /** A process of the command line says that it begins to look around. Whether it is one of ours is looked at here, and again for each detection. */
  begins(pid: unknown): boolean {
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 2 || !this.runsUs(pid)) return false;
    const { now } = this.options;
    this.collectors = [...this.collectors.filter((one) => one.pid !== pid && now() - one.since < collectorMs), { pid, since: now() }].slice(-collectorsMax);
    return true;
  }

  /** Why this is nothing to raise; undefined when it is not Moat's own looking. */
  excuse({ attack, level, events, count }: Detection): string | undefined {
    if (atLeast(level, 'high') || attack.length === 0 || events.length === 0 || count < 1) return undefined;
    if (!attack.every((technique) => looking.has(technique.replace(/\..*$/, '')))) return undefined;
    return events.every((event) => this.isOurs(event)) ? 'own look around' : undefined;
  }

  private isOurs(event: Event): boolean {
    if (event.kind !== 'process_creation') return false;
    let node = this.options.lineage.of(event)?.parent;
    // What it started to look may start another; what somebody else's program starts is not followed.
    for (let depth = 0; node !== undefined && depth < depthMax; depth++, node = node.parent) {
      if (this.isOwn(node)) return true;
      if (node.path !== this.exe) return false;
    }
    return false;
  }

  private isOwn(node: ProcessNode): boolean {
    const { pid, now } = this.options;
    if (node.pid === pid) return node.ended === undefined && node.started <= now();
    const collector = this.collectors.find((one) => one.pid === node.pid);
    if (collector === undefined) return false;
    // Numbers are given out again: it must have run when it said so.
    if (node.started > collector.since + 1000 || (node.ended !== undefined && node.ended < collector.since)) return false;
    return node.path === this.exe && this.isProgram(node.cmdline?.split(' ') ?? [], node.cwd);
  }

  private isProgram(words: readonly string[], cwd: string | undefined): boolean {
    const at = words.findIndex((word, i) => i > 0 && !ownOption.test(word));
    const program = at < 0 ? undefined : words[at];
    const path = program === undefined ? undefined : real(resolve(cwd ?? '/', program));
    return path !== undefined && this.programs.has(path);
  }

  /** By the executable itself, the program it was started with, and nothing put into it from outside. */
  private runsUs(pid: number): boolean {
    try {
      const own = statSync(this.exe, { bigint: true }), its = statSync(`/proc/${pid}/exe`, { bigint: true });
      if (own.dev !== its.dev || own.ino !== its.ino || foreignCode.test(readFileSync(`/proc/${pid}/environ`, 'latin1'))) return false;
      return this.isProgram(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean), realpathSync(`/proc/${pid}/cwd`));
    } catch { return false; /* gone, or not to be looked at: then it is nobody we know */ }
  }
}

function real(path: string): string | undefined {
  try { return realpathSync(path); } catch { return undefined; /* it is not there */ }
}
