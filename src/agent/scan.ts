/** `moat scan` wired together: the tree, its packages, the rules for command lines, the checks. */
import { checks } from '../checks/catalogue.ts';
import type { Check, RuleHit } from '../checks/port.ts';
import { MoatError } from '../core/error.ts';
import { Event } from '../core/gen/event.ts';
import { openDigests } from '../linux/digests.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { openFileAttributes } from '../linux/file-attributes.ts';
import { imagePath, openImage } from '../linux/image/open.ts';
import { openProbes } from '../linux/probes.ts';
import { openPackages, type PackageIndex } from '../linux/packages/index.ts';
import { Procfs } from '../linux/procfs.ts';
import { PackageProvenance } from '../linux/provenance.ts';
import type { Tree } from '../linux/tree.ts';
import { scan, type Progress, type ScanSetup } from '../scan/runner.ts';
import type { ScanReport } from '../scan/report.ts';
import { detectionOf } from '../engine/detector.ts';
import { baselinePath, defaultKeyPath } from './baseline.ts';
import { loadRules, ownRules } from './detector.ts';
import type { Match } from '../sigma/index.ts';
import { installRoot } from './paths.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type ScanErrorCode = 'no-root' | 'no-check';

export interface ScanRequest {
  /** Default the running machine. */
  root?: string;
  /** An image instead: a file or OCI folder, `:NAME` behind it when it holds several. */
  image?: string;
  only?: readonly string[];
  skip?: readonly string[];
  /** Data folder, where the integrity baseline lies. */
  data?: string;
  /** Ports that may be listened on; see ScanContext. */
  ports?: readonly string[];
  signal: AbortSignal;
  warn: (text: string) => void;
  onProgress?: (progress: Progress) => void;
}

/** Throws MoatError 'no-root' when there is no such folder, 'no-check' for an id that is none, ImageError. */
export async function runScan(request: ScanRequest): Promise<ScanReport> {
  const { root, image, signal } = request;
  if (image === undefined) return scanTree(request, await diskTree(request));
  if (root !== undefined) throw new MoatError<ScanErrorCode>('no-root', 'expected --root or --image, got both');
  const { path, name } = imagePath(image);
  const { tree, facts, faults, counts, close } = await openImage(path, { name, signal });
  try {
    return await scanTree(request, tree, { image: facts, faults, counts });
  } finally { close(); }
}

async function diskTree({ root = '/', warn }: ScanRequest): Promise<Tree> {
  const tree = new DiskTree(root, await openFileAttributes().catch((error: unknown) => { warn((error as Error).message); return undefined; }));
  if (tree.list('/') === undefined) throw new MoatError<ScanErrorCode>('no-root', `expected a folder, got nothing at ${root}`, { hint: 'name the folder where the disk or image is mounted' });
  return tree;
}

async function scanTree(request: ScanRequest, tree: Tree, more: Pick<ScanSetup, 'image' | 'faults' | 'counts'> = {}): Promise<ScanReport> {
  const { signal, warn } = request;
  const chosen = choose(request).filter(({ scope }) => scope === 'tree' || tree.kind === 'machine');
  const digests = openDigests(tree, signal);
  try {
    const index = await packagesOf(tree, signal, warn);
    return await scan(chosen, {
      ...more, signal, tree, now: Date.now, rules: commandRules(),
      provenance: new PackageProvenance(tree, index, digests),
      machine: tree.kind === 'machine' ? { procfs: new Procfs('/'), probes: await openProbes().catch((error: unknown) => { warn((error as Error).message); return undefined; }) } : undefined,
      signatures: ownSignatures, ports: request.ports ?? [],
      baseline: request.data === undefined ? undefined : { store: baselinePath(request.data), key: defaultKeyPath(request.data) },
    }, request.onProgress);
  } finally { await digests.close(); }
}

function choose({ only, skip = [] }: ScanRequest): Check[] {
  const names = new Set(checks.flatMap(({ id, group }) => [id, group]));
  for (const id of [...(only ?? []), ...skip]) {
    if (!names.has(id)) throw new MoatError<ScanErrorCode>('no-check', `expected a check or a group of checks, got ${id}`, { hint: `moat scan --list shows them: ${[...names].sort().join(', ')}` });
  }
  return checks.filter(({ id, group }) => (!only || only.includes(id) || only.includes(group)) && !skip.includes(id) && !skip.includes(group));
}

async function packagesOf(tree: Tree, signal: AbortSignal, warn: (text: string) => void): Promise<PackageIndex | undefined> {
  try {
    return await openPackages(tree, { signal });
  } catch (error) {
    signal.throwIfAborted();
    warn((error as Error).message);
    return undefined;
  }
}

/** Text of a file below signatures/ of this installation. */
export const ownSignatures = (file: string): string => readFileSync(join(installRoot(), 'signatures', file), 'utf8');

/** The rules that watch live processes, asked of a line that a shell would run, or of a program with the words it is started with. */
export function commandRules(): (line: string, program?: string) => RuleHit[] {
  const { engine } = loadRules([join(ownRules(), 'linux/process_creation')]);
  let hits: RuleHit[] = [];
  const onMatch = (match: Match<Event>): void => {
    if (match.rule.type === 'correlation') return; // counts over time; a file has none
    const { ruleId, level, title, attack } = detectionOf(match);
    hits.push({ id: ruleId, level, title, attack });
  };
  return (line, program) => {
    hits = [];
    const event = new Event('scan', 0, 'process_creation');
    event.process_path = program ?? '/bin/sh';
    event.process_name = event.process_path.slice(event.process_path.lastIndexOf('/') + 1);
    event.process_cmdline = program === undefined ? `sh -c ${line}` : line;
    engine.evaluate(event, onMatch);
    return hits;
  };
}
