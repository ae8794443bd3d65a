/** What npm, pnpm and yarn installed: the nearest package in a `node_modules`. They keep digests of archives, not of files. */
import type { Tree } from '../tree.ts';
import type { Lru } from './lru.ts';
import { jsonOf, wordOf } from './records.ts';

/** Throws TreeError when its package.json cannot be read. */
export function npmOf(tree: Tree, path: string, known: Lru<{ name: string; version: string } | undefined>): { name: string; version: string } | undefined {
  const from = path.lastIndexOf('/node_modules/') + '/node_modules/'.length;
  const parts = path.slice(from).split('/', 3);
  const depth = parts[0]?.startsWith('@') ? 2 : 1;
  // A file that lies in node_modules itself is nobody's.
  if (parts.length <= depth) return undefined;
  const folder = path.slice(0, from) + parts.slice(0, depth).join('/');
  if (known.has(folder)) return known.get(folder);
  const json = jsonOf(tree, `${folder}/package.json`);
  const name = wordOf(json?.['name']);
  const found = name === undefined ? undefined : { name, version: wordOf(json?.['version']) ?? '' };
  known.set(folder, found);
  return found;
}
