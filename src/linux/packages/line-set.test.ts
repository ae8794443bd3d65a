import { expect, it } from 'vitest';
import { hashOf, LineSet, PathLines } from './line-set.ts';

function linesOf(text: string): { bytes: Buffer; lines: PathLines } {
  const bytes = Buffer.from(text);
  const lines = new PathLines();
  lines.clear(bytes);
  while (lines.more());
  return { bytes, lines };
}

it('takes a list apart: empty lines, no slash, the root, no end of line', () => {
  const { bytes, lines } = linesOf('/.\n\n/usr\n/usr/bin/x\nodd\n//\n/a');
  const found = Array.from({ length: lines.length }, (_, i) => [bytes.toString('utf8', lines.from[i], lines.to[i]), bytes.toString('utf8', lines.from[i], Math.max(lines.from[i]!, lines.slash[i]!))]);
  expect(found).toEqual([['/.', ''], ['/usr', ''], ['/usr/bin/x', '/usr/bin'], ['odd', ''], ['//', '/'], ['/a', '']]);
  expect(lines.slash[3]).toBeLessThan(lines.from[3]!);
  expect(lines.hash[2]).toBe(hashOf(Buffer.from('usr/bin/x'), 0, 9));
  expect(lines.folderHash[2]).toBe(hashOf(Buffer.from('usr/bin'), 0, 7));
});

it('finds what was added again, grown or cleared, and nothing else', () => {
  const set = new LineSet();
  for (const n of [10, 5000, 3, 0, 40]) {
    const { bytes, lines } = linesOf(Array.from({ length: n }, (_, i) => `/dir/${n}/file${i}`).join('\n'));
    set.clear(bytes);
    for (let i = 0; i < lines.length; i++) expect(set.add(lines.hash[i]!, lines.from[i]!, lines.to[i]!, i)).toBe(true);
    for (let i = 0; i < lines.length; i++) expect(set.find(lines.hash[i]!, bytes, lines.from[i]!, lines.to[i]!)).toBe(i);
    for (const other of ['/dir/5000/file7', '/dir/10/file1', '/no']) {
      const at = Buffer.from(other);
      expect(set.find(hashOf(at, 1, at.length), at, 0, at.length) >= 0, `${n} ${other}`).toBe(bytes.toString().split('\n').includes(other));
    }
    expect(set.left).toBe(n);
    if (n > 0) { expect(set.take(lines.hash[0]!, bytes, lines.from[0]!, lines.to[0]!)).toBe(0); expect(set.take(lines.hash[0]!, bytes, lines.from[0]!, lines.to[0]!)).toBe(-1); expect(set.left).toBe(n - 1); }
  }
});

it('refuses names that were made to collide, instead of searching for ever', () => {
  const { bytes, lines } = linesOf(Array.from({ length: 2000 }, (_, i) => `/x/${i}`).join('\n'));
  const set = new LineSet();
  set.clear(bytes);
  let kept = 0;
  for (let i = 0; i < lines.length; i++) if (set.add(7, lines.from[i]!, lines.to[i]!, i)) kept++;
  expect(kept).toBeGreaterThan(400);
  expect(kept).toBeLessThan(600);
});
