/**
 * Opens an image: finds its layers, lays packed ones open in a temporary file, merges what they hold. Nothing is unpacked under its
 * own name and nothing is run. What cannot be read is told in `faults`; what can is there to be looked at.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { DiskTree } from '../disk-tree.ts';
import { folderArchive, tarArchive, type Archive } from './archive.ts';
import type { Bytes } from './bytes.ts';
import { ImageError, makeOne } from './error.ts';
import { configOf, type ImageFacts } from './facts.ts';
import { ImageTree } from './image-tree.ts';
import { inflateLimits, packingOf, Store, type Limits } from './inflate.ts';
import { layoutOf, type Digest, type Layout } from './layout.ts';
import { Merge } from './merge.ts';
import { Nodes } from './nodes.ts';
import { looksLikeTar, tarEntries } from './tar.ts';

export interface ImageOptions {
  /** Of several images: a name (`app:1.2`) or a platform (`linux/arm64`). */
  name?: string | undefined;
  signal: AbortSignal;
  limits?: Partial<Limits> & { names?: number };
  onProgress?: (progress: { layer: number; of: number; entries: number }) => void;
}

export interface OpenImage {
  tree: ImageTree;
  facts: ImageFacts;
  /** What could not be looked at. */
  faults: readonly { what: string; error: ImageError }[];
  counts: Readonly<Record<string, number>>;
  /** Bytes that were laid open in the folder of temporary files. */
  temporary: number;
  close: () => void;
}

const namesMax = 4_000_000;
const turnEvery = 8192;

