/** What the kernel's numbers for file events mean. */
import type { FileRecord } from './gen/records.ts';

/** By the number in the record; see schema/kernel.yml. */
export const fileActions: readonly (string | undefined)[] = [undefined, 'write', 'create', 'rename', 'delete', 'chmod', 'chown', 'setxattr', 'link', 'link', 'read', 'create'];
const write = 1, chmod = 5, chown = 6, setxattr = 7, symlink = 9, read = 10, node = 11;
/** File type of a block device (S_IFMT >> 12). */
const block = 6;
/** chown(2) leaves alone what is given as -1. */
const unchanged = 0xffff_ffff;

export const isSymlink = (action: number): boolean => action === symlink;

/** What has no field of its own; undefined for most events. */
export function fileExtra(record: FileRecord): Record<string, string> | undefined {
  const again = record.again === 0 ? undefined : { again: String(record.again) };
  switch (record.action) {
    case chmod: return { mode: (record.mode & 0o7777).toString(8).padStart(4, '0') };
    case chown: return { ...(record.owner !== unchanged && { owner: String(record.owner) }), ...(record.group !== unchanged && { group: String(record.group) }) };
    case setxattr: return { attribute: record.from };
    case symlink: return { target: record.from };
    case write: return record.empty ? { empty: 'true', ...again } : again;
    // Whose process it is.
    case read: return record.path.startsWith('/proc/') ? { owner: String(record.owner), ...again } : again;
    case node: return { device: `${(record.mode >>> 12) === block ? 'block' : 'character'} ${record.group >>> 20}:${record.group & 0xfffff}` };
    default: return undefined;
  }
}

/** A path as a program wrote it below its folder: without //, /./ and /../. Symbolic links are not followed. */
export function tidyPath(path: string): string {
  if (!path.includes('//') && !path.includes('/.')) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
