/** What the readers of dpkg, rpm and apk fill. */
import type { Text } from '../../core/text.ts';
import { own } from '../../core/own.ts';
import { packagesMax, TableBuilder, type FileRow } from './table.ts';

export interface Package { manager: 'dpkg' | 'rpm' | 'apk'; name: string; version: string; arch: string }

const faultsMax = 50;

export class Collector {
  readonly packages: Package[] = [];
  /** Packages with digests of files that are none of theirs: nothing that a package manager writes. */
  readonly strangers = new Set<Package>();
  readonly table = new TableBuilder((what, n) => this.count(what, n));
  /** What was left out, by reason. */
  readonly counts = new Map<string, number>();
  /** The first few faults in words. */
  readonly faults: Text[] = [];

  /** Number of the package for `file`; undefined beyond the limit. */
  package({ manager, name, version, arch }: Package): number | undefined {
    if (this.packages.length >= packagesMax) { this.count('packages beyond the limit'); return undefined; }
    return this.packages.push({ manager, name: own(name.slice(0, 256)), version: own(version.slice(0, 256)), arch: own(arch.slice(0, 64)) }) - 1;
  }

  file(folder: string, name: string, owner: number, row: FileRow): void { this.table.add(folder, name, owner, row); }

  count(what: string, n = 1): void { this.counts.set(what, (this.counts.get(what) ?? 0) + n); }

  fault({ zh, en }: Text): void { if (this.faults.length < faultsMax) this.faults.push({ zh: zh.slice(0, 300), en: en.slice(0, 300) }); }
}
