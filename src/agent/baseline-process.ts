/** Starts a comparison with the baseline in a process of its own and gathers what it tells. */
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import type { ToldChange } from './baseline-change.ts';
import type { CompareMessage, CompareRequest } from './baseline-child.ts';
import { abandonedChildren, converse, type ConverseOptions } from './child.ts';
import { mountWaitedFor, stillMs, stillText } from './still.ts';

export interface Comparison {
  changes: ToldChange[];
  upgrades: { what: string; files: number; accepted: boolean }[];
  blind: { path: string; why: Text }[];
  counts: Map<string, number>;
  files: number;
  /** False when there were more changes than are told. */
  whole: boolean;
  /** Why it came to no end; what it told until then stands. */
  stopped: Text | undefined;
}

const moreMemory: Text = { zh: '（可用 baseline.max_memory_mb 调高）', en: ' (baseline.max_memory_mb allows more)' };

export interface CompareOptions {
  signal: AbortSignal;
  maxMemoryMb: number;
  warn: (text: Text) => void;
  /** Milliseconds without any progress after which it is given up; for tests. */
  stillAfterMs?: number;
  /** See converse; for tests. */
  within?: ConverseOptions['within'];
}

/** Comparisons that wait for dead mounts and cannot be killed: each holds memory. */
const abandonedMax = 4;

/** Rejects with the MoatError that the comparison ended with: BaselineError codes among them. */
export async function compareInProcess(request: CompareRequest, { signal, maxMemoryMb, warn, stillAfterMs = stillMs, within = [] }: CompareOptions): Promise<Comparison> {
  const out: Comparison = { changes: [], upgrades: [], blind: [], counts: new Map(), files: 0, whole: true, stopped: undefined };
  const waiting = abandonedChildren();
  if (waiting >= abandonedMax) throw new MoatError('not-compared', `expected mounts to answer, got none: ${waiting} processes still wait for some and cannot be ended`, { zh: `有 ${waiting} 个进程还在等不应答的挂载，结束不了`, hint: { zh: '卸载不应答的挂载（umount -l），再比对', en: 'unmount what does not answer (umount -l), then compare again' } });
  let ended = false;
  const onStill = (path: string | undefined, pid: number): Text => stillText(stillAfterMs, path, mountWaitedFor(path, pid));
  const stopped = await converse<CompareRequest, CompareMessage>('baseline-child', request, { signal, maxMemoryMb, moreMemory, within, still: { afterMs: stillAfterMs, onStill } }, (message) => {
    switch (message.kind) {
      case 'change': out.changes.push(message.change); break;
      case 'upgrade': { const { what, files, accepted } = message; out.upgrades.push({ what, files, accepted }); break; }
      case 'blind': { const { path, why } = message; out.blind.push({ path, why }); break; }
      case 'count': out.counts.set(message.what, (out.counts.get(message.what) ?? 0) + message.n); break;
      case 'warn': warn(message.text); break;
      case 'end': ended = true; out.files = message.files; out.whole = message.changes === out.changes.length; break;
    }
  });
  if (!ended) out.stopped = stopped ?? { zh: '比对进程没有给出结果', en: 'the process that compares gave no result' };
  signal.throwIfAborted();
  if (!ended && out.changes.length === 0) throw new MoatError('not-compared', out.stopped!.en, { text: out.stopped });
  return out;
}
