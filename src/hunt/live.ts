/** The tables of the live state inside SQLite: made empty, and filled when a question reads them. */
import { saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { Procfs } from '../linux/procfs.ts';
import { runner } from '../linux/run.ts';
import { tellingSpecials } from '../linux/tree.ts';
import { StoreError } from '../stores/error.ts';
import type { Database } from '../stores/sqlite/driver.ts';
import { type Cell, charactersMost, type Known, type LiveTable, type Look, rowsMost, type Told } from './table.ts';

/** One table as it was looked at for one question. */
export interface Looked { table: string; /** Unix ms of the look. */ at: number; rows: number; /** What it does not hold though it should: parts that could not be looked at, and what was cut. */ notes: Text[] }

type Here = Omit<Look, 'blind' | 'count' | 'agent'> & { agent(what: Known): Promise<Told> };

const notesMost = 20;
const quoted = (name: string): string => `"${name}"`;

/** Beside the database and gone with the connection. */
export function makeTable(db: Database, { name, columns }: LiveTable): void {
  db.exec(`CREATE TEMP TABLE ${quoted(name)} (${Object.entries(columns).map(([column, { type }]) => `${quoted(column)} ${type === 'number' ? 'NUMERIC' : 'TEXT'}`).join(', ')})`);
}

/** Throws StoreError 'blind' when it could not look. */
export async function fillTable(db: Database, table: LiveTable, machine: Here): Promise<Looked> {
  const notes: Text[] = [];
  const note = (one: Text): void => { if (notes.length < notesMost) notes.push(one); };
  const blind: Look['blind'] = (what, { zh, en }) => { note({ zh: `看不到 ${what}：${zh}`, en: `could not look at ${what}: ${en}` }); };
  const at = machine.now();
  let rows;
  try {
    rows = await table.read({
      ...machine, blind, tree: tellingSpecials(machine.tree, blind),
      async agent(what) {
        const told = await machine.agent(what);
        for (const one of told.notes ?? []) note(one);
        return told.rows;
      },
      count: (what, n = 1) => { note({ zh: `不完整：${what}（${n}）`, en: `not whole: ${what} (${n})` }); },
    });
  } catch (cause) {
    const { zh, en } = saidBy(cause);
    throw new StoreError('blind', `${table.name} could not be looked at: ${en}`, { zh: `看不到 ${table.name}：${zh}`, cause, hint: hintOf(cause) });
  }
  if (rows.length > rowsMost) note({ zh: `只有前 ${rowsMost} 行`, en: `the first ${rowsMost} rows alone` });
  const columns = Object.keys(table.columns);
  const insert = db.prepare(`INSERT INTO temp.${quoted(table.name)} VALUES (${columns.map(() => '?').join(', ')})`);
  const kept = rows.slice(0, rowsMost);
  db.exec('BEGIN');
  for (const row of kept) insert.run(...columns.map((column) => cellOf(row[column])));
  db.exec('COMMIT');
  return { table: table.name, at, rows: kept.length, notes };
}

const hintOf = (cause: unknown): string | Text | undefined => { const { hint, hintText } = cause as { hint?: string; hintText?: Text }; return hintText ?? hint; };

/** What comes from the machine or from the agent, as SQLite takes it. */
function cellOf(value: unknown): Cell {
  switch (typeof value) {
    case 'string': return value.length > charactersMost ? `${value.slice(0, charactersMost)}…` : value;
    case 'number': return Number.isFinite(value) ? value : null;
    default: return null;
  }
}

/** This machine. */
export function lookHere(agent: Here['agent'], root = '/'): Here {
  return { root, procfs: new Procfs(root), tree: new DiskTree(root, undefined), run: runner(), now: Date.now, agent };
}
