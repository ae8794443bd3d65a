/** Collects evidence from the command line: the story from the agent, or the alerts from the store when none runs, and all that this machine tells. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join, resolve } from 'node:path';
import { MoatError, saidBy } from '../core/error.ts';
import type { Seeds, Story } from '../core/incident.ts';
import type { Text } from '../core/text.ts';
import { Vault } from '../actions/vault.ts';
import { incidentOf, seedsOf } from '../engine/incident/seeds.ts';
import { type Sink, writeArchive, type Written } from '../evidence/archive.ts';
import { captureItems } from '../evidence/capture/cut.ts';
import { collect } from '../evidence/collect/collect.ts';
import type { Group, MemoryKind } from '../evidence/collect/groups.ts';
import type { Suspect } from '../evidence/collect/processes.ts';
import { type Collected, type Item, missed, nameFor, textItem } from '../evidence/item.ts';
import type { Signer } from '../evidence/key.ts';
import type { Clock } from '../evidence/manifest.ts';
import { askTimestamp } from '../evidence/timestamp.ts';
import { bytesOf } from '../linux/file-names.ts';
import { bootId, bootTime, uptime } from '../linux/proc-host.ts';
import { Procfs, ticksPerSecond } from '../linux/procfs.ts';
import { openSqliteStore } from '../stores/sqlite/store.ts';
import type { CaptureKept } from './capture.ts';
import { askControl } from './control.ts';
import type { EvidenceStory } from './evidence.ts';

export interface EvidenceRequest {
  id: string;
  dataFolder: string;
  /** Incident, alert or finding; without one the machine as it is. */
  incident?: string | undefined;
  by: string;
  why: string;
  how: string;
  tool: string;
  memory: MemoryKind;
  memoryMost: number;
  /** Unix ms; a day before the story, or a week, when undefined. */
  since: number | undefined;
  commands: boolean;
  only: readonly Group[] | undefined;
  most: number;
  timestampUrl: string | undefined;
  /** Folders that are left out, beside Moat's own data. */
  without: readonly string[];
  sink: Sink;
  signer: Signer;
  kept: 'installation' | 'passing';
  now: () => number;
  progress?: (name: string, bytes: number) => void;
  warn: (text: Text) => void;
}

const day = 86_400_000;
const filesMax = 5000;
const suspectsMax = 500;
const addressesMax = 2000;
/** Before the story's first moment. */
const aroundMs = 600_000;
const limits = { ms: 20_000, bytes: 64 << 20 };

export const newEvidenceId = (now: number): string => `evidence-${nameFor(hostname()).replaceAll(/[^A-Za-z0-9.-]/g, '-').slice(0, 60) || 'host'}-${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(3).toString('hex')}`;

export async function collectEvidence(request: EvidenceRequest): Promise<Written> {
  const { dataFolder, now, incident } = request;
  const procfs = new Procfs();
  const began = now();
  const known: Collected[] = [];
  // What this process looks at from here on is no sign of an intruder.
  await askControl(dataFolder, 'evidence-begin', { asker: process.pid }).catch((error: unknown) => { if ((error as MoatError).code !== 'not-running') throw error; });
  const told = incident === undefined ? undefined : await toldBy(request, incident, known);
  const since = request.since ?? (told?.story ? told.story.began - day : began - 7 * day);
  const { suspects, gone } = told?.story ? suspectsOf(told.story, procfs) : { suspects: [], gone: [] };
  known.push(...gone);
  const files = told?.story ? filesOf(told.story) : [];
  const packets = told?.story && (request.only === undefined || request.only.includes('network')) ? await packetsOf(request, told.story, began) : [];
  const plan = {
    suspects, files, known: [...known.filter((one): one is Item => !('missed' in one)), ...packets.filter((one): one is Item => !('missed' in one))], kept: [...known.filter((one) => 'missed' in one), ...packets.filter((one) => 'missed' in one), ...quarantined(dataFolder, since, new Set(files))],
    memory: request.memory, memoryMost: request.memoryMost, since, commands: request.commands, only: request.only, without: [resolve(dataFolder), ...request.without],
  };
  const { timestampUrl } = request;
  return await writeArchive(collect(plan), {
    sink: request.sink, signer: request.signer, now, limits, most: request.most, custody: { to: request.by, how: request.how },
    head: {
      id: request.id, tool: request.tool, host: hostname(), kernel: release(), ...(told && { incident: told.id }), why: request.why, by: request.by, began: new Date(began).toISOString(), clock: clockOf(procfs, began), kept: request.kept,
    },
    ...(timestampUrl !== undefined && { timestamp: (manifest: Buffer) => askTimestamp(timestampUrl, manifest) }),
    ...(request.progress && { progress: request.progress }),
  });
}

/** Packets of the story's addresses, as far as they were captured; what is still in memory is asked for first. */
async function packetsOf({ dataFolder, tool }: EvidenceRequest, story: Story, now: number): Promise<Collected[]> {
  const addresses = [...new Set(story.nodes.flatMap(({ kind, facts, label }) => (kind === 'address' ? [typeof facts['ip'] === 'string' ? facts['ip'] : label] : [])))].slice(0, addressesMax);
  const from = story.began - aroundMs;
  let stale: Text | undefined;
  try {
    const { on } = (await askControl(dataFolder, 'capture-keep', { addresses, from }, { patient: true })) as CaptureKept;
    if (!on) stale = { zh: '抓包没有开启或没有在运行：只有以前保留的', en: 'packet capture is not on, or does not run: only what was kept before' };
  } catch (error) { stale = saidBy(error); }
  return captureItems({ dataFolder, tool, addresses, from, until: now, ...(stale && { stale }) });
}

