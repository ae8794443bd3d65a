/**
 * A file as its package shipped it, out of the .deb or .rpm: the one that the package manager kept, one that was fetched before, or (of
 * apt) one fetched now. Only what the package database or apt's own signed lists vouch for is taken.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { readAccounts } from '../accounts.ts';
import { openDeb, type OpenPackage } from '../deb.ts';
import { openRpm, type Outside } from '../rpm-file.ts';
import { DiskTree } from '../disk-tree.ts';
import type { Bytes } from '../image/bytes.ts';
import type { TarEntry } from '../image/tar.ts';
import { nameOf } from '../file-names.ts';
import type { Run } from '../run.ts';
import { textOf } from '../tree.ts';
import { fetchDeb, fileNameOf, keepFew, specOf } from './fetch.ts';
import type { OwnedFile, Package, PackageIndex } from './index.ts';
import { scriptSays } from './script-says.ts';

/**
 * not-packaged  no package has the file
 * no-original   it has, but the package is not to be had, or nothing vouches for what is to be had
 */
export type OriginalErrorCode = 'not-packaged' | 'no-original';

export interface Original {
  package: Package;
  /** Settings that people may change. */
  config: boolean;
  /** The package file, and what the file is called in it. */
  deb: string;
  inDeb: string;
  /** Who says that it is what was shipped: the digest of the package database (undefined: it has none), apt's lists (undefined: they do not know this version any more). */
  vouched: { database?: boolean; apt?: boolean };
  kind: 'file' | 'symlink';
  size: number;
  sha256: string;
  target?: string;
  /** With set-uid, set-gid and sticky; as the package's script sets it where that says so plainly. */
  mode: number;
  uid: number;
  gid: number;
  /** Nanoseconds since 1970, decimal. */
  modified: string;
  /** In Base64. */
  attributes: { name: string; value: string }[];
  /** The script that runs after the installation names the file in a way that is not understood here. */
  scripted: boolean;
}

export interface OriginalsOptions {
  /** The packages of the machine; undefined while they are being read, or when there are none. */
  index: () => PackageIndex | undefined | Promise<PackageIndex>;
  run: Run;
  /** Of Moat's own, where fetched packages are kept. */
  folder: string;
  root?: string;
}

const archives = '/var/cache/apt/archives';
const debMax = 1 << 30;
const pieceBytes = 1 << 20;
const textMax = 16 << 20;
const findMs = 100_000;
const aptMs = 20_000;
const linksMax = 8;
const cachesMax = 100;
/** Files of a package that are compared when nothing else vouches for it. */
const comparedMax = 20_000;

export class Originals {
  readonly #options: OriginalsOptions;
  readonly #root: string;

  constructor(options: OriginalsOptions) {
    this.#options = options;
    this.#root = options.root ?? '/';
  }

