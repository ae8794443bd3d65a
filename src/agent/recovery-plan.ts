/** From a story to what is to be restored and where it comes from: packages, the quarantine, the newest snapshot before the story's first moment. Looks only. */
import { lstatSync } from 'node:fs';
import type { Plan } from '../core/action.ts';
import { MoatError, saidBy } from '../core/error.ts';
import type { Lineage, PackageFile } from '../core/lineage.ts';
import type { Story } from '../core/incident.ts';
import type { NotRestored, RecoveryPlan, RecoveryStep } from '../core/recovery.ts';
import type { Text } from '../core/text.ts';
import type { VaultRow } from '../actions/vault.ts';
import { type LostFile, lossesOf } from '../engine/incident/recovery.ts';
import type { BackupEntry, BackupRepository } from '../linux/backup/repository.ts';
import { bytesOf } from '../linux/file-names.ts';

export interface RecoveryWorld {
  lineage: Lineage;
  /** Undefined when no package has it; 'unknown' when that cannot be told. */
  owner: (path: string) => Promise<PackageFile | 'unknown' | undefined>;
  /** What an action would do. Throws as the action does. */
  plan: (action: string, input: unknown) => Promise<{ plan: Plan }>;
  vault: () => VaultRow[];
  /** In the order in which they are asked. */
  repositories: readonly BackupRepository[];
  /** Digest by the integrity baseline. */
  baseline: (path: string) => string | undefined;
  now: () => number;
  /** Unix ms at which planning ends with what it has. */
  until: number;
}

export interface RecoveryAsk { id: string; incident: string; title: Text; /** Looked through whole, beside those that the story shows. */ folders: readonly string[] }

const setFiles = 50;
const setBytes = 128 << 20;
/** Larger ones take longer than a step may. */
const fileBytes = 1 << 30;
const snapshotsMost = 5;
const itemsMost = 20_000;
const notMost = 500;
const slackMs = 2000;

interface Chosen { repository: string; snapshot: string; entry: BackupEntry; unsure: boolean }

/** Never rejects for what one file, package or repository says. */
export async function planRecovery(story: Story, ask: RecoveryAsk, world: RecoveryWorld): Promise<RecoveryPlan> {
  const losses = lossesOf(story);
  const folders = [...new Set([...losses.folders, ...ask.folders])];
  const not: NotRestored[] = [];
  let notCount = 0, healthy = 0, newer = 0, left = losses.left;
  const leave = (path: string, why: Text, stands = true): void => {
    if (stands) notCount++; else newer++;
    if (not.length < notMost) not.push({ path, why, stands });
  };
  const steps: RecoveryStep[] = [];
  const wanted = new Map<string, LostFile>();
  const why = new Map<string, Text>();
  for (const file of losses.files) {
    const { path } = file;
    if (world.now() >= world.until) { left++; continue; }
    const since = writtenSince(file, losses.writers, world.lineage);
    if (since !== undefined) { leave(path, { zh: `之后由 ${since} 写过：更新，不覆盖`, en: `written by ${since} since: newer, and not overwritten` }, false); continue; }
    const owner = await world.owner(path);
    if (owner === 'unknown') { leave(path, { zh: '暂时无法确定它是否属于某个软件包', en: 'whether a package owns it cannot be told now' }); continue; }
    if (owner !== undefined) {
      if (owner.intact === true) { healthy++; continue; }
      const step = await single(path, 'package', world);
      if (step === 'so') { healthy++; continue; }
      if ('action' in step) { steps.push(step); continue; }
      why.set(path, step);
    }
    wanted.set(path, file);
  }
  // Out of quarantine: what was there before the story, or is known by the baseline.
  const vault = wanted.size > 0 ? world.vault() : [];
  for (const row of vault) {
    if (!('item' in row)) continue;
    const { item: { id, path, added, file } } = row;
    if (!wanted.has(path) || !(added < story.began || (file.kind === 'file' && file.sha256 === world.baseline(path)))) continue;
    const step = await single(path, 'vault', world, id);
    if (step === 'so') { healthy++; wanted.delete(path); } else if ('action' in step) { steps.push(step); wanted.delete(path); } else why.set(path, step);
  }
  const { chosen, gone, blind, counts } = await fromBackups(story, wanted, folders, losses.writers, world);
  healthy += counts.healthy;
  newer += counts.newer;
  left += counts.left;
  for (const [path, file] of wanted) {
    if (chosen.has(path) || counts.seen.has(path)) continue;
    // The intruder's own, of which nothing was lost.
    if (file.made && world.baseline(path) === undefined) continue;
    leave(path, why.get(path) ?? (world.repositories.length === 0
      ? { zh: '不属于软件包，也没有配置备份仓库（recovery.repositories）', en: 'no package has it, and no backup repository is configured (recovery.repositories)' }
      : { zh: '事件开始之前的备份里没有它', en: 'no backup from before the story holds it' }));
  }
  for (const [path, { entry }] of chosen) if (entry.size > fileBytes) { chosen.delete(path); leave(path, { zh: '超过 1 GiB：请用备份工具恢复', en: 'larger than 1 GiB: restore it with the backup tool' }); }
  steps.push(...setsOf(chosen, gone));
  return {
    id: ask.id, incident: ask.incident, title: ask.title, made: world.now(), began: story.began, ended: story.ended, steps: steps.map((step, i) => ({ ...step, id: String(i + 1) })),
    not_restored: not, not_restored_count: notCount, healthy, newer, blind, left,
  };
}

