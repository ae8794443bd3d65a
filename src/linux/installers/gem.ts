/** What gem installed: `gems/NAME-VERSION/` with a specification of the same name beside `gems`. It keeps no digests. */
import type { Tree } from '../tree.ts';

/** Throws TreeError. */
export function gemOf(tree: Tree, path: string): { name: string; version: string } | undefined {
  for (let at = path.indexOf('/gems/'); at >= 0; at = path.indexOf('/gems/', at + 1)) {
    const folder = path.slice(at + '/gems/'.length).split('/', 1)[0] ?? '';
    const named = /^(.{1,200})-(\d[\w.]{0,60})(?:-[\w-]{1,60})?$/.exec(folder);
    if (named && tree.stat(`${path.slice(0, at)}/specifications/${folder}.gemspec`)?.kind === 'file') return { name: named[1]!, version: named[2]! };
  }
  return undefined;
}
