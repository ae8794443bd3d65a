/** What rpm keeps of a package: a header of tagged values, big-endian. */
import { PackagesError } from './error.ts';
import type { DigestAlgorithm } from '../digests.ts';
import type { FileRow } from './table.ts';

export const headerMax = 64 * 2 ** 20;
const tagsMax = 65_536;
const filesMax = 1_000_000;

const tag = {
  name: 1000, version: 1001, release: 1002, epoch: 1003, arch: 1022, oldFileNames: 1027, fileStates: 1029, fileModes: 1030, fileDigests: 1035, fileFlags: 1037,
  fileUser: 1039, fileGroup: 1040, fileCapabilities: 5010, dirIndexes: 1116, baseNames: 1117, dirNames: 1118, fileDigestAlgorithm: 5011,
} as const;

const configFlag = 1;
const ghostFlag = 64;
const magic = 0x8e_ad_e8_01;
const folderMode = 0o040000;
const typeMask = 0o170000;

/** OpenPGP's numbers of hash functions. */
const digestAlgorithms: Readonly<Record<number, DigestAlgorithm>> = { 1: 'md5', 2: 'sha1', 8: 'sha256', 9: 'sha384', 10: 'sha512', 11: 'sha224' };

interface Entry { type: number; offset: number; count: number }

export interface RpmFile extends FileRow { folder: string; name: string; user: string | undefined; group: string | undefined }

export interface RpmPackage {
  name: string;
  /** `epoch:version-release`, the epoch where there is one. */
  version: string;
  arch: string;
  /** What is no folder and was installed. */
  files(): Iterable<RpmFile>;
}

/** Throws PackagesError 'broken' for what is no header. `files` may throw it too. */
export function parseHeader(blob: Buffer): RpmPackage {
  const header = new Header(blob);
  const epoch = header.numbers(tag.epoch)?.[0];
  return {
    name: header.text(tag.name) ?? broken('a name, got none'),
    version: `${epoch === undefined ? '' : `${epoch}:`}${header.text(tag.version) ?? ''}-${header.text(tag.release) ?? ''}`,
    arch: header.text(tag.arch) ?? '',
    files: () => filesOf(header),
  };
}

/** Bytes of a header that begins here, its eight bytes of magic included; `start` gives at least the first sixteen of it. Throws PackagesError 'broken'. */
export function headerBytes(start: Buffer): number {
  if (start.length < 16 || start.readUInt32BE(0) !== magic) broken('its magic number, got something else');
  const count = start.readUInt32BE(8), length = start.readUInt32BE(12);
  if (count > tagsMax || length > headerMax) broken('a header of some size, got one too large');
  return 16 + count * 16 + length;
}

/** Whose each file of a package is, and what it is able to do (as setcap writes it), by path. Of a package that is not installed: its header alone. */
export function ownersOf(blob: Buffer): Map<string, { user: string; group: string; capabilities: string }> {
  const header = new Header(blob);
  const users = header.texts(tag.fileUser), groups = header.texts(tag.fileGroup), capabilities = header.texts(tag.fileCapabilities);
  const out = new Map<string, { user: string; group: string; capabilities: string }>();
  for (const [folder, name] of namesOf(header)) out.set(`${folder}/${name}`, { user: next(users) ?? '', group: next(groups) ?? '', capabilities: next(capabilities) ?? '' });
  return out;
}

function* filesOf(header: Header): Iterable<RpmFile> {
  const modes = header.numbers(tag.fileModes);
  const flags = header.numbers(tag.fileFlags);
  const states = header.numbers(tag.fileStates);
  const algorithm = digestAlgorithms[header.numbers(tag.fileDigestAlgorithm)?.[0] ?? 1];
  const digests = header.texts(tag.fileDigests);
  const users = header.texts(tag.fileUser);
  const groups = header.texts(tag.fileGroup);
  let i = -1;
  for (const [folder, name] of namesOf(header)) {
    i++;
    // The arrays run side by side: each must be stepped whether its value is used or not.
    const hex = next(digests);
    const user = next(users);
    const group = next(groups);
    const mode = modes?.[i];
    const state = states?.[i] ?? 0;
    if ((mode !== undefined && (mode & typeMask) === folderMode) || notThere(state)) continue;
    // What another package wrote over is no longer this one's.
    const digest = hex && algorithm && state === 0 ? { algorithm, hex } : undefined;
    yield { folder, name, digest, mode: mode === undefined ? undefined : mode & 0xffff, config: ((flags?.[i] ?? 0) & configFlag) !== 0, ghost: ((flags?.[i] ?? 0) & ghostFlag) !== 0, user, group };
  }
}

