/** The first page: how it stands, in one sentence and in figures. */
import * as z from 'zod';
import { count, level, text, time } from './common.ts';

const grades = z.strictObject({ 1: count, 2: count, 3: count });
export const overview = z.strictObject({
  host: z.string(), now: time,
  /** intruded: somebody is or was in. attacked: open incidents of weight. watch: something is to be looked at. blind: nothing is seen of importance, and not all is watched. calm. */
  verdict: z.strictObject({ level: z.enum(['calm', 'watch', 'attacked', 'intruded', 'blind']), text, reasons: z.array(text) }),
  incidents: z.strictObject({ open: count, by_level: z.record(level, count), by_grade: grades, latest: z.array(z.strictObject({ id: z.string(), title: text, level, grade: z.number(), status: z.string(), last_time: time })), clocks: z.array(z.strictObject({ id: z.string(), due: time })) }),
  alerts: z.strictObject({ open: count, from: time, to: time, bucket: z.number(), curve: z.array(z.strictObject({ time, by_level: z.record(level, count) })) }),
  sources: z.array(z.strictObject({ address: z.string(), country: z.string().optional(), alerts: count, last: time, blocked: z.boolean() })),
  health: z.strictObject({
    since: time, mode: z.enum(['observe', 'guard', 'strict']), paused_until: time.optional(), blocked: count,
    live: count, blind: z.array(z.strictObject({ part: z.string(), since: time, why: text.optional() })), waiting: z.array(z.string()),
    rss: z.number(), cpu_percent: z.number(), dropped: z.record(z.string(), count), requests: count,
  }),
  /** `next`: the things to do next, the most worth first; `id` names what `kind` is of. */
  score: z.strictObject({ value: z.number().min(0).max(100).optional(), why: text.optional(), next: z.array(z.strictObject({ text, kind: z.enum(['incident', 'finding', 'blind', 'request', 'setting']), id: z.string() })) }),
});
export type Overview = z.infer<typeof overview>;
