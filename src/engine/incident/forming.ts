/**
 * Alerts (and the findings they tell of) become incidents.
 *
 * Grouping is a relation between alerts and not a history: two belong together when they share a key and lie no further apart than the
 * key ties, and so on from one to the next. So the order in which they arrive changes nothing, and what is looked at again changes
 * nothing. What only knocks from outside (attempts) is pooled into one campaign for each kind of service and host; the attempts of an
 * address that gets further leave the campaign and go into the story of that address.
 */
import type { Alert } from '../../core/alert.ts';
import type { Finding } from '../../core/finding.ts';
import type { AlertPlace, ByHand, IncidentChange, IncidentFacts, IncidentRecord, IncidentStore, Strand } from '../../core/incident-store.ts';
import { type Level, levelTexts } from '../../core/level.ts';
import type { Lineage } from '../../core/lineage.ts';
import type { Text } from '../../core/text.ts';
import type { AuditInput } from '../response/audit.ts';
import { addFacts, factsOf, noFacts } from './facts.ts';
import { boundedGrades, judge, type HostWorth, type Judgement } from './grade.ts';
import { addressOf, gapOf, type Ties, tiesOf } from './ties.ts';
import { Work } from './work.ts';

export interface FormingSettings {
  /** What is milder makes no incident by itself. */
  floor: Level;
  /** How long an open incident takes in what comes late, ms. */
  idleMs: number;
  isShared: (address: string) => boolean;
  /** Ms from suspicion of a larger event to the report. */
  reportMs: number;
}

export interface FormingOptions {
  store: IncidentStore;
  alert: (id: string) => Alert | undefined;
  /** A finding that was told lately. */
  finding: (id: string) => Finding | undefined;
  lineage: Lineage;
  settings: FormingSettings;
  worth: () => HostWorth;
  /** Durable when it returns, once there is something to tell of. Throws StoreError. */
  write: (change: IncidentChange, audit: readonly AuditInput[]) => void;
  now: () => number;
  count: (what: string, n?: number) => void;
}

/** What became of an incident by what was taken in. */
export interface Formed { incident: IncidentRecord; what: 'formed' | 'merged' | 'graded' | 'returned' }

/** An alert whose process tree got its address late is looked at again for so long. */
const lateMs = 10 * 60_000;
const lateMost = 1000;
const cellsMost = 20_000;
const sweepChunk = 50;

const over = new Set(['closed', 'false-alarm']);
export const isOver = ({ status }: Pick<IncidentRecord, 'status'>): boolean => over.has(status);

export class Forming {
  private options: FormingOptions;
  /** Alerts whose origin may still come to light → until when, Unix ms. */
  private readonly late = new Map<string, number>();

  constructor(options: FormingOptions) { this.options = options; }

  configure(settings: FormingSettings): void { this.options = { ...this.options, settings }; }

  /** Alerts that are new or have grown, after they are stored; `anew`: also those that were taken as they are. All is written together; throws StoreError and then nothing is. */
  take(alerts: Iterable<Alert>, anew = false): Formed[] {
    const work = new Work(this.options.store);
    const formed: Formed[] = [];
    for (const alert of alerts) if (alert.status === 'open') this.place(work, alert, formed, anew);
    return this.finish(work, formed);
  }

  /** What was stored and not taken in, a part at a time: after a crash, and when more came than could wait. `next`: from where to go on, absent at the end. */
  unformed(after?: AlertPlace): { alerts: Alert[]; next?: AlertPlace } {
    const { store, now, settings } = this.options;
    const { ids, next } = store.unformed(now() - settings.idleMs, after, sweepChunk);
    return { alerts: ids.flatMap((id) => this.options.alert(id) ?? []), ...(next && { next }) };
  }

  /** Looks again at alerts whose process tree had no address yet. */
  again(): Formed[] {
    const now = this.options.now();
    const due = [...this.late];
    if (due.length === 0) return [];
    const alerts: Alert[] = [];
    for (const [id, until] of due) {
      const alert = this.options.alert(id);
      if (alert === undefined || until < now || alert.status !== 'open') { this.late.delete(id); continue; }
      if (this.tiesOf(alert).open) continue;
      this.late.delete(id);
      alerts.push(alert);
    }
    return alerts.length === 0 ? [] : this.take(alerts, true);
  }

