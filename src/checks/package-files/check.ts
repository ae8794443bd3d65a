/**
 * Every file of every package against what the package ships, and programs in system folders that no package owns. Digests are
 * taken by threads while the walk goes on; what they tell is handed out with the files that come later.
 */
import type { Finding } from '../../core/finding.ts';
import { MoatError, reasonOf } from '../../core/error.ts';
import { databaseStamp, type Comparison, type OwnedFile, type Package, type PackageIndex } from '../../linux/packages/index.ts';
import { Ahead } from '../../linux/ahead.ts';
import type { FileStat } from '../../linux/tree.ts';
import type { ScanContext, Visitor, WalkCheck, WalkedFile } from '../port.ts';
import { recordsOf, setupOf, touchedRecords, withoutDigests } from './database.ts';
import { beginningOf, inSystemFolder } from '../system-files.ts';
import { Groups } from './groups.ts';
import { excludedPaths, missingFiles } from './missing.ts';
import { hasBits, judgeBits, overridesOf } from './modes.ts';
import { Originals } from './originals.ts';
import { bitsFinding, changedFile, changedSettings, unownedFile } from './told.ts';

/** Comparisons that may run at the same time. */
const aheadMax = 1024;

export const packageFiles: WalkCheck = {
  id: 'package-files',
  title: { zh: '系统文件与软件包比对', en: 'system files against their packages' },
  blind: { zh: 'dpkg 只记 MD5、不记权限；软件包数据库本身被一致地改写时，只有基线或重装才看得出', en: 'dpkg keeps MD5 only and no modes; a package database that was rewritten consistently is seen only by a baseline or by installing again' },
  group: 'files',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk(context) {
    const { index } = context.provenance;
    if (!index) throw new MoatError('no-database', 'expected a package database, got none that can be read', { zh: '没有能读的软件包数据库' });
    return new FilesVisitor(context, index);
  },
};

class FilesVisitor implements Visitor {
  readonly asksOwner = true;
  readonly #context: ScanContext;
  readonly #index: PackageIndex;
  /** Rows that the walk came by. */
  readonly #seen: Uint8Array;
  readonly #running = new Ahead(aheadMax);
  readonly #ready: Finding[] = [];
  readonly #overrides: ReadonlySet<string>;
  readonly #groups: Groups;
  readonly #originals: Originals;
  /** Files that are not there, by package. */
  readonly #missing = new Map<string, OwnedFile[]>();
  /** Packages of dpkg that say nothing of what is in their files, with the first of these. */
  readonly #bare = new Map<Package, string>();

  constructor(context: ScanContext, index: PackageIndex) {
    this.#context = context;
    context.provenance.begin();
    this.#originals = new Originals(context);
    this.#index = index;
    this.#seen = new Uint8Array(index.size);
    this.#overrides = overridesOf(context.tree);
    this.#groups = new Groups(index, context.provenance);
    // Packages that share a file are no fault.
    for (const [what, n] of index.counts) if (what !== 'paths of several packages') context.count(what, n);
    for (const { zh, en } of index.faults) context.blind('/', { zh: `软件包数据库里有一处读不懂：${zh}`, en: `a part of the package database is not understood: ${en}` });
  }

  wants({ path, stat }: WalkedFile): boolean {
    if (stat.kind === 'folder') return false;
    return this.#index.find(path) >= 0 || (stat.kind === 'file' && inSystemFolder(path));
  }

