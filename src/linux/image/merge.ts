/**
 * Entries of layers become one tree, as an engine would unpack them one over the other: names are taken inside the tree however they
 * are written, links of folders are followed inside, whiteouts hide what lies below, hard links share a file.
 */
import { nameOf } from '../file-names.ts';
import { sparse, part, type Bytes } from './bytes.ts';
import { ImageError } from './error.ts';
import type { Nodes } from './nodes.ts';
import { Paths } from './paths.ts';
import type { TarEntry } from './tar.ts';

/** An entry that no honest tool writes; for a person to see. */
export interface OddEntry { layer: string; name: string; what: 'leads upwards' | 'hard link to nothing' | 'through a file' | 'too deep' | 'too long' }

const oddMax = 200;
const nameBytesMax = 255;
const pathBytesMax = 64 * 1024;
const depthMax = 1024;
const piecesMax = 2_000_000;
const linkedMax = 100_000;
const attributesMax = 128 << 20;
const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/**
 * layer  whiteouts hide
 * again  whiteouts were heard before, and what was told is not told again
 * plain  a root that was exported as one archive: there such a name is a name
 */
export type Names = 'layer' | 'again' | 'plain';

export class Merge {
  readonly nodes: Nodes;
  readonly paths: Paths;
  readonly odd: OddEntry[] = [];
  readonly pieces = new Map<number, Float64Array>();
  readonly attributes = new Map<number, Map<string, Buffer>>();
  readonly #count: (what: string, n?: number) => void;
  #pieceCount = 0;
  #attributeBytes = 0;
  #layer = 0;
  #layerName = '';
  #names: Names = 'layer';
  /** Hard links of this layer with their files. */
  readonly #linked = new Map<string, number>();
  /**
   * The layer has whiteouts. They mean only what lower layers hold, wherever they stand: what the layer holds is to be added once more
   * with names 'again', now that all is hidden that has to be.
   */
  again = false;

  constructor(nodes: Nodes, count: (what: string, n?: number) => void) {
    this.nodes = nodes;
    this.paths = new Paths(nodes);
    this.#count = count;
  }

  /** What follows is of this layer. */
  begin(layer: number, name: string, names: Names): void {
    this.#layer = layer;
    this.#layerName = name;
    this.#names = names;
    this.again = false;
    if (names !== 'again') this.#linked.clear();
    // Whiteouts hide what has a lower number, also what the first round of their own layer has put.
    this.nodes.order = 2 * layer + Number(names === 'again');
    this.paths.forget();
  }

