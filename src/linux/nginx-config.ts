/** The configuration of nginx as nginx reads it: each directive with its place, the blocks around it, includes followed. */
import { readFileSync, statSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MoatError } from '../core/error.ts';
import { nameMatches } from './glob.ts';

export interface NginxDirective {
  name: string;
  args: readonly string[];
  /** As seen from inside the root. */
  path: string;
  /** From 1: where it begins, and where its ; or } stands. */
  line: number;
  end: number;
  block: boolean;
  /** Of the blocks around it, outermost first: `http`, `server`, `location /x`. */
  inside: readonly string[];
}

const fileMax = 1 << 20, filesMax = 500, depthMax = 8, directivesMax = 50_000;

/** Directives in the order in which nginx reads them, and the texts by path (one character a byte). Throws MoatError 'bad-config' for what is too large or too deep. */
export function readNginxConfig(root: string, main: string): { directives: NginxDirective[]; files: Map<string, string> } {
  const directives: NginxDirective[] = [], files = new Map<string, string>();
  let opened = 0;
  const readInto = (path: string, outer: readonly string[], depth: number): void => {
    const text = files.get(path) ?? textOf(join(root, path));
    if (text === undefined) return;
    files.set(path, text);
    if (depth > depthMax || ++opened > filesMax || directives.length > directivesMax) throw new MoatError('bad-config', `expected at most ${filesMax} files ${depthMax} deep of nginx, got more`);
    for (const one of parse(text, path, outer, (include, inside) => { for (const file of expand(root, dirname(main), include)) readInto(file, inside, depth + 1); })) directives.push(one);
  };
  readInto(main, [], 0);
  return { directives, files };
}

/** Words and signs of a text, each with its line. */
function* tokens(text: string): Generator<{ word: string; line: number; sign: boolean }> {
  let line = 1;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\n') { line++; continue; }
    if (c === ' ' || c === '\t' || c === '\r') continue;
    if (c === '#') { const stop = text.indexOf('\n', i); i = (stop < 0 ? text.length : stop) - 1; continue; }
    if (c === ';' || c === '{' || c === '}') { yield { word: c, line, sign: true }; continue; }
    const from = line;
    let word = '';
    if (c === '"' || c === '\'') {
      for (i++; i < text.length && text[i] !== c; i++) {
        if (text[i] === '\\') i++;
        if (text[i] === '\n') line++;
        word += text[i] ?? '';
      }
    } else {
      // ${name} belongs to the word.
      for (let braced = false; i < text.length && !' \t\r\n;'.includes(text[i]!); i++) {
        if (text[i] === '{') { if (text[i - 1] !== '$') break; braced = true; }
        if (text[i] === '}') { if (!braced) break; braced = false; }
        word += text[i]!;
      }
      i--;
    }
    yield { word, line: from, sign: false };
  }
}

function parse(text: string, path: string, outer: readonly string[], onInclude: (pattern: string, inside: readonly string[]) => void): NginxDirective[] {
  const found: NginxDirective[] = [];
  const open: NginxDirective[] = [];
  let words: string[] = [], from = 1;
  const inside = (): string[] => [...outer, ...open.map(({ name, args }) => [name, ...args].join(' '))];
  for (const { word, line, sign } of tokens(text)) {
    if (!sign) {
      if (words.length === 0) from = line;
      words.push(word);
      continue;
    }
    const [name, ...args] = words;
    words = [];
    if (word === '}') {
      const block = open.pop();
      if (block) block.end = line;
    } else if (name !== undefined) {
      const one: NginxDirective = { name, args, path, line: from, end: line, block: word === '{', inside: inside() };
      found.push(one);
      if (one.block) open.push(one);
      else if (name === 'include') for (const pattern of args) onInclude(pattern, inside());
    }
  }
  return found;
}

function expand(root: string, base: string, pattern: string): string[] {
  const whole = pattern.startsWith('/') ? pattern : join(base, pattern);
  const at = whole.lastIndexOf('/'), folder = whole.slice(0, at), last = whole.slice(at + 1);
  if (/[*?[]/.test(folder)) throw new MoatError('bad-config', `expected include with * in its last name at most, got ${pattern.slice(0, 200)}`);
  if (!/[*?[]/.test(last)) return [whole];
  try {
    return readdirSync(join(root, folder)).filter((name) => !name.startsWith('.') && nameMatches(last, name)).sort().map((name) => `${folder}/${name}`);
  } catch { return []; /* no such folder: nothing is included */ }
}

function textOf(path: string): string | undefined {
  try {
    const found = statSync(path);
    return found.isFile() && found.size <= fileMax ? readFileSync(path, 'latin1') : undefined;
  } catch { return undefined; /* nginx itself says so when it is asked */ }
}
