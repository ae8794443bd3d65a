/** Linkage (联动): which alert calls for which action, as data. */
import type { Alert } from '../../core/alert.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';

/** In order of how much Moat may do by itself. */
export const modes = ['observe', 'guard', 'strict'] as const;
export type Mode = (typeof modes)[number];

export const allows = (mode: Mode, wanted: Mode): boolean => modes.indexOf(mode) >= modes.indexOf(wanted);

export interface Link {
  id: string;
  title: Text;
  when: { attack?: readonly string[] | undefined; rules?: readonly string[] | undefined; level: Level };
  action: string;
  /** Name in the action's input → field of the alert. */
  input: Readonly<Record<string, AlertField>>;
  /** Milliseconds, or longer each time; for good when undefined. */
  for?: number | 'escalating' | undefined;
  mode: Mode;
}

/** What an action may be told of an alert. `started`: when its process began, Unix ms; the number alone may be another's by now. */
export const alertFields = ['source_ip', 'origin_ip', 'user', 'pid', 'started', 'path'] as const;
export type AlertField = (typeof alertFields)[number];

export function fits({ when }: Link, alert: Alert): boolean {
  if (!atLeast(alert.level, when.level)) return false;
  const byAttack = when.attack?.some((technique) => alert.attack.some((one) => one === technique || one.startsWith(`${technique}.`)));
  const byRule = when.rules?.some((pattern) => matches(pattern, alert.rule_id));
  return byAttack === true || byRule === true;
}

/** What the action is told; undefined when the alert lacks one of the fields. */
export function inputOf({ input }: Link, alert: Alert): Record<string, string | number> | undefined {
  const filled: Record<string, string | number> = {};
  for (const [name, field] of Object.entries(input)) {
    const value = field === 'started' ? startOf(alert) : alert[field];
    if (value === undefined || value === '') return undefined;
    filled[name] = value;
  }
  return filled;
}

const startOf = ({ pid, evidence }: Alert): number | undefined => {
  const started = evidence.findLast((one) => one.pid === pid && one.process_started !== undefined)?.process_started;
  return typeof started === 'number' ? started : undefined;
};

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