/** Not installed (documents left out), shared over the network, or of the other word size. */
const notThere = (state: number): boolean => state === 2 || state === 3 || state === 4;

const next = (texts: Iterator<string> | undefined): string | undefined => {
  const step = texts?.next();
  return step && !step.done ? step.value : undefined;
};

/** Folder (without the slash at its end) and name of each file. */
function* namesOf(header: Header): Iterable<[string, string]> {
  const base = header.texts(tag.baseNames);
  if (base) {
    const folders = [...(header.texts(tag.dirNames) ?? [])].map((folder) => folder.replace(/\/+$/, ''));
    const indexes = header.numbers(tag.dirIndexes) ?? [];
    let i = 0;
    for (const name of base) yield [folders[indexes[i++] ?? -1] ?? broken('a folder for each file, got none'), name];
    return;
  }
  for (const path of header.texts(tag.oldFileNames) ?? []) {
    const slash = path.lastIndexOf('/');
    yield [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
  }
}

class Header {
  readonly #data: Buffer;
  readonly #entries = new Map<number, Entry>();

  constructor(blob: Buffer) {
    if (blob.length < 8) broken(`a header, got ${blob.length} bytes`);
    const count = blob.readUInt32BE(0);
    const length = blob.readUInt32BE(4);
    const start = 8 + count * 16;
    if (count === 0 || count > tagsMax || start + length > blob.length) broken(`${count} tags and ${length} bytes, got ${blob.length} bytes in all`);
    this.#data = blob.subarray(start, start + length);
    for (let i = 0; i < count; i++) {
      const at = 8 + i * 16;
      this.#entries.set(blob.readUInt32BE(at), { type: blob.readUInt32BE(at + 4), offset: blob.readUInt32BE(at + 8), count: blob.readUInt32BE(at + 12) });
    }
  }

  text(number: number): string | undefined {
    const entry = this.#entries.get(number);
    if (!entry) return undefined;
    if (entry.type !== 6 && entry.type !== 9 && entry.type !== 8) broken(`a text at tag ${number}, got type ${entry.type}`);
    for (const text of this.#strings(entry.offset, 1)) return text;
    return undefined;
  }

  texts(number: number): IterableIterator<string> | undefined {
    const entry = this.#entries.get(number);
    if (!entry) return undefined;
    if (entry.type !== 8 && entry.type !== 6 && entry.type !== 9) broken(`texts at tag ${number}, got type ${entry.type}`);
    if (entry.count > filesMax) broken(`at most ${filesMax} values at tag ${number}, got ${entry.count}`);
    return this.#strings(entry.offset, entry.count);
  }

  numbers(number: number): Uint32Array | undefined {
    const entry = this.#entries.get(number);
    if (!entry) return undefined;
    // Type 1 to 4: one, one, two and four bytes each.
    const width = entry.type === 1 || entry.type === 2 ? 1 : entry.type === 3 ? 2 : entry.type === 4 ? 4 : broken(`numbers at tag ${number}, got type ${entry.type}`);
    if (entry.count > filesMax || entry.offset + entry.count * width > this.#data.length) broken(`${entry.count} numbers at tag ${number}, got fewer`);
    const out = new Uint32Array(entry.count);
    for (let i = 0; i < entry.count; i++) {
      const at = entry.offset + i * width;
      out[i] = width === 1 ? this.#data.readUInt8(at) : width === 2 ? this.#data.readUInt16BE(at) : this.#data.readUInt32BE(at);
    }
    return out;
  }

  *#strings(offset: number, count: number): IterableIterator<string> {
    let at = offset;
    for (let i = 0; i < count; i++) {
      const end = this.#data.indexOf(0, at);
      if (at >= this.#data.length || end < 0) broken('a text with its end, got none');
      yield this.#data.toString('utf8', at, end);
      at = end + 1;
    }
  }
}

function broken(what: string): never { throw new PackagesError('broken', `expected ${what} in an rpm header`); }