/** Somebody outside the story wrote it after them. */
function writtenSince({ path, last }: LostFile, writers: ReadonlySet<string>, lineage: Lineage): string | undefined {
  const writer = lineage.writer({ path });
  if (writer === undefined || writer.time <= last + slackMs || writers.has(`${writer.process.pid}:${writer.process.started}`)) return undefined;
  return writer.process.path ?? writer.process.name ?? `pid ${writer.process.pid}`;
}

/** `so`: it is as it should be. A text: why not. */
async function single(path: string, source: 'package' | 'vault', { plan }: RecoveryWorld, id = 'package'): Promise<RecoveryStep | 'so' | Text> {
  const input = { path, from: id };
  try {
    const { plan: { title, target } } = await plan('restore-file', input);
    return { id: '', source, action: 'restore-file', input, title, paths: [target], bytes: 0, unsure: 0 };
  } catch (error) {
    if (error instanceof MoatError && error.code === 'not-there') return 'so';
    return saidBy(error);
  }
}

interface Found { chosen: Map<string, Chosen>; gone: Map<string, BackupEntry>; blind: Text[]; counts: { healthy: number; newer: number; left: number; seen: Set<string> } }

/** The first repository and the newest snapshot before the story that has a file decide. */
async function fromBackups({ began }: Story, wanted: ReadonlyMap<string, LostFile>, folders: readonly string[], writers: ReadonlySet<string>, world: RecoveryWorld): Promise<Found> {
  const found: Found = { chosen: new Map(), gone: new Map(), blind: [], counts: { healthy: 0, newer: 0, left: 0, seen: new Set() } };
  const { chosen, gone, blind, counts } = found;
  const open = new Set(wanted.keys());
  const openFolders = new Set(folders);
  for (const repository of world.repositories) {
    if (open.size === 0 && openFolders.size === 0) break;
    const signal = AbortSignal.timeout(Math.max(1, world.until - world.now()));
    try {
      const before = (await repository.snapshots(signal)).filter(({ time }) => time < began);
      if (before.length === 0) { blind.push({ zh: `${repository.name} 没有事件开始（${new Date(began).toISOString()}）之前的快照`, en: `${repository.name} has no snapshot from before the story began (${new Date(began).toISOString()})` }); continue; }
      for (const { id, covers } of before.toReversed().slice(0, snapshotsMost)) {
        const within = [...openFolders, ...[...open].filter((path) => !folders.some((folder) => path.startsWith(`${folder}/`)))].filter((path) => covers === undefined || covers.some((top) => path === top || top === '/' || path.startsWith(`${top}/`) || top.startsWith(`${path}/`)));
        if (within.length === 0) continue;
        for await (const entry of repository.list(id, within, signal)) {
          if (entry.kind === 'folder') {
            const of = lstatSync(bytesOf(entry.path), { throwIfNoEntry: false });
            if (of === undefined && gone.size < itemsMost) gone.set(entry.path, entry);
            for (const folder of folders) if (openFolders.has(folder) && (folder === entry.path || entry.path.startsWith(`${folder}/`))) openFolders.delete(folder);
            continue;
          }
          open.delete(entry.path);
          if (counts.seen.has(entry.path) || chosen.has(entry.path)) continue;
          const is = judge(entry, wanted.get(entry.path), began, world.lineage, writers);
          if (is === 'healthy') { counts.healthy++; counts.seen.add(entry.path); } else if (is === 'newer') { counts.newer++; counts.seen.add(entry.path); } else if (chosen.size >= itemsMost) counts.left++;
          else chosen.set(entry.path, { repository: repository.name, snapshot: id, entry, unsure: is === 'unsure' });
        }
        for (const path of open) if (chosen.has(path)) open.delete(path);
        if (open.size === 0 && openFolders.size === 0) break;
      }
    } catch (error) { blind.push({ zh: `${repository.name}：${saidBy(error).zh}`, en: `${repository.name}: ${saidBy(error).en}` }); }
  }
  return found;
}