  /** Two incidents into one: the older stays. Throws nothing; undefined when there is nothing to merge. */
  merge(work: Work, a: string, b: string): IncidentRecord | undefined {
    const one = work.top(a), other = work.top(b);
    if (one === undefined || other === undefined || one.id === other.id) return undefined;
    return this.mergeTwo(work, one, other);
  }

  /** Judges all that changed, and writes. */
  finish(work: Work, formed: Formed[], audit: AuditInput[] = []): Formed[] {
    const { now, count } = this.options;
    // Once, however many left it: a campaign may have thousands of cells.
    for (const id of work.left) work.change(id, { facts: work.cells(id, cellsMost).reduce((facts, one) => addFacts(facts, one.facts), noFacts) });
    const out = new Map<string, Formed>(formed.map((one) => [`${one.what} ${one.incident.id}`, one]));
    for (const record of work.changed()) {
      const entry = record.kind === 'cell' || record.merged_into !== undefined ? undefined : this.assess(work, record);
      if (entry) out.set(`${entry.what} ${entry.incident.id}`, entry);
      work.change(record.id, { changed: now() });
    }
    const change = work.all();
    if (work.dropped > 0) count('ties let go, too many of one key', work.dropped);
    if (change === undefined) return [];
    const list = [...out.values()].map(({ incident, what }) => ({ incident: work.get(incident.id) ?? incident, what })).filter(({ incident }) => incident.shown);
    this.options.write(change, [...audit, ...list.map((one) => this.auditOf(one))]);
    return list;
  }

  private tiesOf(alert: Alert): Ties {
    const { lineage, settings } = this.options;
    return tiesOf(alert, this.findingOf(alert), { lineage, isShared: settings.isShared });
  }

  /** Of an alert of a check: its key begins with the id of what was found. */
  private findingOf(alert: Alert): Finding | undefined {
    if (!alert.rule_id.startsWith('check.')) return undefined;
    const id = alert.key.split(' ', 1)[0] ?? '';
    return this.options.finding(id) ?? this.options.store.finding(id);
  }

  private place(work: Work, alert: Alert, formed: Formed[], anew: boolean): void {
    const { settings } = this.options;
    const before = work.member('alert', alert.id);
    if (before && before.last === alert.last_time && before.count === alert.count && !anew) return;
    const ties = this.tiesOf(alert);
    const finding = this.findingOf(alert);
    if (ties.open) this.waitFor(alert.id);
    // A finding lies where its time says, not where the scan came by.
    const first = finding?.time !== undefined && finding.time < alert.time ? finding.time : alert.time;
    const last = finding?.time !== undefined ? first : alert.last_time;
    const facts = factsOf(alert, finding, ties, settings.floor);

    const stood = before && work.top(before.incident);
    if (before && stood && isOver(stood)) { this.late.delete(alert.id); this.growOver(work, alert, before.incident, stood, facts, formed); return; }

    const holder = ties.attempt ? this.placeAttempt(work, alert, ties, first, last, before?.incident, formed) : this.placeDeed(work, alert, ties, first, last, before?.incident, formed);
    this.add(work, holder, facts, alert, before === undefined, first, alert.last_time);
    work.join({ what: 'alert', id: alert.id, incident: before?.incident ?? holder, time: alert.time, last: alert.last_time, count: alert.count });
    if (finding && work.member('finding', finding.id) === undefined) {
      work.join({ what: 'finding', id: finding.id, incident: holder, time: first, last, count: 1 });
      work.keep(finding);
      const top = work.top(holder);
      if (top) work.change(top.id, { finding_count: top.finding_count + 1 });
    }
    this.comesBack(work, holder, alert, facts, formed);
  }

