/** Who put a file there, and whether it is still as it was shipped. */
import { Ahead } from './ahead.ts';
import { treeDigests, type Digests } from './digests.ts';
import { placeIn } from './packages/read.ts';
import { Installers, type InstallerName } from './installers/index.ts';
import { compareFile, type Comparison, type OwnedFile, type PackageIndex, type Verdict } from './packages/index.ts';
import { notRead } from './packages/error.ts';
import type { FileStat, Tree } from './tree.ts';

/**
 * A file's owner. `state` is told by digests (and, for rpm and apk, permissions):
 *   intact     as shipped
 *   modified   it is not; `config` says that people may change it
 *   unchecked  the package has no digest of it, or it could not be read
 *   missing    owned, but not there
 */
export interface Owner { manager: 'dpkg' | 'rpm' | 'apk' | InstallerName; name: string; version: string; state: Verdict; config: boolean }

export interface Provenance {
  /** False where no package database could be read: then nobody's file says nothing. */
  readonly known: boolean;
  /** The packages of the system; undefined where none could be read. */
  readonly index: PackageIndex | undefined;
  /** Takes digests of files of the tree. */
  readonly digests: Digests;
  /** The package of the system (dpkg, rpm, apk) that owns a path, its folders' and its own links followed; undefined when none has it. Digests are taken once a file. */
  owner(path: string): Promise<Owner | undefined>;
  /**
   * What other installers (pip, npm, gem, conda, snap, flatpak) say of a path. A weaker word than `owner`: their records lie beside
   * the files, and whoever can write there can write a record too. Undefined when none has it.
   */
  installer(path: string): Promise<Owner | undefined>;
  /** The name of the package alone, without a look at the file: cheap. */
  packageOf(path: string): string | undefined;
  /** A file of the index against what lies there, `stat`; shared by all who ask. Throws TreeError. */
  compare(file: OwnedFile, stat: FileStat): Promise<Comparison>;
  /** Has the digest taken meanwhile that `owner` and `compare` of this path will want. Whoever asks then is told what went wrong. */
  ahead(path: string, stat: FileStat): void;
  /** Has digests of all files of all packages taken meanwhile, where threads can, until the first `ahead`. What was not yet, or is not as shipped, is left to those who ask. */
  begin(): void;
}

/** Digests asked for by `begin` at a time: this thread may be busy for a while before it asks for more. */
const farMax = 4096;

/** Files that are not as shipped, whose difference is kept. */
const unlikeMax = 10_000;
/** What is kept of the others, a byte a file. */
const settled: readonly (Verdict | undefined)[] = [undefined, 'intact', 'unchecked'];

export class PackageProvenance implements Provenance {
  readonly index: PackageIndex | undefined;
  readonly digests: Digests;
  readonly #tree: Tree;
  readonly #settled: Uint8Array;
  readonly #unlike = new Map<number, Comparison>();
  readonly #running = new Map<number, Promise<Comparison>>();
  readonly #installers: Installers;
  readonly #near: Digests;
  /** `begin` keeps the threads busy: who waits for a single file is quicker by himself. */
  #far = false;

  /** With a signal alone digests are taken in this thread. */
  constructor(tree: Tree, index: PackageIndex | undefined, digests: Digests | AbortSignal) {
    this.#tree = tree;
    this.index = index;
    this.#settled = new Uint8Array(index?.size ?? 0);
    this.digests = digests instanceof AbortSignal ? treeDigests(tree, digests) : digests;
    this.#installers = new Installers(tree, this.digests);
    this.#near = this.digests.beside ? treeDigests(tree) : this.digests;
  }

  begin(): void {
    if (this.#far || !this.digests.beside) return;
    this.#far = true;
    // Whoever asks for one of them later is told what went wrong.
    this.#takeAll().catch(() => undefined).finally(() => { this.#far = false; });
  }

  async #takeAll(): Promise<void> {
    const { index } = this;
    const running = new Ahead(farMax);
    for (let row = 0; this.#far && row < (index?.size ?? 0); row++) {
      if (this.#settled[row] !== 0 || this.#running.has(row)) continue;
      const file = index!.file(row);
      if (file.digest === undefined) continue;
      running.add(this.#settle(row, file.path, file.digest, file.mode));
      if (running.full) await running.room();
    }
    await running.all();
  }

  async #settle(row: number, path: string, { algorithm, hex }: NonNullable<OwnedFile['digest']>, mode: number | undefined): Promise<void> {
    const taken = await this.digests.take(path, algorithm);
    if (taken.state === 'taken' && taken.hex === hex && (mode === undefined || mode === taken.mode)) this.#settled[row] = settled.indexOf('intact');
  }

  get known(): boolean { return this.index !== undefined; }

  packageOf(path: string): string | undefined { return this.#file(path)?.package.name; }

  async owner(path: string): Promise<Owner | undefined> {
    const file = this.#file(path);
    return file && { manager: file.package.manager, name: file.package.name, version: file.package.version, state: await this.#state(file), config: file.config === true };
  }

  installer(path: string): Promise<Owner | undefined> { return this.#installers.owner(path); }

  #file(path: string): OwnedFile | undefined { return this.index?.owner(path) ?? this.#ownerOfTarget(path); }

  #ownerOfTarget(path: string): OwnedFile | undefined {
    const real = this.#tree.real(path);
    return real === undefined || real === path ? undefined : this.index?.owner(real);
  }

  compare(file: OwnedFile, stat: FileStat): Promise<Comparison> { return this.#compared(file, stat); }

  ahead(path: string, stat: FileStat): void {
    this.#far = false;
    const row = this.index?.find(path) ?? -1;
    if (row < 0 || this.#settled[row] !== 0 || this.#unlike.has(row) || this.#running.has(row)) return;
    this.#compared(this.index!.file(row), stat).catch(() => undefined);
  }

  /** dpkg keeps no digest of a link: it is what it leads to, as long as a package ships that. */
  async #state(file: OwnedFile): Promise<Verdict> {
    const verdict = await this.#verdict(file);
    if (verdict !== 'unchecked') return verdict;
    const target = this.#ownerOfTarget(file.path);
    return target && target.path !== file.path ? this.#state(target) : verdict;
  }

  async #verdict(file: OwnedFile): Promise<Verdict> {
    const known = settled[this.#settled[file.row]!];
    if (known !== undefined) return known;
    const { verdict, unread } = await this.#compared(file);
    if (unread !== undefined) throw notRead(placeIn(this.#tree, file.path), unread);
    return verdict;
  }

  /** Of a file that is asked for by several at a time, or once more, the digest is taken once. */
  #compared(file: OwnedFile, stat?: FileStat): Promise<Comparison> {
    const { row } = file;
    const verdict = settled[this.#settled[row]!];
    if (verdict !== undefined) return Promise.resolve({ verdict });
    const before = this.#unlike.get(row);
    if (before) return Promise.resolve(before);
    const running = this.#running.get(row) ?? this.#take(file, stat).finally(() => { this.#running.delete(row); });
    this.#running.set(row, running);
    return running;
  }

  async #take(file: OwnedFile, stat?: FileStat): Promise<Comparison> {
    const compared = await compareFile(file, stat ?? this.#tree.stat(file.path), this.#tree, this.#far ? this.#near : this.digests);
    const code = compared.unread === undefined ? settled.indexOf(compared.verdict) : -1;
    if (code > 0) this.#settled[file.row] = code;
    else {
      if (this.#unlike.size >= unlikeMax) this.#unlike.clear();
      this.#unlike.set(file.row, compared);
    }
    return compared;
  }
}
