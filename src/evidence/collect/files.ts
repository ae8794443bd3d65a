/** Files of the disk: the ones named, and all below folders; never of a network file system, which may hang. */
import { lstat, readdir } from 'node:fs/promises';
import { saidBy } from '../../core/error.ts';
import { bytesOf, nameOf } from '../../linux/file-names.ts';
import { nameMatches } from '../../linux/glob.ts';
import type { Procfs } from '../../linux/procfs.ts';
import { type Collected, missed, nameFor } from '../item.ts';
import { fileItem } from '../sources.ts';

export interface FileSet {
  /** Absolute; a part may hold `*`; one that is a folder means all below it. */
  paths: readonly string[];
  /** Of one file, bytes; the end of a longer one is taken when `tail`, else its beginning. */
  most: number;
  /** Of all of them. */
  total: number;
  tail?: boolean;
  /** Unix ms: older ones are left out (they are in the timeline of the file system). */
  since?: number | undefined;
  /** Names that are left out, because they are secrets that prove nothing. */
  without?: readonly string[];
}

const filesMax = 50_000;
const depthMax = 24;
const fileMs = 60_000;
/** Of one set: a folder of millions must not hold up the rest. */
const lookedMax = 200_000;
const setMs = 120_000;

/** Mounts that are answered for by another machine or program. */
const away = /^(?:nfs4?|cifs|smb3|smbfs|ceph|glusterfs|lustre|afs|9p|autofs|fuse(?:\..+)?)$/;
/** Not files of a disk. */
export const unreal = /^(?:proc|sysfs|cgroup2?|devpts|devtmpfs|debugfs|tracefs|securityfs|pstore|bpf|configfs|mqueue|hugetlbfs|binfmt_misc|efivarfs|rpc_pipefs|nsfs|selinuxfs|fusectl)$/;

export interface Mounts { typeOf(path: string): string | undefined }

/** By the longest beginning, as the kernel tells them; octal escapes of blanks taken back. */
export function mountsOf(procfs: Procfs): Mounts {
  const table = (procfs.read('self/mountinfo', 16 << 20) ?? '').split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ', 2);
    const path = before.split(' ')[4], type = after.split(' ')[0];
    return path === undefined || type === undefined || type === '' ? [] : [{ path: path.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))), type }];
  });
  const byPath = new Map(table.map(({ path, type }) => [path, type]));
  return {
    typeOf(path) {
      for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
        const found = byPath.get(at === '' ? '/' : at);
        if (found !== undefined || at === '') return found;
      }
    },
  };
}

export const isAway = (mounts: Mounts, path: string): boolean => away.test(mounts.typeOf(path) ?? '');

/** `seen`: paths that were taken before, so that none is taken twice. */
export async function* fileItems(set: FileSet, mounts: Mounts, seen: Set<string>): AsyncGenerator<Collected> {
  const state = { left: set.total, files: 0, looked: 0 };
  const until = Date.now() + setMs;
  for (const pattern of set.paths) {
    for await (const path of expand(pattern, mounts)) {
      if (typeof path !== 'string') { yield path; continue; }
      if (seen.has(path)) continue;
      if (++state.looked > lookedMax || Date.now() > until) { yield missed(`files/${nameFor(bytesOf(path))}`, path, { zh: '这一类文件太多，此后的没有查看', en: 'there are too many files of this kind; those behind it were not looked at' }); return; }
      seen.add(path);
      const name = `files/${nameFor(bytesOf(path))}`;
      try {
        const found = await lstat(bytesOf(path));
        if (!found.isFile() && !found.isSymbolicLink()) continue;
        if (set.since !== undefined && found.isFile() && Math.max(found.mtimeMs, found.ctimeMs) < set.since) continue;
        if (set.without?.some((pattern_) => nameMatches(pattern_, path.slice(path.lastIndexOf('/') + 1))) === true) continue;
        const takes = Math.min(found.size, set.most);
        if (takes > state.left || state.files >= filesMax) {
          yield missed(name, path, { zh: '这一类文件已到总量上限，此后的也没有采集', en: 'the limit of files of this kind is reached; those behind it are missing too' });
          return;
        }
        state.left -= takes;
        state.files++;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') yield missed(name, path, saidBy(error));
        continue;
      }
      yield fileItem(path, { limits: { ms: fileMs, bytes: set.most }, tail: set.tail ?? false });
    }
  }
}

/** Names that a pattern stands for; folders give all below them. */
async function* expand(pattern: string, mounts: Mounts): AsyncGenerator<string | Collected> {
  const parts = pattern.split('/').filter((part) => part !== '');
  yield* level('', parts, mounts);
}

async function* level(at: string, parts: readonly string[], mounts: Mounts): AsyncGenerator<string | Collected> {
  const [part, ...rest] = parts;
  if (part === undefined) { yield* below(at, mounts, 0); return; }
  if (!part.includes('*')) { yield* level(`${at}/${part}`, rest, mounts); return; }
  for await (const name of names(at === '' ? '/' : at, mounts)) {
    if (typeof name !== 'string') yield name;
    // A name that begins with a dot is meant where the pattern begins with one.
    else if (nameMatches(part, name) || (part === '*' && name.startsWith('.'))) yield* level(`${at}/${name}`, rest, mounts);
  }
}

/** The file itself, or all below a folder; links are not followed. */
async function* below(path: string, mounts: Mounts, depth: number): AsyncGenerator<string | Collected> {
  let isFolder: boolean;
  try {
    if (isAway(mounts, path)) { yield missed(`files/${nameFor(bytesOf(path))}`, path, awayText); return; }
    isFolder = (await lstat(bytesOf(path))).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') yield missed(`files/${nameFor(bytesOf(path))}`, path, saidBy(error));
    return;
  }
  if (!isFolder) { yield path; return; }
  if (depth >= depthMax) { yield missed(`files/${nameFor(bytesOf(path))}`, path, { zh: '目录太深', en: 'the folder lies too deep' }); return; }
  for await (const name of names(path, mounts)) {
    if (typeof name !== 'string') yield name; else yield* below(`${path}/${name}`, mounts, depth + 1);
  }
}

const awayText = { zh: '在网络文件系统上，没有读取', en: 'it lies on a network file system, which is not read' };

async function* names(folder: string, mounts: Mounts): AsyncGenerator<string | Collected> {
  if (isAway(mounts, folder)) { yield missed(`files/${nameFor(bytesOf(folder))}`, folder, awayText); return; }
  let found: Buffer[];
  try {
    found = await readdir(bytesOf(folder), { encoding: 'buffer' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') yield missed(`files/${nameFor(bytesOf(folder))}`, folder, saidBy(error));
    return;
  }
  for (const name of found.map(nameOf).sort()) yield name;
}
