/** From paths to nodes: links are followed as if the image were `/`. */
import { bytesOf, nameOf } from '../file-names.ts';
import type { Nodes } from './nodes.ts';

const linksMax = 40;
const partsMax = 8192;
/** Folders whose node is remembered. */
const knownMax = 20_000;
const rootNode = 0;
const linkTextMax = 4096;

export class Paths {
  readonly #nodes: Nodes;
  readonly #known = new Map<string, number>();

  constructor(nodes: Nodes) { this.#nodes = nodes; }

  /** After a link, a whiteout or anything else that may make a folder another one. */
  forget(): void { if (this.#known.size > 0) this.#known.clear(); }

  bytesOf(name: string): Uint8Array { const bytes = bytesOf(name); return typeof bytes === 'string' ? Buffer.from(bytes) : bytes; }

  /** Node of a path, links of folders followed and its own too; -1 when it leads nowhere, or round. */
  follow(parts: readonly string[]): number { return this.#cached(parts, undefined); }

  /** The folder of that path, made by `layer` where it is missing; -1 when something else is in the way. */
  makeFolders(parts: readonly string[], layer: number): number { return this.#cached(parts, layer); }

  /** The path itself, its folders followed but not its own name. */
  place(path: string): number {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    const last = parts.at(-1);
    if (last === undefined || last === '..') return this.follow(parts);
    parts.pop();
    const folder = this.follow(parts);
    return folder < 0 ? -1 : this.#nodes.find(folder, this.bytesOf(last));
  }

  /** The path of a node, without links. */
  pathOf(node: number): string {
    const names: string[] = [];
    for (let at = node; at !== rootNode; at = this.#nodes.parent(at)) names.push(nameOf(this.#nodes.nameOf(at)));
    return `/${names.reverse().join('/')}`;
  }

  linkText(node: number): string | undefined {
    const { kind, at, size } = this.#nodes.rowOf(node);
    return kind === 'link' ? nameOf(this.#nodes.textAt(at, size)) : undefined;
  }

  #cached(parts: readonly string[], layer: number | undefined): number {
    if (parts.length === 0) return rootNode;
    const key = parts.join('/');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const node = this.#walk(parts, layer);
    // A folder that is missing may be made by the next entry.
    if (node < 0) return node;
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(key, node);
    return node;
  }

  #walk(parts: readonly string[], layer: number | undefined): number {
    const nodes = this.#nodes;
    const left = [...parts].reverse();
    let at = rootNode;
    for (let links = 0; left.length > 0;) {
      const name = left.pop()!;
      if (name === '' || name === '.') continue;
      if (name === '..') { if (at !== rootNode) at = nodes.parent(at); continue; }
      if (!nodes.isFolder(at)) return -1;
      const bytes = this.bytesOf(name);
      let next = nodes.find(at, bytes);
      if (next < 0) {
        if (layer === undefined || bytes.length > 255) return -1;
        next = nodes.put(at, bytes, { kind: 'folder', mode: 0o755, uid: 0, gid: 0, size: 0, stored: 0, at: 0, layer, modified: 0, changed: 0 });
      }
      const row = nodes.rowOf(next);
      if (row.kind !== 'link') { at = next; continue; }
      if (++links > linksMax || left.length > partsMax || row.size > linkTextMax) return -1;
      const target = nameOf(nodes.textAt(row.at, row.size));
      if (target.startsWith('/')) at = rootNode;
      for (const part of target.split('/').reverse()) left.push(part);
    }
    return layer !== undefined && !nodes.isFolder(at) ? -1 : at;
  }
}
