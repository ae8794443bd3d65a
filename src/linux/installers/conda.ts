/** What conda installed below a prefix: `conda-meta/*.json`, with SHA-256 of each file as it lies there. */
import type { Tree } from '../tree.ts';
import { jsonOf, recordsMax, resolved, wordOf, type RecordedFile, type Records } from './records.ts';

/** Throws TreeError when a record cannot be read. */
export function condaFiles(tree: Tree, prefix: string): Records {
  const files = new Map<string, RecordedFile>();
  for (const entry of tree.list(`${prefix}/conda-meta`) ?? []) {
    if (!entry.endsWith('.json')) continue;
    const json = jsonOf(tree, `${prefix}/conda-meta/${entry}`);
    const name = wordOf(json?.['name']);
    if (!json || name === undefined) continue;
    const version = wordOf(json['version']) ?? '';
    const add = (relative: unknown, sha256: string | undefined): void => {
      const path = typeof relative === 'string' && files.size < recordsMax ? resolved(prefix, relative) : undefined;
      if (path !== undefined) files.set(path, { name, version, sha256 });
    };
    if (Array.isArray(json['files'])) for (const file of json['files']) add(file, undefined);
    const paths: unknown = (json['paths_data'] as { paths?: unknown } | undefined)?.paths;
    if (!Array.isArray(paths)) continue;
    for (const one of paths as unknown[]) {
      if (typeof one !== 'object' || one === null) continue;
      const entryOf = one as Record<string, unknown>;
      // A text that names its own place is changed when it is installed: that digest is told apart.
      add(entryOf['_path'], digest(entryOf['sha256_in_prefix']) ?? (entryOf['prefix_placeholder'] === undefined ? digest(entryOf['sha256']) : undefined));
    }
  }
  return files;
}

const digest = (value: unknown): string | undefined => (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value : undefined);
