/** Scans by themselves in `moat up`: each check in its own time, one scan at once, alerts only for what is new. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Detection } from '../core/alert.ts';
import type { Finding } from '../core/finding.ts';
import { Event } from '../core/gen/event.ts';
import type { Level } from '../core/level.ts';
import { levels } from '../core/level.ts';
import { maskSecrets } from '../core/secrets.ts';
import { reasonOf } from '../core/error.ts';
import type { Store } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import type { ScanRun } from '../core/scan-store.ts';
import { byWeight, type ScanReport } from '../scan/report.ts';
import type { Progress } from '../scan/runner.ts';
import { storiesOf, type Story } from '../scan/stories.ts';
import { wayTexts } from '../scan/way.ts';
import type { Config } from './config-schema.ts';
import type { RaisesAlerts } from './raises-alerts.ts';
import { mountChoiceOf } from './scan-mounts.ts';
import { compare, nothingKnown, readKnown, type KnownState, type NewFinding } from './scan-known.ts';
import { rememberFindings } from './seen-findings.ts';
import { askChecks, scanInProcess } from './scan-process.ts';
import type { CheckEntry } from './scan.ts';
import { scoreOf } from './views/posture.ts';

export interface ScanScheduleOptions extends RaisesAlerts {
  store: Pick<Store, 'ledger' | 'scans'>;
  config: Config['scan'];
  /** Checks that somebody else does by itself. */
  elsewhere?: readonly string[];
  /** Ports that may be listened on. */
  ports: readonly string[];
  /** A scan began ('running'), ended without a result ('ended'), or what it found is stored (its id). */
  changed?: (what: string) => void;
}

/** Shown by `moat status`. */
export interface ScanStatus {
  running: boolean;
  /** Unix ms. */
  last: number | undefined;
  next: number | undefined;
  /** Findings that are known and still there, by level. */
  known: Record<Level, number>;
  signs: number;
  /** The worst of them. */
  worst: { level: Level; title: Text; path?: string }[];
}

const setting = 'scan';
const part = 'scan';
const minuteMs = 60_000;
/** Checks that would be due so soon run with those that are: one start instead of two. */
const togetherMs = 5 * minuteMs;
/** The clock may be set: nobody sleeps longer than this. */
const longestSleepMs = minuteMs;
const againMs = 10 * minuteMs;
const alertsMax = 200;
const worstMax = 5;
const findingsKept = 20_000, blindKept = 100;
const messageMax = 2000;

export class ScanSchedule {
  private readonly options: ScanScheduleOptions;
  private state: KnownState;
  private running = false;
  private taking: Promise<unknown> = Promise.resolve();
  private last: number | undefined;
  private next: number | undefined;
  /** Checks that were told to be blind. */
  private readonly blind = new Set<string>();

  constructor(options: ScanScheduleOptions) {
    this.options = options;
    const saved = readKnown(options.store.ledger.setting(setting));
    if (!saved) options.health.count(part, 'saved findings that could not be read');
    this.state = saved ?? nothingKnown();
    // The look of somebody who scanned by hand is one as well, and is kept when what the schedule knew could not be.
    this.last = Math.max(0, options.store.scans.scans({ limit: 1 })[0]?.ended ?? 0, ...Object.values(this.state.tried)) || undefined;
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { config, health, now } = this.options;
    if (!config.enabled) return;
    health.state(part, 'waiting', { zh: '启动后稍等再查', en: 'begins a while after the start' });
    await pause(config.delay_seconds * 1000, signal);
    let checks: CheckEntry[] | undefined;
    while (!signal.aborted) {
      try {
        checks ??= this.chosen(await askChecks());
        const due = checks.filter((check) => this.dueAt(check) <= now() + togetherMs);
        if (due.some((check) => this.dueAt(check) <= now())) await this.once(due.map(({ id }) => id), signal);
        this.next = checks.length > 0 ? Math.min(...checks.map((check) => this.dueAt(check))) : undefined;
        if (checks.length === 0) this.cannot({ zh: '没有要做的检查（scan.only、scan.skip）', en: 'there is no check to run (scan.only, scan.skip)' });
        await pause(Math.min(longestSleepMs, Math.max(1000, (this.next ?? Infinity) - now())), signal);
      } catch (error) {
        if (signal.aborted) return;
        this.cannot(reasonOf(error));
        this.next = now() + againMs;
        await pause(againMs, signal);
      }
    }
  }

  /** What somebody's own scan of this machine found, beside the schedule. Gives how much of it raised an alert. */
  async handed(report: ScanReport): Promise<number> { return await this.take(report, report.checks.map(({ id }) => id), 'operator'); }

