/** The audit log as a file: every entry that fits the filter, page by page. */
import type { AuditEntry } from '../../../../src/api/contract/system.ts';
import { ask, type Query } from '../../api/client.ts';
import type { Page } from '../../api/types.ts';
import { toCsv } from '../../parts/csv.ts';
import { saveCsv, saveFile } from '../../parts/save-file.ts';

/** More does not fit a browser's memory well; `moat audit` writes all of it. */
export const exportMost = 100_000;
const columns = ['seq', 'time', 'by', 'via', 'operation', 'target', 'why', 'result', 'hash'] as const;

const auditCsv = (entries: readonly AuditEntry[]): string => toCsv({ columns, rows: entries.map((one) => columns.map((name) => (name === 'time' ? new Date(one.time).toISOString() : one[name]))) });

/** Newest first. JSON lines keep what the hashes were made of to the letter. Returns how many, and whether there are more. `onPart` is told how many came so far. */
export async function exportAudit(filter: Query, format: 'csv' | 'jsonl', onPart: (n: number) => void, signal: AbortSignal): Promise<{ count: number; isCut: boolean }> {
  const entries: AuditEntry[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<AuditEntry> = await ask('GET', '/audit', { query: { ...filter, limit: 500, ...(cursor !== undefined && { cursor }) }, signal });
    entries.push(...page.items);
    cursor = page.next;
    onPart(entries.length);
  } while (cursor !== undefined && entries.length < exportMost);
  const name = `moat-audit-${new Date().toISOString().slice(0, 10)}.${format}`;
  if (format === 'csv') saveCsv(name, auditCsv(entries));
  else saveFile(name, 'application/x-ndjson', [entries.map((one) => JSON.stringify(one)).join('\n'), '\n']);
  return { count: entries.length, isCut: cursor !== undefined };
}
