/** Indicators of incidents that a person put on the lists: an intelligence list of their own (a STIX bundle in the data folder), each entry with its end. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Ledger } from '../core/ports.ts';
import type { Indicator } from '../core/review.ts';

export interface AppliedIndicator { incident: string; kind: Indicator['kind']; value: string; until: number }

const settingName = 'indicators.applied';
const most = 5000;

/** Where the list lies; there is none while nothing is applied. */
export const appliedPath = (dataFolder: string): string => join(dataFolder, 'intelligence', 'incidents.json');

function appliedIndicators(ledger: Pick<Ledger, 'setting'>, now: number): AppliedIndicator[] {
  try {
    const all = JSON.parse(ledger.setting(settingName) ?? '[]') as AppliedIndicator[];
    return all.filter(({ until }) => until > now);
  } catch { return []; /* never written by us */ }
}

/** Replaces those of one incident. Those that end first make room when there are too many; returns how many did. */
export function saveApplied(ledger: Pick<Ledger, 'setting' | 'setSetting'>, dataFolder: string, incident: string, added: readonly AppliedIndicator[], now: number): number {
  const all = [...appliedIndicators(ledger, now).filter((one) => one.incident !== incident), ...added].sort((a, b) => b.until - a.until);
  const kept = all.slice(0, most);
  const path = appliedPath(dataFolder);
  ledger.setSetting(settingName, JSON.stringify(kept));
  if (kept.length === 0) { rmSync(path, { force: true }); return 0; }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  writeFileSync(draft, JSON.stringify({ type: 'bundle', id: 'bundle--0', objects: kept.map(({ incident: id, kind, value, until }) => ({ type: 'indicator', pattern: patternOf(kind, value), pattern_type: 'stix', valid_until: new Date(until).toISOString(), indicator_types: [`incident ${id}`] })) }), { mode: 0o600 });
  renameSync(draft, path);
  return all.length - kept.length;
}

function patternOf(kind: Indicator['kind'], value: string): string {
  const text = `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  switch (kind) {
    case 'address': return `[${value.includes(':') ? 'ipv6-addr' : 'ipv4-addr'}:value = ${text}]`;
    case 'domain': return `[domain-name:value = ${text}]`;
    case 'sha256': return `[file:hashes.'SHA-256' = ${text}]`;
  }
}
