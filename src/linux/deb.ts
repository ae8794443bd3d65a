/** What a Debian package holds, as it was fetched: an ar archive that holds a tar archive packed by xz, zstd or gzip. */
import { ImageError } from './image/error.ts';
import { part, whole, type Bytes } from './image/bytes.ts';
import { packingOf, Store, type Limits } from './image/inflate.ts';
import { tarEntries, type TarEntry } from './image/tar.ts';

const debLimits: Limits = { bytes: 2 ** 30, ratio: 200, ratioFrom: 64 * 2 ** 20 };
const membersMax = 100;
const scriptMax = 1 << 20;
const totalMax = 16 * 2 ** 20;

/** The files of a package, laid open in a temporary file. To be closed. */
export interface OpenPackage {
  /** Every entry with its path from the root. Throws ImageError where the archive is damaged. */
  entries(): Iterable<{ path: string; entry: TarEntry }>;
  /** Text of the script that runs after the installation, a MiB at most; undefined when there is none. */
  afterInstall(): Promise<string | undefined>;
  /** The content of an entry that is a file. */
  content(entry: TarEntry): Bytes;
  close(): void;
}

/** Throws ImageError for what is no such package, is damaged, or too large laid open. */
export async function openDeb(source: Bytes, signal: AbortSignal): Promise<OpenPackage> {
  const data = memberOf(source, 'data');
  const store = new Store(debLimits);
  try {
    const { bytes, fault } = await store.inflate(data, packingOf(data), signal);
    if (fault) throw fault;
    return {
      *entries() { for (const entry of tarEntries(bytes, () => undefined)) yield { path: `/${entry.name.toString('utf8').replace(/^(?:\.?\/)+/, '')}`, entry }; },
      content: ({ position, stored }) => part(bytes, position, stored),
      async afterInstall() {
        const control = memberOf(source, 'control');
        const { bytes: open, fault: damage } = await store.inflate(control, packingOf(control), signal);
        if (damage) throw damage;
        for (const { name, kind, position, stored } of tarEntries(open, () => undefined)) {
          if (kind === 'file' && /^(?:\.\/)?postinst$/.test(name.toString('latin1')) && stored <= scriptMax) return whole(part(open, position, stored), scriptMax, 'a script').toString('latin1');
        }
        return undefined;
      },
      close: () => store.close(),
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** Contents of the files that `wants` (paths from the root), each of at most `max` bytes and 16 MiB together. Throws as `openDeb`. */
export async function filesOfDeb(source: Bytes, wants: (path: string) => boolean, max: number, signal: AbortSignal): Promise<Map<string, Buffer>> {
  const deb = await openDeb(source, signal);
  try {
    const out = new Map<string, Buffer>();
    let total = 0;
    for (const { path, entry } of deb.entries()) {
      const { kind, size, stored, pieces } = entry;
      if (kind !== 'file' || pieces || stored !== size || size > max || total + size > totalMax || !wants(path)) continue;
      const content = Buffer.alloc(size);
      if (deb.content(entry).read(content, 0) < size) continue;
      out.set(path, content);
      total += size;
    }
    return out;
  } finally { deb.close(); }
}

/** The member data.tar.* or control.tar.* of the ar archive. */
function memberOf(source: Bytes, wanted: 'data' | 'control'): Bytes {
  const head = Buffer.alloc(60);
  const magic = source.read(head.subarray(0, 8), 0) === 8 ? head.toString('latin1', 0, 8) : '';
  if (magic !== '!<arch>\n') throw new ImageError('broken', 'expected a Debian package, got something else');
  let at = 8;
  for (let n = 0; n < membersMax && source.read(head, at) === 60; n++) {
    const size = Number(head.toString('latin1', 48, 58).trim());
    if (head.toString('latin1', 58) !== '`\n' || !Number.isSafeInteger(size) || size < 0 || at + 60 + size > source.size) throw new ImageError('broken', `expected a member of an ar archive, got something else at byte ${at}`);
    const name = head.toString('latin1', 0, 16);
    if (name.startsWith(`${wanted}.tar`) && /^\w+\.tar(?:\.\w+)?\/?\s*$/.test(name)) return part(source, at + 60, size);
    at += 60 + size + (size & 1);
  }
  throw new ImageError('broken', `expected a Debian package with ${wanted}, got none`);
}
