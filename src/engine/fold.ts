/** Detections into alerts: repeats of one rule about one thing become one alert with a count. */
import { createHash } from 'node:crypto';
import type { Alert, AlertEvidence, Detection } from '../core/alert.ts';
import { eventFields, type Event, readFields } from '../core/gen/event.ts';
import { atLeast } from '../core/level.ts';
import { own } from '../core/own.ts';
import { maskSecrets, shownEvent } from '../core/secrets.ts';
import type { Lang } from '../core/text.ts';

const evidenceFirst = 3;
const evidenceLast = 5;
const linesMax = 1000;
const openMax = 50_000;
/** Where a ledger has the others, which cost one look-up when they are repeated: each takes some two kilobytes here. */
const openWithLedger = 10_000;
/** Alerts that change between two drains; past it the newest are left out and counted. */
const changedMax = 100_000;
const textMax = 2000;

export interface FoldOptions {
  host: string;
  lang: Lang;
  /** A repeat within this time of the alert's latest event is folded into it, ms. */
  gap: number;
  /** In one line where the process of an event came from. */
  story?(event: Event): string | undefined;
  /** An alert of an earlier run that a repeat may still belong to. */
  latest?(ruleId: string, key: string): Alert | undefined;
}

/**
 * An alert in the making. A flood folds hundreds of thousands of events a second, so only counters move until it
 * is looked at. Events are not held for long: a line keeps the block alive that it was read with.
 */
interface OpenAlert {
  alert: Alert;
  /** Not shown to anyone yet. */
  isNew: boolean;
  /** Its level has risen since the last `drain`. */
  isWorse: boolean;
  /** Changed since the last `drain`. */
  changed: boolean;
  /** What came last and is not yet in the alert's summary. */
  latest: Detection | undefined;
  /** Its events are evidence already. */
  shown: boolean;
}

export interface Folded { alert: Alert; isNew: boolean; /** Its level is higher than when it was last shown. */ isWorse: boolean }

/** Bounded: the alerts longest without a repeat leave memory first (the ledger still has them). */
export class AlertFolder {
  private readonly open = new Map<string, OpenAlert>();
  private changed: OpenAlert[] = [];
  /** Those of `changed` by rule and key: a flood finds its alert by two texts that it already has, with nothing joined or hashed anew. */
  private readonly recent = new Map<string, Map<string, OpenAlert>>();
  /** Alerts left out since the start. */
  dropped = 0;
  private readonly options: FoldOptions;

  constructor(options: FoldOptions) { this.options = options; }

  add(detection: Detection): void {
    let key = detection.key === '' ? keyOf(detection.events.at(-1)) : detection.key;
    const known = this.recent.get(detection.ruleId)?.get(key);
    if (known && this.goesOn(known, detection)) { this.repeat(known, detection); return; }
    const given = key;
    // A rule may group by command lines. Other keys are spared the look: a flood comes through here.
    if (key.includes('cmdline')) key = maskSecrets(key);
    const slot = `${detection.ruleId}\n${key}`;
    let open = this.open.get(slot) ?? this.remembered(detection, key);
    if (open && this.goesOn(open, detection)) {
      this.repeat(open, detection);
    } else {
      open = begin(detection, key, this.options.host);
      this.about(open, detection);
    }
    if (!open.changed) {
      if (this.changed.length >= changedMax) { this.dropped++; return; }
      open.changed = true;
      this.changed.push(open);
      this.remember(detection.ruleId, given, open);
      // Once a drain: keeps the map in order of latest repeat.
      this.open.delete(slot);
      this.open.set(slot, open);
      if (this.open.size > openMax) this.evict(openMax / 10);
    }
  }

  private goesOn({ alert }: OpenAlert, { time }: Detection): boolean { return alert.status === 'open' && time - alert.last_time <= this.options.gap; }

  private repeat(open: OpenAlert, detection: Detection): void {
    grow(open, detection);
    this.about(open, detection);
  }

  private about({ alert }: OpenAlert, { events }: Detection): void {
    const event = events.at(-1);
    if (event?.origin !== undefined) this.addOrigin(alert, event);
  }

