/**
 * Compares with the integrity baseline in a process of its own, niced and its memory capped: all of it, or parts. What package
 * managers changed is taken over when that is asked for. Reads a CompareRequest, writes CompareMessages (see child-side.ts).
 */
import type { JudgedChange } from '../baseline/baseline.ts';
import type { Text } from '../core/text.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { mountsOfTree, type MountChoice } from '../scan/mounts.ts';
import { acceptBaseline } from './baseline.ts';
import { isQuiet, tellChange, type ToldChange } from './baseline-change.ts';
import { runAsChild, type Fault } from './child-side.ts';

export interface CompareRequest {
  data: string;
  root?: string;
  keyFile?: string;
  /** Which mounts are looked into, beside those that are by themselves. */
  mounts?: MountChoice;
  /** Parts to look at; the whole when left out. */
  within?: readonly string[];
  /** Take over what package managers changed. */
  accept: boolean;
  now: number;
}

export type CompareMessage =
  | { kind: 'change'; change: ToldChange }
  | { kind: 'upgrade'; what: string; files: number; accepted: boolean }
  | { kind: 'blind'; path: string; why: Text }
  | { kind: 'count'; what: string; n: number }
  | { kind: 'warn'; text: Text }
  | { kind: 'end'; changes: number; files: number; seal: string }
  | Fault;

/** Changes told at most; the rest is counted. */
const changesMax = 20_000;
const blindMax = 200;

await runAsChild<CompareRequest, CompareMessage>(async (request, { say, signal, stepBack }) => {
  for (const fault of await stepBack()) say({ kind: 'warn', text: fault });
  const place = new DiskTree(request.root ?? '/', undefined);
  const tree = new DiskTree(place.name, undefined, mountsOfTree(place, request.mounts)?.closed);
  const upgrades = new Map<string, number>();
  let [changes, files, blind] = [0, 0, 0];
  const take = (change: JudgedChange): void => {
    if (isQuiet(change)) return;
    if (change.upgrade) { const { name, from, to } = change.upgrade; const what = `${name} ${from || '-'} → ${to || '-'}`; upgrades.set(what, (upgrades.get(what) ?? 0) + 1); return; }
    if (++changes <= changesMax) say({ kind: 'change', change: tellChange(change, tree) });
  };
  const base = {
    data: request.data, signal, ...(request.root !== undefined && { root: request.root }), ...(request.keyFile !== undefined && { keyFile: request.keyFile }), mounts: request.mounts,
    warn: (text: Text) => say({ kind: 'warn', text }), count: (what: string, n = 1) => say({ kind: 'count', what, n }),
    blind: (path: string, why: Text) => { if (++blind <= blindMax) say({ kind: 'blind', path, why }); },
    onProgress: (n: number) => { files = n; },
  };
  const done = await acceptBaseline({ ...base, wanted: 'packages', dry: !request.accept, ...(request.within && { within: request.within }), now: request.now, onOther: take });
  for (const change of done.changes) take(change);
  for (const [what, n] of upgrades) say({ kind: 'upgrade', what, files: n, accepted: request.accept });
  if (changes > changesMax) say({ kind: 'count', what: 'changes beyond those listed', n: changes - changesMax });
  if (blind > blindMax) say({ kind: 'count', what: 'blind spots beyond those listed', n: blind - blindMax });
  say({ kind: 'end', changes, files, seal: done.summary.seal });
});
