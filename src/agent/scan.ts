/** `moat scan` wired together: the tree, its packages, the rules for command lines, the checks. Runs in the process that calls it; see scan-process.ts. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checks } from '../checks/catalogue.ts';
import type { Check, RuleHit } from '../checks/port.ts';
import { MoatError, reasonOf, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { Event } from '../core/gen/event.ts';
import { openDigests } from '../linux/digests.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { closedText } from '../linux/file-systems.ts';
import { openFileAttributes } from '../linux/file-attributes.ts';
import { imagePath, openImage } from '../linux/image/open.ts';
import { openProbes } from '../linux/probes.ts';
import { databasePlaces, openPackages, type PackageIndex } from '../linux/packages/index.ts';
import { Procfs } from '../linux/procfs.ts';
import { PackageProvenance } from '../linux/provenance.ts';
import { openSweeps } from '../linux/sweep.ts';
import { withoutClosed, type Tree } from '../linux/tree.ts';
import { mountsOfTree, mountsUnknown, type MountChoice, type WalkMounts } from '../scan/mounts.ts';
import { scan, type ScanSetup, type Watcher } from '../scan/runner.ts';
import type { Blind, ScanReport } from '../scan/report.ts';
import { detectionOf } from '../engine/detector.ts';
import { baselinePath, defaultKeyPath } from './baseline.ts';
import { loadRules, ownRules } from './detector.ts';
import { installRoot } from './paths.ts';
import type { Match } from '../sigma/index.ts';

export type ScanErrorCode = 'no-root' | 'no-check';

/** What is to be looked at; plain data, so that it can be handed to another process. */
export interface ScanRequest {
  /** Default the running machine. */
  root?: string;
  /** An image instead: a file or OCI folder, `:NAME` behind it when it holds several. */
  image?: string;
  only?: readonly string[];
  skip?: readonly string[];
  /** quick: known places and what runs, without the walk over every file. */
  profile?: ScanProfile;
  /** Data folder, where the integrity baseline lies. */
  data?: string;
  /** Ports that may be listened on; see ScanContext. */
  ports?: readonly string[];
  /** Folders of YARA rules beside Moat's own. */
  yara?: readonly string[];
  /** After so many minutes nothing more is begun, and what was left out is told. Default `usualMinutes`; 0 for no limit. */
  maxMinutes?: number;
  /** Which mounts are looked into, beside those that are by themselves. */
  mounts?: MountChoice;
}
/** A server takes half a minute; a machine with millions of files must not be scanned for ever. */
const usualMinutes = 60;
export type ScanProfile = 'quick' | 'full';

/** Throws MoatError 'no-root' when there is no such folder, 'no-check' for an id that is none, ImageError. */
export async function runScan(request: ScanRequest, signal: AbortSignal, watcher: ScanWatcher): Promise<ScanReport> {
  const { root = '/', image } = request;
  if (image === undefined) {
    const { tree, mounts } = await diskTree(root, request.mounts, watcher);
    return scanTree(request, tree, signal, watcher, { mounts });
  }
  if (request.root !== undefined) throw new MoatError<ScanErrorCode>('no-root', 'expected --root or --image, got both', { zh: '--root 和 --image 只能用一个' });
  const { path, name } = imagePath(image);
  const { tree, facts, faults, counts, close } = await openImage(path, { name, signal });
  try {
    return await scanTree(request, tree, signal, watcher, { image: facts, faults, counts });
  } finally { close(); }
}

type ScanWatcher = Partial<Watcher> & { warn(text: Text): void };

async function diskTree(root: string, choice: MountChoice | undefined, watcher: ScanWatcher): Promise<{ tree: Tree; mounts: WalkMounts | undefined }> {
  const mounts = mountsOfTree(new DiskTree(root, undefined), choice);
  const tree = new DiskTree(root, await openFileAttributes().catch((error: unknown) => { watcher.warn(saidBy(error)); return undefined; }), mounts?.closed);
  if (tree.list('/') === undefined) throw new MoatError<ScanErrorCode>('no-root', `expected a folder, got nothing at ${root}`, { zh: `${root} 不是目录，或不存在`, hint: { zh: '写磁盘或镜像挂载到的目录', en: 'name the folder where the disk or image is mounted' } });
  return { tree, mounts };
}

