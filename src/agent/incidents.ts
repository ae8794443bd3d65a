/** Incidents under `moat up`: formed from alerts as they come, kept through restarts, changed by people, and told. */
import type { Alert, Detection } from '../core/alert.ts';
import { MoatError } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import type { Incident, Seeds } from '../core/incident.ts';
import type { AlertPlace, IncidentChange, IncidentRecord, StatutoryClock } from '../core/incident-store.ts';
import { type Level, levels } from '../core/level.ts';
import { holds, type Network, parseNetwork } from '../core/networks.ts';
import type { Log, Store } from '../core/ports.ts';
import type { RecoverySummary, WatchSummary } from '../core/recovery.ts';
import type { Text } from '../core/text.ts';
import type { Health } from '../engine/health.ts';
import { giveWay } from '../engine/fair.ts';
import { type Formed, Forming, isOver } from '../engine/incident/forming.ts';
import { gradeText } from '../engine/incident/grade.ts';
import { changed, type Deed, mustBeAt } from '../engine/incident/lifecycle.ts';
import { Quiet } from '../engine/incident/quiet.ts';
import { both, withRecovery } from '../engine/incident/recovered.ts';
import type { PersonTask } from '../engine/incident/recovery.ts';
import { incidentOf, type IncidentErrorCode, seedsOf, wholeOf } from '../engine/incident/seeds.ts';
import type { Watch } from '../engine/incident/watch.ts';
import { Work } from '../engine/incident/work.ts';
import type { OriginGraph } from '../engine/origin/graph.ts';
import type { AuditInput } from '../engine/response/audit.ts';
import type { Journal } from '../engine/response/journal.ts';
import type { Config } from './config-schema.ts';
import type { Handlers } from './control.ts';
import { readDeed } from './incident-deed.ts';
import { HostWorthOf } from './incident-worth.ts';
import type { Notices } from './notices.ts';

export interface IncidentsOptions {
  store: Store;
  journal: Journal;
  graph: OriginGraph;
  health: Health;
  log: Log;
  now: () => number;
  /** These alerts were closed: their next repeats open new ones. */
  closed: (alerts: ReadonlySet<string>) => void;
}

/** As `moat status` shows it. */
export interface IncidentsStatus {
  /** Open ones by level. */
  open: Record<Level, number>;
  /** Statutory clocks that run; `due` is Unix ms. */
  clocks: { id: string; due: number }[];
  /** Heightened watches after a recovery; Unix ms. */
  watches: { id: string; until: number; things: number; back: number }[];
}

/** An incident with what it holds. */
export type WholeIncident = Incident & IncidentRecord;

const part = 'incidents';
const waitingMost = 2000;
/** At once: blocking an address must not wait behind it, nor a page that somebody looks at. Writing what was placed takes as long again. */
const placingMs = 8;
const chunk = 500;
const gatherMs = 200;
const tickMs = 5000;
const pruneEveryMs = 10 * 60_000;
/** Closed incidents that go each time. */
const expiredMost = 50;
/** Guessing that has stopped for so long, with nobody in, is over. */
const campaignOverMs = 48 * 3_600_000;
const alertsMost = 20_000, notesMost = 200;
const day = 86_400_000;

export class Incidents {
  private readonly options: IncidentsOptions;
  private config: Config;
  private readonly forming: Forming;
  private readonly quiet = new Quiet();
  private readonly worth: HostWorthOf;
  private shared: (address: string) => boolean;
  private near: (network: Network) => boolean;
  private notices: Pick<Notices, 'tellIncident'> | undefined;
  /** Alerts that were stored and not looked at, by id. */
  private readonly waiting = new Map<string, Alert>();
  private watches: () => readonly Watch[] = () => [];
  private beginWatch: ((record: IncidentRecord) => WatchSummary | undefined) | undefined;
  private scheduled = false;
  /** What is stored is looked through: at a start, after trouble, and when more came than could wait. `at`: how far it is. */
  private looking: { at?: AlertPlace } | undefined = {};
  /** When what could not wait was last seen, the earliest of them: from there it is looked through once more. */
  private missed: number | undefined;
  private isStarted = false;
  private ticking: NodeJS.Timeout | undefined;
  private prunedAt = 0;