function clockOf(procfs: Procfs, now: number): Clock {
  const clock = { now: new Date(now).toISOString(), zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  try {
    return { ...clock, uptime: uptime(procfs), boot_id: bootId(procfs), ...(existsSync('/run/systemd/timesync/synchronized') && { synchronised: true }) };
  } catch { return clock; /* no /proc: the rest says so */ }
}

/** What Moat knows of it, as items. Throws MoatError for an id that is none. */
async function toldBy(request: EvidenceRequest, id: string, known: Collected[]): Promise<{ id: string; story?: Story }> {
  const write = (name: string, source: string, value: unknown): void => { known.push(textItem(`moat/${name}`, source, () => `${JSON.stringify(value, undefined, 1)}\n`)); };
  try {
    const { id: whole, title, story, seeds } = (await askControl(request.dataFolder, 'evidence-story', { id, asker: process.pid }, { patient: true })) as EvidenceStory;
    write('story.json', `story of ${whole}`, { id: whole, title, ...story });
    write('alerts.json', `alerts of ${whole}`, seeds.alerts);
    write('findings.json', `findings of ${whole}`, seeds.findings);
    try {
      write('incident.json', `incident ${whole}`, await askControl(request.dataFolder, 'incident', whole));
    } catch { /* an alert or a finding: it is no incident, and the story says what it is */ }
    return { id: whole, story };
  } catch (error) {
    if ((error as MoatError).code !== 'not-running') throw error;
    request.warn({ zh: 'Moat 没有在运行：没有经过（story），只采集通用项目和已存的告警', en: 'no agent runs: there is no story, so general items and the stored alerts are collected' });
    known.push(missed('moat/story.json', `story of ${id}`, { zh: 'Moat 没有在运行，不知道哪些进程与文件属于这次入侵', en: 'no agent runs: which processes and files belong to it is not known' }));
    const stored = storedSeeds(request.dataFolder, id, known);
    if (stored) {
      write('alerts.json', `stored alerts of ${stored.id}`, stored.seeds.alerts);
      write('findings.json', `stored findings of ${stored.id}`, stored.seeds.findings);
    }
    return { id: stored?.id ?? id };
  }
}

function storedSeeds(dataFolder: string, id: string, known: Collected[]): { id: string; seeds: Seeds } | undefined {
  try {
    const store = openSqliteStore({ dir: dataFolder, readOnly: true });
    try {
      const record = incidentOf(store.incidents, id);
      const { alerts, findings } = seedsOf({ incidents: store.incidents, ledger: store.ledger }, record.id);
      return { id: record.id, seeds: { alerts, findings } };
    } finally { store.close(); }
  } catch (error) {
    known.push(missed('moat/alerts.json', join(dataFolder, 'moat.db'), saidBy(error)));
    return undefined;
  }
}

/** Those of the story that run; what carries others' work (sshd, a web server) is no suspect. */
function suspectsOf(story: Story, procfs: Procfs): { suspects: Suspect[]; gone: Collected[] } {
  const boot = bootTime(procfs);
  const suspects: Suspect[] = [], gone: Collected[] = [];
  for (const { kind, lives, facts, label } of story.nodes) {
    if (kind !== 'process' || facts['chain'] === true || facts['weak'] === true) continue;
    const pid = Number(facts['pid']), started = Number(facts['started']);
    const startTicks = procfs.stat(pid)?.startTicks;
    // The boot time that both count from is known to the second.
    const isIt = startTicks !== undefined && Math.abs(boot + (startTicks * 1000) / ticksPerSecond - started) < 2000;
    if (isIt && suspects.length < suspectsMax) suspects.push({ pid, startTicks });
    else if (lives === true && !isIt) gone.push(missed(`processes/${pid}`, `/proc/${pid}: ${label.slice(0, 200)}`, { zh: '进程已结束', en: 'it has ended' }));
    else if (isIt) gone.push(missed(`processes/${pid}`, `/proc/${pid}: ${label.slice(0, 200)}`, { zh: `可疑进程超过 ${suspectsMax} 个`, en: `there are more than ${suspectsMax} suspects` }));
  }
  return { suspects, gone };
}

const filesOf = (story: Story): string[] => [...new Set(story.nodes.flatMap(({ kind, facts }) => ((kind === 'file' || kind === 'persistence') && typeof facts['path'] === 'string' && facts['container'] === undefined ? [facts['path']] : [])))].slice(0, filesMax);

/** As they were when they were taken away. */
function quarantined(dataFolder: string, since: number, files: ReadonlySet<string>): Collected[] {
  const vault = new Vault(dataFolder);
  try {
    return vault.list().flatMap((row): Collected[] => {
      if ('broken' in row) return [missed(`quarantine/${row.id}`, row.id, { zh: row.broken, en: row.broken })];
      const { item } = row;
      if (item.added < since && !files.has(item.path)) return [];
      return [{
        name: `quarantine/${item.id}/${nameFor(bytesOf(item.path)).split('/').at(-1) ?? 'file'}`, source: item.path, limits: { ms: 120_000, bytes: 512 << 20 },
        open: () => ({ size: item.file.kind === 'file' ? item.file.size : 0, facts: { quarantine: item.id, by: item.by, added: new Date(item.added).toISOString(), sha256: item.file.sha256, mode: item.file.mode.toString(8), uid: item.file.uid, gid: item.file.gid, ...(item.file.target !== undefined && { link: item.file.target }) }, read: vault.read(item.id) }),
      }];
    });
  } catch (error) { return [missed('quarantine', vault.folder, saidBy(error))]; }
}
