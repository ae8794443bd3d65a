/** An incident whole: what it holds, for whoever tells its story or shows it. */
import type { Alert } from '../../core/alert.ts';
import type { Incident, Seeds } from '../../core/incident.ts';
import type { IncidentRecord, IncidentStore } from '../../core/incident-store.ts';
import { MoatError } from '../../core/error.ts';

export type IncidentErrorCode = 'no-incident' | 'several' | 'stale' | 'refused' | 'bad-input';

export interface SeedStores { incidents: IncidentStore; ledger: { alert(id: string): Alert | undefined } }

const alertsMost = 2000, findingsMost = 2000, idsMost = 200, keysMost = 100;
const idPattern = /^[0-9a-f]{1,64}$/;

/** By its id or the beginning of it; what was merged is found by its old id as what it is part of now. Throws MoatError 'no-incident' and 'several'. */
export function incidentOf(incidents: IncidentStore, wanted: unknown): IncidentRecord {
  const shown = typeof wanted === 'string' ? wanted.slice(0, 64) : JSON.stringify(wanted ?? null).slice(0, 64);
  const hint = { zh: 'moat incident list --all', en: 'moat incident list --all' };
  const ids = typeof wanted === 'string' && idPattern.test(wanted) ? incidents.idsLike(wanted, 4) : [];
  const exact = typeof wanted === 'string' && ids.includes(wanted) ? [wanted] : ids;
  let record = exact[0] === undefined ? undefined : incidents.incident(exact[0]);
  if (record === undefined) throw new MoatError<IncidentErrorCode>('no-incident', `expected the id of an incident, got ${shown}`, { zh: `没有编号为 ${shown} 的事件`, hint });
  if (exact.length > 1) throw new MoatError<IncidentErrorCode>('several', `expected more of the id, ${shown} begins ${exact.length > 3 ? 'several' : exact.join(', ')}`, { zh: `${shown} 对应多个事件${exact.length > 3 ? '' : `：${exact.join('、')}`}，请多写几位`, hint });
  for (let i = 0; i < 64 && record.merged_into !== undefined; i++) {
    const into = incidents.incident(record.merged_into);
    if (into === undefined) break;
    record = into;
  }
  return record;
}

/** Alerts (oldest first) and findings of an incident, bounded; `left`: alerts beyond the bound. Throws MoatError 'no-incident'. */
export function seedsOf({ incidents, ledger }: SeedStores, id: string): Seeds & { left: number } {
  const record = incidentOf(incidents, id);
  const members = incidents.members(record.id, 'alert', alertsMost);
  const alerts = members.flatMap((one) => ledger.alert(one.id) ?? []);
  const findings = incidents.members(record.id, 'finding', findingsMost).flatMap((one) => incidents.finding(one.id) ?? []);
  return { alerts, findings, left: Math.max(0, record.alert_count - alerts.length) };
}

/** With the ids of what it holds and the keys that tie it, bounded. */
export function wholeOf(incidents: IncidentStore, record: IncidentRecord): Incident & IncidentRecord {
  return {
    ...record, alerts: incidents.members(record.id, 'alert', idsMost).map(({ id }) => id), findings: incidents.members(record.id, 'finding', idsMost).map(({ id }) => id),
    keys: incidents.keysOf(record.id, keysMost).filter((key) => !key.startsWith('from:') && !key.startsWith('campaign:')),
  };
}
