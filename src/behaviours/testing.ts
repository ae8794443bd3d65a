/** Runs a behaviour in tests as the engine does. */
import type { Detection } from '../core/alert.ts';
import { Event } from '../core/gen/event.ts';
import type { Kind } from '../core/gen/event.ts';
import { noKnowledge } from '../core/lineage.ts';
import type { Behaviour, BehaviourRun, Knowledge } from '../core/ports.ts';

export interface Trial { run: BehaviourRun; found: Detection[]; counts: Map<string, number> }

export function tryOut(behaviour: Behaviour, settings: Record<string, number | string | boolean | string[]> = {}, state?: string, knowledge: Partial<Knowledge> = {}): Trial {
  const found: Detection[] = [];
  const counts = new Map<string, number>();
  const defaults = Object.fromEntries(Object.entries(behaviour.settings).map(([name, s]) => [name, s.default]));
  const run = behaviour.open({
    ...noKnowledge, ...knowledge,
    emit: (detection) => { found.push(detection); },
    count: (what, n = 1) => { counts.set(what, (counts.get(what) ?? 0) + n); },
    settings: { ...defaults, ...settings },
    state,
  });
  return { run, found, counts };
}

let serial = 0;

/** An event with these fields. */
export function make(kind: Kind, time: number, fields: Partial<Event> = {}): Event {
  return Object.assign(new Event(`test:${serial++}`, time, kind), fields);
}

/** Every {placeholder} of a detection's texts that neither its group, its event nor {count} fills. */
export function unfilled(detection: Detection): string[] {
  const event = detection.events[0];
  const names = [detection.summary?.zh, detection.summary?.en].flatMap((t) => [...(t ?? '').matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? ''));
  return names.filter((name) => name !== 'count' && detection.group?.[name] === undefined && event?.[name as keyof Event] === undefined);
}
