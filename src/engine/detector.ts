/** Rules and behaviours side by side: events in, detections out. */
import type { Detection } from '../core/alert.ts';
import type { Event, Kind } from '../core/gen/event.ts';
import { atLeast } from '../core/level.ts';
import { noKnowledge } from '../core/lineage.ts';
import type { Behaviour, BehaviourRun, Knowledge, Learning } from '../core/ports.ts';
import type { Engine, Match } from '../sigma/index.ts';
import type { Detect } from './pipeline.ts';
import { wordsOf } from './rule-words.ts';

export interface BehaviourSetup { behaviour: Behaviour; settings: BehaviourSettings; state: string | undefined }
type BehaviourSettings = Readonly<Record<string, number | string | boolean | string[]>>;

export class Detector implements Detect {
  private readonly rules: Engine<Event>;
  private readonly byKind = new Map<Kind, BehaviourRun[]>();
  private readonly runs = new Map<string, BehaviourRun>();
  /** By kind, the behaviours whose state is not kept on disk. */
  private readonly forgetful = new Map<Kind, BehaviourRun[]>();
  /** Where detections go while an event is looked at; behaviours and rules are handed one stable function. */
  private emit: (detection: Detection) => void = () => undefined;
  /** What one event raised, until it is known whether one says all that another does. */
  private readonly held: Detection[] = [];
  private readonly hold = (detection: Detection): void => { this.held.push(detection); };
  private readonly contains = new Map<string, readonly string[]>();
  private readonly count: (what: string, n?: number) => void;
  private readonly onMatch = (match: Match<Event>): void => this.emit(detectionOf(match));

  constructor(rules: Engine<Event>, behaviours: readonly BehaviourSetup[], count: (what: string, n?: number) => void = () => undefined, knowledge: Knowledge = noKnowledge) {
    this.rules = rules;
    this.count = count;
    for (const { behaviour, settings, state } of behaviours) {
      const run = behaviour.open({ ...knowledge, settings, state, emit: (detection) => this.emit(detection), count: (what, n) => count(`${behaviour.id}: ${what}`, n) });
      this.runs.set(behaviour.id, run);
      if (behaviour.contains) this.contains.set(`behaviour.${behaviour.id}`, behaviour.contains);
      for (const kind of behaviour.kinds) {
        put(this.byKind, kind, run);
        if (!run.save) put(this.forgetful, kind, run);
      }
    }
  }

  observe(event: Event, emit: (detection: Detection) => void): void {
    this.emit = this.hold;
    this.held.length = 0;
    this.rules.evaluate(event, this.onMatch);
    const runs = this.byKind.get(event.kind);
    if (runs) for (const run of runs) run.observe(event);
    if (this.held.length === 1) { emit(this.held[0]!); return; }
    for (const one of this.held) {
      if (this.contains.size > 0 && this.held.some((other) => this.saysMore(other, one))) this.count('left to an alert that says more');
      else emit(one);
    }
  }

  /** Whether `one` is wholly contained in what `other` tells of the same event. */
  private saysMore(other: Detection, one: Detection): boolean {
    return this.contains.get(other.ruleId)?.includes(one.ruleId) === true && atLeast(other.level, one.level) && other.events.length === 1 && one.events.length === 1 && other.events[0] === one.events[0];
  }

  warm(event: Event): void {
    this.emit = ignore;
    this.rules.evaluate(event, this.onMatch);
    for (const run of this.forgetful.get(event.kind) ?? []) run.observe(event);
  }

  advance(now: number, emit: (detection: Detection) => void): void {
    this.emit = emit;
    this.rules.advance(now, this.onMatch);
    for (const run of this.runs.values()) run.tick?.(now);
  }

  saved(): ReadonlyMap<string, string> {
    const out = new Map<string, string>();
    for (const [id, run] of this.runs) {
      const state = run.save?.();
      if (state !== undefined) out.set(id, state);
    }
    return out;
  }

  /** Entities in memory, by behaviour, for `moat status`. */
  sizes(): Record<string, number> {
    return Object.fromEntries([...this.runs].flatMap(([id, run]) => (run.size ? [[id, run.size()]] : [])));
  }

  /** What the learned behaviours know so far. */
  learning(): (Learning & { id: string })[] {
    return [...this.runs].flatMap(([id, run]) => (run.learning ? [{ id, ...run.learning() }] : []));
  }
}

const ignore = (): void => undefined;

function put(map: Map<Kind, BehaviourRun[]>, kind: Kind, run: BehaviourRun): void {
  const others = map.get(kind);
  if (others) others.push(run);
  else map.set(kind, [run]);
}

/** What an alert says of this match. */
export function detectionOf(match: Match<Event>): Detection {
  const { ruleId, title, level, summary, attack, matrix } = wordsOf(match.rule);
  // A sequence is one thing however many events it is made of; counts add up events.
  const sequence = match.rule.type === 'correlation' && match.rule.kind.startsWith('temporal');
  return {
    ruleId, title, level, attack, matrix, group: match.group,
    ...(summary && { summary }),
    // Empty for rules that group by nothing: the pipeline then derives the key from the event.
    key: match.groupText,
    time: match.event.time,
    // Only what no earlier match of this group has shown: the alert adds them up.
    events: match.fresh > 1 ? match.events : [match.event],
    count: sequence ? 1 : match.fresh,
  };
}
