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

const segmentRegex = new Map<string, RegExp>();

/** Does a name match a pattern without slashes? `*` does not match a leading dot, as in a shell. */
export function nameMatches(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern === name;
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  let regex = segmentRegex.get(pattern);
  if (!regex) {
    // Adjacent stars become one: `[^/]*[^/]*` would be slow on long names.
    const body = pattern.replace(/\*+/g, '*').split('*').map((s) => s.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*');
    regex = new RegExp(`^${body}$`, 's');
    if (segmentRegex.size > 1000) segmentRegex.clear();
    segmentRegex.set(pattern, regex);
  }
  return regex.test(name);
}

/** One test for whole paths against absolute patterns, with the same meaning as `expandGlobs`. */
export function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const regexes = patterns.map((pattern) => new RegExp(`^${pattern.split('/').filter((s) => s !== '').map((part) => {
    if (part === '**') return '(?:/(?!\\.)[^/]+)*';
    const body = part.replace(/\*+/g, '*').split('*').map((s) => s.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('[^/]*');
    return `/${part.startsWith('*') ? '(?!\\.)' : ''}${body}`;
  }).join('')}$`, 's'));
  return (path) => regexes.some((r) => r.test(path));
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
    await walk('', pattern.split('/').filter((s) => s !== ''), 0, 0);
  }
  result.paths = [...paths];
  result.folders = [...listings.keys()].map((f) => (f === '' ? '/' : f));
  return result;
}
