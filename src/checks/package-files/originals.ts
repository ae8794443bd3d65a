/** Settings as their package shipped them, out of the packages that apt keeps after it installed them. */
import { createHash } from 'node:crypto';
import { MoatError } from '../../core/error.ts';
import { filesOfDeb } from '../../linux/deb.ts';
import type { OwnedFile } from '../../linux/packages/index.ts';
import type { ScanContext } from '../port.ts';

const folder = '/var/cache/apt/archives';
const fileMax = 512 * 1024;
const debMax = 256 * 2 ** 20;
/** Packages that are opened in a scan, and kept at once. */
const openedMax = 100;
const keptMax = 8;

type Files = ReadonlyMap<string, Buffer>;

export class Originals {
  readonly #context: ScanContext;
  readonly #kept = new Map<string, Promise<Files>>();
  #names: readonly string[] | undefined;
  #opened = 0;

  constructor(context: ScanContext) { this.#context = context; }

  /** The content that has the digest of the package's record; undefined when no package that holds it lies there. */
  async find({ path, package: { name, version }, digest }: OwnedFile): Promise<{ from: string; bytes: Buffer } | undefined> {
    if (!digest) return undefined;
    // The version that is installed first; another may have brought the same file.
    const exact = `${name}_${version.replaceAll(':', '%3a')}_`;
    const candidates = this.#all().filter((one) => one.startsWith(`${name}_`)).sort((a, b) => Number(b.startsWith(exact)) - Number(a.startsWith(exact)));
    for (const one of candidates.slice(0, 3)) {
      const bytes = (await this.#files(one)).get(path);
      if (bytes && createHash(digest.algorithm).update(bytes).digest('hex') === digest.hex) return { from: `${folder}/${one}`, bytes };
    }
    return undefined;
  }

  #all(): readonly string[] {
    this.#names ??= this.#quiet(() => (this.#context.tree.list(folder) ?? []).filter((name) => name.endsWith('.deb'))) ?? [];
    return this.#names;
  }

  #files(name: string): Promise<Files> {
    const known = this.#kept.get(name);
    if (known) return known;
    if (this.#kept.size >= keptMax) for (const oldest of this.#kept.keys()) { this.#kept.delete(oldest); break; }
    const files = this.#open(name);
    this.#kept.set(name, files);
    return files;
  }

  async #open(name: string): Promise<Files> {
    const file = this.#quiet(() => this.#context.tree.open(`${folder}/${name}`));
    if (!file) return new Map();
    try {
      if (++this.#opened > openedMax || file.size > debMax) { this.#context.count('package archives not opened for their number or size'); return new Map(); }
      return await filesOfDeb(file, (path) => path.startsWith('/etc/'), fileMax, this.#context.signal);
    } catch (error) {
      this.#context.signal.throwIfAborted();
      if (!(error instanceof MoatError)) throw error;
      this.#context.count('package archives that cannot be read');
      return new Map();
    } finally { file.close(); }
  }

  /** What is not to be had here is no fault: the file itself was compared. It is counted. */
  #quiet<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof MoatError)) throw error;
      this.#context.count('package archives that cannot be read');
      return undefined;
    }
  }
}
