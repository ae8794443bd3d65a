/** Glob patterns over a live file system: `*` stands for part of a name, `**` for any folders. */
import { readdir } from 'node:fs/promises';
import { bytesOf } from './file-names.ts';

export interface GlobLimits {
  /** Folders looked into, per call. */
  maxFolders: number;
  /** Names returned, per call. */
  maxFiles: number;
  /** How deep `**` goes. */
  maxDepth: number;
}

export interface GlobResult {
  /** Names that match, of whatever type they are; each once. */
  paths: string[];
  /** Folders whose listing decides the result; a change in one of them can change it. */
  folders: string[];
  /** Folders that exist and could not be listed, with the reason. */
  unreadable: Map<string, string>;
  /** Something was left out because a limit was reached. */
  truncated: boolean;
}

/** Does a name match a pattern without slashes? `*` does not match a leading dot, as in a shell. Linear in the name. */
export function nameMatches(pattern: string, name: string): boolean {
  const first = pattern.indexOf('*');
  if (first < 0) return pattern === name;
  if (first === 0 && name.startsWith('.')) return false;
  const parts = pattern.split('*');
  const suffix = parts[parts.length - 1]!;
  if (name.length < first + suffix.length || !name.startsWith(parts[0]!) || !name.endsWith(suffix)) return false;
  // The parts between stars at their earliest: if any choice fits, this one does.
  let at = first;
  const end = name.length - suffix.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const found = name.indexOf(parts[i]!, at);
    if (found < 0 || found + parts[i]!.length > end) return false;
    at = found + parts[i]!.length;
  }
  return true;
}

/** One character a byte: daemons match in the C locale. */
const bytesIn = (text: string): string[] => Array.from(Buffer.from(bytesOf(text)).toString('latin1'));

export type GlobFlavour = 'gnu' | 'bsd';
type Token = '*' | '?' | ((char: string) => boolean);
const nameMax = 1024;

/**
 * Does a name match a pattern as glob(3) reads it: `*`, `?`, `[a-c]`, `[!…]` and `\\` before a character that stands for itself? A leading
 * dot must stand in the pattern as such. OpenSSH brings the one of `bsd`, to which `[^a]` is a set of two.
 */
function globMatches(pattern: string, name: string, flavour: GlobFlavour = 'gnu'): boolean {
  if (pattern.length > nameMax || name.length > nameMax) return false;
  const tokens = tokensOf(pattern, flavour);
  if (name.startsWith('.') && !/^\\?\./.test(pattern)) return false;
  const chars = bytesIn(name);
  // After a mismatch only the last star takes one more: what stands before it has matched as early as it could.
  let at = 0, token = 0, star = -1, from = 0;
  while (at < chars.length) {
    const one = tokens[token];
    if (one === '*') { star = token++; from = at; }
    else if (one !== undefined && (one === '?' || one(chars[at]!))) { at++; token++; }
    else if (star >= 0) { token = star + 1; at = ++from; }
    else return false;
  }
  return tokens.slice(token).every((one) => one === '*');
}

function tokensOf(pattern: string, flavour: GlobFlavour): Token[] {
  const tokens: Token[] = [];
  const chars = bytesIn(pattern);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === '*' || char === '?') { tokens.push(char); continue; }
    const set = char === '[' ? setAt(chars, at, flavour) : undefined;
    if (set) { tokens.push(set.has); at = set.end; continue; }
    const plain = char === '\\' && at + 1 < chars.length ? chars[++at]! : char;
    tokens.push((other) => other === plain);
  }
  return tokens;
}