  /** It was closed and goes on all the same: a closed one opens again, what was marked a false alarm stays quiet. */
  private growOver(work: Work, alert: Alert, holder: string, top: IncidentRecord, facts: IncidentFacts, formed: Formed[]): void {
    this.add(work, holder, facts, alert, false, alert.time, alert.last_time);
    work.join({ what: 'alert', id: alert.id, incident: holder, time: alert.time, last: alert.last_time, count: alert.count });
    if (top.status === 'closed' && top.kind === 'story' && alert.last_time > top.since) this.returns(work, top.id, formed);
  }

  private comesBack(work: Work, holder: string, alert: Alert, facts: IncidentFacts, formed: Formed[]): void {
    const top = work.top(holder);
    if (!top || top.kind !== 'story' || !facts.founds || facts.worst === undefined) return;
    if ((top.status === 'contained' || top.status === 'eradicated' || top.status === 'recovered') && alert.last_time > top.since) this.returns(work, top.id, formed);
  }

  private returns(work: Work, id: string, formed: Formed[]): void {
    const record = work.get(id);
    if (!record) return;
    const at = this.options.now();
    const note = { time: at, by: 'engine', text: `it returns: new evidence after ${record.status}` };
    const next = work.change(id, { status: 'triaged', since: at, revision: this.raised(work, record), notes: [...record.notes, note].slice(-200) });
    if (next) formed.push({ incident: next, what: 'returned' });
  }

  /** The revision after the one that is stored. */
  private raised(work: Work, record: IncidentRecord): number { return work.isNew(record.id) ? 1 : (work.store.incident(record.id)?.revision ?? 0) + 1; }

  private waitFor(id: string): void {
    if (this.late.has(id)) return;
    if (this.late.size >= lateMost) for (const oldest of this.late.keys()) { this.late.delete(oldest); break; }
    this.late.set(id, this.options.now() + lateMs);
  }

  /** Into the story of its address where there is one in reach, else into the cell of its address within the campaign. Returns the holder. */
  private placeAttempt(work: Work, alert: Alert, ties: Ties, first: number, last: number, before: string | undefined, formed: Formed[]): string {
    const about = `${ties.about ?? 'probing'}@${alert.host}`;
    const campaign = this.campaign(work, about, ties.about ?? 'probing', alert, first, last, formed);
    const stories = new Set<string>();
    for (const key of ties.keys) for (const id of this.reach(work, key, first, last).stories) stories.add(id);
    let cell = before !== undefined && work.get(before)?.kind === 'cell' ? before : undefined;
    const own = `from:${about} ${ties.address ?? addressOf(alert) ?? `alert ${alert.id}`}`;
    for (const id of this.reach(work, own, first, last).cells) cell = cell === undefined ? id : this.mergeCells(work, cell, id);
    if (cell === undefined) {
      const at = this.options.now();
      cell = work.newId(`cell ${alert.id}`);
      work.put({ ...this.blank(cell, 'cell', alert, at), shown: false, within: campaign, revision: 1 });
    }
    this.extend(work, own, first, last, cell);
    for (const key of ties.keys) this.extend(work, key, first, last, cell);
    if (stories.size > 0) {
      const story = this.mergeAll(work, [...stories], formed);
      this.attach(work, cell, story);
      for (const key of ties.keys) this.settle(work, key, first, last, story, formed);
    }
    return cell;
  }

  /** Into the story that its keys lead to; several become one, and the attempts of its address go with it. Returns the holder. */
  private placeDeed(work: Work, alert: Alert, ties: Ties, first: number, last: number, before: string | undefined, formed: Formed[]): string {
    const stories = new Set<string>();
    const past = new Set<string>();
    const top = before === undefined ? undefined : work.top(before);
    if (top) stories.add(top.id);
    for (const key of ties.keys) {
      const reached = this.reach(work, key, first, last);
      for (const id of reached.stories) stories.add(id);
      for (const id of reached.past) past.add(id);
    }
    let story: string;
    if (stories.size === 0) {
      const at = this.options.now();
      story = work.newId(alert.id);
      const links = [...past].slice(0, 20).map((target) => ({ target, title: 'earlier', by: 'engine', time: at }));
      work.put({ ...this.blank(story, 'story', alert, at), links, revision: 1 });
    } else story = this.mergeAll(work, [...stories], formed);
    for (const key of ties.keys) this.settle(work, key, first, last, story, formed);
    return work.top(story)?.id ?? story;
  }

