/** One alert whole: what the rule wanted and what was there, the stored events it rests on, and what an exception would have kept quiet. */
import { readFileSync, statSync } from 'node:fs';
import type { Alert, AlertEvidence } from '../../core/alert.ts';
import { behaviours } from '../../behaviours/catalogue.ts';
import { MoatError } from '../../core/error.ts';
import { Event, eventFields, fieldTypes, type Kind } from '../../core/gen/event.ts';
import { levels, type Level } from '../../core/level.ts';
import type { Store } from '../../core/ports.ts';
import { eventJson } from '../../engine/event-json.ts';
import { excused, type Exception } from '../../engine/exceptions.ts';
import type { OriginGraph } from '../../engine/origin/graph.ts';
import { tellStory } from '../../engine/origin/story.ts';
import { explain, type Correlation, type Rule } from '../../sigma/index.ts';
import { alertWords } from '../alert-words.ts';
import type { LoadedRules } from '../detector.ts';
import type { CheckEntry } from '../scan.ts';

export interface AlertViewOptions { store: Store; graph: OriginGraph; rules: () => LoadedRules; checks: () => Promise<readonly CheckEntry[]> }

const looksMost = 2000, samplesMost = 20, aroundMs = 1000, eventsRead = 5000, ruleFileMax = 1 << 20;

/** A field of evidence that is no list is as it was; cut texts stay cut. */
function eventOf(evidence: AlertEvidence): Event {
  const event = new Event(String(evidence.id ?? ''), Number(evidence.time ?? 0), String(evidence.kind ?? 'syslog') as Kind);
  const fields = event as unknown as Record<string, unknown>;
  for (const field of eventFields) {
    const value = (evidence as Record<string, unknown>)[field], type = fieldTypes[field];
    if ((type === 'string' && typeof value === 'string') || (type === 'number' && typeof value === 'number')) fields[field] = value;
  }
  return event;
}

/** As people name it: a rule's name, else its id. */
export const nameOf = ({ name, id, title }: Rule | Correlation): string => name ?? id ?? title;

/** The rule's own text; undefined when its file is gone or changed into something large. */
export function sourceOf(file: string): string | undefined {
  try {
    return statSync(file).size > ruleFileMax ? undefined : readFileSync(file, 'utf8');
  } catch { return undefined; /* gone since it was read */ }
}

export class AlertView {
  private readonly options: AlertViewOptions;

  constructor(options: AlertViewOptions) { this.options = options; }

  async whole(id: unknown): Promise<object> {
    const { store, graph } = this.options;
    const alert = typeof id === 'string' ? store.ledger.alert(id) : undefined;
    if (!alert) throw new MoatError('no-item', 'expected the id of an alert', { zh: '没有这条告警' });
    const member = store.incidents.member('alert', alert.id);
    let within = member === undefined ? undefined : store.incidents.incident(member.incident);
    for (let n = 0; within !== undefined && n < 20; n++) {
      const up: string | undefined = within.within ?? within.merged_into;
      if (up === undefined) break;
      within = store.incidents.incident(up);
    }
    const told = alert.pid === undefined ? undefined : tellStory(graph, String(alert.pid));
    // Another process may have that number by now.
    const chain = told?.kind === 'process' && told.process.started <= alert.last_time ? [...told.chain, told.process] : [];
    return {
      ...alert, why: await this.why(alert), raw: this.raw(alert), origin_chain: chain,
      ...(within?.shown && { incident: { id: within.id, title: within.title, status: within.status, level: within.level } }),
    };
  }

  private async why(alert: Alert): Promise<object> {
    const { rule_id: id } = alert;
    const { all, engine } = this.options.rules();
    const { description, falsePositives, advice } = alertWords(id, all);
    const words = { ...(description && { description }), ...(advice && { advice }), ...(falsePositives.length > 0 && { falsepositives: falsePositives }) };
    if (id.startsWith('behaviour.')) {
      const found = behaviours.find((one) => `behaviour.${one.id}` === id);
      return { kind: 'behaviour', explained: [], ...words, ...(found && { about: found.title }), note: { zh: '行为检测按一段时间内的事件判断，证据见下', en: 'a behaviour judges what happens over a time; the evidence is below' } };
    }
    if (id.startsWith('check.')) {
      const found = (await this.options.checks().catch(() => [])).find((one) => `check.${one.id}` === id);
      return { kind: 'check', explained: [], ...(found && { about: found.title }), note: { zh: '由扫描发现，证据见下', en: 'a scan found it; the evidence is below' } };
    }
    const rule = all.find((one) => one.name === id || one.id === id);
    if (!rule) return { kind: 'unknown', explained: [], note: { zh: '这条规则现在没有加载', en: 'that rule is not loaded now' } };
    const singles = rule.type === 'rule' ? [rule] : all.filter((one): one is Rule => one.type === 'rule' && rule.rules.some((wanted) => wanted === one.name || wanted === one.id));
    const explained: object[] = [];
    for (const evidence of alert.evidence.slice(-3)) {
      const event = eventOf(evidence);
      for (const one of singles.slice(0, 10)) {
        const told = explain(engine, one, event);
        if (told.held || singles.length === 1) explained.push({ rule: nameOf(one), title: one.title, event: event.id, ...plain(told) });
      }
    }
    const yaml = sourceOf(rule.file);
    return {
      kind: rule.type, explained, ...words, ...(yaml !== undefined && { yaml }),
      ...(rule.type === 'correlation' && { counts: { kind: rule.kind, rules: [...rule.rules], by: [...rule.groupBy], seconds: rule.timespan / 1000, bounds: plain(rule.bounds) } }),
    };
  }

  /** The stored events whose ids the evidence names. */
  private raw(alert: Alert): object[] {
    const { store } = this.options;
    const wanted = new Set(alert.evidence.flatMap(({ id }) => (typeof id === 'string' ? [id] : [])));
    const found = new Map<string, object>();
    let read = 0;
    for (const { time } of alert.evidence) {
      if (typeof time !== 'number' || found.size === wanted.size) continue;
      for (const event of store.events.range(time, time + aroundMs)) {
        if (wanted.has(event.id)) found.set(event.id, eventJson(event));
        if (++read >= eventsRead || found.size === wanted.size) break;
      }
    }
    return [...found.values()];
  }

  /** What it would have kept quiet: alerts all of whose evidence it covers, of the newest that are looked through. */
  preview(exception: Exception): object {
    const { store } = this.options;
    const byLevel = Object.fromEntries(levels.map((level) => [level, 0])) as Record<Level, number>;
    const samples: Alert[] = [];
    let alerts = 0, events = 0;
    const looked = store.ledger.alerts({ before: { time: Number.MAX_SAFE_INTEGER, id: '' }, limit: looksMost, ...(exception.rule !== '*' && { rule: exception.rule }) });
    for (const alert of looked) {
      const { evidence, rule_id: ruleId, title, level, attack, key, time, count } = alert;
      if (!excused({ ruleId, title, level, attack, key, time, events: evidence.map(eventOf), count }, [exception])) continue;
      alerts++;
      events += count;
      byLevel[level]++;
      if (samples.length < samplesMost) samples.push(alert);
    }
    return { looked: looked.length, alerts, events, by_level: byLevel, samples };
  }
}

/** Without what is undefined, as JSON has it. */
const plain = <T extends object>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
