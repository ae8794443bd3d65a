/** Glob patterns over a live file system: `*` stands for part of a name, `**` for any folders. */
import { readdir } from 'node:fs/promises';

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
