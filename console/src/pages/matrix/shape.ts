/** What the two matrices show of the server's answer: pure, so that it is tested alone. */
import type { Matrix } from '../../../../src/api/contract/rules.ts';
import type { Text } from '../../text/lang.ts';

type Technique = Matrix['techniques'][number];
export type Thing = Technique['covered'][number];
/** A cell of either: of the cloud matrix, or a technique of ATT&CK with its parts. */
export interface Cell { id: string; name: Text; number?: string; techniques: readonly Technique[]; things: readonly Thing[]; covered: number; seen: number; last: number }
export interface Column { id: string; cells: readonly Cell[]; name?: Text }
/** Pixels; where antd's `md` begins. */
export const phone = 768;
export const spans = ['1', '7', '30', '365'] as const;
/** Days. */
export type Span = (typeof spans)[number];
export type Show = 'all' | 'seen' | 'open';

/** In the order in which an attack goes. */
const tactics = ['reconnaissance', 'resource-development', 'initial-access', 'execution', 'persistence', 'privilege-escalation', 'defense-evasion', 'credential-access', 'discovery', 'lateral-movement', 'collection', 'command-and-control', 'exfiltration', 'impact'] as const;
export type Tactic = (typeof tactics)[number] | 'rest';

/** As a cell and a column begin. */
const titled = ({ zh, en }: Text): Text => ({ zh, en: en.charAt(0).toUpperCase() + en.slice(1) });

/** What covers any of the techniques, each once, with all that it saw of them; what fired most first. */
function thingsOf(techniques: readonly Technique[]): Thing[] {
  const found = new Map<string, Thing>();
  for (const { covered } of techniques) {
    for (const one of covered) {
      const key = `${one.what} ${one.id}`, known = found.get(key);
      found.set(key, known ? { ...known, seen: known.seen + one.seen } : one);
    }
  }
  return [...found.values()].sort((a, b) => b.seen - a.seen || (a.id < b.id ? -1 : 1));
}
const cellFrom = (id: string, name: Text, techniques: readonly Technique[], covered: number): Cell => {
  const things = thingsOf(techniques);
  return { id, name: titled(name), techniques, things, covered: Math.max(covered, things.length), seen: techniques.reduce((n, one) => n + one.seen, 0), last: Math.max(0, ...techniques.map(({ last = 0 }) => last)) };
};

export function cloudColumns({ cells, techniques }: Matrix): Column[] {
  const columns = new Map<string, { name: Text; cells: Cell[] }>();
  for (const { id, column, name, covered_count: covered } of cells) {
    const known = columns.get(column.en) ?? { name: titled(column), cells: [] };
    known.cells.push(cellFrom(id, name, techniques.filter(({ cell }) => cell === id), covered));
    columns.set(column.en, known);
  }
  return [...columns].map(([id, column]) => ({ id, ...column }));
}

/** Parts of a technique (T1059.004) are told with it. One that serves several tactics stands under each. */
export function attackColumns({ techniques }: Matrix): Column[] {
  const whole = new Map<string, Technique[]>();
  for (const one of techniques) {
    const base = one.id.split('.', 1)[0]!;
    whole.set(base, [...whole.get(base) ?? [], one]);
  }
  const cells = [...whole].map(([id, parts]) => {
    const { name, covered_count: covered } = parts.find((one) => one.id === id) ?? parts[0]!;
    const bare = (text: string): string => text.replace(/^T[\d.]+ /, '');
    return { ...cellFrom(id, { zh: bare(name.zh), en: bare(name.en) }, parts, covered), number: id, tactics: new Set(parts.flatMap((one) => one.tactics)) };
  });
  const rest = cells.filter((cell) => cell.tactics.size === 0);
  return [...tactics.map((id) => ({ id, cells: cells.filter((cell) => cell.tactics.has(id)) })), ...(rest.length > 0 ? [{ id: 'rest', cells: rest }] : [])];
}

/** Each cell once, whatever the columns that it stands in. */
export const cellsOf = (columns: readonly Column[]): Cell[] => [...new Map(columns.flatMap(({ cells }) => cells.map((cell) => [cell.id, cell] as const))).values()];

export const shownOf = (columns: readonly Column[], show: Show): Column[] => columns.map((column) => ({ ...column, cells: column.cells.filter(({ covered, seen }) => show === 'all' || (show === 'seen' ? seen > 0 : covered === 0)) })).filter(({ cells }) => cells.length > 0);

/** How much covers it, in four steps. */
export const heat = ({ covered }: Cell): 0 | 1 | 2 | 3 => (covered === 0 ? 0 : covered < 3 ? 1 : covered < 10 ? 2 : 3);

/** What stands in the address for a technique or a part of it: the cell it is told in. */
export const cellById = (columns: readonly Column[], id: string): Cell | undefined => cellsOf(columns).find((cell) => cell.id === id || (cell.number !== undefined && cell.number === id.split('.', 1)[0]));
