/** sshd_config and ssh_config taken apart: which line says what, under which Match or Host, through Include. */
import { sshWords } from '../linux/sshd-config.ts';
import { expand } from './expand.ts';
import { linesOf, readText, tellCutLines, tellIncludes } from './look.ts';
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
  /** Under `Match all`: sshd lets that count before what stands outside of any Match. */
  overrides?: true;
}

const depthMax = 16;
const directivesMax = 50_000;
const includedMax = 1000;

type Under = Partial<Pick<Directive, 'under' | 'overrides'>>;

/** All directives of a file in the order in which the program reads them; empty when it is not there. `base` is what relative names of Include begin with. */
export function readSshConfig(context: Looking, path: string, base = '/etc/ssh'): Directive[] {
  const out: Directive[] = [];
  const budget = { files: includedMax };
  readInto(out, context, path, base, {}, 0, budget);
  return out;
}

function readInto(out: Directive[], context: Looking, path: string, base: string, outer: Under, depth: number, budget: { files: number }): void {
  if (budget.files-- <= 0) { tellIncludes(context, path, includedMax); return; }
  // Beyond it the program does not start: nothing there takes effect.
  if (depth > depthMax) { context.count('SSH configuration included too deep'); return; }
  const text = readText(context, path);
  if (text === undefined) return;
  let now = outer;
  for (const { number, text: line } of linesOf(context, path, text)) {
    const one = directiveOf(line);
    if (!one) { context.count('SSH configuration lines not understood'); continue; }
    if (one.keyword === 'match' || one.keyword === 'host') {
      // `Match all` and `Host *` hold for everybody, under what holds outside.
      const isAll = /^(?:match all|host \*)$/i.test(`${one.keyword} ${one.args.join(' ')}`);
      now = isAll ? { ...outer, ...(one.keyword === 'match' && { overrides: true as const }) } : { under: `${one.keyword === 'match' ? 'Match' : 'Host'} ${one.rest}` };
      // A Match may run a program.
      if (out.length >= directivesMax) { tellCutLines(context, path, directivesMax); return; }
      out.push({ ...one, path, line: number, text: line.trim(), under: now.under });
      continue;
    }
    if (one.keyword === 'include') {
      for (const pattern of one.args) for (const included of expand(context, pattern.startsWith('/') ? pattern : `${base}/${pattern.replace(/^~\//, '')}`, 'bsd')) readInto(out, context, included, base, now, depth + 1, budget);
      continue;
    }
    if (out.length >= directivesMax) { tellCutLines(context, path, directivesMax); return; }
    out.push({ ...one, path, line: number, text: line.trim(), under: now.under, ...(now.overrides && { overrides: true }) });
  }
}

/** `Keyword value`, `Keyword=value`, `Keyword "a b" c`. */
export function directiveOf(line: string): Pick<Directive, 'keyword' | 'args' | 'rest'> | undefined {
  // The daemon is written in C: a line ends at a NUL, whatever stands behind it.
  const found = /^\s*"?([A-Za-z][A-Za-z0-9-]{1,60})"?(?:\s*=\s*|\s+)(\S.*)$/.exec(line.split('\0', 1)[0]!.replace(/\s+$/, ''));
  if (!found) return undefined;
  const rest = found[2]!;
  return { keyword: found[1]!.toLowerCase(), args: sshWords(rest), rest };
}

/** Each line of these adds to those before. */
const adding = new Set(['acceptenv', 'hostkey']);

/** What holds for everybody: the first that is said counts, but what a `Match all` says counts before. */
export function globalOf(directives: readonly Directive[], keyword: string): Directive | undefined {
  const all = directives.filter((one) => one.keyword === keyword && one.under === undefined);
  return all.find(({ overrides }) => overrides) ?? all[0];
}

/** What holds for everybody or in some Match: each value that somebody can meet. */
export function reachable(directives: readonly Directive[], keyword: string): Directive[] {
  const first = globalOf(directives, keyword);
  return directives.filter((one) => one.keyword === keyword && (one === first || one.under !== undefined || adding.has(keyword)));
}
