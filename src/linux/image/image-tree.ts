/** An image as a file tree: nothing of it was unpacked, contents are read from the layers where they lie. */
import { nameOf } from '../file-names.ts';
import { headOf, saneTime, type FileStat, type OpenFile, type Tree } from '../tree.ts';
import type { Bytes } from './bytes.ts';
import { contentOf, type Merge } from './merge.ts';
import type { Nodes } from './nodes.ts';
import type { Paths } from './paths.ts';

export class ImageTree implements Tree {
  readonly kind = 'image';
  readonly name: string;
  readonly #nodes: Nodes;
  readonly #paths: Paths;
  readonly #layers: readonly Bytes[];
  readonly #pieces: Merge['pieces'];
  readonly #attributes: Merge['attributes'];

  /** `layers` by the number that files carry. */
  constructor(name: string, { nodes, paths, pieces, attributes }: Merge, layers: readonly Bytes[]) {
    this.name = name;
    this.#nodes = nodes;
    this.#paths = paths;
    this.#layers = layers;
    this.#pieces = pieces;
    this.#attributes = attributes;
  }

  /** Names that can be reached. */
  get files(): number { return this.#nodes.nodes; }
  /** Bytes of memory that the index takes. */
  get memory(): number { return this.#nodes.bytes; }

  stat(path: string): FileStat | undefined {
    const node = this.#paths.place(path);
    if (node < 0) return undefined;
    const { kind, mode, uid, gid, size, stored, modified, changed } = this.#nodes.rowOf(node);
    return { kind, mode, uid, gid, size, allocated: stored, links: this.#nodes.linksOf(node), inode: this.#nodes.fileOf(node) + 1, device: 0, modified: saneTime(modified), changed: saneTime(changed), born: undefined };
  }

  real(path: string): string | undefined {
    const node = this.#paths.follow(path.split('/'));
    return node < 0 ? undefined : this.#paths.pathOf(node);
  }

  link(path: string): string | undefined {
    const node = this.#paths.place(path);
    return node < 0 ? undefined : this.#paths.linkText(node);
  }

  list(folder: string): string[] | undefined {
    const names = this.names(folder);
    return names && [...names].sort();
  }

  names(folder: string): Iterable<string> | undefined {
    const node = this.#paths.follow(folder.split('/'));
    return node >= 0 && this.#nodes.isFolder(node) ? this.#children(node) : undefined;
  }

  read(path: string, max?: number): { bytes: Buffer; cut: boolean } | undefined {
    const node = this.#paths.follow(path.split('/'));
    const file = node < 0 ? undefined : this.#openNode(node);
    return file && headOf(file, max);
  }

  open(path: string): OpenFile | undefined {
    const node = this.#paths.place(path);
    return node < 0 ? undefined : this.#openNode(node);
  }

  attribute(path: string, name: string): Buffer | undefined {
    const node = this.#paths.place(path);
    return node < 0 ? undefined : this.#attributes.get(this.#nodes.fileOf(node))?.get(name);
  }

  attributeNames(path: string): string[] {
    const node = this.#paths.place(path);
    return node < 0 ? [] : [...this.#attributes.get(this.#nodes.fileOf(node))?.keys() ?? []].sort();
  }

  flags(): undefined { return undefined; }
  outside(): undefined { return undefined; }

  *#children(node: number): Iterable<string> {
    for (let i = 0; i < this.#nodes.childCount(node); i++) yield nameOf(this.#nodes.nameOf(this.#nodes.child(node, i)));
  }

  #openNode(node: number): OpenFile | undefined {
    const { kind, at, stored, size, layer } = this.#nodes.rowOf(node);
    const from = this.#layers[layer];
    if (kind !== 'file' || !from) return undefined;
    const bytes = contentOf(from, at, stored, size, this.#pieces.get(this.#nodes.fileOf(node)));
    return { size, read: (into, position) => bytes.read(into, position), close: () => undefined };
  }
}
