/** What is mounted where. */
import type { Procfs } from './procfs.ts';

const bytesMax = 16 << 20;
const mountsMax = 5000;

export interface Mount { at: string; device: string; type: string; options: string }

/** As a process sees it, by itself this one, of several on one place the last; none when that cannot be read. */
export const mountsOf = (procfs: Procfs, pid: number | 'self' = 'self'): Mount[] => readMounts(procfs, pid) ?? [];

/** The same; undefined when it cannot be read. */
export function readMounts(procfs: Procfs, pid: number | 'self' = 'self'): Mount[] | undefined {
  const text = procfs.read(`${pid}/mountinfo`, bytesMax);
  if (text === undefined) return undefined;
  const found = new Map<string, Mount>();
  for (const line of text.split('\n')) {
    const words = line.split(' '), dash = words.indexOf('-');
    const raw = words[4], options = words[5], type = words[dash + 1], device = words[dash + 2];
    if (dash < 0 || raw === undefined || options === undefined || type === undefined || device === undefined || found.size >= mountsMax) continue;
    const at = unescaped(raw);
    found.delete(at);
    found.set(at, { at, device: unescaped(device), type, options });
  }
  return [...found.values()];
}

/** Text as it was before the kernel wrote it into a table: `\040` is a space. */
export const unescaped = (text: string): string => text.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
