/** A settings file as its package shipped it, found again by its digest wherever a copy may lie. */
import { createHash } from 'node:crypto';
import type { OwnedFile } from '../../linux/packages/index.ts';
import { MoatError } from '../../core/error.ts';
import type { Tree } from '../../linux/tree.ts';
import { lineDiff } from '../../core/line-diff.ts';
import { baseName } from '../shell-words.ts';
import type { Originals } from './originals.ts';

const textMax = 512 * 1024;

/** What changed in it; undefined when no copy of the original is found, or it is no text. Throws TreeError when the file itself cannot be read. */
export async function changeOf(file: OwnedFile, tree: Tree, originals: Originals): Promise<{ from: string; diff: string } | undefined> {
  const { digest, path } = file;
  const now = tree.read(path, textMax);
  if (!digest || !now || now.cut || now.bytes.includes(0)) return undefined;
  for (const candidate of placesOf(path, file.package.name)) {
    const copy = quietly(() => tree.read(candidate, textMax));
    if (!copy || copy.cut || copy.bytes.includes(0)) continue;
    if (createHash(digest.algorithm).update(copy.bytes).digest('hex') !== digest.hex) continue;
    return { from: candidate, diff: lineDiff(copy.bytes.toString('utf8'), now.bytes.toString('utf8')) };
  }
  const shipped = await originals.find(file);
  return shipped && !shipped.bytes.includes(0) ? { from: shipped.from, diff: lineDiff(shipped.bytes.toString('utf8'), now.bytes.toString('utf8')) } : undefined;
}

/** Beside it as package managers leave it, in ucf's cache, and where packages keep templates. */
function placesOf(path: string, name: string): string[] {
  const base = baseName(path);
  return [
    ...['dpkg-dist', 'dpkg-new', 'dpkg-old', 'ucf-dist', 'ucf-old', 'dpkg-backup', 'apk-new'].map((ending) => `${path}.${ending}`), `${path}.rpmnew`, `${path}.rpmorig`, `${path}.rpmsave`, `${path}.orig`, `${path}.bak`, `${path}~`,
    `/var/lib/ucf/cache/${path.replaceAll('/', ':')}`, `/usr/share/factory${path}`,
    ...[name, 'base-files', base].flatMap((folder) => ['', '/conf', '/config', '/default', '/defaults', '/templates', '/examples', '/etc'].map((sub) => `/usr/share/${folder}${sub}/${base}`)),
    ...['', '/examples', '/conf'].map((sub) => `/usr/share/doc/${name}${sub}/${base}`),
  ];
}

/** A copy that cannot be read is none: the file itself was read. */
function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof MoatError) return undefined;
    throw error;
  }
}
