/** Who did it: the process of an event with the tree it belongs to, and the words for both. */
import type { Event } from '../core/gen/event.ts';
import type { ProcessNode } from '../core/lineage.ts';
import type { BehaviourContext } from '../core/ports.ts';
import { processKey, short } from './process.ts';
import { programName } from './program-kind.ts';
import { originText, treeKey } from './tree.ts';

export class Actor {
  readonly node: ProcessNode | undefined;
  /** Executable, else the name. */
  readonly program: string;
  /** The executable's plain name. */
  readonly name: string;
  readonly container: string | undefined;
  private readonly event: Event;

  constructor(event: Event, node: ProcessNode | undefined) {
    this.event = event;
    this.node = node;
    this.program = event.process_path ?? node?.path ?? event.process_name ?? node?.name ?? '?';
    this.name = programName(this.program);
    this.container = event.container_id ?? node?.container;
  }

  /** One text for all processes of the tree: what they do together is one story. Worked out only when something is told: finding the root walks up the tree. */
  get tree(): string { return treeKey(this.node) ?? processKey(this.event); }
}

export const actorOf = (event: Event, context: BehaviourContext): Actor => new Actor(event, context.lineage.of(event));

/** Placeholders that every summary may use: {program}, {origin_zh}, {origin_en}. */
export function who(actor: Actor, event: Event): Record<string, string> {
  const origin = originText(actor.node?.origin, event);
  const pid = event.pid === undefined ? '' : ` (pid ${event.pid})`;
  return { program: short(actor.program, 120) + pid, origin_zh: origin.zh, origin_en: origin.en };
}

/** A field of `extra` as text; empty when the event has none. */
export function extraOf(event: Event, name: string): string {
  const value: unknown = event.extra?.[name];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** What the tree began with; the event says it where no graph is at hand. */
export const originKind = (actor: Actor, event: Event): string => actor.node?.origin.kind ?? event.origin ?? 'unknown';