  constructor(config: Config, options: IncidentsOptions) {
    this.options = options;
    this.config = config;
    [this.shared, this.near] = sharedOf(config);
    const { store, journal, graph, health, now } = options;
    this.worth = new HostWorthOf(graph, () => this.config.incidents, now);
    this.forming = new Forming({
      store: store.incidents, alert: (id) => store.ledger.alert(id), finding: () => undefined, lineage: graph, now, settings: this.settings(),
      worth: () => this.worth.get(), write: (incidents, audit) => journal.now({ incidents, audit }), count: (what, n) => health.count(part, what, n),
    });
    this.markQuiet();
  }

  /** Many people come from it, or this machine is looked after from there: it says nothing of who it is. */
  isShared(address: string): boolean { return this.shared(address); }

  /** Whether any such address lies in a network. */
  sharesWith(network: Network): boolean { return this.near(network); }

  connect(notices: Pick<Notices, 'tellIncident'>): void { this.notices = notices; }

  /** Begins the heightened watch when an incident is recovered; undefined when there is nothing to watch. */
  watchBy({ begin, all }: { begin: (record: IncidentRecord) => WatchSummary | undefined; all: () => readonly Watch[] }): void {
    this.beginWatch = begin;
    this.watches = all;
  }

  configure(config: Config): void {
    this.config = config;
    [this.shared, this.near] = sharedOf(config);
    this.worth.forget();
    this.forming.configure(this.settings());
  }

  /** What was stored before, and not looked at; then now and again what falls due. */
  start(): void {
    this.isStarted = true;
    this.schedule();
    this.ticking = setInterval(() => this.tick(), tickMs);
  }

  stop(): void {
    clearInterval(this.ticking);
    this.isStarted = false;
    // What waits is stored, and taken in at the next start; mostly there is time for it now.
    if (this.waiting.size > 0) this.takeWaiting();
  }

