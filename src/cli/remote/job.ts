/** Long work on a server, waited for: how far it is, what it came to. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../api/contract/common.ts';
import { MoatError } from '../../core/error.ts';
import type { Fetch } from './http.ts';

const everyMs = 1000;

/** Throws MoatError with what the work itself said when it failed or was stopped. Ctrl-C stops the work as well. */
export async function finished<T>(fetch: Fetch, started: unknown, progress: (job: Job) => void): Promise<T> {
  const path = `/jobs/${encodeURIComponent((started as { job: string }).job)}`;
  let isOver = false;
  const onInt = (): void => {
    // A second time: at once; the work goes on there.
    if (isOver) process.exit(130);
    isOver = true;
    void fetch({ method: 'DELETE', path }).catch(() => process.exit(130));
  };
  process.on('SIGINT', onInt);
  try {
    for (;;) {
      const job = await fetch({ method: 'GET', path }) as Job;
      switch (job.state) {
        case 'running': progress(job); await sleep(everyMs); break;
        case 'done': return job.result as T;
        case 'cancelled': throw new MoatError('stopped', 'the work was stopped on that machine', { zh: '那台机器上的工作被中止了' });
        case 'failed': throw new MoatError('failed', job.problem?.detail ?? 'it failed', { zh: job.problem?.detail_zh ?? '失败了' });
      }
    }
  } catch (error) {
    if ((error as MoatError).code !== 'not-found') throw error;
    throw new MoatError('failed', 'that Moat was restarted and knows nothing of this work any more', { zh: '那里的 Moat 重启过，已不知道这项工作', hint: { zh: '做完的可能已保存：moat evidence list、moat findings', en: 'what was done may have been kept: moat evidence list, moat findings' }, cause: error });
  } finally { process.off('SIGINT', onInt); }
}
