/** Times of all files of the disks, in the body format that timeline tools read: `MD5|name|inode|mode|uid|gid|size|atime|mtime|ctime|crtime`. No content is read. */
import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { bytesOf, nameOf } from '../../linux/file-names.ts';
import { safe } from '../../core/safe.ts';
import type { Item, Mark } from '../item.ts';
import { isAway, type Mounts, unreal } from './files.ts';

const blockLines = 512;
const entriesMax = 5_000_000;

export function timelineItem(mounts: Mounts, ms: number, root = ''): Item {
  return {
    name: 'storage/bodyfile.txt', source: 'times of all files', limits: { ms, bytes: 2 ** 31 },
    open(signal) {
      const lost = { folders: 0, cut: false };
      const marks = (): Mark[] => [...(lost.folders > 0 ? [{ what: 'unreadable', detail: `${lost.folders} folders or files` } as const] : []), ...(lost.cut ? [{ what: 'size-limit', detail: `${entriesMax} entries` } as const] : [])];
      return { read: body(root, mounts, lost, signal), marks };
    },
  };
}

async function* body(root: string, mounts: Mounts, lost: { folders: number; cut: boolean }, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stack = [root];
  let lines: string[] = [], count = 0;
  for (let folder = stack.pop(); folder !== undefined; folder = stack.pop()) {
    const type = mounts.typeOf(folder);
    if (isAway(mounts, folder) || (type !== undefined && unreal.test(type))) continue;
    let found: Buffer[];
    try {
      found = readdirSync(bytesOf(folder === '' ? '/' : folder), { encoding: 'buffer' });
    } catch { lost.folders++; continue; }
    for (const name of found) {
      const path = `${folder}/${nameOf(name)}`;
      try {
        const stat = lstatSync(bytesOf(path), { bigint: true });
        if (stat.isDirectory()) stack.push(path);
        lines.push(lineOf(path, stat));
      } catch { lost.folders++; continue; }
      if (++count >= entriesMax) { lost.cut = true; break; }
      if (lines.length >= blockLines) { yield Buffer.from(lines.join('')); lines = []; await breathe(); signal.throwIfAborted(); }
    }
    if (lost.cut) break;
  }
  if (lines.length > 0) yield Buffer.from(lines.join(''));
}

function lineOf(path: string, stat: BigIntStats): string {
  const seconds = (ns: bigint): string => (Number(ns / 1000n) / 1e6).toFixed(6);
  const link = stat.isSymbolicLink() ? ` -> ${nameOf(readlinkSync(bytesOf(path), 'buffer'))}` : '';
  return `0|${safe(`${path}${link}`).replaceAll('|', '\\x7c')}|${stat.ino}|${modeText(stat)}|${stat.uid}|${stat.gid}|${stat.size}|${seconds(stat.atimeNs)}|${seconds(stat.mtimeNs)}|${seconds(stat.ctimeNs)}|${seconds(stat.birthtimeNs)}\n`;
}

function modeText(stat: BigIntStats): string {
  const mode = Number(stat.mode);
  const kind = stat.isDirectory() ? 'd' : stat.isSymbolicLink() ? 'l' : stat.isFIFO() ? 'p' : stat.isSocket() ? 's' : stat.isBlockDevice() ? 'b' : stat.isCharacterDevice() ? 'c' : 'r';
  const three = (shift: number, special: boolean, mark: string): string => {
    const bits = (mode >> shift) & 7;
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${special ? (bits & 1 ? mark : mark.toUpperCase()) : bits & 1 ? 'x' : '-'}`;
  };
  return `${kind}/${kind === 'r' ? 'r' : kind}${three(6, (mode & 0o4000) !== 0, 's')}${three(3, (mode & 0o2000) !== 0, 's')}${three(0, (mode & 0o1000) !== 0, 't')}`;
}