  private remember(ruleId: string, key: string, open: OpenAlert): void {
    const ofRule = this.recent.get(ruleId);
    if (ofRule) ofRule.set(key, open);
    else this.recent.set(ruleId, new Map([[key, open]]));
  }

  /** The alerts that changed since the last call, as they stand now. */
  drain(): Folded[] {
    const changed = this.changed;
    this.changed = [];
    this.recent.clear();
    // What is told now is stored now; one that had to go before would be begun twice.
    if (this.options.latest && this.open.size > openWithLedger) this.evict(this.open.size - openWithLedger * 0.9);
    return changed.map((open) => {
      const { isNew, isWorse } = open;
      open.isNew = false;
      open.isWorse = false;
      open.changed = false;
      this.settle(open);
      const alert: Alert = { ...open.alert, evidence: [...open.alert.evidence] };
      if (alert.lines) alert.lines = [...new Set(alert.lines)];
      return { alert, isNew, isWorse };
    });
  }

  /** Lets go of the events that changed alerts still hold; for a replay, which drains only at its end. */
  release(): void {
    for (const open of this.changed) this.settle(open);
  }

  /** A person closed them: the next repeat opens a new one. */
  forget(alertIds: ReadonlySet<string>): void {
    this.recent.clear();
    for (const [slot, open] of this.open) if (alertIds.has(open.alert.id)) this.open.delete(slot);
  }

  get size(): number { return this.open.size; }

  /** Many at once: looking for the oldest one by one costs ever more in a map that has lost many. */
  private evict(left: number): void {
    for (const slot of this.open.keys()) {
      if (left-- <= 0) return;
      this.open.delete(slot);
    }
  }

  /** At first sight, and again when the address comes to light later: the log line of a log-on may be late. */
  private addOrigin(alert: Alert, event: Event): void {
    const address = alert.source_ip === undefined ? text(event.origin_ip) : undefined;
    if (alert.origin !== undefined && (alert.origin_ip !== undefined || address === undefined)) return;
    const story = this.options.story?.(event);
    if (story === undefined) return;
    alert.origin = maskSecrets(story).slice(0, textMax);
    if (address !== undefined) alert.origin_ip = address;
  }

  private remembered(detection: Detection, key: string): OpenAlert | undefined {
    const alert = this.options.latest?.(detection.ruleId, key);
    return alert && { alert, isNew: false, isWorse: false, changed: false, latest: undefined, shown: false };
  }

  private settle(open: OpenAlert): void {
    const { alert, latest } = open;
    if (!latest) return;
    open.latest = undefined;
    alert.summary = fill(latest, alert, this.options.lang);
    // A program that was started anew is another process: what is done about it must be done to the one that lives.
    const pid = latest.events.at(-1)?.pid;
    if (typeof pid === 'number') alert.pid = pid;
    if (!open.shown) for (const event of latest.events) addEvidence(alert, event);
  }
}

function begin(detection: Detection, key: string, host: string): OpenAlert {
  const first = detection.events[0];
  const last = detection.events.at(-1);
  const id = createHash('sha256').update(`${detection.ruleId}\n${key}\n${first?.id ?? detection.time}`).digest('hex').slice(0, 16);
  const alert: Alert = {
    id, time: first ? Math.min(first.time, detection.time) : detection.time, last_time: detection.time, level: detection.level,
    rule_id: detection.ruleId, rule_name: detection.title.en, title: detection.title,
    host: text(last?.host) ?? host, summary: '', count: 0,
    attack: [...detection.attack], matrix: [...(detection.matrix ?? [])], key, status: 'open', evidence: [],
  };
  const source = text(last?.source_ip) ?? addressIn(detection.group?.['source_ip']);
  if (source !== undefined) alert.source_ip = source;
  const country = text(last?.source_country);
  if (country !== undefined) alert.source_country = country;
  const user = text(last?.user) ?? detection.group?.['user'];
  if (user !== undefined) alert.user = user;
  const service = text(last?.service);
  if (service !== undefined) alert.service = service;
  if (typeof last?.pid === 'number') alert.pid = last.pid;
  const path = text(last?.file_path) ?? text(last?.process_path);
  if (path !== undefined) alert.path = path;
  const open: OpenAlert = { alert, isNew: true, isWorse: false, changed: false, latest: undefined, shown: false };
  grow(open, detection);
  return open;
}

