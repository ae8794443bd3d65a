/** What an incident may have cost: prices from the configuration times what is known, each with what it rests on. Without prices nothing is said. */
import type { IncidentRecord } from '../../core/incident-store.ts';
import type { Cost, CostLine, Measures, Prices } from '../../core/review.ts';
import { destroys, interrupts } from './grade.ts';

const hour = 3_600_000;
/** Said by a person, who knows better than any estimate. */
export interface Told { interruptionMs?: number | undefined; leakGb?: number | undefined }

export function costOf(prices: Prices | undefined, record: Pick<IncidentRecord, 'facts' | 'created' | 'status'>, measures: Measures, told: Told): Cost | undefined {
  if (prices === undefined || record.status === 'false-alarm') return undefined;
  const lines: CostLine[] = [];
  if (prices.interruption_hour !== undefined) lines.push({ what: { zh: '业务中断', en: 'interruption' }, unit: { zh: '小时', en: 'h' }, price: prices.interruption_hour, ...interruption(record, measures, told) });
  if (prices.leak_gb !== undefined) lines.push({ what: { zh: '数据泄露', en: 'leak of data' }, unit: { zh: 'GB', en: 'GB' }, price: prices.leak_gb, ...(told.leakGb === undefined ? { assumption: { zh: '外传了多少字节未知；用 --leak 填写', en: 'how many bytes left is not known; give it by --leak' } } : { quantity: told.leakGb, assumption: { zh: '由报告人填写', en: 'as given by whoever makes the report' } }) });
  if (lines.length === 0) return undefined;
  const priced = lines.map((line) => (line.quantity === undefined ? line : { ...line, amount: money(line.quantity * line.price) }));
  const known = priced.flatMap(({ amount }) => amount ?? []);
  return { currency: prices.currency, lines: priced, ...(known.length > 0 && { total: money(known.reduce((sum, one) => sum + one, 0)) }) };
}

const money = (amount: number): number => Math.round(amount * 100) / 100;

function interruption({ facts, created }: Pick<IncidentRecord, 'facts' | 'created'>, { recover }: Measures, { interruptionMs }: Told): Pick<CostLine, 'quantity' | 'assumption'> {
  if (interruptionMs !== undefined) return { quantity: interruptionMs / hour, assumption: { zh: '由报告人填写', en: 'as given by whoever makes the report' } };
  if (!facts.techniques.some((one) => interrupts.test(one) || destroys.test(one))) return { quantity: 0, assumption: { zh: '没有服务中断或数据被毁的告警，按未中断计', en: 'no alert tells of services interrupted or data destroyed: taken as none' } };
  const from = facts.tactics['impact'] ?? created;
  if (recover.to === undefined || recover.ms === undefined) return { assumption: { zh: '尚未恢复，中断时长未知；用 --interruption 填写', en: 'it is not recovered: how long it lasted is not known; give it by --interruption' } };
  return { quantity: Math.round((Math.max(0, recover.to - from) / hour) * 100) / 100, assumption: { zh: '从第一条破坏或中断的告警算到标为已恢复，按全程中断计', en: 'from the first alert of damage or interruption to when it was marked recovered, taken as interrupted throughout' } };
}
