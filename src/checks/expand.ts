/** Files that a pattern of paths stands for, and what lies below a folder. */
import { globMatches, type GlobFlavour } from '../linux/glob.ts';
import type { FileStat } from '../linux/tree.ts';
import { attempt } from './look.ts';
import type { Looking } from './port.ts';

const pathsMax = 1000;

/** In the order of their names; `*`, `?` and `[…]` may stand in every part, as glob(3) reads them. At most 1000; only what is there. */
export function expand(context: Looking, pattern: string, flavour: GlobFlavour = 'gnu'): string[] {
  let paths = [''];
  for (const part of pattern.split('/').filter((one) => one !== '')) {
    paths = paths.flatMap((folder) => {
      if (!/[*?[\\]/.test(part)) return [`${folder}/${part}`];
      const names = attempt(context, folder || '/', () => context.tree.list(folder || '/')) ?? [];
      return names.filter((name) => globMatches(part, name, flavour)).map((name) => `${folder}/${name}`);
    });
    if (paths.length > pathsMax) { context.count('paths of a pattern beyond the limit', paths.length - pathsMax); paths = paths.slice(0, pathsMax); }
  }
  return paths.filter((path) => attempt(context, path, () => context.tree.real(path)) !== undefined);
}

/** What several patterns stand for, each real file once. */
export function expandAll(context: Looking, patterns: readonly string[]): string[] {
  const seen = new Set<string>();
  return patterns.flatMap((pattern) => expand(context, pattern)).filter((path) => {
    const real = attempt(context, path, () => context.tree.real(path)) ?? path;
    return !seen.has(real) && seen.add(real);
  });
}

export interface Below { path: string; name: string; stat: FileStat }

/** Everything below a folder down to `depth` folders and `max` names, links not followed; what goes beyond `max` is counted. */
export function* below(context: Looking, folder: string, depth: number, max = 5000): Iterable<Below> {
  const queue = [{ path: folder, depth }];
  let left = max;
  for (let at = queue.pop(); at; at = queue.pop()) {
    const { path: base, depth: down } = at;
    for (const name of attempt(context, base, () => context.tree.list(base)) ?? []) {
      if (left-- <= 0) { context.count('folders looked at only in part'); return; }
      const path = `${base === '/' ? '' : base}/${name}`;
      const stat = attempt(context, path, () => context.tree.stat(path));
      if (!stat) continue;
      yield { path, name, stat };
      if (stat.kind === 'folder' && down > 0) queue.push({ path, depth: down - 1 });
    }
  }
}