/** A source may be a whole network: then nobody knows which address it was. */
const addressIn = (source: string | undefined): string | undefined => (source?.includes('/') === true ? undefined : source);

function grow(open: OpenAlert, detection: Detection): void {
  const { alert } = open;
  alert.count += detection.count;
  if (detection.time > alert.last_time) alert.last_time = detection.time;
  if (!atLeast(alert.level, detection.level)) {
    alert.level = detection.level;
    open.isWorse = true;
  }
  // The first firing brings its whole window: its beginning is evidence at once.
  open.latest = detection;
  open.shown = alert.evidence.length < evidenceFirst;
  if (open.shown) for (const event of detection.events) addEvidence(alert, event);
  for (const event of detection.events) {
    if (!event.lines) continue;
    alert.lines ??= [];
    if (alert.lines.length < linesMax) alert.lines.push(...event.lines);
  }
}

/** The first few and the latest few. */
function addEvidence(alert: Alert, event: Event): void {
  alert.evidence.push(evidenceOf(event));
  if (alert.evidence.length > evidenceFirst + evidenceLast) alert.evidence.splice(evidenceFirst, 1);
}

/** What an alert of a single-event rule is about: the attacker if there is one, else who did it with what. */
export function keyOf(event: Event | undefined): string {
  if (!event) return '';
  const source = text(event.source_ip);
  if (source !== undefined) return `ip ${source}`;
  const user = text(event.user);
  const process = text(event.process_path);
  if (process !== undefined) return `process ${user ?? text(event.uid) ?? ''} ${process}`;
  const file = text(event.file_path);
  if (file !== undefined) return `file ${file}`;
  const packageName = text(event.package_name);
  if (packageName !== undefined) return `package ${packageName}`;
  const service = text(event.service);
  if (user !== undefined) return `user ${service ?? ''} ${user}`;
  return `host ${text(event.host) ?? ''} ${service ?? text(event.process_name) ?? ''}`;
}

/** Fields of foreign events keep whatever JSON type they came with; lists and objects name nothing. */
const text = (value: unknown): string | undefined => typeof value === 'string' ? own(value) : typeof value === 'number' ? String(value) : undefined;

/** Of the event at hand, in the order of the schema: to ask for each field by its name costs as much as all else here. */
const evidenceValues: unknown[] = eventFields.map(() => undefined);

function evidenceOf(seen: Event): AlertEvidence {
  const event = shownEvent(seen);
  const out: Record<string, string | number> = {};
  readFields(event, evidenceValues);
  for (let at = 0; at < eventFields.length; at++) {
    const value = evidenceValues[at];
    if (value === undefined) continue;
    const field = eventFields[at]!;
    if (field === 'extra' || field === 'lines') continue;
    if (typeof value === 'number') out[field] = value;
    else if (typeof value === 'string') out[field] = value.length > textMax ? `${value.slice(0, textMax)}…` : own(value);
  }
  return out;
}

/** Fills {placeholders} from the group, the count and the latest event; what nobody knows reads "?". */
function fill(detection: Detection, alert: Alert, lang: Lang): string {
  const template = detection.summary?.[lang] ?? detection.title[lang];
  const seen = detection.events.at(-1);
  const last = seen && shownEvent(seen) as unknown as Record<string, unknown>;
  const filled = template.replace(/\{([a-z_]{1,40})\}/g, (_, name: string) => {
    if (name === 'count') return String(alert.count);
    const grouped = detection.group?.[name];
    // A source that is a whole network: the address that was seen last, and the network.
    const value = name === 'source_ip' && grouped?.includes('/') === true && typeof last?.[name] === 'string' ? `${last[name]} (${grouped})` : grouped ?? last?.[name] ?? (alert as unknown as Record<string, unknown>)[name];
    const word = typeof value === 'string' || typeof value === 'number' ? String(value) : '?';
    return word.length > 200 ? `${word.slice(0, 200)}…` : word;
  });
  // Behaviours bring command lines in their own words.
  return maskSecrets(filled).slice(0, textMax);
}