  private campaign(work: Work, about: string, words: string, alert: Alert, first: number, last: number, formed: Formed[]): string {
    const key = `campaign:${about}`.slice(0, 400);
    const { hull, tops } = this.near(work, key, first, last);
    let [id] = tops;
    if (id === undefined) {
      id = work.newId(`campaign ${about} ${alert.id}`);
      work.put({ ...this.blank(id, 'campaign', alert, this.options.now()), about: words, revision: 1 });
    } else id = this.mergeAll(work, tops, formed);
    this.put(work, key, hull.rows, { key, first: hull.first, last: hull.last, incident: id });
    return id;
  }

  private blank(id: string, kind: IncidentRecord['kind'], alert: Alert, at: number): IncidentRecord {
    return {
      id, kind, revision: 0, host: alert.host, title: alert.title, status: 'new', level: 'info', grade: 3, graded: [], time: alert.time, last_time: alert.last_time, alert_count: 0, finding_count: 0,
      shown: false, facts: noFacts, created: at, changed: at, since: at, notes: [], tasks: [], tags: [], links: [],
    };
  }

  /** Open strands of a key in reach of a time, and on from these. */
  private near(work: Work, key: string, first: number, last: number): { hull: { first: number; last: number; rows: Set<Strand> }; tops: string[]; past: string[] } {
    const gap = gapOf(key, this.options.settings.idleMs);
    const rows = new Set<Strand>();
    const tops = new Set<string>(), past = new Set<string>();
    const open: Strand[] = [];
    for (const strand of work.strands(key)) {
      const top = work.top(strand.incident);
      if (top === undefined) continue;
      if (isOver(top)) { if (strand.first - gap <= last && strand.last + gap >= first && top.shown) past.add(top.id); continue; }
      open.push(strand);
    }
    for (let grew = true; grew;) {
      grew = false;
      for (const strand of open) {
        if (rows.has(strand) || strand.first - gap > last || strand.last + gap < first) continue;
        rows.add(strand);
        first = Math.min(first, strand.first);
        last = Math.max(last, strand.last);
        grew = true;
      }
    }
    for (const { incident } of rows) tops.add(work.top(incident)!.id);
    return { hull: { first, last, rows }, tops: [...tops], past: [...past] };
  }

  private reach(work: Work, key: string, first: number, last: number): { stories: string[]; cells: string[]; past: string[] } {
    const { hull, tops, past } = this.near(work, key, first, last);
    return { stories: tops.filter((id) => work.get(id)?.kind === 'story'), cells: [...new Set([...hull.rows].map(({ incident }) => incident).filter((id) => work.get(id)?.kind === 'cell'))], past };
  }

  /** One owner's strand of a key grows. */
  private extend(work: Work, key: string, first: number, last: number, owner: string): void {
    const gap = gapOf(key, this.options.settings.idleMs);
    const rows = new Set<Strand>();
    for (const strand of work.strands(key)) {
      if (strand.incident !== owner || strand.first - gap > last || strand.last + gap < first) continue;
      rows.add(strand);
      first = Math.min(first, strand.first);
      last = Math.max(last, strand.last);
    }
    this.put(work, key, rows, { key, first, last, incident: owner });
  }

  /** All in reach of a key becomes part of this story, and stands there as one strand. */
  private settle(work: Work, key: string, first: number, last: number, story: string, formed: Formed[]): void {
    const { hull, tops } = this.near(work, key, first, last);
    const into = this.mergeAll(work, [work.top(story)?.id ?? story, ...tops.filter((id) => work.get(id)?.kind === 'story')], formed);
    for (const { incident } of hull.rows) {
      if (work.get(incident)?.kind === 'cell') this.attach(work, incident, into);
    }
    this.put(work, key, hull.rows, { key, first: hull.first, last: hull.last, incident: into });
  }