const classes: Readonly<Record<string, RegExp>> = { alnum: /^[A-Za-z0-9]$/, alpha: /^[A-Za-z]$/, blank: /^[ \t]$/, digit: /^\d$/, graph: /^[!-~]$/, lower: /^[a-z]$/, print: /^[ -~]$/, punct: /^[!-/:-@[-`{-~]$/, space: /^\s$/, upper: /^[A-Z]$/, xdigit: /^[0-9A-Fa-f]$/ };

/** A set and the place of its `]`; undefined for a bracket that is never closed and stands for itself. */
function setAt(chars: readonly string[], from: number, flavour: GlobFlavour): { has: (char: string) => boolean; end: number } | undefined {
  const not = chars[from + 1] === '!' || (chars[from + 1] === '^' && flavour === 'gnu');
  const tests: ((char: string) => boolean)[] = [];
  const first = from + (not ? 2 : 1);
  for (let at = first; at < chars.length; at++) {
    if (chars[at] === ']' && at > first) return { has: (char) => tests.some((test) => test(char)) !== not, end: at };
    const named = chars[at] === '[' && chars[at + 1] === ':' ? /^\[:([a-z]{5,6}):\]/.exec(chars.slice(at, at + 10).join('')) : undefined;
    const known = named && classes[named[1]!];
    if (known) { tests.push((char) => known.test(char)); at += named[0].length - 1; continue; }
    if (chars[at] === '\\' && at + 1 < chars.length) at++;
    const low = chars[at]!;
    if (chars[at + 1] !== '-' || chars[at + 2] === undefined || chars[at + 2] === ']') { tests.push((char) => char === low); continue; }
    at += 2;
    if (chars[at] === '\\' && at + 1 < chars.length) at++;
    const high = chars[at]!;
    tests.push((char) => char >= low && char <= high);
  }
  return undefined;
}

/** As glob(3) sorts in the C locale: by the bytes of the whole path. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(bytesOf(a)), Buffer.from(bytesOf(b)));

/**
 * What glob(3) makes of an absolute pattern, through `list`, which gives the names in a folder. Parts without a wildcard are not looked
 * for: the caller sees what is there. Of more than `max` the first are given, and `onMore` is called.
 */
export function globPaths(pattern: string, flavour: GlobFlavour, list: (folder: string) => readonly string[], max: number, onMore: () => void): string[] {
  let paths = [''];
  for (const part of partsOf(pattern)) {
    paths = /[*?[\\]/.test(part) ? paths.flatMap((folder) => list(folder || '/').filter((name) => globMatches(part, name, flavour)).map((name) => `${folder}/${name}`)) : paths.map((folder) => `${folder}/${part}`);
    if (paths.length > max) { onMore(); paths = paths.slice(0, max); }
  }
  return paths.sort(byBytes);
}

const partsOf = (path: string): string[] => path.split('/').filter((s) => s !== '');

/** One test for whole paths against absolute patterns, with the same meaning as `expandGlobs`; a last `**` takes all below. */
export function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const split = patterns.map(partsOf);
  return (path) => {
    const names = partsOf(path);
    return split.some((pattern) => partsMatch(pattern, 0, names, 0));
  };
}

function partsMatch(pattern: readonly string[], p: number, names: readonly string[], n: number): boolean {
  const part = pattern[p];
  if (part === undefined) return n === names.length;
  if (part !== '**') return n < names.length && nameMatches(part, names[n]!) && partsMatch(pattern, p + 1, names, n + 1);
  for (let i = n; ; i++) {
    if (partsMatch(pattern, p + 1, names, i)) return true;
    if (i >= names.length || names[i]!.startsWith('.')) return false;
  }
}

/**
 * Expands absolute patterns. A missing folder is no error. Folders reached through a symbolic link are entered
 * where a pattern names them or matches them with `*`, but not below `**`, so that a loop ends.
 */
export async function expandGlobs(patterns: readonly string[], limits: GlobLimits): Promise<GlobResult> {
  const paths = new Set<string>();
  const listings = new Map<string, { name: string; folder: boolean; link: boolean }[]>();
  const result: GlobResult = { paths: [], folders: [], unreadable: new Map(), truncated: false };

  const list = async (folder: string) => {
    const known = listings.get(folder);
    if (known) return known;
    if (listings.size >= limits.maxFolders) { result.truncated = true; return []; }
    let entries: { name: string; folder: boolean; link: boolean }[] = [];
    try {
      entries = (await readdir(folder === '' ? '/' : folder, { withFileTypes: true }))
        .map((e) => ({ name: e.name, folder: e.isDirectory(), link: e.isSymbolicLink() }));
    } catch (e) {
      const code = (e as NodeJS.ErrnoException).code ?? 'error';
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      result.unreadable.set(folder === '' ? '/' : folder, code);
    }
    listings.set(folder, entries);
    return entries;
  };

  const walk = async (folder: string, parts: readonly string[], at: number, depth: number): Promise<void> => {
    const part = parts[at];
    if (part === undefined || paths.size >= limits.maxFiles) { if (part !== undefined) result.truncated = true; return; }
    const final = at === parts.length - 1;
    if (part === '**') {
      await walk(folder, parts, at + 1, depth);
      if (depth >= limits.maxDepth) return;
      for (const e of await list(folder)) if (e.folder && !e.name.startsWith('.')) await walk(`${folder}/${e.name}`, parts, at, depth + 1);
      return;
    }
    if (!part.includes('*') && !final) return walk(`${folder}/${part}`, parts, at + 1, depth);
    for (const e of await list(folder)) {
      if (!nameMatches(part, e.name)) continue;
      if (!final) { if (e.folder || e.link) await walk(`${folder}/${e.name}`, parts, at + 1, depth); continue; }
      if (paths.size >= limits.maxFiles) { result.truncated = true; return; }
      paths.add(`${folder}/${e.name}`);
    }
  };

  for (const pattern of patterns) {
    if (!pattern.startsWith('/')) throw new TypeError(`expected an absolute path pattern, got ${JSON.stringify(pattern)}`);
    await walk('', partsOf(pattern), 0, 0);
  }
  result.paths = [...paths];
  result.folders = [...listings.keys()].map((f) => (f === '' ? '/' : f));
  return result;
}