  /** A scan that somebody asked for now: taken in like those by itself. */
  async asked(only: readonly string[] | undefined, by: string, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<{ id: string; report: ScanReport; raised: number }> {
    const { config, dataFolder, ports, log } = this.options;
    const report = await scanInProcess({ root: config.root, ...(only && { only }), data: dataFolder, ports, mounts: mountChoiceOf(config) }, { signal, nice: true, maxMemoryMb: config.max_memory_mb, warn: (text) => log.debug(`scan: ${text.en}`), onProgress });
    const raised = await this.take(report, report.checks.map(({ id }) => id), by);
    return { id: this.lastRun ?? '', report, raised };
  }

  private lastRun: string | undefined;

  /** For lists and the score; a full disk must not keep alerts from being raised. */
  private keep(report: ScanReport, ids: readonly string[], by: string, gone: readonly string[]): void {
    const { store, health, log, now } = this.options;
    const run = runOf(report, ids, by, now());
    try {
      // What stands after it decides the score: it is stored first without, and then with it.
      store.scans.save(run, report.findings.slice(0, findingsKept).map(bounded), gone);
      store.scans.save({ ...run, score: scoreOf(store.scans.standing()) }, [], []);
      this.lastRun = run.id;
      this.options.changed?.(run.id);
    } catch (error) {
      health.count(part, 'scans not kept');
      log.warn(`scan: ${(error as Error).message}`);
    }
  }

  status(): ScanStatus {
    const all = Object.values(this.state.findings);
    const known = Object.fromEntries(levels.map((level) => [level, all.filter((one) => one.level === level).length])) as Record<Level, number>;
    const worst = all.flatMap(({ level, title, path }) => (title ? [{ level, title, ...(path !== undefined && { path }) }] : [])).sort((a, b) => levels.indexOf(b.level) - levels.indexOf(a.level)).slice(0, worstMax);
    return { running: this.running, last: this.last, next: this.next, known, signs: all.filter(({ sign }) => sign).length, worst };
  }

  private chosen(all: readonly CheckEntry[]): CheckEntry[] {
    const { only, skip, root } = this.options.config;
    const names = new Set(all.flatMap(({ id, group }) => [id, group]));
    const wrong = [...only, ...skip].filter((name) => !names.has(name));
    if (wrong.length > 0) throw new Error(`scan.only, scan.skip: expected checks or groups of checks, got ${wrong.join(', ')}`);
    return all.filter(({ id, group, everyMinutes, scope }) => everyMinutes > 0 && !this.options.elsewhere?.includes(id) && (scope === 'tree' || root === '/') && (only.length === 0 || only.includes(id) || only.includes(group)) && !skip.includes(id) && !skip.includes(group));
  }

  private dueAt({ id, everyMinutes }: CheckEntry): number {
    const every = this.options.config.every_hours === undefined ? everyMinutes * minuteMs : this.options.config.every_hours * 60 * minuteMs;
    const tried = this.state.tried[id];
    // A clock that was set back must not keep a check from running.
    return tried === undefined || tried > this.options.now() ? 0 : tried + every;
  }

  private async once(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const { config, health, log, now } = this.options;
    this.running = true;
    this.options.changed?.('running');
    health.state(part, 'live', { zh: `正在查（${ids.length} 项检查）`, en: `scanning (${ids.length} checks)` });
    try {
      const report = await scanInProcess({ root: config.root, only: ids, data: this.options.dataFolder, ports: this.options.ports, mounts: mountChoiceOf(config) }, { signal, nice: true, maxMemoryMb: config.max_memory_mb, warn: (text) => log.debug(`scan: ${text.en}`) });
      if (signal.aborted) return;
      await this.take(report, ids, 'schedule');
    } catch (error) {
      if (signal.aborted) return;
      for (const id of ids) this.state.tried[id] = now();
      this.last = now();
      this.cannot(reasonOf(error));
    } finally {
      this.running = false;
      this.options.changed?.('ended');
    }
  }

  /** What is new is raised, then what is known is saved: after a crash between the two the same alert is raised again and folds into itself. */
  private take(report: ScanReport, ids: readonly string[], by: string): Promise<number> {
    // One after the other: both compare with what is known, and change it.
    const taken = this.taking.then(() => this.takeIn(report, ids, by));
    this.taking = taken.catch(() => undefined);
    return taken;
  }

  private async takeIn(report: ScanReport, ids: readonly string[], by: string): Promise<number> {
    const { store, health, now, push, raise, settle, found } = this.options;
    const { state, fresh, notKept } = compare(this.state, report, ids, now());
    this.keep(report, ids, by, Object.keys(this.state.findings).filter((id) => state.findings[id] === undefined));
    this.last = now();
    try {
      rememberFindings(this.options.dataFolder, report);
    } catch (error) { this.options.log.warn(`scan: ${(error as Error).message}`); }
    if (notKept > 0) health.count(part, 'findings not kept, too many', notKept);
    const stories = new Map(storiesOf(report.findings, report.busy).flatMap((story) => story.findings.map(({ id }) => [id, story] as const)));
    const told = fresh.toSorted((a, b) => byWeight(a.finding, b.finding)).slice(0, alertsMax);
    if (fresh.length > told.length) health.count(part, 'new findings without an alert, too many at once', fresh.length - told.length);
    const alerts = told.map((one) => this.alertOf(one, stories.get(one.finding.id)));
    if (alerts.length > 0) {
      found?.(told.map(({ finding }) => finding));
      await push({ events: alerts.map(({ event }) => event), positions: [] });
      for (const { detection } of alerts) raise(detection);
    }
    // Nothing is known that nobody could be told.
    if (settle()) {
      store.ledger.setSetting(setting, JSON.stringify(state));
      this.state = state;
    } else this.state = { ...this.state, tried: state.tried };
    this.tellHealth(report);
    return alerts.length;
  }

  private alertOf({ finding, again }: NewFinding, story: Story | undefined): { event: Event; detection: Detection } {
    const { lang, host, now } = this.options;
    const { id, check, title, level, path, pid, user, evidence, refs } = finding;
    const event = new Event(`scan:${id}:${again}`, now(), 'finding');
    event.host = host;
    event.source = 'scan';
    event.service = 'scan';
    event.action = 'found';
    event.file_path = path;
    event.pid = pid;
    event.user = user;
    event.message = maskSecrets([title[lang], ...evidence.map(({ what, value }) => `${what[lang]}: ${value}`)].join('\n').slice(0, messageMax));
    return { event, detection: {
      ruleId: `check.${check}`, title, level, attack: refs.filter((ref) => ref.startsWith('attack:')).map((ref) => ref.slice('attack:'.length)),
      key: again === 0 ? id : `${id} ${again}`, time: event.time, events: [event], count: 1,
      // What data says stands in no template.
      summary: { zh: '{finding}{story}', en: '{finding}{story}' }, group: { finding: title[lang], story: storyText(finding, story)[lang] },
    } };
  }

  private tellHealth({ blind, stopped, checks, findings }: ScanReport): void {
    const { health } = this.options;
    if (stopped) this.cannot(stopped);
    else if (blind.some(({ check }) => check === 'scan')) this.cannot(blind.find(({ check }) => check === 'scan')!.why);
    else health.state(part, 'live', { zh: `${checks.length} 项检查，${findings.length} 项发现`, en: `${checks.length} checks, ${findings.length} findings` });
    const now = new Map<string, Text>();
    for (const { check, what, why } of blind) {
      if (check === 'scan' || now.has(check)) continue;
      now.set(check, what === undefined ? why : { zh: `${what}：${why.zh}`, en: `${what}: ${why.en}` });
    }
    for (const [check, why] of now) { this.blind.add(check); health.state(`${part} ${check}`, 'blind', why); }
    // A check that looked again without fault; one that did not run keeps what was said of it.
    for (const check of this.blind) {
      if (now.has(check) || (checks.every(({ id }) => id !== check) && check !== 'walk' && check !== 'packages' && check !== 'mounts')) continue;
      this.blind.delete(check);
      health.state(`${part} ${check}`, 'live');
    }
  }

  private cannot(why: Text): void {
    this.options.health.state(part, 'blind', why);
  }
}

/** The story it belongs to; empty for a finding that stands alone. */
function storyText({ id }: Finding, story: Story | undefined): Text {
  if (!story || story.findings.length < 2) return { zh: '', en: '' };
  const others = story.findings.length - 1;
  const way = story.entry && story.entry.way !== 'unknown' ? wayTexts[story.entry.way] : undefined;
  const name = story.id === id ? '' : story.id;
  return {
    zh: `（与另外 ${others} 项发现同属一个经过${name === '' ? '' : ` ${name}`}${way ? `，${way.zh}` : ''}）`,
    en: ` (one story${name === '' ? '' : ` ${name}`} with ${others} other ${others === 1 ? 'finding' : 'findings'}${way ? `, ${way.en}` : ''})`,
  };
}

/** A run as it is kept; the score is filled in when all of it is stored. */
function runOf(report: ScanReport, ids: readonly string[], by: string, now: number): ScanRun {
  const { started, ended, files, verdict, findings, blind, stopped } = report;
  return {
    id: `s${now.toString(36)}${randomBytes(3).toString('hex')}`, started, ended, by, checks: ids.slice(0, 500), files, verdict, findings: Object.fromEntries(levels.map((level) => [level, findings.filter((one) => one.level === level).length])) as Record<Level, number>,
    blind: blind.slice(0, blindKept).map(({ check, what, why }) => ({ check, ...(what !== undefined && { what: what.slice(0, 500) }), why: { zh: why.zh.slice(0, 500), en: why.en.slice(0, 500) } })), blind_left: Math.max(0, blind.length - blindKept), ...(stopped && { stopped }), score: 0,
  };
}

/** All that a person needs to mend it, and not more text than a page. */
function bounded(finding: Finding): Finding {
  return { ...finding, evidence: finding.evidence.slice(0, 30).map((one) => ({ ...one, value: one.value.slice(0, 500) })), ...(finding.links && { links: finding.links.slice(0, 40) }) };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
