/** What is mounted where. */
import { nameOfLatin1 } from './file-names.ts';
import type { Procfs } from './procfs.ts';

/** Room for the 100,000 mounts that a kernel takes by default. */
const bytesMax = 16 << 20;

/** One line of mountinfo. `number`: `MAJOR:MINOR` of the file system; `root`: the folder of it that is mounted `at`; `device`: its source as it was named, such as `nas:/export`. */
export interface MountLine { id: string; parent: string; number: string; root: string; at: string; /** Of this mount. */ options: string; type: string; device: string; /** Of the file system. */ superOptions: string }
export interface Mount { at: string; device: string; type: string; options: string }

/** As a process sees them, by itself this one, in the order in which they lie over one another. Undefined when they cannot all be read: whoever mounts thousands must not hide the next. */
export function mountLines(procfs: Procfs, pid: number | 'self' = 'self', most = bytesMax): MountLine[] | undefined {
  const text = procfs.read(`${pid}/mountinfo`, most, 'latin1');
  return text === undefined || text.length >= most ? undefined : nameOfLatin1(text).split('\n').flatMap(lineOf);
}

function lineOf(line: string): MountLine[] {
  const words = line.split(' '), dash = words.indexOf('-');
  const [id, parent, number, root, at, options] = words, type = words[dash + 1], device = words[dash + 2], superOptions = words[dash + 3] ?? '';
  if (dash < 0 || id === undefined || parent === undefined || number === undefined || root === undefined || at === undefined || options === undefined || type === undefined || device === undefined) return [];
  return [{ id, parent, number, root: unescaped(root), at: unescaped(at), options, type, device: unescaped(device), superOptions: unescaped(superOptions) }];
}

/** Of several on one place the last; none when they cannot all be read. */
export const mountsOf = (procfs: Procfs, pid: number | 'self' = 'self'): Mount[] => readMounts(procfs, pid) ?? [];

/** The same; undefined when they cannot all be read. */
export function readMounts(procfs: Procfs, pid: number | 'self' = 'self', most?: number): Mount[] | undefined {
  const lines = mountLines(procfs, pid, most);
  if (lines === undefined) return undefined;
  const found = new Map<string, Mount>();
  for (const { at, device, type, options } of lines) {
    found.delete(at);
    found.set(at, { at, device, type, options });
  }
  return [...found.values()];
}

/** Text as it was before the kernel wrote it into a table: `\040` is a space. */
const unescaped = (text: string): string => text.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
