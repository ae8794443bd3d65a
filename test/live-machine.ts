/** Scans this machine by some checks, in a test or as a program of its own inside a namespace: `node --import tsx test/live-machine.ts ID…` prints the findings as JSON. */
import { basename } from 'node:path';
import { ownSignatures, commandRules } from '../src/agent/scan.ts';
import { checks } from '../src/checks/catalogue.ts';
import type { Check, Machine } from '../src/checks/port.ts';
import { treeDigests } from '../src/linux/digests.ts';
import { DiskTree } from '../src/linux/disk-tree.ts';
import { openFileAttributes } from '../src/linux/file-attributes.ts';
import { openPackages, type PackageIndex } from '../src/linux/packages/index.ts';
import { openProbes } from '../src/linux/probes.ts';
import { Procfs } from '../src/linux/procfs.ts';
import { PackageProvenance, type Provenance } from '../src/linux/provenance.ts';
import type { ScanReport } from '../src/scan/report.ts';
import { scan } from '../src/scan/runner.ts';

const noProvenance: Provenance = { known: false, index: undefined, digests: treeDigests(new DiskTree('/', undefined)), installer: () => Promise.resolve(undefined), owner: () => Promise.resolve(undefined), packageOf: () => undefined, compare: () => Promise.resolve({ verdict: 'unchecked' }), ahead: () => undefined, begin: () => undefined };

let index: Promise<PackageIndex | undefined> | undefined;

export async function scanMachine(chosen: readonly Check[], machine: Partial<Machine> = {}, more: { ports?: readonly string[] } = {}): Promise<ScanReport> {
  const { signal } = new AbortController();
  const tree = new DiskTree('/', await openFileAttributes());
  const packages = await (index ??= openPackages('/').catch(() => undefined));
  return scan(chosen, {
    signal, tree, rules: commandRules(), now: Date.now, signatures: ownSignatures, ports: more.ports ?? [], provenance: packages ? new PackageProvenance(tree, packages, signal) : noProvenance,
    machine: { procfs: new Procfs('/'), probes: await openProbes(), ...machine },
  });
}

if (process.argv[1] !== undefined && basename(process.argv[1]) === 'live-machine.ts') {
  const ids = process.argv.slice(2);
  const report = await scanMachine(checks.filter(({ id }) => ids.includes(id)));
  console.log(JSON.stringify(report.findings));
}