  private put(work: Work, key: string, gone: ReadonlySet<Strand>, strand: Strand): void {
    const stands = work.strands(key);
    const [only] = gone;
    if (gone.size === 1 && only?.incident === strand.incident && only.first === strand.first && only.last === strand.last) return;
    work.setStrands(key, [...stands.filter((one) => !gone.has(one)), strand]);
  }

  private mergeCells(work: Work, a: string, b: string): string {
    if (a === b) return a;
    const one = work.get(a), other = work.get(b);
    if (!one || !other) return a;
    work.change(a, { facts: addFacts(one.facts, other.facts), alert_count: one.alert_count + other.alert_count, time: Math.min(one.time, other.time), last_time: Math.max(one.last_time, other.last_time) });
    work.change(b, { within: a, alert_count: 0 });
    return a;
  }

  /** A cell goes over from its campaign to a story. */
  private attach(work: Work, cell: string, story: string): void {
    const record = work.get(cell), from = work.top(cell), to = work.top(story);
    if (!record || !from || !to || from.id === to.id) return;
    work.change(cell, { within: to.id });
    const taken = work.get(to.id)!;
    work.change(to.id, { facts: addFacts(taken.facts, record.facts), alert_count: taken.alert_count + record.alert_count, time: Math.min(taken.time, record.time), last_time: Math.max(taken.last_time, record.last_time) });
    work.change(from.id, { alert_count: Math.max(0, from.alert_count - record.alert_count) });
    work.left.add(from.id);
  }

  private mergeAll(work: Work, ids: readonly string[], formed: Formed[]): string {
    let [into = ''] = ids;
    for (const id of ids.slice(1)) {
      const one = work.top(into), other = work.top(id);
      if (!one || !other || one.id === other.id) continue;
      const merged = this.mergeTwo(work, one, other);
      if (one.shown && other.shown) formed.push({ incident: merged, what: 'merged' });
      into = merged.id;
    }
    return work.top(into)?.id ?? into;
  }

  private mergeTwo(work: Work, a: IncidentRecord, b: IncidentRecord): IncidentRecord {
    const aFirst = a.shown !== b.shown ? a.shown : a.created !== b.created ? a.created < b.created : a.time !== b.time ? a.time < b.time : a.id < b.id;
    const [stays, goes] = aFirst ? [a, b] : [b, a];
    work.change(goes.id, { merged_into: stays.id, revision: this.raised(work, goes) });
    // There is as much to do as in the one that is less far.
    const status = rank(goes.status) < rank(stays.status) && goes.shown ? goes.status : stays.status;
    const clock = stays.clock ?? goes.clock;
    const assignee = stays.assignee ?? goes.assignee;
    const hand = stays.by_hand ?? goes.by_hand;
    return work.change(stays.id, {
      // What a person put together from both takes in the deeds too.
      kind: stays.kind === goes.kind ? stays.kind : 'story', status, facts: addFacts(stays.facts, goes.facts), alert_count: stays.alert_count + goes.alert_count, finding_count: stays.finding_count + goes.finding_count,
      time: Math.min(stays.time, goes.time), last_time: Math.max(stays.last_time, goes.last_time), revision: this.raised(work, stays),
      notes: [...stays.notes, ...goes.notes].sort((x, y) => x.time - y.time).slice(-200), tasks: [...stays.tasks, ...goes.tasks].map((task, i) => ({ ...task, id: i + 1 })).slice(0, 200),
      ...(goes.improvements && { improvements: [...stays.improvements ?? [], ...goes.improvements].map((one, i) => ({ ...one, id: i + 1 })).slice(0, 200) }),
      tags: [...new Set([...stays.tags, ...goes.tags])].slice(0, 50), links: [...stays.links, ...goes.links].filter(({ target }) => target !== stays.id && target !== goes.id).slice(0, 100),
      ...(clock && { clock }), ...(hand && { by_hand: hand }), ...(assignee !== undefined && { assignee }),
    })!;
  }