  /** Alerts that are new or have grown, after they are stored. Returns at once. */
  onAlerts(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      if (this.waiting.size >= waitingMost && !this.waiting.has(alert.id)) this.missed = Math.min(this.missed ?? Infinity, alert.last_time);
      else this.waiting.set(alert.id, alert);
    }
    if (alerts.length > 0) this.schedule();
  }

  /** What a scan or the baseline found, before its alerts are raised. */
  found(findings: readonly Finding[]): void {
    try {
      this.options.journal.now({ incidents: { findings: findings.map(bounded) } });
    } catch (error) { this.trouble(error, findings.length); }
  }

  /** Why a detection is no alert: a person marked it. */
  excuse(detection: Detection): string | undefined { return this.quiet.why(detection); }

  status(): IncidentsStatus {
    const { incidents } = this.options.store;
    const counts = incidents.openByLevel();
    return {
      open: Object.fromEntries(levels.map((level) => [level, counts.find((one) => one.level === level)?.count ?? 0])) as Record<Level, number>,
      clocks: incidents.incidents({ clock: true, limit: 100 }).flatMap(({ id, clock }) => (clock ? [{ id, due: clock.due }] : [])),
      watches: this.watches().map(({ incident, until, things, back }) => ({ id: incident, until, things: things.length, back: back.length })),
    };
  }

  /** For its story and plan; undefined for an id (or the beginning of one) that is none. Throws MoatError 'several'. */
  seeds(id: string): { id: string; title: Text; seeds: Seeds } | undefined {
    const { incidents, ledger } = this.options.store;
    try {
      const record = incidentOf(incidents, id);
      return { id: record.id, title: record.title, seeds: seedsOf({ incidents, ledger }, record.id) };
    } catch (error) {
      if ((error as MoatError).code === 'no-incident') return undefined;
      throw error;
    }
  }

  handlers(): Handlers {
    const { incidents } = this.options.store;
    return {
      'incident': (argument) => wholeOf(incidents, incidentOf(incidents, argument)),
      'incident-change': (argument) => this.change(argument),
      'incident-merge': (argument) => this.mergeAsked(argument),
    };
  }

  // --- from alerts

  private settings() {
    const { level, idle_days, report_hours } = this.config.incidents;
    return { floor: level, idleMs: idle_days * day, reportMs: report_hours * 3_600_000, isShared: (address: string) => this.shared(address) };
  }

  /** What comes within a moment is stored together: a sync of the disk for each alert would hold up the alerts behind it. */
  private schedule(afterMs = gatherMs): void {
    if (this.scheduled || !this.isStarted) return;
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      if (!this.isStarted) return;
      const began = performance.now();
      if (this.waiting.size > 0) this.takeWaiting();
      else this.sweep();
      if (this.waiting.size > 0 || this.looking !== undefined || this.missed !== undefined) void this.goOn(performance.now() - began);
    }, afterMs);
  }

  private async goOn(heldMs: number): Promise<void> {
    await giveWay(heldMs);
    this.schedule(0);
  }

  private takeWaiting(): void {
    const taken: Alert[] = [];
    this.attempt(() => this.takeIn(this.someWaiting(taken), taken), taken);
  }

  /** As many as a turn has time for, and each in `taken`. */
  private *someWaiting(taken: Alert[]): Iterable<Alert> {
    const until = performance.now() + placingMs;
    for (const [id, alert] of this.waiting) {
      this.waiting.delete(id);
      taken.push(alert);
      yield alert;
      if (taken.length >= chunk || performance.now() >= until) return;
    }
  }

  /** One that cannot be stored must not keep the others out; `alerts`: those that were taken. */
  private takeIn(some: Iterable<Alert>, alerts: readonly Alert[]): void {
    try {
      this.tell(this.forming.take(some));
    } catch (error) {
      if (alerts.length === 1 || (error as MoatError).code !== 'input') throw error;
      for (const one of alerts) {
        try {
          this.tell(this.forming.take([one]));
        } catch (fault) {
          if ((fault as MoatError).code !== 'input') throw fault;
          this.options.health.count(part, 'alerts that cannot be taken in');
        }
      }
    }
  }

  private sweep(): void {
    if (this.looking === undefined && this.missed !== undefined) {
      this.looking = { at: { last: this.missed, row: -1 } };
      this.missed = undefined;
    }
    const { looking } = this;
    if (looking === undefined) return;
    this.attempt(() => {
      const { alerts, next } = this.forming.unformed(looking.at);
      this.takeIn(alerts, alerts);
      this.looking = next && { at: next };
    });
  }

  /** A full disk, mostly: what was not taken in stands in the ledger, and is looked for again. */
  private attempt(work: () => void, alerts: readonly Alert[] = []): void {
    try {
      work();
      this.options.health.state(part, 'live');
    } catch (error) { this.trouble(error, alerts.length); }
  }

  private trouble(error: unknown, n: number): void {
    const { message } = error as Error;
    if (n > 0) this.options.health.count(part, 'not taken in at once', n);
    this.options.health.state(part, 'blind', { zh: `无法归并事件：${message}`, en: `incidents cannot be formed: ${message}` });
    this.options.log.warn(`incidents: ${message}`);
    // Not at once again: the next tick tries.
    this.looking = undefined;
    this.missed = undefined;
    this.retry = true;
  }

  private retry = false;

  private tick(): void {
    if (this.retry) { this.retry = false; this.looking = {}; this.schedule(); }
    this.attempt(() => {
      this.tell(this.forming.again());
      this.clocks();
      const now = this.options.now();
      if (now - this.prunedAt < pruneEveryMs && now >= this.prunedAt) return;
      this.prunedAt = now;
      this.endCampaigns(now);
      const gone = this.options.store.incidents.prune(now, Math.max(this.config.incidents.idle_days, 7) * day, this.expire(now));
      if (gone > 0) this.options.health.count(part, 'let go, long over', gone);
      this.markQuiet();
    });
  }

  /** Told before it is done: what is gone without an entry would look like it was never there. */
  private expire(now: number): string[] {
    const days = this.config.incidents.keep_days;
    const over = this.options.store.incidents.expired(now - days * day, expiredMost);
    if (over.length > 0) this.options.journal.now({ incidents: {}, audit: over.map(({ id, title, status, changed: last }) => ({ time: now, by: 'engine', via: 'engine', operation: 'incident-expire', target: id, why: `incidents.keep_days: ${days}`, result: `${status} since ${new Date(last).toISOString()}: ${title.en.slice(0, 300)}` })) });
    return over.map(({ id }) => id);
  }

  private endCampaigns(now: number): void {
    for (const one of this.options.store.incidents.incidents({ kind: 'campaign', status: ['new'], before: now - campaignOverMs, limit: 20 })) {
      const { record } = changed(one, { op: 'status', to: 'closed' }, { by: 'engine', why: '', now });
      this.write({ incidents: [{ record, expected: one.revision }] }, { time: now, by: 'engine', via: 'engine', operation: 'incident-status', target: one.id, why: 'it has stopped, and nobody got in', result: 'new → closed' });
    }
  }

  // --- telling

  private tell(formed: readonly Formed[]): void {
    for (const { incident, what } of formed) {
      const { id, grade, graded, title, level, revision } = incident;
      const why = graded.at(-1)?.why;
      if (what === 'returned') this.send(id, `returned ${revision}`, { zh: `事件 ${id} 又有动静：${title.zh}`, en: `incident ${id} returns: ${title.en}` }, level);
      else if ((what === 'formed' || what === 'graded') && grade < 3 && graded.at(-2)?.grade !== grade) this.send(id, `grade ${grade}`, { zh: `事件 ${id} 定为${gradeText(grade).zh}：${title.zh}（${why?.zh ?? ''}）`, en: `incident ${id} is ${gradeText(grade).en}: ${title.en} (${why?.en ?? ''})` }, level);
    }
    if (formed.some(({ incident }) => incident.clock !== undefined)) this.clocks();
  }

  /** Told when the clock begins, when half of it is gone, an hour before its end, and when it is over. */
  private clocks(): void {
    const now = this.options.now();
    for (const record of this.options.store.incidents.incidents({ clock: true, limit: 100 })) {
      const { clock } = record;
      if (clock === undefined || clock.stopped !== undefined || isOver(record)) continue;
      const due = stepsDue(clock, now);
      if (due.length === 0) continue;
      this.send(record.id, `clock ${due.at(-1) ?? ''}`, clockText(record.id, clock, due.at(-1) ?? 'began', now), 'critical');
      this.write({ incidents: [{ record: { ...record, clock: { ...clock, told: [...clock.told, ...due] } }, expected: record.revision }] }, { time: now, by: 'engine', via: 'engine', operation: 'incident-clock', target: record.id, why: clock.why.en, result: `${due.at(-1) ?? ''}, due ${new Date(clock.due).toISOString()}` });
    }
  }

  private send(id: string, key: string, what: Text, level: Level): void {
    try {
      this.notices?.tellIncident(id, key, what, level);
    } catch (error) {
      this.options.health.count(part, 'not told');
      this.options.log.warn(`incident ${id}: ${(error as Error).message}`);
    }
  }

  // --- by people

  private change(argument: unknown): WholeIncident {
    const { store, now } = this.options;
    const asked = readDeed(argument);
    const stands = incidentOf(store.incidents, asked.id);
    mustBeAt(stands, asked.revision);
    const alerts = asked.deed.op === 'false-alarm' ? seedsOf({ incidents: store.incidents, ledger: store.ledger }, stands.id).alerts : [];
    const deed: Deed = asked.deed.op === 'false-alarm' && asked.deed.forMs === 0 ? { ...asked.deed, forMs: this.config.incidents.false_alarm_days * day } : asked.deed;
    const { record: after, result } = changed(stands, deed, { by: asked.by, why: asked.why, now: now(), reportMs: this.config.incidents.report_hours * 3_600_000 }, alerts);
    const record = this.watched(stands, after);
    const ends = isOver(record) && !isOver(stands);
    const members = ends ? new Set(store.incidents.members(stands.id, 'alert', alertsMost).map(({ id }) => id)) : undefined;
    this.write({ incidents: [{ record, expected: stands.revision }], ...(ends && { closeAlertsOf: [stands.id] }) }, { time: now(), by: asked.by, via: 'control', operation: `incident-${deed.op}`, target: stands.id, why: asked.why, result });
    if (members) this.options.closed(members);
    if (deed.op === 'false-alarm' || deed.op === 'reopen') this.markQuiet();
    if (deed.op === 'grade' && record.clock !== undefined) this.clocks();
    return wholeOf(store.incidents, record);
  }

  // --- recovery

  /** What was restored is kept with it; it is recovered when nothing stands in the way. */
  recovered(id: string, summary: RecoverySummary, asks: readonly PersonTask[], { by, why }: { by: string; why: string }): { incident: WholeIncident; moved: boolean; tasks: number } {
    const { store, now } = this.options;
    const stands = incidentOf(store.incidents, id);
    const { record: after, tasks, moved, result } = withRecovery(stands, summary, asks, { by, now: now() });
    const record = this.watched(stands, after);
    this.write({ incidents: [{ record, expected: stands.revision }] }, { time: now(), by, via: 'control', operation: 'incident-recovery', target: stands.id, why: summary.accepted?.why ?? why, result });
    return { incident: wholeOf(store.incidents, record), moved, tasks };
  }

  /** Something of its story is back: it is open again, and says what. False for one that is no more, or marked a false alarm. */
  returned(id: string, what: Text, back: number): boolean {
    const { now } = this.options;
    const stands = this.known(id);
    if (stands === undefined || stands.status === 'false-alarm') return false;
    const reopens = stands.status !== 'new' && stands.status !== 'triaged';
    const note = { time: now(), by: 'engine', text: both({ zh: `恢复后重点观察：${what.zh}`, en: `heightened watch: ${what.en}` }) };
    const record: IncidentRecord = {
      ...stands, revision: stands.revision + 1, changed: now(), last_time: Math.max(stands.last_time, now()), notes: [...stands.notes, note].slice(-notesMost), ...(stands.watch && { watch: { ...stands.watch, back } }),
      ...(reopens && { status: 'triaged' as const, since: now() }),
    };
    this.write({ incidents: [{ record, expected: stands.revision }] }, { time: now(), by: 'engine', via: 'engine', operation: 'incident-returned', target: record.id, why: what.en, result: reopens ? `${stands.status} → triaged` : 'open already' });
    this.send(record.id, `returned ${record.revision}`, { zh: `事件 ${record.id} 恢复后又有动静：${what.zh}`, en: `incident ${record.id} returns after its recovery: ${what.en}` }, record.level);
    return true;
  }

  /** The watch of an incident has ended. */
  watchOver(id: string, back: number): void {
    const { now } = this.options;
    const stands = this.known(id);
    if (stands?.watch === undefined || stands.watch.ended !== undefined) return;
    const what = back === 0 ? { zh: '重点观察结束：没有东西再出现', en: 'the heightened watch is over: nothing came back' } : { zh: `重点观察结束：期间 ${back} 样东西再出现过`, en: `the heightened watch is over: ${back} things came back during it` };
    const record: IncidentRecord = { ...stands, revision: stands.revision + 1, changed: now(), watch: { ...stands.watch, back, ended: now() }, notes: [...stands.notes, { time: now(), by: 'engine', text: both(what) }].slice(-notesMost) };
    this.write({ incidents: [{ record, expected: stands.revision }] }, { time: now(), by: 'engine', via: 'engine', operation: 'incident-watch-over', target: record.id, why: '', result: what.en });
    this.send(record.id, `watch over ${record.revision}`, { zh: `事件 ${record.id}：${what.zh}`, en: `incident ${record.id}: ${what.en}` }, 'info');
  }

  private known(id: string): IncidentRecord | undefined {
    try {
      return incidentOf(this.options.store.incidents, id);
    } catch { return undefined; /* it was dropped, long over */ }
  }

  /** With the watch that begins when it becomes recovered. */
  private watched(before: IncidentRecord, after: IncidentRecord): IncidentRecord {
    if (after.status !== 'recovered' || before.status === 'recovered') return after;
    try {
      const watch = this.beginWatch?.(after);
      return watch === undefined ? after : { ...after, watch };
    } catch (error) {
      // Recovered all the same; that nobody watches is told.
      this.options.health.count(part, 'watches that could not begin');
      this.options.log.warn(`incident ${after.id}: ${(error as Error).message}`);
      return after;
    }
  }

  private mergeAsked(argument: unknown): WholeIncident {
    const { store, now } = this.options;
    const { id, other, by, why, revision } = (typeof argument === 'object' && argument !== null ? argument : {}) as Record<string, unknown>;
    const one = incidentOf(store.incidents, id), two = incidentOf(store.incidents, other);
    mustBeAt(one, typeof revision === 'number' ? revision : undefined);
    if (one.id === two.id) throw new MoatError<IncidentErrorCode>('refused', `expected two incidents, ${one.id} is one already`, { zh: `${one.id} 已经是同一个事件` });
    for (const { id: which, status } of [one, two]) if (isOver({ status })) throw new MoatError<IncidentErrorCode>('refused', `expected open incidents, ${which} is ${status}`, { zh: `只能合并未关闭的事件，${which} 已关闭`, hint: `moat incident reopen ${which}` });
    const work = new Work(store.incidents);
    const merged = this.forming.merge(work, one.id, two.id);
    const asked = typeof by === 'string' ? by.slice(0, 200) : 'operator';
    this.tell(this.forming.finish(work, [], [{ time: now(), by: asked, via: 'control', operation: 'incident-merge', target: merged?.id ?? one.id, why: typeof why === 'string' ? why.slice(0, 1000) : '', result: `${one.id} and ${two.id} are ${merged?.id ?? one.id}` }]));
    return wholeOf(store.incidents, incidentOf(store.incidents, merged?.id ?? one.id));
  }

  private write(incidents: IncidentChange, audit: AuditInput): void { this.options.journal.now({ incidents, audit: [audit] }); }

  private markQuiet(): void {
    const now = this.options.now();
    const marked = this.options.store.incidents.incidents({ status: ['false-alarm'], limit: 2000 }).flatMap(({ id, false_alarm: alarm }) => (alarm !== undefined && alarm.until > now ? [{ id, alarm }] : []));
    const dropped = this.quiet.set(marked);
    if (dropped > 0) this.options.health.count(part, 'exceptions of false alarms left out, too many', dropped);
  }
}

