/** Files that are sent as they are: named by what they hold, and from where somebody was cut off. */
import type { Download } from './contract/route.ts';
import { Problem } from './problem.ts';

/** As an entity tag. */
export const tagOf = ({ tag, bytes }: Pick<Download, 'tag' | 'bytes'>): string => `"${tag}-${bytes}"`;

/** Where a request begins: `bytes=FROM-` alone is understood, which is all that going on needs. Throws Problem beyond the end. */
export function startOf(range: string | undefined, bytes: number): number {
  if (range === undefined) return 0;
  const from = Number(/^bytes=(\d{1,15})-$/.exec(range)?.[1] ?? Number.NaN);
  if (Number.isSafeInteger(from) && from < bytes) return from;
  throw new Problem('bad-range', { zh: `Range 应为 bytes=起点-，起点小于 ${bytes}`, en: `expected Range as bytes=FROM- with FROM below ${bytes}, got ${range.slice(0, 100)}` });
}
