/** Which check found what at the last scans of this machine: so that `moat fix ID` can look at that very thing again. */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScanReport } from '../scan/report.ts';

/** `time`: of the scan that found it last, Unix ms. */
export interface SeenFinding { check: string; time: number }

const most = 20_000;
const fileMax = 4 << 20;
const place = (dataFolder: string): string => join(dataFolder, 'findings.json');

/** Of the running machine alone; false when nothing was kept. Throws what the system throws when it cannot be written; a data folder that is not there is not made. */
export function rememberFindings(dataFolder: string, { tree, findings, ended }: Pick<ScanReport, 'tree' | 'findings' | 'ended'>): boolean {
  if (tree.kind !== 'machine' || !existsSync(dataFolder)) return false;
  const all = new Map(Object.entries(seenFindings(dataFolder)));
  for (const { id, check } of findings) { all.delete(id); all.set(id, { check, time: ended }); }
  const kept = [...all].slice(-most);
  const temp = `${place(dataFolder)}.${process.pid}.new`;
  writeFileSync(temp, JSON.stringify(Object.fromEntries(kept)), { mode: 0o600 });
  renameSync(temp, place(dataFolder));
  return true;
}

/** By id; empty when nothing was kept, or what was kept makes no sense. */
export function seenFindings(dataFolder: string): Record<string, SeenFinding> {
  try {
    const path = place(dataFolder);
    if (statSync(path).size > fileMax) return {};
    const read: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof read !== 'object' || read === null) return {};
    return Object.fromEntries(Object.entries(read).filter((row): row is [string, SeenFinding] => {
      const { check, time } = (row[1] ?? {}) as Partial<Record<keyof SeenFinding, unknown>>;
      return /^[0-9a-f]{16}$/.test(row[0]) && typeof check === 'string' && typeof time === 'number';
    }));
  } catch { return {}; /* never scanned, or cut off by a full disk: the next scan writes it anew */ }
}