/** Throws ImageError. */
export async function openImage(path: string, options: ImageOptions): Promise<OpenImage> {
  const counts: Record<string, number> = {};
  const count = (what: string, n = 1): void => { counts[what] = (counts[what] ?? 0) + n; };
  const ends: (() => void)[] = [];
  const close = (): void => { for (const end of ends.splice(0)) end(); };
  const { names = namesMax, ...limits } = options.limits ?? {};
  let store: Store | undefined;
  const temporary = (): Store => {
    if (!store) { store = new Store({ ...inflateLimits, ...limits }); ends.push(() => store!.close()); }
    return store;
  };
  try {
    const faults: { what: string; error: ImageError }[] = [];
    const file = await openArchive(path, temporary, options.signal, count, faults);
    ends.push(() => file.archive.close(), file.close);
    const { archive } = file;
    const layout = layoutOf(archive, options.name, hostPlatform());
    faults.push(...layout.faults);
    if (archive.fault && layout.kind !== 'root') faults.push({ what: basename(path), error: archive.fault });
    const merge = new Merge(new Nodes(names), count);
    const layers = await readLayers(layout, { ...file, path }, merge, { temporary, count, faults, options });
    merge.nodes.finish();
    merge.paths.forget();
    const tree = new ImageTree(layout.name === '' ? basename(path) : `${basename(path)}:${layout.name}`, merge, layers.map(({ bytes }) => bytes));
    const { kind, name, platform, config } = layout;
    return {
      tree, faults, counts, temporary: store?.used ?? 0, close,
      facts: { kind, name, platform, config: config && configOf(config), odd: merge.odd, layers: layers.map((layer) => ({ name: layer.name, entries: layer.entries, bytes: layer.bytes.size })) },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Splits `app.tar:nginx:1.27` where a file or folder of the first part is. Without one all of it is the path. */
export function imagePath(written: string): { path: string; name: string | undefined } {
  const there = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
  if (there(written)) return { path: written, name: undefined };
  for (let colon = written.indexOf(':', 1); colon > 0; colon = written.indexOf(':', colon + 1)) {
    const path = written.slice(0, colon);
    if (there(path)) return { path, name: written.slice(colon + 1) };
  }
  return { path: written, name: undefined };
}

interface OpenArchive { archive: Archive; /** The archive itself, laid open; undefined for a folder. */ bytes: Bytes | undefined; close: () => void }

async function openArchive(path: string, temporary: () => Store, signal: AbortSignal, count: (what: string, n?: number) => void, faults: { what: string; error: ImageError }[]): Promise<OpenArchive> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return { archive: folderArchive(new DiskTree(path, undefined)), bytes: undefined, close: () => undefined };
  if (found?.isFile() !== true) throw new ImageError('no-image', `expected an image archive or the folder of an OCI layout, got ${found ? 'something else' : 'nothing'} at ${path}`, { zh: found ? `${path} 既不是镜像文件，也不是 OCI 布局的目录` : `${path} 不存在`, hint: makeOne });
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const packed: Bytes = { size, read: (into, position) => readFully(file, into, position) };
    const packing = packingOf(packed);
    let bytes = packed;
    if (packing !== 'plain') {
      const opened = await temporary().inflate(packed, packing, signal);
      if (opened.fault) {
        if (opened.bytes.size === 0) throw opened.fault;
        faults.push({ what: basename(path), error: opened.fault });
      }
      bytes = opened.bytes;
    }
    if (!looksLikeTar(bytes)) throw new ImageError('no-image', `expected a tar archive, got something else in ${path}`, { zh: `${path} 不是 tar 归档`, hint: makeOne });
    return { archive: tarArchive(bytes, signal, count), bytes, close: () => { closeSync(file); } };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function readFully(file: number, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const got = readSync(file, into, done, into.length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

interface Reading { temporary: () => Store; count: (what: string, n?: number) => void; faults: { what: string; error: ImageError }[]; options: ImageOptions }
interface ReadLayer { name: string; bytes: Bytes; entries: number }

async function readLayers(layout: Layout, file: { bytes: Bytes | undefined; path: string }, merge: Merge, reading: Reading): Promise<ReadLayer[]> {
  const { faults, options: { signal, onProgress } } = reading;
  if (layout.kind === 'root') {
    if (!file.bytes) throw new ImageError('no-image', `expected the folder of an OCI layout, got a root file system in ${file.path}`, { zh: `${file.path} 是一个根文件系统，不是 OCI 布局`, hint: { zh: '这样扫描它：moat scan --root 目录', en: 'scan it with: moat scan --root DIR' } });
    return [await readLayer(basename(file.path), file.bytes, 0, 'plain', merge, reading, 1)];
  }
  const done: ReadLayer[] = [];
  for (const [i, { name, bytes, digest, openDigest }] of layout.layers.entries()) {
    const tell = (error: ImageError): void => { faults.push({ what: name, error }); };
    onProgress?.({ layer: i + 1, of: layout.layers.length, entries: merge.nodes.nodes });
    let open: Bytes = { size: 0, read: () => 0 };
    if (!bytes) tell(new ImageError('odd-layout', 'expected the layer, got no such member', { zh: '归档里没有这一层' }));
    else {
      if (digest && await hashOf(bytes, digest, signal) !== digest.hex) tell(new ImageError('broken', `expected ${digest.algorithm}:${digest.hex}, got other bytes: the layer was changed or damaged`, { zh: '这一层的内容与它的摘要不符：被改过或损坏' }));
      const packing = packingOf(bytes);
      open = bytes;
      if (packing !== 'plain') {
        const opened = await reading.temporary().inflate(bytes, packing, signal);
        if (opened.fault) tell(opened.fault);
        open = opened.bytes;
      }
      if (openDigest && (packing !== 'plain' || openDigest.hex !== digest?.hex) && await hashOf(open, openDigest, signal) !== openDigest.hex) tell(new ImageError('broken', `expected ${openDigest.algorithm}:${openDigest.hex} laid open, got other bytes: the layer is not the one that the configuration names`));
    }
    done.push(await readLayer(name, open, i, 'layer', merge, reading, layout.layers.length));
  }
  return done;
}

async function readLayer(name: string, bytes: Bytes, layer: number, names: 'layer' | 'plain', merge: Merge, { count, faults, options: { signal, onProgress } }: Reading, of: number): Promise<ReadLayer> {
  let entries = 0;
  let told = false;
  const pass = async (tell: typeof count): Promise<void> => {
    for (const entry of tarEntries(bytes, tell)) {
      if (++entries % turnEvery === 0) { onProgress?.({ layer: layer + 1, of, entries: merge.nodes.nodes }); await turn(); signal.throwIfAborted(); }
      merge.add(entry);
    }
  };
  try {
    merge.begin(layer, name, names);
    if (bytes.size > 0) await pass(count);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    faults.push({ what: name, error });
    told = true;
  }
  if (merge.again) {
    const once = entries;
    merge.begin(layer, name, 'again');
    try {
      await pass(() => undefined);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      if (!told) faults.push({ what: name, error });
    }
    entries = once;
  }
  return { name, bytes, entries };
}

async function hashOf(bytes: Bytes, { algorithm }: Digest, signal: AbortSignal): Promise<string> {
  const hash = createHash(algorithm);
  const buffer = Buffer.allocUnsafeSlow(1 << 20);
  for (let position = 0; position < bytes.size;) {
    const got = bytes.read(buffer, position);
    if (got === 0) break;
    hash.update(buffer.subarray(0, got));
    position += got;
    if (position % (16 << 20) === 0) { await turn(); signal.throwIfAborted(); }
  }
  return hash.digest('hex');
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
const hostPlatform = (): string => `linux/${{ x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386' }[process.arch as string] ?? process.arch}`;
