/** Files that a pattern of paths stands for, and what lies below a folder. */
import { globPaths, type GlobFlavour } from '../linux/glob.ts';
import type { FileStat } from '../linux/tree.ts';
import { attempt, tellRest } from './look.ts';
import type { Looking } from './port.ts';

/** A hoster has thousands of sites, each with a file of its own. */
const pathsMax = 20_000;

/** In the order of their names; `*`, `?` and `[…]` may stand in every part, as glob(3) reads them. Only what is there; that there is more than is looked at is told as blind. */
export function expand(context: Looking, pattern: string, flavour: GlobFlavour = 'gnu'): string[] {
  const list = (folder: string): string[] => attempt(context, folder, () => context.tree.list(folder)) ?? [];
  const paths = globPaths(pattern, flavour, list, pathsMax, () => { tellRest(context, pattern, pathsMax); });
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

/** Everything below a folder down to `depth` folders and `max` names, links not followed; what goes beyond `max` is told as blind. */
export function* below(context: Looking, folder: string, depth: number, max = 20_000): Iterable<Below> {
  yield* upToSome(context, folder, depth, max, () => { tellRest(context, folder, max); });
}

/** The same for what only its owner's carelessness puts there: nobody gains by hiding it, so what goes beyond `max` is counted. */
export function* someBelow(context: Looking, folder: string, depth: number, max: number): Iterable<Below> {
  yield* upToSome(context, folder, depth, max, () => { context.count('folders looked at only in part'); });
}

function* upToSome(context: Looking, folder: string, depth: number, max: number, beyond: () => void): Iterable<Below> {
  const queue = [{ path: folder, depth }];
  let left = max;
  for (let at = queue.pop(); at; at = queue.pop()) {
    const { path: base, depth: down } = at;
    for (const name of attempt(context, base, () => context.tree.list(base)) ?? []) {
      if (left-- <= 0) { beyond(); return; }
      const path = `${base === '/' ? '' : base}/${name}`;
      const stat = attempt(context, path, () => context.tree.stat(path));
      if (!stat) continue;
      yield { path, name, stat };
      if (stat.kind === 'folder' && down > 0) queue.push({ path, depth: down - 1 });
    }
  }
}