/** A cloud's own load balancers, health checks and services (RFC 6598), and whoever shares a carrier's address. */
const sharedByCarriers = ['100.64.0.0/10'];

/** Whatever many people come from: as configured, and from where this machine is looked after. */
function sharedOf({ incidents, response }: Config): [isShared: (address: string) => boolean, isNear: (network: Network) => boolean] {
  const networks = [...incidents.shared_addresses, ...response.allow, ...response.management.from, ...sharedByCarriers].flatMap((text) => parseNetwork(text) ?? []);
  return [(address) => {
    const one = parseNetwork(address);
    return one !== undefined && networks.some((network) => holds(network, one));
  }, (one) => networks.some((network) => holds(network, one) || holds(one, network))];
}

const hour = 3_600_000;
function stepsDue({ started, due, told }: StatutoryClock, now: number): StatutoryClock['told'][number][] {
  const half = started + (due - started) / 2;
  const steps: [StatutoryClock['told'][number], boolean][] = [['began', true], ['half', now >= half], ['soon', due - started > hour && now >= due - hour], ['over', now >= due]];
  return steps.flatMap(([step, is]) => (is && !told.includes(step) ? [step] : []));
}

function clockText(id: string, { due, why }: StatutoryClock, step: StatutoryClock['told'][number], now: number): Text {
  const minutes = Math.max(0, Math.round((due - now) / 60_000));
  const left = { zh: minutes >= 60 ? `${Math.floor(minutes / 60)} 小时 ${minutes % 60} 分` : `${minutes} 分钟`, en: minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes} min` };
  if (step === 'over') return { zh: `事件 ${id} 的法定报告时限已过：疑似较大事件（${why.zh}），须立即向网信部门报告（12387）`, en: `the statutory report of incident ${id} is overdue: a larger event (较大) is suspected, ${why.en}; report it to the authority now (hotline 12387)` };
  return { zh: `事件 ${id} 疑似较大事件（${why.zh}）：还有 ${left.zh}须向网信部门报告（12387）；查明无需报告则注明`, en: `incident ${id}: a larger event (较大) is suspected, ${why.en}; ${left.en} left to report it to the authority (hotline 12387), or say that it need not be` };
}

const listMost = 40, textMost = 500;
/** A finding as it is kept: all that ties, and not more text than a page. */
function bounded(finding: Finding): Finding {
  const { evidence, links, ...rest } = finding;
  return { ...rest, evidence: evidence.slice(0, listMost).map((one) => ({ ...one, value: one.value.slice(0, textMost) })), ...(links && { links: links.slice(0, listMost) }) };
}
