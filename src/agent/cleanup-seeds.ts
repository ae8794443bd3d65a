/** What a plan is asked for by: the id of an incident, an alert or a finding, or the beginning of an alert's. */
import type { Alert } from '../core/alert.ts';
import { MoatError } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import type { Seeds } from '../core/incident.ts';
import type { Ledger } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import type { ScanReport } from '../scan/report.ts';
import { readKnown } from './scan-known.ts';

/** `checks`: that found its findings. `blind`: what could not be looked at again. */
export interface FoundSeeds { id: string; title: Text; seeds: Seeds; checks: readonly string[]; blind: readonly Text[] }

export interface SeedOptions {
  ledger: Pick<Ledger, 'alert' | 'alerts' | 'setting'>;
  /** Of incidents; undefined for an id that is none. */
  incident?: (id: string) => { id: string; title: Text; seeds: Seeds } | undefined;
  /** Runs these checks now. */
  scan: (checks: readonly string[]) => Promise<Pick<ScanReport, 'findings' | 'blind'>>;
}

export type SeedErrorCode = 'no-incident' | 'ambiguous';

const idMax = 200;
/** Fewer letters name too many. */
const shortest = 4;
const alertsMax = 20_000;
const checkRule = 'check.';

/** Throws MoatError 'no-incident' or 'ambiguous'. */
export async function seedsOf(id: unknown, options: SeedOptions): Promise<FoundSeeds> {
  if (typeof id !== 'string' || id === '' || id.length > idMax) throw new MoatError<SeedErrorCode>('no-incident', 'expected the id of an incident, an alert or a finding', { zh: '请写事件、告警或扫描发现的编号' });
  const incident = options.incident?.(id);
  if (incident) {
    const checks = new Set([...incident.seeds.findings.map(({ check }) => check), ...incident.seeds.alerts.flatMap(checkOf)]);
    return { id: incident.id, title: incident.title, seeds: incident.seeds, checks: [...checks], blind: [] };
  }
  const alert = alertOf(id, options.ledger);
  if (alert) {
    const { findings, blind } = await findingsOf(checkOf(alert), (one) => alert.key.split(' ', 1)[0] === one.id, options);
    return { id: alert.id, title: alert.title, seeds: { alerts: [alert], findings }, checks: checkOf(alert), blind };
  }
  const check = readKnown(options.ledger.setting('scan'))?.findings[id]?.check;
  const { findings, blind } = check === undefined ? { findings: [], blind: [] } : await findingsOf([check], (one) => one.id === id, options);
  const [finding] = findings;
  if (check === undefined || finding === undefined) {
    throw new MoatError<SeedErrorCode>('no-incident', check === undefined ? `expected the id of an incident, an alert or a finding, got ${id}` : `the finding ${id} is not there any more`, {
      zh: check === undefined ? `没有编号为 ${id} 的事件、告警或扫描发现` : `扫描发现 ${id} 已经不在`, hint: { zh: '告警见 moat alerts；定时扫描的发现会成为告警', en: 'moat alerts lists alerts; findings of scheduled scans are among them' },
    });
  }
  return { id, title: finding.title, seeds: { alerts: [], findings }, checks: [check], blind };
}

const checkOf = ({ rule_id }: Pick<Alert, 'rule_id'>): string[] => (rule_id.startsWith(checkRule) ? [rule_id.slice(checkRule.length)] : []);

function alertOf(id: string, ledger: SeedOptions['ledger']): Alert | undefined {
  const exact = ledger.alert(id);
  if (exact || id.length < shortest) return exact;
  const some = ledger.alerts({ limit: alertsMax }).filter((one) => one.id.startsWith(id));
  if (some.length > 1) throw new MoatError<SeedErrorCode>('ambiguous', `${some.length} alerts begin with ${id}`, { zh: `有 ${some.length} 条告警以 ${id} 开头`, hint: { zh: '请多写几位', en: 'write more of it' } });
  return some[0];
}

/** As they stand now: the line of a file may be another by now. */
async function findingsOf(checks: readonly string[], fits: (finding: Finding) => boolean, { scan }: SeedOptions): Promise<{ findings: Finding[]; blind: Text[] }> {
  if (checks.length === 0) return { findings: [], blind: [] };
  const report = await scan(checks);
  return { findings: report.findings.filter(fits), blind: report.blind.map(({ why }) => why) };
}
