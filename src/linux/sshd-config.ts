/** sshd_config as sshd reads it: through Include, under which Match, with the place of every line. The first that is said counts. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import { bytesOf, nameOf } from './file-names.ts';
import { globPaths } from './glob.ts';

export interface SshdLine {
  /** As seen from inside the root; `line` from 1. */
  path: string;
  line: number;
  text: string;
  /** Lower case. */
  keyword: string;
  value: string;
  /** What stands behind the Match above it; undefined where it holds for all. */
  under: string | undefined;
}

export interface SshdConfig {
  main: string;
  /** In the order in which sshd reads them. */
  lines: SshdLine[];
  /** Text by path, each file once. */
  files: ReadonlyMap<string, string>;
  /** What an Include line, `PATH:LINE`, leads to. */
  included: ReadonlyMap<string, readonly string[]>;
}

const fileMax = 1 << 20, filesMax = 200, depthMax = 16, linesMax = 20_000;
const base = '/etc/ssh';

/** Throws MoatError 'bad-config' for what is too large, too deep or not to be read; a main file that is not there is empty. */
export function readSshdConfig(root: string, main: string): SshdConfig {
  const lines: SshdLine[] = [];
  const files = new Map<string, string>();
  const included = new Map<string, readonly string[]>();
  const readInto = (path: string, outer: string | undefined, depth: number): void => {
    if (depth > depthMax) throw bad(`expected Include at most ${depthMax} deep, got more in ${path}`);
    const text = files.get(path) ?? readText(join(root, path));
    if (text === undefined) return;
    files.set(path, text);
    if (files.size > filesMax || lines.length > linesMax) throw bad(`expected at most ${filesMax} files and ${linesMax} lines of sshd_config, got more`);
    // A Match ends with its file.
    let under = outer;
    for (const [i, line] of text.split('\n').entries()) {
      const one = directive(line);
      if (!one) continue;
      if (one.keyword === 'match') under = /^all$/i.test(one.value) ? outer : one.value;
      lines.push({ path, line: i + 1, text: line, ...one, under });
      if (one.keyword !== 'include') continue;
      // The text is kept byte by byte; a name is text again.
      const paths = sshWords(one.value).map((word) => nameOf(Buffer.from(word, 'latin1'))).flatMap((pattern) => expand(root, pattern.startsWith('/') ? pattern : `${base}/${pattern}`));
      included.set(`${path}:${i + 1}`, paths);
      for (const each of paths) readInto(each, under, depth + 1);
    }
  };
  readInto(main, undefined, 0);
  return { main, lines, files, included };
}

/** `Keyword value`, `Keyword=value`. A comment behind the value belongs to sshd's reading of the value. */
function directive(line: string): { keyword: string; value: string } | undefined {
  const found = /^\s*"?([A-Za-z][A-Za-z0-9]{1,60})"?(?:\s*=\s*|\s+)(\S.*)$/.exec(line.replace(/\s+$/, ''));
  return found ? { keyword: found[1]!.toLowerCase(), value: found[2]! } : undefined;
}

/** As OpenSSH takes words apart: quotes of both kinds, also in the middle of a word, a backslash before a quote, a backslash or a blank; # begins a comment. */
export function sshWords(text: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at++;
    if (at >= text.length || text[at] === '#') break;
    let word = '', quote = '';
    for (; at < text.length; at++) {
      const c = text[at]!, next = text[at + 1];
      if (c === '\\' && (next === '"' || next === "'" || next === '\\' || (quote === '' && next === ' '))) { word += next; at++; }
      else if (quote === '' && (c === ' ' || c === '\t')) break;
      else if (quote === '' && (c === '"' || c === "'")) quote = c;
      else if (c === quote) quote = '';
      else word += c;
    }
    words.push(word);
  }
  return words;
}

/**
 * The same configuration with other texts for some files, as files in a folder: name → text, `0.conf` being the main one. So sshd can
 * judge a change before it is made.
 */
export function candidate({ main, files, included }: SshdConfig, changed: ReadonlyMap<string, string>, folder: string): Map<string, string> {
  const all = new Map([...files, ...changed]);
  const names = new Map([...new Set([main, ...all.keys()])].map((path, i) => [path, `${i}.conf`]));
  return new Map([...names].map(([path, name]) => {
    // Lines that were added or taken away move the others: an Include is told by its text.
    const before = (files.get(path) ?? '').split('\n');
    const targets = new Map(before.flatMap((line, i) => { const to = included.get(`${path}:${i + 1}`); return to === undefined ? [] : [[line, to] as const]; }));
    const text = (all.get(path) ?? '').split('\n').map((line) => {
      const to = targets.get(line);
      if (to === undefined) return line;
      const found = to.flatMap((one) => names.get(one) ?? []);
      return found.length === 0 ? '' : `Include ${found.map((one) => join(folder, one)).join(' ')}`;
    }).join('\n');
    return [name, text];
  }));
}

/** The daemon brings a glob(3) of its own, that of BSD. */
function expand(root: string, pattern: string): string[] {
  return globPaths(pattern, 'bsd', (folder) => namesIn(join(root, folder)), filesMax, () => { throw bad(`expected Include to lead to at most ${filesMax} files, got more for ${pattern.slice(0, 200)}`); });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(bytesOf(folder), { encoding: 'buffer' }).map(nameOf);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

function readText(path: string): string | undefined {
  try {
    const found = statSync(bytesOf(path));
    // The daemon opens a folder and finds no line in it.
    if (found.isDirectory()) return undefined;
    if (!found.isFile() || found.size > fileMax) throw bad(`expected ${path} to be a file of at most ${fileMax} bytes`);
    return readFileSync(bytesOf(path), 'latin1');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

const bad = (message: string): MoatError<'bad-config'> => new MoatError('bad-config', message);
