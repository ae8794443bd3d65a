/** Rules, the matrices, and hunting. */
import * as z from 'zod';
import { count, job, level, open, text, time } from './common.ts';

const logsource = z.strictObject({ category: z.string().optional(), product: z.string().optional(), service: z.string().optional() });
/** `own`: kept in Moat's data folder, and may be changed here. */
export const rule = z.strictObject({
  id: z.string(), kind: z.enum(['rule', 'correlation', 'behaviour']), title: text, level: level.optional(), status: z.string().optional(), tags: z.array(z.string()), attack: z.array(z.string()), logsource: logsource.optional(), file: z.string().optional(), enabled: z.boolean(), own: z.boolean(),
  /** Alerts that stand in the store, and the last of them. */
  alerts: count, last: time.optional(),
});
export type Rule = z.infer<typeof rule>;
export const ruleWhole = rule.extend({
  yaml: z.string().optional(), description: text.optional(), author: z.string().optional(), advice: text.optional(), falsepositives: z.array(text), references: z.array(z.string()), blind: text.optional(),
  /** The correlations that count what it finds, where it raises no alert by itself. */
  feeds: z.array(z.string()),
  /** Of its latest alerts: how many belong to incidents that were called a false alarm. */
  judged: z.strictObject({ looked: count, false_alarms: count }),
  settings: z.record(z.string(), z.strictObject({ value: z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]), text })).optional(), counts: z.strictObject({ kind: z.string(), rules: z.array(z.string()), by: z.array(z.string()), seconds: z.number() }).optional(),
});
export type RuleWhole = z.infer<typeof ruleWhole>;
const fault = z.strictObject({ line: z.number(), code: z.string(), message: z.string(), text });
export const ruleCheck = z.strictObject({ ok: z.boolean(), faults: z.array(fault), rules: z.array(z.strictObject({ id: z.string().optional(), name: z.string().optional(), title: z.string(), level, kind: z.enum(['rule', 'correlation']) })) });
export type RuleCheck = z.infer<typeof ruleCheck>;
/** `looked`: stored events that were tried; `cut`: why it is not all of them. */
const ruleTest = z.strictObject({ ok: z.boolean(), faults: z.array(fault), looked: count, matched: count, from: time, to: time, cut: text.optional(), per_rule: z.array(z.strictObject({ rule: z.string(), matched: count })), samples: z.array(z.strictObject({ rule: z.string(), event: open })) });
export type RuleTest = z.infer<typeof ruleTest>;
/** Tried as a job; `test` when it is done. */
export const ruleTrial = z.strictObject({ job, test: ruleTest.optional() });
export type RuleTrial = z.infer<typeof ruleTrial>;
/** `live`: whether the engine uses it now; otherwise `note` says what is left to do. */
export const ruleSaved = z.strictObject({ id: z.string(), file: z.string(), live: z.boolean(), note: text.optional() });

/** `seen`: its alerts of that technique. */
const covered = z.strictObject({ what: z.enum(['rule', 'check', 'behaviour']), id: z.string(), title: text, seen: count });
export const matrix = z.strictObject({
  since: time,
  /** Techniques of ATT&CK that a Linux server may meet, covered or not, and all that were seen. `cell`: where it lies in the other matrix. */
  techniques: z.array(z.strictObject({ id: z.string(), tactics: z.array(z.string()), name: text, cell: z.string().optional(), covered: z.array(covered), covered_count: count, seen: count, last: time.optional() })),
  /** The cloud server matrix, whole: a cell that nothing covers is there too. */
  cells: z.array(z.strictObject({ id: z.string(), column: text, name: text, techniques: z.array(z.string()), covered_count: count, seen: count })),
});
export type Matrix = z.infer<typeof matrix>;

export const intelligenceList = z.strictObject({
  name: z.string(), source: z.string(), format: z.string().optional(), what: z.string().optional(), level, entries: z.strictObject({ address: count, domain: count, hash: count, wallet: count }), bytes: z.number(), refused: z.record(z.string(), count),
  updated: time.optional(), next: time.optional(), expires: time.optional(), state: z.enum(['live', 'waiting', 'blind']), fault: z.string().optional(),
});
/** `unread`: lists that could not be read, so that they may have it all the same. */
export const intelligenceCheck = z.strictObject({ found: z.looseObject({ list: z.string(), value: z.string(), what: z.string(), level }).optional(), unread: z.array(z.string()) });

/** A table of the live state as it was looked at for this question. `notes`: what it does not hold though it should. */
const looked = z.strictObject({ table: z.string(), at: time, rows: count, notes: z.array(text) });
export const huntResult = z.strictObject({ columns: z.array(z.string()), rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))), cut: z.enum(['rows', 'bytes']).optional(), live: z.array(looked), ms: z.number() });
export type HuntResult = z.infer<typeof huntResult>;
export const huntSchema = z.strictObject({ views: z.array(z.strictObject({ name: z.string(), title: text, /** Looked at when it is asked for; else what is stored. */ live: z.boolean(), blind: text.optional(), columns: z.array(z.strictObject({ name: z.string(), type: z.string(), text })) })), limits: z.strictObject({ rows: count, seconds: z.number(), bytes: z.number() }), examples: z.array(z.strictObject({ title: text, sql: z.string() })) });
export type HuntSchema = z.infer<typeof huntSchema>;
export const savedQuery = z.strictObject({ id: z.string(), name: z.string(), sql: z.string(), by: z.string(), created: time, shared: z.boolean() });
export type SavedQuery = z.infer<typeof savedQuery>;
