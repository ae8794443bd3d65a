/**
 * The triad: one young process tree connects out and changes what runs. Each leg alone is everyday work; together,
 * within minutes and outside package management, they are a dropper: seen before what it drops does its work.
 */
import type { Event } from '../../core/gen/event.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import type { PlaceId } from '../../core/places.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { fetchesByAddress, isByTrade, usualFetchers } from '../fetched.ts';
import { Lru } from '../lru.ts';
import { isBuildPlace, isHidden, isProgramFolder, oddPlace, plantedPlace } from '../places.ts';
import { programOf, short } from '../process.ts';
import { kindOf, scriptOf } from '../program-kind.ts';
import { isTrusted, provenanceOf } from '../provenance.ts';
import { list, number } from '../settings.ts';
import { isErrand, isExposed, isLoopback, isPersonal, jobOf, keyOfNode, labelOf, managerAbove, originGroup, peerText } from '../tree.ts';

export const triad: Behaviour = {
  id: 'triad',
  title: { zh: '进程、连接、文件三联动', en: 'Process, connection and file in one tree' },
  means: { zh: '同一个进程树里新进程、对外连接和改写启动项接连出现，是入侵后安家的典型过程', en: 'In one tree of processes a new program, a connection outwards and a change to what starts by itself came together: how intruders settle in' },
  advice: { zh: '打开所属事件看全过程，按清理计划处理；确认之前先冻结该进程树。', en: 'Open its incident for the whole course and follow the clean-up plan; until you are sure, freeze the tree.' },
  blind: {
    zh: '只看传感器能看到的写入；相隔超过时间窗的步骤、由不同任务分开完成的步骤不会合在一起；从本机地址下载默认不算。需要来源图。',
    en: 'Judges the writes that the sensor tells of. Steps further apart than the window or done by separate jobs are not joined, and downloads from the machine itself do not count by default. Needs the origin graph.',
  },
  kinds: ['network_connection', 'file_event', 'process_creation'],
  settings: {
    seconds: { default: 120, min: 1, max: 3600, text: { zh: '外连与改动文件之间最多相隔的秒数', en: 'seconds between the connection and the change of a file that count' } },
    age: { default: 600, min: 1, max: 86_400, text: { zh: '进程树多少秒内算新（网站、数据库不限）', en: 'seconds for which a process tree is young; web and database servers are always judged' } },
    local: { default: false, text: { zh: '连到本机地址（回环）也算', en: 'count connections to the machine itself (loopback)' } },
    tools: { default: [...usualFetchers], text: { zh: '下载并安装程序属其本职的工具', en: 'tools whose work it is to fetch and install programs' } },
  },
  open,
};

type Change = 'persistence' | 'program' | 'ran';
interface Job {
  peer: { ip: string; port: number; host?: string; time: number; by: string; odd: boolean; byAddress: boolean; packaged: boolean } | undefined;
  changes: Map<Change, { path: string; time: number; place: PlaceId | undefined; by: string; packaged: boolean }>;
  told: Level | undefined;
}

const whatText: Readonly<Record<Change, Text>> = {
  persistence: { zh: '写入自启动位置', en: 'wrote to a place that comes back by itself' },
  program: { zh: '放下了可执行文件', en: 'put down a program' },
  ran: { zh: '运行了它放下的文件', en: 'ran what it put down' },
};
/** Places that let somebody in or reach into every program: a person's download rarely ends there. */
const opens: ReadonlySet<PlaceId> = new Set<PlaceId>(['ssh', 'sshd', 'pam', 'nss', 'sudo', 'polkit', 'accounts', 'preload', 'loader']);
const maxJobs = 4000;

