/** Alerts: lists, one whole, why it fired, and exceptions. */
import * as z from 'zod';
import { count, level, open, text, time } from './common.ts';

/** What an alert keeps of an event: fields of the event schema. */
const evidence = z.record(z.string(), z.union([z.string(), z.number()]));

const alert = z.strictObject({
  id: z.string(), time, last_time: time, level, rule_id: z.string(), rule_name: z.string(), title: text, host: z.string(), summary: z.string(), count,
  attack: z.array(z.string()), matrix: z.array(z.string()), key: z.string(), status: z.enum(['open', 'closed']),
  source_ip: z.string().optional(), source_country: z.string().optional(), origin: z.string().optional(), origin_ip: z.string().optional(), user: z.string().optional(), service: z.string().optional(),
  pid: z.number().optional(), path: z.string().optional(), lines: z.array(z.number()).optional(), evidence: z.array(evidence),
});
export type Alert = z.infer<typeof alert>;

/** In a list; with `folded` alerts of one rule that stand near each other are one row: the latest, with how many there are. */
export const alertRow = alert.extend({ folded: z.strictObject({ alerts: count, events: count, first: time, sources: count }).optional() });
export type AlertRow = z.infer<typeof alertRow>;

/** One value that a rule wants of a field, and whether the event has it. */
const valueExplained = z.strictObject({ held: z.boolean(), expected: z.string(), compared: z.array(z.string()) });
export type SearchExplained =
  | { kind: 'item'; held: boolean; field?: string | undefined; modifiers: string[]; actual?: unknown; values: z.infer<typeof valueExplained>[] }
  | { kind: 'and' | 'or'; held: boolean; children: SearchExplained[] };
const searchExplained: z.ZodType<SearchExplained> = z.lazy(() => z.union([
  z.strictObject({ kind: z.literal('item'), held: z.boolean(), field: z.string().optional(), modifiers: z.array(z.string()), actual: z.unknown().optional(), values: z.array(valueExplained) }),
  z.strictObject({ kind: z.enum(['and', 'or']), held: z.boolean(), children: z.array(searchExplained) }),
]));
export type ConditionExplained = { kind: 'name'; held: boolean; name: string } | { kind: 'not'; held: boolean; child: ConditionExplained } | { kind: 'and' | 'or'; held: boolean; children: ConditionExplained[] };
const conditionExplained: z.ZodType<ConditionExplained> = z.lazy(() => z.union([
  z.strictObject({ kind: z.literal('name'), held: z.boolean(), name: z.string() }),
  z.strictObject({ kind: z.literal('not'), held: z.boolean(), child: conditionExplained }),
  z.strictObject({ kind: z.enum(['and', 'or']), held: z.boolean(), children: z.array(conditionExplained) }),
]));
const detectionExplained = z.strictObject({
  held: z.boolean(), conditionText: z.string(), condition: conditionExplained,
  selections: z.array(z.strictObject({ name: z.string(), held: z.boolean(), search: searchExplained })),
});
/** Why a rule matched one event: each selection with its fields, what was wanted and what was there. */
const explained = z.strictObject({
  rule: z.string(), title: z.string(), event: z.string(), held: z.boolean(),
  logsource: z.strictObject({ held: z.boolean(), wanted: z.record(z.string(), z.string()), given: z.array(z.record(z.string(), z.string())) }),
  detection: detectionExplained,
  filters: z.array(z.strictObject({ title: z.string(), id: z.string().optional(), detection: detectionExplained })),
});
export type Explained = z.infer<typeof explained>;

/** sigma: `explained` has each rule it rests on. behaviour and check: they judge over time or look at the machine; `about` says how. `description`, `advice` and `falsepositives`: what it means, what to do, what is harmless and looks alike. */
const alertWhy = z.strictObject({
  kind: z.enum(['rule', 'correlation', 'behaviour', 'check', 'unknown']),
  about: text.optional(), description: text.optional(), advice: text.optional(), falsepositives: z.array(text).optional(), yaml: z.string().optional(),
  explained: z.array(explained),
  /** Of a correlation: what it counts, over how long, by what. */
  counts: z.strictObject({ kind: z.string(), rules: z.array(z.string()), by: z.array(z.string()), seconds: z.number(), bounds: z.record(z.string(), z.number()) }).optional(),
  /** Why no more can be told. */
  note: text.optional(),
});

/** `raw`: the stored events of the evidence, as they were normalised; with `message` as the log has it. `incident`: the one it belongs to. */
export const alertWhole = alert.extend({ why: alertWhy, raw: z.array(open), incident: z.strictObject({ id: z.string(), title: text, status: z.string(), level }).optional(), origin_chain: z.array(open) });
export type AlertWhole = z.infer<typeof alertWhole>;

const word = z.union([z.string().max(1000), z.number()]);
/** Every field of `when` must have one of its values; `*` at an end of a text stands for anything. */
export const exceptionBody = z.strictObject({
  rule: z.string().min(1).max(200), when: z.record(z.string().regex(/^[a-z_]{1,60}$/), z.union([word, z.array(word).min(1).max(100)])).refine((when) => Object.keys(when).length <= 20, 'expected at most 20 fields'),
  why: z.string().min(1).max(1000), until: z.iso.date().optional(),
});
/** `from`: `configuration` ones are taken away in the file. `hits`: what it kept quiet since Moat began, and `last` when. */
export const exception = exceptionBody.extend({ id: z.string(), from: z.enum(['configuration', 'api']), by: z.string().optional(), created: time.optional(), hits: count, last: time.optional() });
export type Exception = z.infer<typeof exception>;

/** Stored alerts that it would have kept quiet: those whose whole evidence fits. `looked`: of so many, newest first. */
export const exceptionPreview = z.strictObject({ looked: count, alerts: count, events: count, by_level: z.record(level, count), samples: z.array(alert) });
export type ExceptionPreview = z.infer<typeof exceptionPreview>;
