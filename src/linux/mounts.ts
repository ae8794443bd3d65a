/** What is mounted where. */
import type { Procfs } from './procfs.ts';

const bytesMax = 16 << 20;
const mountsMax = 5000;

/** As this process sees it, of several on one place the last; none when that cannot be read. */
export function mountsOf(procfs: Procfs): { at: string; device: string; type: string }[] {
  const found = new Map<string, { at: string; device: string; type: string }>();
  for (const line of (procfs.read('self/mountinfo', bytesMax) ?? '').split('\n')) {
    const words = line.split(' '), dash = words.indexOf('-');
    const raw = words[4], type = words[dash + 1], device = words[dash + 2];
    if (dash < 0 || raw === undefined || type === undefined || device === undefined || found.size >= mountsMax) continue;
    const at = raw.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
    found.delete(at);
    found.set(at, { at, device, type });
  }
  return [...found.values()];
}
