/** Long work that a request begins: it goes on when the asker leaves, tells how far it is, and can be stopped. Kept in memory, bounded; a restart forgets. */
import { randomBytes } from 'node:crypto';
import { MoatError, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';

export interface Job {
  id: string;
  kind: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  by: string;
  began: number;
  ended?: number;
  progress?: { part?: number; what?: Text };
  result?: unknown;
  problem?: { code: string; detail: string; detail_zh: string };
}
export interface JobSide { signal: AbortSignal; progress: (progress: NonNullable<Job['progress']>) => void }

const kept = 200;
const runningMost = 4;
/** How often those who watch are told how far a job is. */
const tellEveryMs = 500;

export class Jobs {
  private readonly jobs = new Map<string, { job: Job; stop: AbortController }>();
  private readonly now: () => number;
  private readonly changed: (id: string) => void;

  constructor(now: () => number, changed: (id: string) => void) {
    this.now = now;
    this.changed = changed;
  }

  /** Throws MoatError 'busy' while too many run, or one of the same kind when `alone`. */
  begin(kind: string, by: string, work: (side: JobSide) => Promise<unknown>, { alone = false } = {}): string {
    const running = [...this.jobs.values()].filter(({ job }) => job.state === 'running');
    if (alone && running.some(({ job }) => job.kind === kind)) throw new MoatError('busy', `one ${kind} runs already`, { zh: '已有同样的工作在进行' });
    if (running.length >= runningMost) throw new MoatError('busy', 'too much is under way', { zh: '进行中的工作太多，请稍后' });
    const job: Job = { id: randomBytes(8).toString('hex'), kind, state: 'running', by, began: this.now() };
    const stop = new AbortController();
    this.jobs.set(job.id, { job, stop });
    for (const [id, one] of this.jobs) {
      if (this.jobs.size <= kept) break;
      if (one.job.state !== 'running') this.jobs.delete(id);
    }
    const end = (state: Job['state'], more: Partial<Job>): void => { Object.assign(job, more, { state, ended: this.now() }); delete job.progress; this.changed(job.id); };
    let told = this.now();
    const progress: JobSide['progress'] = (how) => {
      if (job.state !== 'running') return;
      job.progress = how;
      // What came between is told with what comes next, and the end always is.
      const now = this.now();
      if (now >= told && now - told < tellEveryMs) return;
      told = now;
      this.changed(job.id);
    };
    this.changed(job.id);
    // Begun after the answer that names it.
    setImmediate(() => { void this.run(work, { signal: stop.signal, progress }, end); });
    return job.id;
  }

  private async run(work: (side: JobSide) => Promise<unknown>, side: JobSide, end: (state: Job['state'], more: Partial<Job>) => void): Promise<void> {
    try {
      const result = await work(side);
      end(side.signal.aborted ? 'cancelled' : 'done', { result });
    } catch (error) {
      const { zh, en } = saidBy(error);
      end(side.signal.aborted ? 'cancelled' : 'failed', { problem: { code: error instanceof MoatError ? error.code : 'fault', detail: en, detail_zh: zh } });
    }
  }

  get(id: unknown): Job {
    const found = typeof id === 'string' ? this.jobs.get(id) : undefined;
    if (!found) throw new MoatError('no-item', 'expected the id of a job of this run of Moat', { zh: '没有这项工作（重启后不保留）' });
    return found.job;
  }

  list(): Job[] { return [...this.jobs.values()].map(({ job }) => { const { result: _result, ...rest } = job; return rest; }).reverse(); }

  stop(id: unknown): boolean {
    const { id: known, state } = this.get(id);
    if (state !== 'running') return false;
    this.jobs.get(known)?.stop.abort(new MoatError('stopped', 'somebody stopped it', { zh: '有人中止了它' }));
    return true;
  }

  end(): void { for (const { stop } of this.jobs.values()) stop.abort(new MoatError('stopped', 'Moat ends', { zh: 'Moat 正在结束' })); }
}
