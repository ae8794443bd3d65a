/** The story that every check of a place tells: planted it is found, gone it is not, neighbours are left alone, what may not be read is said. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Check } from '../src/checks/port.ts';
import { MoatError } from '../src/core/error.ts';
import { ownSignatures } from '../src/agent/scan.ts';
import { DiskTree } from '../src/linux/disk-tree.ts';
import { openPackages } from '../src/linux/packages/index.ts';
import { PackageProvenance } from '../src/linux/provenance.ts';
import { scan } from '../src/scan/runner.ts';
import type { ScanReport } from '../src/scan/report.ts';
import { makeRoot, rules, scanRoot, type Planted } from './throwaway-root.ts';

/** Files of one way to stay, and what is told of it: `kind level path`. */
export interface Row { files: Planted; finds: readonly string[] }

export interface Story {
  /** Each with files of its own: all stand in one root. */
  rows: Readonly<Record<string, Row>>;
  /** What administrators and packages put there. */
  ordinary: Planted;
  /** Told of ordinary files all the same. */
  mild?: readonly string[];
  /** A file that the check reads. */
  reads: string;
}

const told = (report: ScanReport): string[] => report.findings.map(({ kind, level, path }) => `${kind} ${level} ${path ?? ''}`).sort();

export function tellsOf(check: Check, { rows, ordinary, mild = [], reads }: Story): void {
  describe(check.id, () => {
    it(`finds ${Object.keys(rows).join('; ')}; and nothing once they are gone`, async () => {
      const files: Planted = Object.assign({}, ...Object.values(rows).map((row) => row.files));
      const root = makeRoot(files);
      const report = await scanRoot([check], root);
      expect(report.blind).toEqual([]);
      expect(told(report)).toEqual(Object.values(rows).flatMap(({ finds }) => finds).sort());
      expect(report.findings.every(({ title, evidence }) => title.zh !== '' && title.en !== '' && evidence.length > 0)).toBe(true);
      for (const [path, what] of Object.entries(files)) if (!(typeof what === 'object' && 'package' in what)) rmSync(join(root, path), { force: true });
      expect(told(await scanRoot([check], root))).toEqual([]);
    });

    it('leaves alone what administrators and packages do', async () => {
      const report = await scanRoot([check], ordinary);
      expect(told(report)).toEqual([...mild].sort());
      expect(report.verdict).toBe('clean');
    });

    it('says what it may not read', async () => {
      const report = await scanDenied(check, makeRoot(Object.assign({}, ...Object.values(rows).map((row) => row.files), { [reads]: { text: 'x', mode: 0o755 } })), reads);
      expect(report.blind.map(({ what }) => what)).toContain(reads);
      expect(report.verdict).not.toBe('clean');
    });
  });
}

/** A scan by somebody who has no right to read `path`. */
async function scanDenied(check: Check, root: string, path: string): Promise<ScanReport> {
  class Denied extends DiskTree {
    override read(at: string, max?: number): ReturnType<DiskTree['read']> {
      if (at === path) throw new MoatError('denied', `no permission to look at ${at}`);
      return super.read(at, max);
    }
  }
  const { signal } = new AbortController();
  const tree = new Denied(root, undefined);
  return scan([check], { signal, tree, rules, now: Date.now, machine: undefined, signatures: ownSignatures, ports: [], provenance: new PackageProvenance(tree, await openPackages(root, { signal }), signal) });
}
