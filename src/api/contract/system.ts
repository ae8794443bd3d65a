/** Moat itself: state, audit, settings. */
import * as z from 'zod';
import { count, level, open, text, time } from './common.ts';
import { baselineStatus } from './host.ts';
import { modeWords } from './response.ts';

export const auditEntry = z.strictObject({ seq: z.number().int(), time, by: z.string(), via: z.string(), operation: z.string(), target: z.string(), why: z.string(), result: z.string(), hash: z.string() });
export type AuditEntry = z.infer<typeof auditEntry>;
export const auditVerdict = z.strictObject({ entries: count, head: z.string(), faults: z.array(z.strictObject({ seq: z.number(), what: z.enum(['edited', 'missing', 'first', 'head']) })) });
export type AuditVerdict = z.infer<typeof auditVerdict>;

const part = z.strictObject({ state: z.enum(['live', 'waiting', 'blind']), since: time, detail: text.optional() });
const counts = z.record(z.string(), z.number());
export const status = z.strictObject({
  version: z.string(), pid: z.number(), since: time, rss: z.number(), cpuPercent: z.number(), rules: count, ruleErrors: z.array(z.string()), behaviours: count, openAlerts: count, country: z.string().optional(), parts: z.record(z.string(), part), counters: counts, events: counts,
  learning: z.array(z.strictObject({ id: z.string(), since: time.optional(), samples: count, ready: z.boolean() })),
  scan: z.strictObject({ running: z.boolean(), last: time.optional(), next: time.optional(), known: z.record(level, count), signs: count, worst: z.array(z.strictObject({ level, title: text, path: z.string().optional() })) }).optional(),
  response: z.strictObject({
    mode: z.enum(modeWords), pausedUntil: time.optional(), blocked: count, stuck: count, running: count, runs: z.array(z.strictObject({ id: z.string(), playbook: z.string(), name: text, target: z.string(), since: time, waiting: count })),
    isolation: z.strictObject({ since: time, by: z.string(), why: z.string(), until: time.optional(), confirmBy: time.optional() }).optional(),
  }),
  incidents: z.strictObject({ open: z.record(level, count), clocks: z.array(z.strictObject({ id: z.string(), due: time })), watches: z.array(z.strictObject({ id: z.string(), until: time, things: count, back: count })) }),
  baseline: baselineStatus.optional(),
});
export type Status = z.infer<typeof status>;

/** Without secrets: channels of notices by name and kind alone, no keys, passwords or addresses that hold them. */
export const system = z.strictObject({
  version: z.string(), node: z.string(), platform: z.string(), since: time, pid: z.number(), data_folder: z.string(), config_file: z.string(), config_there: z.boolean(), config: open, set_here: open,
  storage: z.strictObject({ database_bytes: z.number(), free_bytes: z.number().optional(), cap_bytes: z.number(), evidence_bytes: z.number(), quarantine_bytes: z.number(), history_days: z.number(), alerts: count, incidents: count, /** About. */ events: count, events_from: time.optional(), alerts_kept: count, closed_alert_days: z.number(), audit_entries: count, evidence_days: z.number(), receipt_days: z.number(), /** Of closed ones. */ incident_days: z.number(), /** 0: until somebody removes it. */ quarantine_days: z.number() }),
  rules: z.strictObject({ loaded: count, faults: z.array(z.string()), behaviours: count, checks: count }), lists: z.array(open),
  server: z.strictObject({ url: z.string().optional(), fingerprint: z.string().optional(), ends: time.optional(), sessions: count, streams: count }), updates: text, licence: z.string(), parts_licences: z.array(z.strictObject({ name: z.string(), version: z.string(), licence: z.string() })),
});
export type System = z.infer<typeof system>;