  private add(work: Work, holder: string, facts: IncidentFacts, alert: Alert, isNew: boolean, first: number, last: number): void {
    const top = work.top(holder);
    for (const id of new Set([holder, ...(top ? [top.id] : [])])) {
      const record = work.get(id);
      if (!record) continue;
      work.change(id, { facts: addFacts(record.facts, facts), alert_count: record.alert_count + (isNew ? 1 : 0), time: Math.min(record.time, first, alert.time), last_time: Math.max(record.last_time, last) });
    }
  }

  /** Level, grade, title and clock as the facts now say. */
  private assess(work: Work, record: IncidentRecord): Formed | undefined {
    const { settings, worth, now } = this.options;
    const shown = record.shown || (record.facts.founds && record.alert_count > 0);
    if (!shown) return undefined;
    const emptied = record.kind === 'campaign' && record.alert_count === 0;
    const judged = judge(record.facts, worth());
    const title = titleOf(record);
    const isFirst = record.graded.length === 0;
    const hand = record.by_hand;
    // What a person set stays; that the evidence says otherwise by now is written down and told.
    const set = { level: hand?.level ?? judged.level, grade: hand?.grade ?? judged.grade };
    const stood = hand?.judged ?? record;
    const moved = isFirst || judged.level !== stood.level || judged.grade !== stood.grade;
    const at = now();
    const entry = { time: at, ...set, why: hand === undefined ? judged.why : heldText(hand, judged) };
    const graded = moved ? [...record.graded, entry] : record.graded;
    const clock = record.clock ?? clockOf(judged, at, settings.reportMs);
    const next = work.change(record.id, {
      shown: !emptied, title, ...set, graded: boundedGrades(graded),
      ...(hand && moved && { by_hand: { ...hand, judged: { level: judged.level, grade: judged.grade } } }),
      ...(clock && { clock }), ...(moved && !isFirst && { revision: this.raised(work, record) }),
    })!;
    return moved && !emptied ? { incident: next, what: isFirst ? 'formed' : 'graded' } : undefined;
  }

  private auditOf({ incident, what }: Formed): AuditInput {
    return { time: this.options.now(), by: 'engine', via: 'engine', operation: `incident-${what}`, target: incident.id, why: incident.graded.at(-1)?.why.en ?? '', result: `${incident.level}, grade ${incident.grade}, ${incident.status}: ${incident.title.en}` };
  }
}

const order: readonly IncidentRecord['status'][] = ['new', 'triaged', 'contained', 'eradicated', 'recovered', 'closed', 'false-alarm'];
export const rank = (status: IncidentRecord['status']): number => order.indexOf(status);

/** Why a level that was set by hand did not move. */
const heldText = ({ by }: ByHand, { level, why }: Judgement): Text => ({ zh: `由 ${by} 人工定级，保持不变；按证据应为${levelTexts[level].zh}，${why.zh}`, en: `stays as ${by} set it; the evidence says ${levelTexts[level].en}, ${why.en}` });

function clockOf({ larger }: Judgement, at: number, reportMs: number): IncidentRecord['clock'] {
  return larger && { started: at, due: at + reportMs, why: larger, told: [] };
}

const serviceTexts: Readonly<Record<string, Text>> = { web: { zh: '网站', en: 'web' }, mail: { zh: '邮件', en: 'mail' }, database: { zh: '数据库', en: 'database' }, network: { zh: '网络', en: 'network' } };

function titleOf({ kind, about, facts, title }: IncidentRecord): Text {
  if (kind === 'campaign') {
    const [what = 'probing', ...rest] = (about ?? '').split(' ');
    const service = rest.join(' ');
    const named = serviceTexts[service] ?? { zh: ` ${service} `, en: service };
    return what === 'guessing' ? { zh: `来自外部的口令猜测：${named.zh.trim()}`, en: `passwords guessed from outside: ${named.en}` } : { zh: `来自外部的试探：${named.zh.trim()}`, en: `probing from outside: ${named.en}` };
  }
  const from = facts.addresses.length === 1 ? facts.addresses[0] : undefined;
  const head = facts.headline?.title ?? title;
  return from === undefined || head.en.includes(from) ? head : { zh: `${head.zh}（${from}）`, en: `${head.en} (${from})` };
}

