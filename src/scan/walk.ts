/** One walk over a whole tree, shared by all checks that look at every file. */
import { MoatError, reasonOf } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { closedText } from '../linux/file-systems.ts';
import type { Machine, WalkedFile } from '../checks/port.ts';
import type { Tree } from '../linux/tree.ts';
import { mountsOfTree, mountsUnknown, type WalkMounts } from './mounts.ts';

const depthMax = 1024;
/** What the kernel makes up, should nobody know what is mounted. */
const madeUp = new Set(['/proc', '/sys']);
const pathMax = 64 * 1024;
/** What the system takes as one path. */
const systemPathMax = 4095;
const pathTooLong: Text = { zh: `路径超过系统允许的 ${systemPathMax} 字节：用 find -execdir 去看`, en: `the path is longer than the ${systemPathMax} bytes that the system takes: look with find -execdir` };
/** Names of one folder that are kept at a time, so that a folder of millions does not fill memory. */
const namesMax = 50_000;
/** Folders that wait for their turn; beyond, a folder is gone into at once. */
const waitingMax = 200_000;

export interface WalkOptions {
  signal: AbortSignal;
  machine: Machine | undefined;
  /** Looked at by itself when it is not said. */
  mounts?: WalkMounts | undefined;
  count(what: string, n?: number): void;
  /** Folders that could not be read. */
  onFault(path: string, why: Text): void;
  /** Mounts that are not looked into, but for those that were left out by choice. */
  onClosed?(path: string, why: Text): void;
  /** Asked now and then: no more time. Then the walk ends, and `onLeft` is told what it did not come to. */
  overdue?(): boolean;
  /** `at`: where it stood; `folders` were seen and not gone into. */
  onLeft?(at: string, folders: readonly string[]): void;
}

/** What a system runs and what people leave on it comes first, whatever else lies on the disk. */
const firstFolders = ['etc', 'usr', 'bin', 'sbin', 'lib', 'lib64', 'boot', 'var', 'root', 'home', 'srv', 'www', 'opt', 'dev', 'run', 'tmp'];
const askEvery = 256;

interface Folder { path: string; depth: number }

/**
 * Every file, link, folder and device, folder by folder, without following links. What the kernel makes up, roots of containers and
 * mounts that are left out are passed over and counted; of mounts that are not looked into `onClosed` is told.
 */
export function* walk(tree: Tree, options: WalkOptions): Iterable<WalkedFile> {
  const mounts = options.mounts ?? mountsOf(tree, options);
  for (const mount of mounts?.closed.values() ?? []) if (!mount.leftOut) options.onClosed?.(mount.at, closedText(mount));
  const hidden = (mounts?.hidden ?? []).filter((path) => statOf(tree, path, options)?.kind === 'folder');
  const waiting: Folder[] = [...hidden.map((path) => ({ path, depth: path.split('/').length })), { path: '', depth: 0 }];
  let seen = 0;
  let over = false;
  for (let folder = waiting.pop(); folder && !over; folder = waiting.pop()) {
    yield* visit(folder);
    // The stack is turned round once: the first shall come off it first.
    if (folder.path === '') waiting.sort((a, b) => rank(b) - rank(a));
  }

  function* visit({ path: base, depth }: Folder): Iterable<WalkedFile> {
    options.signal.throwIfAborted();
    for (const name of namesIn(tree, base, options)) {
      const path = `${base}/${name}`;
      if (over) return;
      if (++seen % askEvery === 0 && options.overdue?.() === true) {
        over = true;
        options.onLeft?.(path, waiting.map((folder) => folder.path));
        return;
      }
      const mount = mounts?.over.get(path);
      if (mount !== undefined) { options.count(`mounts passed over: ${mount}`); continue; }
      const stat = statOf(tree, path, options);
      if (!stat) continue;
      yield { path, stat };
      if (stat.kind !== 'folder' || (!mounts && tree.kind === 'machine' && madeUp.has(path))) continue;
      if (depth >= depthMax || path.length > pathMax) { options.count('folders too deep'); options.onFault(path, { zh: '目录太深', en: 'too deep' }); continue; }
      const next = { path, depth: depth + 1 };
      if (waiting.length < waitingMax) waiting.push(next); else yield* visit(next);
    }
  }
}

const rank = ({ path }: Folder): number => { const at = firstFolders.indexOf(path.slice(1)); return at < 0 ? firstFolders.length : at; };

function statOf(tree: Tree, path: string, options: WalkOptions): WalkedFile['stat'] | undefined {
  try {
    const stat = tree.stat(path);
    if (!stat && tooLong(tree, path)) options.onFault(path, pathTooLong);
    else if (!stat) options.count('files that vanished while looked at');
    return stat;
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    options.onFault(path, reasonOf(error));
    return undefined;
  }
}

/** Names a few at a time, each portion sorted: the same tree is walked the same way unless its folders are huge. */
function* namesIn(tree: Tree, path: string, options: WalkOptions): Iterable<string> {
  try {
    const names = tree.names(path || '/');
    if (!names) {
      if (tooLong(tree, path)) options.onFault(path, pathTooLong);
      else options.count('files that vanished while looked at');
      return;
    }
    let portion: string[] = [];
    for (const name of names) {
      portion.push(name);
      if (portion.length < namesMax) continue;
      options.signal.throwIfAborted();
      yield* portion.sort();
      portion = [];
    }
    yield* portion.sort();
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    options.onFault(path || '/', reasonOf(error));
  }
}

function tooLong(tree: Tree, path: string): boolean {
  const outside = tree.outside(path);
  return outside !== undefined && outside.length > systemPathMax / 3 && Buffer.byteLength(outside) > systemPathMax;
}

function mountsOf(tree: Tree, options: WalkOptions): WalkMounts | undefined {
  if (tree.kind === 'image') return undefined;
  const mounts = mountsOfTree(tree, {}, options.machine?.procfs);
  if (!mounts) options.onFault('/proc/self/mountinfo', mountsUnknown);
  return mounts;
}
