/** What services and databases say of themselves after a recovery: looked at aside, within a time, while whoever asks waits or comes again. */
import { join } from 'node:path';
import { MoatError, saidBy } from '../core/error.ts';
import type { ServiceCheck } from '../core/recovery.ts';
import { checkConfigurations } from '../linux/services/configuration.ts';
import { checkDatabases } from '../linux/services/databases.ts';
import { type Run, runner } from '../linux/run.ts';

/** Of all of them together. */
export const lookMs = 20 * 60_000;
const filesMax = 20_000;
const looksMax = 20;

/** By this process. What is not done when `signal` ends it is `unknown`. */
export async function lookAtServices(files: readonly string[], { dataFolder, signal, run: usual = runner() }: { dataFolder: string; signal: AbortSignal; run?: Run }): Promise<ServiceCheck[]> {
  const run: Run = (program, args, options) => usual(program, args, { ...options, signal });
  return [...await checkConfigurations({ run, scratch: join(dataFolder, 'scratch') }), ...await checkDatabases({ run, files })];
}

/** What the hands are asked for. Throws MoatError 'bad-request'. */
export function filesOf(input: unknown): string[] {
  const { files } = (typeof input === 'object' && input !== null ? input : {}) as { files?: unknown };
  if (!Array.isArray(files) || files.length > filesMax || !files.every((one): one is string => typeof one === 'string' && one.length <= 4096)) throw new MoatError('bad-request', 'expected a list of files');
  return files;
}

interface Look { services: ServiceCheck[] | undefined; settled: Promise<void> }

/** Looks that were begun, by plan; each once at a time. */
export class ServiceLooks {
  private readonly look: (files: readonly string[], signal: AbortSignal) => Promise<ServiceCheck[]>;
  private readonly looks = new Map<string, Look>();

  constructor(look: (files: readonly string[], signal: AbortSignal) => Promise<ServiceCheck[]>) {
    this.look = look;
  }

  /** Begins one, unless one is under way; never rejects. */
  begin(id: string, files: readonly string[]): void {
    const known = this.looks.get(id);
    if (known !== undefined && known.services === undefined) return;
    const look: Look = { services: undefined, settled: Promise.resolve() };
    look.settled = this.gather(look, files);
    this.looks.delete(id);
    this.looks.set(id, look);
    for (const oldest of this.looks.keys()) { if (this.looks.size <= looksMax) break; this.looks.delete(oldest); }
  }

  private async gather(look: Look, files: readonly string[]): Promise<void> {
    try {
      look.services = await this.look(files, AbortSignal.timeout(lookMs));
    } catch (error) { look.services = [{ id: 'services', name: 'services', state: 'unknown', said: saidBy(error), proves: { zh: '没有查', en: 'nothing was looked at' } }]; }
  }

  /** What came of it, when that is there within `ms`. */
  async wait(id: string, ms: number): Promise<ServiceCheck[] | undefined> {
    const look = this.looks.get(id);
    if (look === undefined) return undefined;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([look.settled, new Promise<void>((resolve) => { timer = setTimeout(resolve, ms); })]);
    clearTimeout(timer);
    return look.services;
  }

  has(id: string): boolean { return this.looks.has(id); }

  /** What the last one found; undefined when there was none, or it is under way. */
  get(id: string): ServiceCheck[] | undefined { return this.looks.get(id)?.services; }
}
