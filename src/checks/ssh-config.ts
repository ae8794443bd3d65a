/** sshd_config and ssh_config taken apart: which line says what, under which Match or Host, through Include. */
import { expand } from './expand.ts';
import { linesOf, readText } from './look.ts';
import type { Looking } from './port.ts';

export interface Directive {
  /** Lower case. */
  keyword: string;
  /** Quotes off. */
  args: readonly string[];
  /** Everything behind the keyword, as it stands: what a command is taken from. */
  rest: string;
  path: string;
  line: number;
  text: string;
  /** `Match …` or `Host …` above it, with what it says; undefined where it holds for all. */
  under: string | undefined;
}

const depthMax = 16;
const directivesMax = 10_000;
const includedMax = 1000;

/** All directives of a file in the order in which the program reads them; empty when it is not there. `base` is what relative names of Include begin with. */
export function readSshConfig(context: Looking, path: string, base = '/etc/ssh'): Directive[] {
  const out: Directive[] = [];
  const budget = { files: includedMax };
  readInto(out, context, path, base, undefined, 0, budget);
  return out;
}

function readInto(out: Directive[], context: Looking, path: string, base: string, outer: string | undefined, depth: number, budget: { files: number }): void {
  if (depth > depthMax || budget.files-- <= 0) { context.count('SSH configuration included too deep or too often'); return; }
  const text = readText(context, path);
  if (text === undefined) return;
  let under = outer;
  for (const { number, text: line } of linesOf(text, { count: (what) => { context.count(what); } })) {
    const one = directiveOf(line);
    if (!one) { context.count('SSH configuration lines not understood'); continue; }
    if (one.keyword === 'match' || one.keyword === 'host') {
      // `Match all` and `Host *` hold for everybody, under what holds outside.
      under = /^(?:match all|host \*)$/i.test(`${one.keyword} ${one.args.join(' ')}`) ? outer : `${one.keyword === 'match' ? 'Match' : 'Host'} ${one.rest}`;
      // A Match may run a program.
      if (out.length < directivesMax) out.push({ ...one, path, line: number, text: line.trim(), under });
      continue;
    }
    if (one.keyword === 'include') {
      for (const pattern of one.args) for (const included of expand(context, pattern.startsWith('/') ? pattern : `${base}/${pattern.replace(/^~\//, '')}`)) readInto(out, context, included, base, under, depth + 1, budget);
      continue;
    }
    if (out.length >= directivesMax) { context.count('SSH configuration lines beyond the limit'); return; }
    out.push({ ...one, path, line: number, text: line.trim(), under });
  }
}

/** `Keyword value`, `Keyword=value`, `Keyword "a b" c`. */
export function directiveOf(line: string): Pick<Directive, 'keyword' | 'args' | 'rest'> | undefined {
  const found = /^\s*"?([A-Za-z][A-Za-z0-9-]{1,60})"?(?:\s*=\s*|\s+)(\S.*)$/.exec(line.replace(/\s+$/, ''));
  if (!found) return undefined;
  const rest = found[2]!;
  const args = [...rest.matchAll(/"([^"]*)"|(\S+)/g)].slice(0, 200).map((part) => part[1] ?? part[2]!);
  const comment = args.findIndex((arg) => arg.startsWith('#'));
  return { keyword: found[1]!.toLowerCase(), args: comment < 0 ? args : args.slice(0, comment), rest };
}

/** What holds for everybody: the first that is said counts. */
export const globalOf = (directives: readonly Directive[], keyword: string): Directive | undefined => directives.find((one) => one.keyword === keyword && one.under === undefined);

/** What holds for everybody or in some Match: each value that somebody can meet. */
export function reachable(directives: readonly Directive[], keyword: string): Directive[] {
  const first = globalOf(directives, keyword);
  return directives.filter((one) => one.keyword === keyword && (one === first || one.under !== undefined));
}