  /** Throws ImageError 'too-large' when no more may be added. */
  add(entry: TarEntry): void {
    if (entry.name.length > pathBytesMax) return this.#tell(nameOf(entry.name.subarray(0, 200)), 'too long');
    const written = nameOf(entry.name);
    const parts = this.#partsOf(written);
    if (parts.length > depthMax) return this.#tell(written.slice(0, 200), 'too deep');
    const name = parts.pop();
    if (name === undefined) {
      if (entry.kind === 'folder') { this.nodes.putRoot(this.#rowOf(entry)); this.#keepMore(0, entry); }
      return;
    }
    if (Buffer.byteLength(name) > nameBytesMax) return this.#tell(written.slice(0, 400), 'too long');
    if (this.#names !== 'plain' && name.startsWith(whiteout)) return this.#names === 'again' ? undefined : this.#hide(this.paths.follow(parts), name);
    const folder = this.paths.makeFolders(parts, this.#layer);
    if (folder < 0) return this.#tell(written, 'through a file');
    if (entry.kind === 'hard-link') return this.#link(folder, name, entry, written);
    const bytes = this.paths.bytesOf(name);
    const before = this.nodes.find(folder, bytes);
    if (before >= 0) {
      const { kind, layer } = this.nodes.rowOf(before);
      if (kind !== 'file') this.paths.forget();
      if (this.#names !== 'again' && layer === this.#layer && kind !== 'folder') this.#count('files that a layer holds twice: the last counts');
    }
    this.#keepMore(this.nodes.put(folder, bytes, this.#rowOf(entry)), entry);
  }

  #hide(folder: number, name: string): void {
    this.paths.forget();
    this.again = true;
    if (folder < 0) return;
    if (name === opaque) { this.nodes.empty(folder); return; }
    if (name.startsWith('.wh..wh.')) { this.#count('entries that only the aufs file system needs'); return; }
    const hidden = name.slice(whiteout.length);
    if (hidden === '' || hidden === '.' || hidden === '..') { this.#tell(name, 'leads upwards'); return; }
    this.nodes.remove(folder, this.paths.bytesOf(hidden));
  }

  #link(folder: number, name: string, entry: TarEntry, written: string): void {
    const target = nameOf(entry.target.subarray(0, pathBytesMax));
    const parts = this.#partsOf(target);
    const last = parts.pop();
    const from = last === undefined ? -1 : this.paths.follow(parts);
    const node = from < 0 ? -1 : this.nodes.find(from, this.paths.bytesOf(last!));
    let file = node < 0 || this.nodes.isFolder(node) ? undefined : this.nodes.fileOf(node);
    // In the second round a whiteout of the same layer may have hidden the other name: the file stays.
    if (this.#names === 'again') file ??= this.#linked.get(written);
    else if (file !== undefined && this.#linked.size < linkedMax) this.#linked.set(written, file);
    if (file === undefined) return this.#tell(`${written} -> ${target.slice(0, 400)}`, 'hard link to nothing', this.#linked.size >= linkedMax);
    this.paths.forget();
    this.nodes.linkTo(folder, this.paths.bytesOf(name), file);
  }

  #rowOf(entry: TarEntry): Parameters<Nodes['put']>[2] {
    const { kind, mode, uid, gid, modified, changed = modified } = entry;
    const layer = this.#layer;
    switch (kind) {
      case 'link': return { kind, mode: 0o777, uid, gid, modified, changed, layer, size: entry.target.length, stored: 0, at: this.nodes.text(entry.target) };
      case 'file': return { kind, mode, uid, gid, modified, changed, layer, size: entry.size, stored: entry.stored, at: entry.position };
      case 'hard-link': throw new ImageError('broken', 'expected a file of its own, got a hard link');
      default: return { kind, mode, uid, gid, modified, changed, layer, size: 0, stored: 0, at: 0 };
    }
  }

  #keepMore(node: number, entry: TarEntry): void {
    const file = this.nodes.fileOf(node);
    if (entry.pieces) {
      this.#pieceCount += entry.pieces.length;
      if (this.#pieceCount > piecesMax) throw new ImageError('too-large', `expected at most ${piecesMax / 2} pieces of sparse files in an image, got more`);
      this.pieces.set(file, entry.pieces);
    }
    if (!entry.attributes) return;
    for (const [name, value] of entry.attributes) this.#attributeBytes += name.length * 2 + value.length + 200;
    if (this.#attributeBytes > attributesMax) throw new ImageError('too-large', `expected at most ${attributesMax} bytes of extended attributes in an image, got more`);
    // The values are parts of a larger block that would stay for their sake.
    this.attributes.set(file, new Map([...entry.attributes].map(([name, value]) => [name, Buffer.from(value)])));
  }

  #partsOf(written: string): string[] {
    const parts: string[] = [];
    let upwards = false;
    for (const part of written.split('/')) {
      if (part === '' || part === '.') continue;
      if (part !== '..') parts.push(part);
      else if (parts.pop() === undefined) upwards = true;
    }
    if (upwards) this.#tell(written, 'leads upwards');
    return parts;
  }

  #tell(name: string, what: OddEntry['what'], anyway = false): void {
    if (this.#names === 'again' && !anyway) return;
    this.#count(`entries of an image: ${what}`);
    if (this.odd.length < oddMax) this.odd.push({ layer: this.#layerName, name: name.slice(0, 1000), what });
  }
}

/** What a file's bytes are read from. */
export function contentOf(layer: Bytes, at: number, stored: number, size: number, pieces: Float64Array | undefined): Bytes {
  const bytes = part(layer, at, stored);
  return pieces ? sparse(bytes, size, pieces) : bytes;
}
