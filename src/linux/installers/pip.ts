/** What pip installed: `RECORD` in each `*.dist-info` names its files with their SHA-256, `installed-files.txt` in an `*.egg-info` only names them. */
import { textOf, type Tree } from '../tree.ts';
import { recordsMax, resolved, type RecordedFile, type Records } from './records.ts';

const recordMax = 16 << 20;

/** Throws TreeError when the folder or a record cannot be read. */
export function pipFiles(tree: Tree, site: string): Records {
  const files = new Map<string, RecordedFile>();
  for (const folder of tree.list(site) ?? []) {
    const named = /^(.+?)-([^-]+)(?:-py\d[\d.]*)?\.(dist|egg)-info$/.exec(folder);
    if (!named) continue;
    const [, name = '', version = '', kind] = named;
    const record = textOf(tree, `${site}/${folder}/${kind === 'dist' ? 'RECORD' : 'installed-files.txt'}`, recordMax) ?? '';
    for (const line of record.split('\n')) {
      if (files.size >= recordsMax) return files;
      const { path, sha256 } = kind === 'dist' ? recordLine(line) : { path: line.trim(), sha256: undefined };
      // installed-files.txt counts from its own folder.
      const at = path === '' ? undefined : resolved(kind === 'dist' ? site : `${site}/${folder}`, path);
      if (at !== undefined) files.set(at, { name, version, sha256 });
    }
  }
  return files;
}

/** `path,sha256=BASE64URL,size`; a path with a comma or a quote stands in quotes. */
function recordLine(raw: string): { path: string; sha256: string | undefined } {
  const line = raw.trim();
  let path: string;
  let rest: string;
  if (line.startsWith('"')) {
    const end = /^"((?:[^"]|"")*)",?/.exec(line);
    path = (end?.[1] ?? '').replaceAll('""', '"');
    rest = line.slice(end?.[0].length ?? line.length);
  } else {
    const comma = line.indexOf(',');
    path = comma < 0 ? line : line.slice(0, comma);
    rest = comma < 0 ? '' : line.slice(comma + 1);
  }
  const digest = /^sha256=([\w-]{43})=?(?:,|$)/.exec(rest)?.[1];
  return { path, sha256: digest === undefined ? undefined : Buffer.from(digest, 'base64url').toString('hex') };
}
