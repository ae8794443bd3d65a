/**
 * The merged tree of an image in little memory: columns of numbers, names and link texts in one block of bytes. About 100 bytes an
 * entry (bench: `npm run bench -- image`).
 *
 * A node is a name in a folder; a file is what it names, and hard links share one. Layers are merged without ever searching a
 * folder: each node remembers when it was set last, each folder when it was last emptied, and a node that was set before its folder
 * was emptied is gone. Time is the number `order`, which rises from layer to layer.
 */
import { randomInt } from 'node:crypto';
import type { FileKind } from '../tree.ts';
import { ImageError } from './error.ts';

const kinds = ['file', 'folder', 'link', 'pipe', 'socket', 'block-device', 'character-device'] as const satisfies readonly FileKind[];
const folderKind = kinds.indexOf('folder');

/** What an entry says of a file. `at` and `stored`: where its bytes lie in the layer. */
export interface FileRow { kind: FileKind; mode: number; uid: number; gid: number; size: number; stored: number; at: number; layer: number; modified: number; changed: number }

const poolMax = 1 << 30;
/** Names made to collide must not turn look-ups into searches. */
const probesMax = 500;
const rootNode = 0;

type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

function grown<T extends Column>(column: T, length: number): T {
  const larger = new (column.constructor as new (length: number) => T)(length);
  larger.set(column);
  return larger;
}

export class Nodes {
  readonly #max: number;
  readonly #seed = randomInt(2 ** 32 - 1) | 0;
  nodes = 1;
  files = 0;
  order = 0;

  // By node.
  #parent = new Int32Array(1024);
  #nameAt = new Uint32Array(1024);
  #nameLength = new Uint16Array(1024);
  #hash = new Int32Array(1024);
  #file = new Int32Array(1024);
  #set = new Uint16Array(1024);
  #emptied = new Uint16Array(1024);
  #gone = new Uint8Array(1024);
  // By file.
  #kind = new Uint8Array(1024);
  #mode = new Uint16Array(1024);
  #layer = new Uint16Array(1024);
  #uid = new Uint32Array(1024);
  #gid = new Uint32Array(1024);
  #size = new Float64Array(1024);
  #stored = new Float64Array(1024);
  #at = new Float64Array(1024);
  #modified = new Float64Array(1024);
  #links = new Uint32Array(0);

  #names = Buffer.allocUnsafeSlow(1 << 16);
  #namesLength = 0;
  /** Nodes by the hash of folder and name; -1 for a free place. */
  #places = new Int32Array(4096).fill(-1);
  // After `finish`: children of node n are #children[#first[n] … #first[n + 1]).
  #first = new Uint32Array(0);
  #children = new Int32Array(0);
  /** Few archives tell it: there only once one does. 0 for the same as modified. */
  #changed = new Float64Array(0);

  constructor(max: number) {
    this.#max = max;
    this.#file[rootNode] = this.#addFile({ kind: 'folder', mode: 0o755, uid: 0, gid: 0, size: 0, stored: 0, at: 0, layer: 0, modified: 0, changed: 0 });
    this.#parent[rootNode] = -1;
  }