function open(context: BehaviourContext): BehaviourRun {
  const windowMs = number(context, 'seconds') * 1000;
  const ageMs = number(context, 'age') * 1000;
  const local = context.settings['local'] === true;
  const tools = new Set(list(context, 'tools'));
  const jobs = new Lru<Job>(maxJobs, () => { context.count('process trees forgotten'); });

  /** A program that a package shipped and that does one thing; a shell or interpreter counts by its script. */
  function isPackaged(node: ProcessNode): boolean {
    const kind = kindOf(node.path, node.cmdline);
    if (kind === 'shell' || kind === 'interpreter' || kind === 'awk') {
      const script = scriptOf(node.path, node.cmdline, node.cwd);
      return script !== undefined && provenanceOf(context, script, node.container) === 'owned';
    }
    return kind !== 'download' && kind !== 'relay' && isTrusted(provenanceOf(context, node.path, node.container));
  }

  /** The job that this process works for, when it is one to be judged. */
  function jobFor(event: Event, node: ProcessNode): ProcessNode | undefined {
    const { kind } = node.origin;
    if (kind === 'package' || kind === 'cloud') return undefined;
    // Nothing below an old process is younger than the top of its tree.
    if (event.time - node.started > ageMs && !isExposed(node.origin)) return undefined;
    const top = jobOf(node);
    const isYoung = event.time - top.started <= ageMs;
    if (!isYoung && !isExposed(node.origin)) return undefined;
    return isExposed(node.origin) || (managerAbove(node) === undefined && !isByTrade(node, tools)) ? top : undefined;
  }

  const take = (top: ProcessNode): Job => jobs.take(keyOfNode(top), () => ({ peer: undefined, changes: new Map(), told: undefined }));

  function connected(event: Event): void {
    const ip = event.destination_ip;
    if (event.action === 'connect-attempt' || event.direction === 'inbound' || ip === undefined || isErrand(event.destination_port) || (!local && isLoopback(ip))) return;
    const node = context.lineage.of(event);
    const top = node && jobFor(event, node);
    if (node === undefined || top === undefined) return;
    const job = take(top);
    job.peer = {
      ip, port: event.destination_port ?? 0, time: event.time, by: labelOf(node), odd: oddPlace(node.path) !== undefined, byAddress: fetchesByAddress(node.cmdline), packaged: isPackaged(node),
      ...(event.destination_host !== undefined && { host: event.destination_host }),
    };
    judge(event, node, top, job);
  }

  function changed(event: Event): void {
    const path = event.file_path;
    if (path === undefined) return;
    const place = plantedPlace(path);
    const change = place !== undefined ? ofPersistence(event) : isProgramMade(event, path) ? 'program' : undefined;
    if (change === undefined) return;
    const node = context.lineage.of(event);
    if (node === undefined || (change === 'program' && isBuildPlace(path) && !isExposed(node.origin))) return;
    const top = jobFor(event, node);
    if (top === undefined) return;
    const job = take(top);
    job.changes.set(change, { path: short(path, 300), time: event.time, place, by: labelOf(node), packaged: isPackaged(node) });
    judge(event, node, top, job);
  }

  function ran(event: Event): void {
    const path = event.process_path;
    if (path === undefined || event.action === 'process-seen') return;
    const node = context.lineage.of(event);
    if (node === undefined || jobs.size === 0) return;
    const script = scriptOf(path, event.process_cmdline, event.process_cwd);
    const writer = node.writtenBy ?? (script === undefined ? undefined : context.lineage.writer({ path: script }));
    const file = node.writtenBy ? path : script;
    if (writer === undefined || file === undefined || (isBuildPlace(file) && !isExposed(node.origin))) return;
    const top = jobFor(event, node);
    if (top === undefined || keyOfNode(jobOf(writer.process)) !== keyOfNode(top)) return;
    const job = take(top);
    job.changes.set('ran', { path: short(file, 300), time: event.time, place: undefined, by: labelOf(node), packaged: false });
    judge(event, node, top, job);
  }

  function judge(event: Event, node: ProcessNode, top: ProcessNode, job: Job): void {
    const { peer } = job;
    if (peer === undefined) return;
    let worst: { level: Level; change: Change } | undefined;
    for (const [change, done] of job.changes) {
      if (Math.abs(done.time - peer.time) > windowMs || (peer.packaged && done.packaged && !isExposed(node.origin))) continue;
      const level = levelOf(node, event.time - top.started <= ageMs, job, change);
      if (level !== undefined && (worst === undefined || atLeast(level, worst.level))) worst = { level, change };
    }
    if (worst === undefined || (job.told !== undefined && atLeast(job.told, worst.level))) return;
    job.told = worst.level;
    tell(event, node, top, job, worst.change, worst.level);
  }

  function levelOf(node: ProcessNode, isYoung: boolean, job: Job, change: Change): Level | undefined {
    const done = job.changes.get(change);
    const { peer } = job;
    if (done === undefined || peer === undefined) return undefined;
    const odd = oddPlace(done.path);
    // A server that puts programs into its own folders (tools of a build server) does so by itself, not by a child.
    if (isExposed(node.origin)) return change === 'persistence' || odd !== undefined ? 'critical' : isYoung ? 'high' : undefined;
    const hidden = odd === 'hidden' || odd === 'shared' || (odd === 'temporary' && isHidden(done.path));
    const isBad = peer.odd || peer.byAddress;
    const both = job.changes.has('persistence') && (job.changes.has('ran') || job.changes.has('program'));
    if (isPersonal(node.origin)) {
      if (change === 'persistence') return isBad ? 'high' : done.place !== undefined && opens.has(done.place) ? 'medium' : 'low';
      return hidden ? 'high' : isBad && odd !== undefined ? (both ? 'high' : 'medium') : odd !== undefined ? 'low' : undefined;
    }
    if (change === 'persistence') return isBad || both ? 'critical' : node.origin.kind === 'container' ? 'medium' : 'high';
    if (odd !== undefined) return hidden || isBad || change === 'ran' ? 'critical' : 'high';
    if (isBad) return 'high';
    return node.origin.kind === 'container' ? 'low' : 'medium';
  }

  function tell(event: Event, node: ProcessNode, top: ProcessNode, job: Job, change: Change, level: Level): void {
    const done = job.changes.get(change);
    context.emit({
      ruleId: 'behaviour.triad', title: triad.title, level,
      summary: {
        zh: `{top}（来自{origin_zh}）的进程树：{speaker} 连接 {peer}，{doer} ${whatText[change].zh} {file}`,
        en: `In the tree of {top} (begun by {origin_en}), {speaker} connected to {peer} and {doer} ${whatText[change].en}: {file}`,
      },
      attack: change === 'persistence' ? ['T1105', 'T1053.003', 'T1543.002'] : ['T1105', 'T1204.002'], matrix: ['利用后门文件执行', '植入后门'],
      key: keyOfNode(top), time: event.time, events: [event], count: 1,
      group: {
        ...originGroup(node, event), top: labelOf(top), speaker: job.peer?.by ?? '?', peer: peerText(job.peer), doer: done?.by ?? programOf(event), file: done?.path ?? '?',
      },
    });
  }

  return {
    observe(event) {
      switch (event.kind) {
        case 'network_connection': connected(event); return;
        case 'file_event': changed(event); return;
        default: ran(event);
      }
    },
    size: () => jobs.size,
  };
}

function ofPersistence(event: Event): Change | undefined {
  switch (event.action) {
    case 'write': case 'create': case 'rename': case 'link': return 'persistence';
    default: return undefined;
  }
}

/** A file that can be run: marked so, or put where programs lie. */
function isProgramMade(event: Event, path: string): boolean {
  if (event.action === 'chmod') {
    const mode = event.extra?.['mode'];
    return typeof mode === 'string' && /[1357]/.test(mode.slice(-3)) && !path.endsWith('/');
  }
  return (event.action === 'create' || event.action === 'rename') && isProgramFolder(path);
}
