/** What the kernel's numbers for file events mean. */
import type { FileRecord } from './gen/records.ts';

/** By the number in the record; see schema/kernel.yml. */
export const fileActions: readonly (string | undefined)[] = [undefined, 'write', 'create', 'rename', 'delete', 'chmod', 'chown', 'setxattr', 'link', 'link', 'read'];
const chmod = 5, chown = 6, setxattr = 7, symlink = 9;
/** chown(2) leaves alone what is given as -1. */
const unchanged = 0xffff_ffff;

export const isSymlink = (action: number): boolean => action === symlink;

/** What has no field of its own; undefined for most events. */
export function fileExtra(record: FileRecord): Record<string, string> | undefined {
  switch (record.action) {
    case chmod: return { mode: (record.mode & 0o7777).toString(8).padStart(4, '0') };
    case chown: return { ...(record.owner !== unchanged && { owner: String(record.owner) }), ...(record.group !== unchanged && { group: String(record.group) }) };
    case setxattr: return { attribute: record.from };
    case symlink: return { target: record.from };
    case 1: return record.empty || record.again ? { ...(record.empty && { empty: 'true' }), ...(record.again && { again: String(record.again) }) } : undefined;
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
