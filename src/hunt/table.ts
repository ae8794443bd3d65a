/** What a table of the live state is: documented columns, and a look that fills it when a question names it. */
import type { Text } from '../core/text.ts';
import type { Looking } from '../checks/port.ts';
import type { Procfs } from '../linux/procfs.ts';
import type { Run } from '../linux/run.ts';

export type Cell = string | number | null;
/** By column; what is left out is NULL. */
export type Row = Readonly<Record<string, Cell | undefined>>;

/** Times are Unix ms; yes and no are 1 and 0. */
export interface Column { type: 'text' | 'number'; text: Text }

/** What the running agent alone knows, and tells while a question runs. */
export const known = ['origins', 'packages', 'changes', 'sensors'] as const;
export type Known = (typeof known)[number];

/**
 * What origins are told as: `ticks` is when the process began, in ms after the machine; with its pid that is its identity.
 * `package`, `version`: of the program that it runs.
 */
export interface KnownOrigin { pid: number; ticks: number; kind: string; name?: string; user?: string; ip?: string; since: number; package?: string; version?: string }

/** `notes`: what is missing from the rows. */
export interface Told { rows: readonly unknown[]; notes?: readonly Text[] }

export interface Look extends Looking {
  /** `/`, but in tests. */
  root: string;
  procfs: Procfs;
  run: Run;
  /** Unix ms. */
  now(): number;
  /** Throws MoatError when no agent runs or it cannot tell. */
  agent(what: Known): Promise<readonly unknown[]>;
}

export interface LiveTable {
  name: string;
  title: Text;
  /** What it does not hold. */
  blind: Text;
  columns: Readonly<Record<string, Column>>;
  /** Throws when it could not look: no rows mean that there are none. What could be looked at in part only is told by `look.blind` and `look.count`. */
  read(look: Look): Promise<readonly Row[]> | readonly Row[];
}

export const text = (zh: string, en: string): Column => ({ type: 'text', text: { zh, en } });
export const number = (zh: string, en: string): Column => ({ type: 'number', text: { zh, en } });
/** 1 or 0. */
export const flag = (is: boolean): number => (is ? 1 : 0);

/** What of /proc was refused, in one note. */
export function tellDenied(look: Look): void {
  const { procfs } = look;
  if (procfs.denied.size === 0) return;
  const files = [...procfs.denied.keys()].join(', '), n = Math.max(...procfs.denied.values());
  look.blind(`/proc/[pid]/{${files}}`, { zh: `没有权限（${n} 个进程）`, en: `no permission (${n} processes)` });
  procfs.denied.clear();
}

/** More are cut, and that is told. */
export const rowsMost = 20_000;
export const charactersMost = 4000;