async function scanTree(request: ScanRequest, tree: Tree, signal: AbortSignal, watcher: ScanWatcher, more: Pick<ScanSetup, 'image' | 'faults' | 'counts' | 'mounts'> = {}): Promise<ScanReport> {
  const possible = checks.filter(({ scope }) => scope === 'tree' || tree.kind === 'machine');
  const chosen = choose(request).filter((check) => possible.includes(check));
  if (chosen.length === 0) throw new MoatError<ScanErrorCode>('no-check', `expected a check that can look at ${tree.name}, got none`, { zh: `选中的检查没有一项能用于 ${tree.name}`, hint: { zh: '查进程和内核的检查只能查正在运行的本机；quick 不做逐个看文件的检查', en: 'checks of processes and the kernel need the running machine; the quick profile leaves out those of every file' } });
  const { maxMinutes = usualMinutes } = request;
  const blind: Blind[] = [];
  if (tree.kind === 'machine' && process.getuid?.() !== 0) blind.push(notRoot);
  if (tree.kind !== 'image' && more.mounts === undefined) blind.push({ check: 'mounts', why: mountsUnknown });
  const digests = openDigests(tree, signal);
  const probes = tree.kind === 'machine' ? await openProbes().catch((error: unknown) => { watcher.warn(saidBy(error)); return undefined; }) : undefined;
  const sweeps = probes && openSweeps(probes, signal);
  try {
    const index = await packagesOf(withoutClosed(tree, (path, mount) => { if (isDatabase(path)) blind.push({ check: 'packages', what: path, why: closedText(mount, path) }); }), signal, (why) => blind.push({ check: 'packages', why: { zh: `读不了软件包数据库，无从判断文件是谁装的：${why.zh}`, en: `the package database could not be read, so nobody knows who put files there: ${why.en}` } }));
    return await scan(chosen, {
      ...more, signal, tree, now: Date.now, rules: commandRules(),
      // Nobody put there what cannot be looked at: whoever asks is told by the tree of his own.
      provenance: new PackageProvenance(withoutClosed(tree), index, digests),
      machine: tree.kind === 'machine' ? { procfs: new Procfs('/'), probes, sweeps } : undefined,
      signatures: ownSignatures, yara: [join(installRoot(), 'signatures/yara'), ...(request.yara ?? [])], ports: request.ports ?? [],
      baseline: request.data === undefined ? undefined : { store: baselinePath(request.data), key: defaultKeyPath(request.data) },
    }, watcher, { known: possible.length, blind, ...(maxMinutes > 0 && { limitMs: maxMinutes * 60_000 }) });
  } finally { await Promise.all([digests.close(), sweeps?.close()]); }
}

const notRoot: Blind = {
  check: 'scan',
  why: {
    zh: '不是以 root 运行：别人的进程、影子口令、root 与其他账号的计划任务、密钥、家目录都看不到；请用 sudo 再查一次',
    en: 'not run as root: processes of others, password hashes, and the jobs, keys and homes of root and other accounts cannot be seen; run it again with sudo',
  },
};

function choose({ only, skip = [], profile = 'full' }: ScanRequest): Check[] {
  const names = new Set(checks.flatMap(({ id, group }) => [id, group]));
  for (const id of [...(only ?? []), ...skip]) {
    if (!names.has(id)) throw new MoatError<ScanErrorCode>('no-check', `expected a check or a group of checks, got ${id}`, { zh: `没有叫 ${id} 的检查或组`, hint: { zh: `moat scan --list 列出全部：${[...names].sort().join('、')}`, en: `moat scan --list shows them: ${[...names].sort().join(', ')}` } });
  }
  return checks.filter((check) => (!only || only.includes(check.id) || only.includes(check.group)) && !skip.includes(check.id) && !skip.includes(check.group) && (profile === 'full' || 'run' in check));
}

/** What the scheduler and people are told of each check. */
export interface CheckEntry { id: string; group: string; scope: string; everyMinutes: number; title: Check['title'] }
export const listChecks = (): CheckEntry[] => checks.map(({ id, group, scope, everyMinutes, title }) => ({ id, group, scope, everyMinutes, title }));

/** Folders are looked up, too, to know where files really lie: those that cannot be are told by whoever looks for the files. */
const isDatabase = (path: string): boolean => databasePlaces.some((place) => path.startsWith(dirname(place)));

async function packagesOf(tree: Tree, signal: AbortSignal, cannot: (why: Text) => void): Promise<PackageIndex | undefined> {
  try {
    return await openPackages(tree, { signal });
  } catch (error) {
    signal.throwIfAborted();
    cannot(reasonOf(error));
    return undefined;
  }
}

/** Text of a file below signatures/ of this installation. */
export const ownSignatures = (file: string): string => readFileSync(join(installRoot(), 'signatures', file), 'utf8');

/**
 * The rules that watch live processes, asked of a line that a shell would run, or of a program with the words it is started with.
 * They are read when first asked.
 */
export function commandRules(): (line: string, program?: string) => RuleHit[] {
  let ask: ((line: string, program?: string) => RuleHit[]) | undefined;
  return (line, program) => (ask ??= openCommandRules())(line, program);
}

function openCommandRules(): (line: string, program?: string) => RuleHit[] {
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