  /** `path` as seen from inside the root. Throws MoatError 'not-packaged' or 'no-original' with what was tried. */
  async find(path: string): Promise<Original> {
    const signal = AbortSignal.timeout(findMs);
    const { index: packages, folder } = this.#options;
    const index = await packages();
    if (index === undefined) throw unavailable({ zh: '软件包数据库还没有读好，或读不了', en: 'the package databases are not read yet, or cannot be read' });
    const owned = index.owner(path);
    if (owned === undefined) throw new MoatError<OriginalErrorCode>('not-packaged', `no package has ${path}`, { text: { zh: `${path} 不属于任何软件包，没有出厂的样子可恢复`, en: `no package has ${path}, so there is nothing it was shipped as` } });
    const { manager, name } = owned.package;
    if (manager === 'apk') throw unavailable({ zh: `软件包 ${name} 由 apk 安装：只会从 .deb 与 .rpm 里取出厂文件`, en: `the package ${name} was installed by apk: only .deb and .rpm packages are read here` }, `apk fix ${name}`);
    const tried: Text[] = [];
    const attempt = async (deb: string): Promise<Original | undefined> => {
      try {
        return await this.#from(deb, owned, index, signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof MoatError)) throw error;
        tried.push({ zh: `${deb}：${(error.text ?? { zh: error.message }).zh}`, en: `${deb}: ${error.message}` });
        return undefined;
      }
    };
    const lying = manager === 'rpm' ? [...rpmCaches(this.#root), folder].flatMap((one) => this.#rpmsIn(one, owned.package)) : [...this.#lying(join(this.#root, archives), owned.package), ...this.#lying(folder, owned.package)];
    for (const deb of lying) {
      const found = await attempt(deb);
      if (found) return found;
    }
    if (manager === 'rpm') {
      const none = { zh: `没有找到它的 .rpm（找过 dnf、yum、zypper 的缓存与 ${folder}）`, en: `its .rpm was not found (looked for in the caches of dnf, yum and zypper, and in ${folder})` };
      throw unavailable({ zh: [...tried.map(({ zh }) => zh), none.zh].join('；'), en: [...tried.map(({ en }) => en), none.en].join('; ') }, `dnf download --destdir ${folder} ${name}`);
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const fetched = await fetchDeb(owned.package, folder, this.#options.run, signal, this.#root);
    if ('why' in fetched) throw unavailable({ zh: [...tried.map(({ zh }) => zh), fetched.why.zh].join('；'), en: [...tried.map(({ en }) => en), fetched.why.en].join('; ') }, `apt-get install --reinstall ${name}`);
    keepFew(folder, fetched.deb);
    const found = await attempt(fetched.deb);
    if (found) return found;
    throw unavailable({ zh: tried.map(({ zh }) => zh).join('；'), en: tried.map(({ en }) => en).join('; ') }, `apt-get install --reinstall ${name}`);
  }

  /** Writes the content into an open file, from its beginning. Throws MoatError 'no-original' when the package is gone meanwhile. */
  async write({ deb: path, inDeb }: Pick<Original, 'deb' | 'inDeb'>, fd: number, signal: AbortSignal): Promise<void> {
    await withDeb(path, signal, this.#outside(), async (deb) => {
      const entry = entryOf(deb, [inDeb])?.entry;
      if (entry?.kind !== 'file') throw unavailable({ zh: `${path} 里已没有 ${inDeb}`, en: `${path} does not hold ${inDeb} any more` });
      await inPieces(deb.content(entry), (piece) => { for (let at = 0; at < piece.length;) at += writeSync(fd, piece, at); });
    });
  }

  /** The content when it is no longer than `most`, for people to see the difference. */
  async read({ deb: path, inDeb, size }: Original, most: number): Promise<Buffer | undefined> {
    if (size > most) return undefined;
    const pieces: Buffer[] = [];
    await withDeb(path, AbortSignal.timeout(findMs), this.#outside(), async (deb) => {
      const entry = entryOf(deb, [inDeb])?.entry;
      if (entry?.kind === 'file') await inPieces(deb.content(entry), (piece) => { pieces.push(Buffer.from(piece)); });
    });
    return Buffer.concat(pieces);
  }

  #outside(): Outside {
    const { run, folder } = this.#options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return { run, folder };
  }

  /** Packages of that name in a folder, the version that is installed first. */
  #lying(folder: string, one: Package): string[] {
    const exact = fileNameOf(one);
    return namesIn(folder).filter((name) => name.startsWith(`${one.name}_`) && name.endsWith('.deb')).sort((a, b) => Number(b === exact) - Number(a === exact)).slice(0, 3).map((name) => join(folder, name));
  }

