/** Files and lines by the control socket: quarantine, list, restore, remove a line. */
import { lstatSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlanStep, Receipt, ReceiptStatus, ResponseStore, Risk } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { PackageFile, Packages } from '../core/lineage.ts';
import type { Text } from '../core/text.ts';
import { bytesOf, nameOf } from '../linux/file-names.ts';
import type { PackageIndex } from '../linux/packages/index.ts';
import { parsePath } from '../linux/place.ts';
import type { Runner } from '../engine/response/runner.ts';
import type { Vault } from '../actions/vault.ts';
import type { Handlers } from './control.ts';

/** The packages of this machine, asked until they know. */
export interface Settling extends Packages { readonly index: PackageIndex | undefined; readonly building?: boolean; settle(path: string): Promise<PackageFile | undefined> }

export interface FileHandlerOptions { runner: Runner; store: ResponseStore; vault: Vault; asked: (argument: unknown) => { by: string; why: string; force: boolean } }

/** One thing in quarantine, as lists show it. Times are Unix ms. */
export interface QuarantineRow {
  id: string;
  path: string;
  action: string;
  why: string;
  by: string;
  added: number;
  kind: 'file' | 'symlink';
  size: number;
  /** On disk. */
  stored: number;
  sha256: string;
  /** By which it is put back, and how that stands; undefined for what no receipt is left of. */
  receipt?: string;
  status?: ReceiptStatus;
}

/** `broken`: in words, one for each that could not be read. `stored`: bytes on disk, all together. */
export interface QuarantineList { rows: QuarantineRow[]; broken: string[]; stored: number; folder: string }

/** What would be done. */
export interface FilePlan { target: string; title: Text; steps: readonly PlanStep[]; risk: Risk; reversible: boolean; /** What stands in the line that would go. */ text?: string }

const receiptsMax = 100_000;
const fileActions = ['quarantine-file', 'remove-line'] as const;
/** What lies in the vault came there by one of these. */
const vaultActions = [...fileActions, 'restore-file', 'change-setting'] as const;
const indexMs = 20_000;
const textMax = 4 << 20;

/** At a start the databases are being read: waits for them a while. Where there is none to be read, that is known at once. */
export async function ownerOf(packages: Pick<Settling, 'ready' | 'building' | 'settle'>, path: string): Promise<PackageFile | 'unknown' | undefined> {
  for (const until = Date.now() + indexMs; !packages.ready && packages.building !== false && Date.now() < until;) await sleep(100);
  return packages.ready ? await packages.settle(path) : 'unknown';
}

export function fileHandlers({ runner, store, vault, asked }: FileHandlerOptions): Handlers {
  const run = async (action: typeof fileActions[number], argument: unknown): Promise<Receipt | FilePlan> => {
    const { by, why, force } = asked(argument);
    const fields = (typeof argument === 'object' && argument !== null ? argument : {}) as { path?: unknown; line?: unknown; text?: unknown; plan?: unknown };
    // Whoever asks from elsewhere cannot see the file: the plan says what stands there.
    const text = action === 'remove-line' && fields.plan === true && fields.text === undefined ? lineAt(fields.path, fields.line) : fields.text;
    const input = { path: fields.path, line: fields.line, text, why, by };
    if (fields.plan !== true) return await runner.run({ action, input, by, why, force, via: 'control' });
    const { plan: { target, title, steps, risk, reversible } } = await runner.plan(action, input, { force });
    return { target, title, steps, risk, reversible, ...(action === 'remove-line' && typeof text === 'string' && { text }) };
  };
  const receipts = (): Receipt[] => vaultActions.flatMap((action) => store.receipts({ action, limit: receiptsMax }));
  return {
    'quarantine': (argument) => run('quarantine-file', argument),
    'remove-line': (argument) => run('remove-line', argument),
    'quarantine-list': () => listOf(vault, receipts()),
    /** By the id of the receipt or of what lies in quarantine. */
    'restore': async (argument) => {
      const { id } = (typeof argument === 'object' && argument !== null ? argument : {}) as { id?: unknown };
      if (typeof id !== 'string') throw new MoatError('bad-input', 'expected the id of something in quarantine');
      const { by, why } = asked(argument);
      const receipt = store.receipt(id) ?? receipts().find(({ state }) => vaultOf(state) === id);
      if (receipt === undefined || !vaultActions.some((action) => action === receipt.action)) throw new MoatError('no-item', `expected the id of something in quarantine, got ${id.slice(0, 100)}`, { hint: 'moat quarantine list' });
      return await runner.undo(receipt.id, { by, why, via: 'control' });
    },
  };
}

/** Without its end. Throws MoatError; what the action itself refuses it still refuses. */
function lineAt(path: unknown, line: unknown): string {
  const at = parsePath(path);
  const size = lstatSync(at, { throwIfNoEntry: false });
  if (size?.isFile() !== true || size.size > textMax) throw new MoatError('not-there', `expected a text file of at most ${textMax} bytes at ${at}`, { zh: `${at} 不是不超过 ${textMax} 字节的文本文件` });
  const text = nameOf(readFileSync(bytesOf(at))).split('\n')[Number(line) - 1];
  if (text === undefined) throw new MoatError('not-there', `expected the number of a line of ${at}, got ${String(line)}`, { zh: `${at} 没有第 ${String(line)} 行` });
  return text;
}

/** Without receipts it tells what lies there; how it stands is then unknown. */
export function listOf(vault: Vault, receipts: readonly Receipt[]): QuarantineList {
  const byItem = new Map(receipts.map((receipt) => [vaultOf(receipt.state), receipt]));
  const list: QuarantineList = { rows: [], broken: [], stored: 0, folder: vault.folder };
  for (const row of vault.list()) {
    if ('broken' in row) { list.broken.push(row.broken); continue; }
    const { item: { id, path, action, why, by, added, file }, stored } = row;
    const receipt = byItem.get(id);
    list.stored += stored;
    list.rows.push({ id, path, action, why, by, added, kind: file.kind, size: file.size, stored, sha256: file.sha256, ...(receipt && { receipt: receipt.id, status: receipt.status }) });
  }
  return list;
}

function vaultOf(state: unknown): string | undefined {
  const { vault } = (typeof state === 'object' && state !== null ? state : {}) as { vault?: unknown };
  return typeof vault === 'string' ? vault : undefined;
}
