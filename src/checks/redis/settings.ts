/** redis.conf: a word and its arguments on a line, other files included. */
import { attempt, linesIn, tellIncludes } from '../look.ts';
import { expand } from '../expand.ts';
import type { ScanContext } from '../port.ts';

export interface RedisSetting { /** Lower case. */ name: string; args: readonly string[]; path: string; line: number; text: string }

const filesMax = 100;

/** In the order in which the server reads them. */
export function readSettings(context: ScanContext, path: string, seen = new Set<string>()): RedisSetting[] {
  const real = attempt(context, path, () => context.tree.real(path));
  if (real === undefined || seen.has(real)) return [];
  if (seen.size > filesMax) { tellIncludes(context, path, filesMax); return []; }
  seen.add(real);
  const out: RedisSetting[] = [];
  for (const { number, text } of linesIn(context, path)) {
    const [name = '', ...args] = [...text.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)].map((part) => part[1] ?? part[2] ?? part[3]!);
    if (name.toLowerCase() === 'include') { for (const file of args) if (file.startsWith('/')) for (const one of expand(context, file)) out.push(...readSettings(context, one, seen)); continue; }
    out.push({ name: name.toLowerCase(), args, path, line: number, text: text.trim() });
  }
  return out;
}

/** Lines of the file of accounts. */
export const aclUsers = (context: ScanContext, path: string): { path: string; line: number; text: string }[] => [...linesIn(context, path)].filter(({ text }) => /^\s*user\s/i.test(text)).map(({ number, text }) => ({ path, line: number, text: text.trim() }));
