/** Linkage (联动): which alert calls for which action, as data. */
import type { Alert } from '../../core/alert.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { Value } from '../../core/playbook.ts';
import type { Text } from '../../core/text.ts';
import { factsOf } from './facts.ts';

/** In order of how much Moat may do by itself. */
export const modes = ['observe', 'guard', 'strict'] as const;
export type Mode = (typeof modes)[number];

export const allows = (mode: Mode, wanted: Mode): boolean => modes.indexOf(mode) >= modes.indexOf(wanted);

export interface Link {
  id: string;
  title: Text;
  /** `not`: never for these rules, whatever else fits. */
  when: { attack?: readonly string[] | undefined; rules?: readonly string[] | undefined; level: Level; not?: readonly string[] | undefined };
  action: string;
  /** Name in the action's input → field of the alert, or a value that is always the same. */
  input: Readonly<Record<string, AlertField | { value: Value }>>;
  /** Milliseconds, or longer each time; for good when undefined. */
  for?: number | 'escalating' | undefined;
  mode: Mode;
}

/** What an action may be told of an alert; those from `started` on are told by its events (facts.ts). */
export const alertFields = ['source_ip', 'origin_ip', 'user', 'pid', 'path', 'started', 'program', 'file', 'peer_ip', 'port'] as const;
export type AlertField = (typeof alertFields)[number];

export function fits({ when }: Link, alert: Alert): boolean {
  if (!atLeast(alert.level, when.level) || when.not?.some((pattern) => matches(pattern, alert.rule_id)) === true) return false;
  const byAttack = when.attack?.some((technique) => alert.attack.some((one) => one === technique || one.startsWith(`${technique}.`)));
  const byRule = when.rules?.some((pattern) => matches(pattern, alert.rule_id));
  return byAttack === true || byRule === true;
}

/** What the action is told; undefined when the alert lacks one of the fields. */
export function inputOf({ input }: Pick<Link, 'input'>, alert: Pick<Alert, 'evidence' | 'source_ip' | 'origin_ip' | 'user' | 'pid' | 'path'>): Record<string, Value> | undefined {
  const filled: Record<string, Value> = {};
  const known = { ...alert, ...factsOf(alert) };
  for (const [name, field] of Object.entries(input)) {
    const value = typeof field === 'object' ? field.value : known[field];
    if (value === undefined || value === '') return undefined;
    filled[name] = value;
  }
  return filled;
}

/** `*` at the beginning or end stands for anything. */
export function matches(pattern: string, text: string): boolean {
  const atStart = pattern.startsWith('*'), atEnd = pattern.endsWith('*') && pattern.length > 1;
  const core = pattern.slice(atStart ? 1 : 0, atEnd ? -1 : undefined);
  if (atStart && atEnd) return text.includes(core);
  if (atStart) return text.endsWith(core);
  return atEnd ? text.startsWith(core) : text === core;
}

/** How long bans last: `first`, then `factor` times as long each time, `most` at most; all in ms. */
export interface BanTimes { first: number; factor: number; most: number }

/** `times`: how often it was banned before. */
export const banMs = ({ first, factor, most }: BanTimes, times: number): number => Math.min(most, first * factor ** Math.min(times, 64));