  /** Of the very version that is installed. */
  #rpmsIn(folder: string, { name, version, arch }: Package): string[] {
    const wanted = `${name}-${version.replace(/^\d+:/, '')}.${arch}.rpm`;
    return namesIn(folder).includes(wanted) ? [join(folder, wanted)] : [];
  }

  async #from(path: string, owned: OwnedFile, index: PackageIndex, signal: AbortSignal): Promise<Original> {
    const isRpm = owned.package.manager === 'rpm', isExact = isRpm || path.endsWith(`/${fileNameOf(owned.package)}`);
    return await withDeb(path, signal, this.#outside(), async (deb, source) => {
      const names = this.#namesInDeb(owned.path);
      const found = entryOf(deb, names);
      if (found === undefined) throw unavailable({ zh: `里面没有 ${owned.path}`, en: `it does not hold ${owned.path}` });
      const { entry } = found;
      const content = entry.kind === 'file' ? deb.content(entry) : undefined;
      const [sha256, recorded] = [createHash('sha256'), createHash(owned.digest?.algorithm ?? 'md5')];
      if (content) await inPieces(content, (piece) => { sha256.update(piece); recorded.update(piece); }); else sha256.update(entry.target);
      const database = owned.digest === undefined || content === undefined ? undefined : recorded.digest('hex') === owned.digest.hex;
      const apt = isExact && !isRpm ? await this.#aptVouches(owned.package, source, signal) : undefined;
      if (apt === false) throw unavailable({ zh: '它的 SHA-256 与 apt 列表中的不符', en: 'its SHA-256 is not the one in the lists of apt' });
      if (database === false && apt !== true) throw unavailable({ zh: '其中的内容与软件包数据库的摘要不符', en: 'its content does not have the digest of the package database' });
      if (database === undefined && apt !== true && !(isExact && await this.#isOtherwiseWhole(deb, index, owned.package))) throw unavailable({ zh: '软件包数据库没有该文件的摘要，也没有别的能证明这个包是原装的', en: 'the package database has no digest of the file, and nothing else vouches for the package' });
      const script = scriptSays(await deb.afterInstall() ?? '', names);
      const owner = this.#overriding(names) ?? { user: script.user ?? entry.user, group: script.group ?? entry.group, mode: script.mode ?? entry.mode };
      const ids = this.#ids(owner, entry);
      const attributes = [...entry.attributes ?? [], ...(script.capabilities ? [['security.capability', script.capabilities] as const] : [])];
      return {
        package: owned.package, config: owned.config === true, deb: path, inDeb: found.path, vouched: { ...(database !== undefined && { database }), ...(apt !== undefined && { apt }) },
        kind: content ? 'file' : 'symlink', size: content?.size ?? entry.target.length, sha256: sha256.digest('hex'), ...(!content && { target: nameOf(entry.target) }),
        // Linux keeps no mode of links.
        mode: content ? owner.mode & 0o7777 : 0o777, ...ids, modified: `${BigInt(Math.trunc(entry.modified)) * 1_000_000n}`,
        attributes: attributes.map(([name, value]) => ({ name, value: Buffer.from(value).toString('base64') })).sort((a, b) => (a.name < b.name ? -1 : 1)), scripted: script.unclear,
      };
    });
  }

  /** Where it lies on a system whose /bin is a link, a package may still list it the old way; and what was diverted has another name in its package. */
  #namesInDeb(path: string): string[] {
    const lines = this.#text('/var/lib/dpkg/diversions').split('\n');
    const from = lines.findIndex((line, i) => i % 3 === 1 && line === path);
    const names = from > 0 ? [lines[from - 1]!, path] : [path];
    return names.flatMap((name) => (/^\/usr\/(?:bin|sbin|lib\w*)\//.test(name) ? [name, name.slice('/usr'.length)] : [name]));
  }

  /** What an administrator (dpkg-statoverride) wants its owner and mode to be. */
  #overriding(names: readonly string[]): { user: string; group: string; mode: number } | undefined {
    for (const line of this.#text('/var/lib/dpkg/statoverride').split('\n')) {
      const [user = '', group = '', mode = '', ...path] = line.split(' ');
      if (names.includes(path.join(' ')) && /^[0-7]{3,4}$/.test(mode)) return { user, group, mode: Number.parseInt(mode, 8) };
    }
    return undefined;
  }

  #ids({ user, group }: { user: string; group: string }, entry: TarEntry): { uid: number; gid: number } {
    const number = (name: string): number | undefined => (/^#?\d{1,9}$/.test(name) ? Number(name.replace('#', '')) : undefined);
    const uid = number(user) ?? readAccounts(new DiskTree(this.#root, undefined))?.find(({ name }) => name === user)?.uid;
    const gid = number(group) ?? this.#text('/etc/group').split('\n').map((line) => line.split(':')).find(([name]) => name === group)?.[2];
    return { uid: uid ?? entry.uid, gid: gid === undefined ? entry.gid : Number(gid) };
  }

  /** Undefined when apt's lists do not know this very version, or apt is not there. */
  async #aptVouches(one: Package, source: Bytes, signal: AbortSignal): Promise<boolean | undefined> {
    let stdout: string;
    try {
      ({ stdout } = await this.#options.run('apt-cache', ['show', '--no-all-versions', specOf(one)], { timeoutMs: aptMs, signal }));
    } catch (error) {
      if ((error as MoatError).code === 'no-program' || (error as MoatError).code === 'timed-out') return undefined;
      throw error;
    }
    const listed = stdout.split('\n\n').filter((stanza) => stanza.includes(`Version: ${one.version}\n`)).flatMap((stanza) => /^SHA256: ([0-9a-f]{64})$/m.exec(stanza)?.[1] ?? []);
    if (listed.length === 0) return undefined;
    const hash = createHash('sha256');
    await inPieces(source, (piece) => { hash.update(piece); });
    return listed.includes(hash.digest('hex'));
  }

  /** All other files of the package have the digests of the database. */
  async #isOtherwiseWhole(deb: OpenPackage, index: PackageIndex, one: Package): Promise<boolean> {
    let compared = 0;
    for (const { path, entry } of deb.entries()) {
      if (entry.kind !== 'file' || compared >= comparedMax) continue;
      const owned = index.owner(path);
      if (owned?.digest === undefined || owned.package.name !== one.name) continue;
      const hash = createHash(owned.digest.algorithm);
      await inPieces(deb.content(entry), (piece) => { hash.update(piece); });
      if (hash.digest('hex') !== owned.digest.hex) return false;
      compared++;
    }
    return compared > 0;
  }

  #text(path: string): string { return textOf(new DiskTree(this.#root, undefined), path, textMax) ?? ''; }
}