/** File times lag behind the clock by some ms, more where the machine is a virtual one that is held up: what was changed so shortly before the story is looked at. */
const fileTimeSlackMs = 1000;

/** `unsure`: nobody saw who changed it, so what it says now decides when it is restored. */
function judge(entry: BackupEntry, lost: LostFile | undefined, began: number, lineage: Lineage, writers: ReadonlySet<string>): 'restore' | 'healthy' | 'newer' | 'unsure' {
  const now = lstatSync(bytesOf(entry.path), { throwIfNoEntry: false });
  if (now === undefined) return 'restore';
  const isKind = entry.kind === 'symlink' ? now.isSymbolicLink() : now.isFile();
  const isAsThen = isKind && now.size === entry.size && Math.abs(now.mtimeMs - entry.modified) < 1;
  // Who writes over a file may set its times back; not that of its last change.
  const isOlder = now.ctimeMs < began - fileTimeSlackMs;
  if (isAsThen && isOlder) return 'healthy';
  if (lost !== undefined) return 'restore';
  if (isOlder) return 'newer';
  const writer = lineage.writer({ path: entry.path });
  if (writer !== undefined && writer.time >= began) return writers.has(`${writer.process.pid}:${writer.process.started}`) ? 'restore' : 'newer';
  return isKind ? 'unsure' : 'restore';
}

/** Files of one snapshot, so many at a time that a step ends soon. */
function setsOf(chosen: ReadonlyMap<string, Chosen>, gone: ReadonlyMap<string, BackupEntry>): RecoveryStep[] {
  const steps: RecoveryStep[] = [];
  const groups = new Map<string, [string, Chosen][]>();
  for (const one of [...chosen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const key = `${one[1].repository}\0${one[1].snapshot}`;
    const group = groups.get(key);
    if (group) group.push(one); else groups.set(key, [one]);
  }
  for (const group of groups.values()) {
    let files: { path: string; unsure: boolean }[] = [], bytes = 0;
    const { repository, snapshot } = group[0]![1];
    const end = (): void => {
      if (files.length === 0) return;
      const folders = foldersOf(files.map(({ path }) => path), gone);
      const [first = { path: '' }] = files;
      const folder = first.path.slice(0, first.path.lastIndexOf('/')) || '/';
      steps.push({
        id: '', source: 'backup', action: 'restore-set', input: { repository, snapshot, files, folders }, bytes, unsure: files.filter(({ unsure }) => unsure).length, paths: files.map(({ path }) => path),
        title: { zh: `从 ${repository} 的快照 ${snapshot.slice(0, 12)} 恢复 ${files.length} 个文件（${folder} 等）`, en: `restore ${files.length} files from snapshot ${snapshot.slice(0, 12)} of ${repository} (${folder} …)` },
      });
      files = [];
      bytes = 0;
    };
    for (const [path, { entry, unsure }] of group) {
      if (files.length >= setFiles || (files.length > 0 && bytes + entry.size > setBytes)) end();
      files.push({ path, unsure });
      bytes += entry.size;
    }
    end();
  }
  return steps;
}

function foldersOf(paths: readonly string[], gone: ReadonlyMap<string, BackupEntry>): { path: string; mode: number; uid: number; gid: number }[] {
  const found = new Map<string, BackupEntry>();
  for (const path of paths) {
    for (let at = path.slice(0, path.lastIndexOf('/')); at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
      const entry = gone.get(at);
      if (entry === undefined || found.has(at)) break;
      found.set(at, entry);
    }
  }
  return [...found.values()].map(({ path, mode, uid, gid }) => ({ path, mode, uid, gid }));
}