  /** Bytes that it holds. */
  get bytes(): number {
    const columns = [this.#parent, this.#nameAt, this.#nameLength, this.#hash, this.#file, this.#set, this.#emptied, this.#gone, this.#kind, this.#mode, this.#layer, this.#uid, this.#gid, this.#size, this.#stored, this.#at, this.#modified, this.#links, this.#places, this.#first, this.#children, this.#names, this.#changed];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Node of a name in a folder; -1 for none. */
  find(folder: number, name: Uint8Array): number {
    const node = this.#known(folder, name, this.#hashOf(folder, name));
    return node >= 0 && this.#there(node) ? node : -1;
  }

  /** Sets what a name in a folder is. A folder over a folder keeps what it holds. Throws ImageError 'too-large'. */
  put(folder: number, name: Uint8Array, row: FileRow): number {
    const node = this.#name(folder, name);
    const file = this.#file[node]!;
    const stays = file >= 0 && this.#kind[file] === folderKind && row.kind === 'folder';
    if (!stays) this.#emptied[node] = this.order;
    this.#file[node] = this.#addFile(row);
    return node;
  }

  /** Gives another name to a file. */
  linkTo(folder: number, name: Uint8Array, file: number): number {
    const node = this.#name(folder, name);
    this.#file[node] = file;
    this.#emptied[node] = this.order;
    return node;
  }

  /** Says of the root folder what an entry of it says. */
  putRoot(row: FileRow): void { this.#file[rootNode] = this.#addFile(row); }

  /** A whiteout: what was put there until now is gone, and all below it. */
  remove(folder: number, name: Uint8Array): void {
    const node = this.#known(folder, name, this.#hashOf(folder, name));
    if (node < 0) return;
    this.#gone[node] = 1;
    this.#emptied[node] = this.order + 1;
  }

  /** An opaque folder: what was put into it until now is gone. */
  empty(folder: number): void { this.#emptied[folder] = this.order + 1; }

  /** Sorts the children together. Nothing may be added afterwards. */
  finish(): void {
    const first = new Uint32Array(this.nodes + 1);
    for (let node = 1; node < this.nodes; node++) if (this.#there(node)) first[this.#parent[node]! + 1]!++;
    for (let node = 0; node < this.nodes; node++) first[node + 1]! += first[node]!;
    const children = new Int32Array(first[this.nodes]!);
    const next = first.slice();
    for (let node = 1; node < this.nodes; node++) if (this.#there(node)) children[next[this.#parent[node]!]!++] = node;
    this.#first = first;
    this.#children = children;
    this.#links = new Uint32Array(this.files);
    const stack = [rootNode];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      this.#links[this.#file[node]!]!++;
      if (this.#kind[this.#file[node]!] === folderKind) for (let i = first[node]!; i < first[node + 1]!; i++) stack.push(children[i]!);
    }
  }

  parent(node: number): number { return this.#parent[node]!; }
  fileOf(node: number): number { return this.#file[node]!; }
  isFolder(node: number): boolean { return this.#kind[this.#file[node]!] === folderKind; }
  kindOf(node: number): FileKind { return kinds[this.#kind[this.#file[node]!]!]!; }
  linksOf(node: number): number { return this.#links[this.#file[node]!] ?? 1; }
  childCount(node: number): number { return this.#first[node + 1]! - this.#first[node]!; }
  child(node: number, nth: number): number { return this.#children[this.#first[node]! + nth]!; }

  rowOf(node: number): FileRow {
    const file = this.#file[node]!;
    const modified = this.#modified[file]!;
    return {
      kind: kinds[this.#kind[file]!]!, mode: this.#mode[file]!, uid: this.#uid[file]!, gid: this.#gid[file]!, size: this.#size[file]!,
      stored: this.#stored[file]!, at: this.#at[file]!, layer: this.#layer[file]!, modified, changed: this.#changed[file] || modified,
    };
  }

  /** Bytes of a node's name, shared: not to be kept. */
  nameOf(node: number): Buffer { const at = this.#nameAt[node]!; return this.#names.subarray(at, at + this.#nameLength[node]!); }
  /** Bytes of what `text` kept, shared: not to be kept. */
  textAt(at: number, length: number): Buffer { return this.#names.subarray(at, at + length); }

  /** Keeps the text of a link; says where. Throws ImageError 'too-large'. */
  text(bytes: Uint8Array): number {
    if (this.#namesLength + bytes.length > poolMax) throw new ImageError('too-large', `expected at most ${poolMax} bytes of names in an image, got more`);
    if (this.#namesLength + bytes.length > this.#names.length) {
      const larger = Buffer.allocUnsafeSlow(Math.ceil(Math.max(this.#names.length * 1.5, this.#namesLength + bytes.length)));
      this.#names.copy(larger, 0, 0, this.#namesLength);
      this.#names = larger;
    }
    this.#names.set(bytes, this.#namesLength);
    this.#namesLength += bytes.length;
    return this.#namesLength - bytes.length;
  }

  #there(node: number): boolean { return this.#gone[node] === 0 && this.#file[node]! >= 0 && this.#set[node]! >= this.#emptied[this.#parent[node]!]!; }

  /** The node of a name, made when there is none, set now. */
  #name(folder: number, name: Uint8Array): number {
    const hash = this.#hashOf(folder, name);
    let node = this.#known(folder, name, hash);
    if (node < 0) {
      node = this.#addNode(folder, name, hash);
      this.#emptied[node] = this.order;
    } else if (!this.#there(node)) { this.#emptied[node] = Math.max(this.order, this.#emptied[node]!); this.#file[node] = -1; this.#gone[node] = 0; }
    this.#set[node] = this.order;
    return node;
  }

  #addNode(folder: number, name: Uint8Array, hash: number): number {
    if (this.nodes >= this.#max) throw new ImageError('too-large', `expected at most ${this.#max} names in an image, got more`);
    if (this.nodes === this.#parent.length) this.#growNodes();
    if (this.nodes * 2 >= this.#places.length) this.#growPlaces();
    const node = this.nodes;
    this.#place(node, hash);
    this.nodes++;
    this.#nameAt[node] = this.text(name);
    this.#nameLength[node] = name.length;
    this.#parent[node] = folder;
    this.#hash[node] = hash;
    this.#file[node] = -1;
    return node;
  }

  #growNodes(): void {
    const length = Math.ceil(this.#parent.length * 1.5);
    this.#parent = grown(this.#parent, length);
    this.#nameAt = grown(this.#nameAt, length);
    this.#nameLength = grown(this.#nameLength, length);
    this.#hash = grown(this.#hash, length);
    this.#file = grown(this.#file, length);
    this.#set = grown(this.#set, length);
    this.#emptied = grown(this.#emptied, length);
    this.#gone = grown(this.#gone, length);
  }

  #addFile(row: FileRow): number {
    // Each entry of the archives makes one, also of those that are hidden later.
    if (this.files >= 2 * this.#max) throw new ImageError('too-large', `expected at most ${2 * this.#max} entries in an image, got more`);
    if (this.files === this.#kind.length) {
      const length = Math.ceil(this.files * 1.5);
      this.#kind = grown(this.#kind, length);
      this.#mode = grown(this.#mode, length);
      this.#layer = grown(this.#layer, length);
      this.#uid = grown(this.#uid, length);
      this.#gid = grown(this.#gid, length);
      this.#size = grown(this.#size, length);
      this.#stored = grown(this.#stored, length);
      this.#at = grown(this.#at, length);
      this.#modified = grown(this.#modified, length);
    }
    const file = this.files++;
    this.#kind[file] = kinds.indexOf(row.kind);
    this.#mode[file] = row.mode;
    this.#layer[file] = row.layer;
    this.#uid[file] = row.uid;
    this.#gid[file] = row.gid;
    this.#size[file] = row.size;
    this.#stored[file] = row.stored;
    this.#at[file] = row.at;
    this.#modified[file] = row.modified;
    if (row.changed !== row.modified) {
      if (file >= this.#changed.length) this.#changed = grown(this.#changed, this.#kind.length);
      this.#changed[file] = row.changed;
    }
    return file;
  }

  #hashOf(folder: number, name: Uint8Array): number {
    let hash = Math.imul(folder ^ this.#seed, 0x85eb_ca6b);
    for (const byte of name) { hash = Math.imul(hash ^ byte, 0x5bd1_e995); hash ^= hash >>> 15; }
    return hash | 0;
  }

  #known(folder: number, name: Uint8Array, hash: number): number {
    const mask = this.#places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const node = this.#places[place]!;
      if (node < 0) return -1;
      if (this.#hash[node] === hash && this.#parent[node] === folder && this.#named(node, name)) return node;
    }
  }

  #named(node: number, name: Uint8Array): boolean {
    if (this.#nameLength[node] !== name.length) return false;
    const at = this.#nameAt[node]!;
    for (let i = 0; i < name.length; i++) if (this.#names[at + i] !== name[i]) return false;
    return true;
  }

  #place(node: number, hash: number): void {
    const mask = this.#places.length - 1;
    let probes = 0;
    let place = hash & mask;
    while (this.#places[place]! >= 0) {
      if (++probes > probesMax) throw new ImageError('too-large', `expected names that spread, got ${probesMax} that were made to collide`);
      place = (place + 1) & mask;
    }
    this.#places[place] = node;
  }

  #growPlaces(): void {
    this.#places = new Int32Array(this.#places.length * 2).fill(-1);
    for (let node = 1; node < this.nodes; node++) this.#place(node, this.#hash[node]!);
  }
}
