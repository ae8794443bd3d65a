/** laurel writes each audit event as one JSON object: record type → its fields, or a list of such. */
import type { AuditRecord } from './record.ts';

const maxLine = 1024 * 1024;
const maxRecords = 256;

/** The records of a laurel line; undefined when it is none. */
export function laurelRecords(line: string): AuditRecord[] | undefined {
  if (line.charCodeAt(0) !== 123 || line.length > maxLine || !line.includes('"ID":"')) return undefined;
  let event: unknown;
  try { event = JSON.parse(line); } catch { return undefined; }
  if (typeof event !== 'object' || event === null) return undefined;
  const { ID: id, NODE: node } = event as { ID?: unknown; NODE?: unknown };
  const found = typeof id === 'string' ? /^(\d{1,11}(?:\.\d{1,9})?):(\d{1,20})$/.exec(id) : null;
  if (!found) return undefined;
  const records: AuditRecord[] = [];
  for (const [type, value] of Object.entries(event)) {
    if (type === 'ID' || type === 'NODE' || type === 'PARENT_INFO') continue;
    for (const one of Array.isArray(value) ? value as unknown[] : [value]) {
      if (typeof one !== 'object' || one === null || records.length >= maxRecords) continue;
      records.push({ type, time: Math.round(Number(found[1]) * 1000), serial: found[2]!, node: typeof node === 'string' ? node : undefined, fields: fieldsOf(type, one) });
    }
  }
  return records;
}

function fieldsOf(type: string, value: object): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, v] of Object.entries(value)) {
    if (key === '__proto__') continue;
    if (key === 'ARGV' && Array.isArray(v)) {
      const args = v.map(String);
      if (type === 'PROCTITLE') out.proctitle = args.join(' ');
      else args.slice(0, 512).forEach((arg, i) => { out[`a${i}`] = arg; });
    } else if (key === 'ARGV_STR' && typeof v === 'string') {
      if (type === 'PROCTITLE') out.proctitle = v; else out.a0 = v;
    } else if (typeof v === 'string' || typeof v === 'number' || typeof v === 'boolean') {
      out[key] = String(v);
    }
  }
  return out;
}
