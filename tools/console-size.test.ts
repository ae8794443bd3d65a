import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const dist = join(import.meta.dirname, '../console/dist');
const assets = join(dist, 'assets');
const kb = (names: Iterable<string>): number => [...names].reduce((sum, name) => sum + readFileSync(join(assets, `${name}.gz`)).length, 0) / 1024;

/** A chunk and all that it imports before it runs. */
function closure(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const [, next] of readFileSync(join(assets, name), 'utf8').matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)) closure(next!, seen);
  return seen;
}

// `npm test` builds it first.
describe.skipIf(!existsSync(dist))('size of the console, gzip', () => {
  const entry = /src="\/assets\/([\w-]+\.js)"/.exec(readFileSync(join(dist, 'index.html'), 'utf8'))![1]!;
  const pieces = readdirSync(assets).filter((name) => name.endsWith('.js'));

  it('draws its frame with little, and the overview well within 350 KB', () => {
    const frame = closure(entry);
    expect(kb(frame)).toBeLessThan(budget.frame);
    const overview = pieces.filter((name) => name.startsWith('overview-'));
    expect(overview.map((name) => name.split('-')[0])).toEqual(['overview']);
    const all = new Set(frame);
    for (const name of overview) for (const one of closure(name)) all.add(one);
    expect(kb(all)).toBeLessThan(budget.overview);
  });

  it('has no page that weighs more than another program', () => {
    for (const name of pieces) expect(kb([name]), name).toBeLessThan(budget.chunk);
  });
});

/** KB; measured, with a little room. The overview's is the bar. */
const budget = { frame: 300, overview: 350, chunk: 200 };
