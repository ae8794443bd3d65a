/** `moat baseline` wired together: the tree, its packages, the threads that digest, the store in the data folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { acceptChanges, createBaseline, diffBaseline, verifyBaseline, type Accepting, type JudgedChange, type Wanted } from '../baseline/baseline.ts';
import { makeKey, readKey } from '../baseline/key.ts';
import type { Looking } from '../baseline/records.ts';
import type { Summary } from '../baseline/store.ts';
import { MoatError, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { openDigests } from '../linux/digests.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { openFileAttributes } from '../linux/file-attributes.ts';
import type { FileStat } from '../linux/tree.ts';
import { openPackages, type PackageIndex } from '../linux/packages/index.ts';
import { PackagesError } from '../linux/packages/error.ts';
import { openOwners, type PackageOwners } from '../linux/packages/owners.ts';
import { optimizeLate } from '../linux/short-run.ts';
import { mountsOfTree, mountsUnknown, type MountChoice } from '../scan/mounts.ts';

export interface BaselineRequest {
  /** Where the store lies. */
  data: string;
  /** Default the running machine. */
  root?: string;
  /** Default beside the store; `-` for standard input. */
  keyFile?: string;
  /** Which mounts are looked into, beside those that are by themselves. */
  mounts?: MountChoice | undefined;
  signal: AbortSignal;
  warn: (text: Text) => void;
  blind: (path: string, why: Text) => void;
  count: (what: string, n?: number) => void;
  onProgress?: (files: number, path: string) => void;
}

export const baselinePath = (data: string): string => join(data, 'integrity.baseline');
export const defaultKeyPath = (data: string): string => join(data, 'integrity.key');

/** `keyBeside`: the key lies where the store lies, so who is root can write both. */
export async function makeBaseline(request: BaselineRequest & { folders?: readonly string[]; exclude?: readonly string[]; now: number }): Promise<Summary & { resumed: boolean; keyBeside: boolean }> {
  const keyFile = request.keyFile ?? defaultKeyPath(request.data);
  const key = request.keyFile === undefined && !existsSync(keyFile) ? makeKey(keyFile) : readKey(keyFile);
  return withLooking(request, async (looking) => {
    for (const folder of request.folders ?? []) tellMissing(folder, looking);
    return { ...await createBaseline(baselinePath(request.data), key, looking, request), keyBeside: request.keyFile === undefined };
  });
}

/** What somebody named and is not there would be a baseline of nothing; the walk tells the rest. */
function tellMissing(folder: string, looking: Looking): void {
  const { tree } = looking;
  let stat: FileStat | undefined;
  try {
    stat = tree.stat(folder.replace(/(?<=.)\/+$/, ''));
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    return;
  }
  if (!stat) looking.blind(folder, { zh: '没有这个目录，基线里没有它', en: 'there is no such folder, so that the baseline does not hold it' });
  else if (stat.kind === 'link') { const target = tree.link(folder) ?? ''; looking.blind(folder, { zh: `是指向 ${target} 的链接，只记下了链接本身：用 --folder 写它的真实位置`, en: `it is a link to ${target}, and the link alone was remembered: name the folder itself with --folder` }); }
}

export async function* compareBaseline(request: BaselineRequest): AsyncGenerator<JudgedChange> {
  const key = readKey(request.keyFile ?? defaultKeyPath(request.data));
  const { looking, close } = await openLooking(request);
  try {
    yield* diffBaseline(baselinePath(request.data), key, looking, request.onProgress);
  } finally { await close(); }
}

export async function acceptBaseline(request: BaselineRequest & Accepting & { wanted: Wanted }): Promise<Awaited<ReturnType<typeof acceptChanges>>> {
  const key = readKey(request.keyFile ?? defaultKeyPath(request.data));
  return withLooking(request, (looking) => acceptChanges(baselinePath(request.data), key, looking, request.wanted, request));
}

export function baselineSummary({ data, keyFile }: Pick<BaselineRequest, 'data' | 'keyFile'>): Summary {
  return verifyBaseline(baselinePath(data), readKey(keyFile ?? defaultKeyPath(data)));
}

async function withLooking<T>(request: BaselineRequest, work: (looking: Looking) => Promise<T>): Promise<T> {
  const { looking, close } = await openLooking(request);
  try {
    return await work(looking);
  } finally { await close(); }
}

async function openLooking({ root = '/', mounts: choice, signal, warn, blind, count }: BaselineRequest): Promise<{ looking: Looking; close: () => Promise<void> }> {
  optimizeLate();
  const attributes = await openFileAttributes().catch((error: unknown) => { warn(saidBy(error)); return undefined; });
  const mounts = mountsOfTree(new DiskTree(root, undefined), choice);
  if (!mounts) blind('/proc/self/mountinfo', mountsUnknown);
  const tree = new DiskTree(root, attributes, mounts?.closed);
  const told = (error: unknown): undefined => {
    signal.throwIfAborted();
    if (!(error instanceof PackagesError)) throw error;
    warn(saidBy(error));
    return undefined;
  };
  let whole: Promise<PackageIndex | undefined> | undefined;
  const index = (): Promise<PackageIndex | undefined> => whole ??= openPackages(tree, { signal }).catch(told);
  const owners = (within: readonly string[]): Promise<PackageOwners | undefined> => whole ?? openOwners(tree, within, { signal }).catch(told);
  const digests = openDigests(tree, signal);
  return { looking: { tree, digests, index, owners, signal, attributes: attributes !== undefined, over: mounts?.over, blind, count }, close: () => digests.close() };
}