  async *look({ path, stat }: WalkedFile): AsyncIterable<Finding> {
    const row = this.#index.find(path);
    if (row < 0) await this.#unowned(path, stat);
    else {
      this.#seen[row] = 1;
      this.#compare(this.#index.file(row), stat);
    }
    if (this.#running.full) await this.#running.room();
    if (this.#ready.length > 0) yield* this.#ready.splice(0);
  }

  async *end(whole: boolean): AsyncIterable<Finding> {
    const { tree } = this.#context;
    const excluded = excludedPaths(tree);
    for (let row = whole ? 0 : this.#seen.length; row < this.#seen.length; row++) {
      if (this.#seen[row] === 1) continue;
      const file = this.#index.file(row);
      // A file of several packages belongs to the first.
      if (this.#index.find(file.path) !== row) continue;
      const stat = this.#statOf(file.path);
      if (stat) this.#compare(file, stat);
      else if (stat === undefined && !file.ghost && !excluded(file.path)) this.#miss(file);
      if (this.#running.full) await this.#running.room();
    }
    await this.#running.all();
    yield* this.#ready.splice(0);
    if (databaseStamp(tree) !== this.#index.stamp) this.#context.blind('/', { zh: '扫描期间软件包数据库变了（正在安装或升级？）：升级完再扫一遍', en: 'the package database changed while the scan ran (an installation or upgrade?): scan again when it is done' });
    yield* this.#groups.findings();
    yield* missingFiles(this.#missing);
    yield* touchedRecords(this.#index);
    yield* withoutDigests(this.#bare, this.#context);
  }

  /** Null when it could not be looked at, which is told. */
  #statOf(path: string): FileStat | undefined | null {
    const { tree } = this.#context;
    try {
      return tree.stat(path) ?? (tree.isClosed?.(path) === true ? null : undefined);
    } catch (error) {
      if (!(error instanceof MoatError)) throw error;
      this.#context.blind(path, reasonOf(error));
      return null;
    }
  }

  #miss(file: OwnedFile): void {
    const all = this.#missing.get(file.package.name);
    if (all) all.push(file);
    else this.#missing.set(file.package.name, [file]);
  }

  #compare(file: OwnedFile, stat: FileStat): void {
    if (hasBits(stat) && file.package.manager === 'dpkg') this.#judgeBits(file, stat);
    this.#running.add(this.#context.provenance.compare(file, stat)
      .then((result) => this.#told(file, stat, result))
      .catch((error: unknown) => {
        this.#context.signal.throwIfAborted();
        if (!(error instanceof MoatError)) throw error;
        this.#context.blind(file.path, reasonOf(error));
      }));
  }

  #judgeBits(file: OwnedFile, stat: FileStat): void {
    const { tree } = this.#context;
    const { list, base } = recordsOf(tree, file.package);
    const bits = judgeBits(file, stat, list?.changed, setupOf(tree, base), this.#overrides);
    if (bits) this.#ready.push(bitsFinding(file, stat, bits));
  }

  async #told(file: OwnedFile, stat: FileStat, { verdict, differs, hex, unread }: Comparison): Promise<void> {
    if (unread !== undefined) this.#context.blind(file.path, { zh: `未能比对：${unread.zh}`, en: `not compared: ${unread.en}` });
    if (verdict === 'missing' && !file.ghost) this.#miss(file);
    if (verdict === 'unchecked' && unread === undefined && stat.kind === 'file' && !file.config && file.package.manager === 'dpkg' && !this.#bare.has(file.package)) this.#bare.set(file.package, file.path);
    if (verdict !== 'modified') return;
    if (file.config) { this.#ready.push(await changedSettings(file, stat, this.#context.tree, this.#originals)); return; }
    const found = changedFile(file, stat, differs ?? 'content', hex, this.#context.tree);
    if (differs === 'mode' || !(await this.#groups.replaced(file, stat, found))) this.#ready.push(found);
  }

  async #unowned(path: string, stat: FileStat): Promise<void> {
    const { tree, provenance } = this.#context;
    // Only what the system would run, by how it begins.
    const mayRun = (stat.mode & 0o111) !== 0 || /\.so(?:\.[\w.]+)?$|\.ko(?:\.\w+)?$/.test(path);
    if (!mayRun || stat.size === 0) return;
    const beginning = beginningOf(tree, path);
    if (beginning === 'other' && !/\.ko\.\w+$/.test(path)) return;
    const installer = await provenance.installer(path);
    // A record is quickly forged: what stands where every shell finds it is told all the same.
    if (installer && installer.state !== 'modified' && !(beginning === 'elf' && /\/s?bin\//.test(path))) return;
    const found = unownedFile(path, stat, beginning, installer);
    if (found) this.#groups.unowned(path, stat, found);
  }
}