function namesIn(folder: string): string[] {
  try { return readdirSync(folder); } catch { return []; /* no such folder: nothing was kept */ }
}

/** Folders in which dnf, yum and zypper keep packages, when they are told to. */
function rpmCaches(root: string): string[] {
  const below = (folders: readonly string[], depth: number): string[] => (depth === 0 ? [...folders] : [...folders, ...below(folders.flatMap((one) => namesIn(one).slice(0, cachesMax).map((name) => join(one, name))), depth - 1)]);
  return below(['var/cache/dnf', 'var/cache/libdnf5', 'var/cache/yum', 'var/cache/zypp/packages'].map((one) => join(root, one)), 5).filter((one) => one.endsWith('/packages') || one.includes('/zypp/')).slice(0, cachesMax * 10);
}

const unavailable = (why: Text, hint?: string): MoatError<OriginalErrorCode> => new MoatError<OriginalErrorCode>('no-original', why.en, { text: why, ...(hint !== undefined && { hint }) });

/** The first of these names; for one that is a second name of another file, that file's content with its own owner and mode. */
function entryOf(deb: OpenPackage, names: readonly string[]): { path: string; entry: TarEntry } | undefined {
  const all = new Map<string, TarEntry>();
  for (const { path, entry } of deb.entries()) all.set(path, entry);
  let at = names.find((name) => all.has(name));
  for (let n = 0; at !== undefined && n < linksMax; n++) {
    const entry = all.get(at);
    if (entry === undefined) return undefined;
    if (entry.kind === 'hard-link') { at = `/${nameOf(entry.target).replace(/^(?:\.?\/)+/, '')}`; continue; }
    return entry.kind === 'link' || (entry.kind === 'file' && !entry.pieces && entry.stored === entry.size) ? { path: at, entry } : undefined;
  }
  return undefined;
}

async function withDeb<T>(path: string, signal: AbortSignal, outside: Outside, work: (deb: OpenPackage, source: Bytes) => Promise<T>): Promise<T> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) { throw unavailable({ zh: `打不开：${(error as Error).message}`, en: `it cannot be opened: ${(error as Error).message}` }); }
  try {
    const found = fstatSync(fd);
    if (!found.isFile() || found.size > debMax) throw unavailable({ zh: '它不是文件，或大得反常', en: 'it is no file, or too large' });
    const source: Bytes = { size: found.size, read: (into, position) => readSync(fd, into, 0, into.length, position) };
    const deb = path.endsWith('.rpm') ? await openRpm(source, signal, outside) : await openDeb(source, signal);
    try {
      return await work(deb, source);
    } finally { deb.close(); }
  } finally { closeSync(fd); }
}

/** Throws MoatError 'no-original' when it ends too early. */
async function inPieces(bytes: Bytes, take: (piece: Buffer) => void): Promise<void> {
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(1, bytes.size)));
  for (let at = 0; at < bytes.size;) {
    const n = bytes.read(piece, at);
    if (n === 0) throw unavailable({ zh: '它提前结束', en: 'it ends too early' });
    take(piece.subarray(0, n));
    at += n;
    await breathe();
  }
}
