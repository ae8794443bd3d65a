/** Shapes that many answers share. Times are Unix ms. */
import * as z from 'zod';
import { levels } from '../../core/level.ts';

export const level = z.enum(levels);
export const time = z.number();
export const count = z.number().int().min(0);
/** Both languages. */
export const text = z.strictObject({ zh: z.string(), en: z.string() });
export type Text = z.infer<typeof text>;
const id = z.string().min(1).max(200).regex(/^[\w.:@-]+$/);
export const idParams = z.strictObject({ id });
export const why = z.string().max(1000);

/** Names of fields of each item, with commas: only these are answered. */
const fields = z.string().max(2000).regex(/^\w+(?:,\w+)*$/).optional();
export const limit = z.coerce.number().int().min(1).max(500).default(50);
export const pageQuery = { limit, cursor: z.string().max(500).optional(), fields };
/** Unix ms, as part of a query. */
export const when = z.coerce.number().int().min(0).max(8.64e15).optional();
/** A word that stands for yes or no, as part of a query. */
export const flag = z.enum(['true', 'false']).default('false').transform((word) => word === 'true');

/** `next`: the cursor of the page that follows; none on the last. */
export const page = <T extends z.ZodType>(item: T) => z.strictObject({ items: z.array(item), next: z.string().optional() });
export const list = <T extends z.ZodType>(item: T) => z.strictObject({ items: z.array(item) });
/** What depends on the action or sensor that it is of: JSON of any shape. */
export const open = z.record(z.string(), z.unknown());
export const done = z.strictObject({ done: z.boolean() });
export type Done = z.infer<typeof done>;

/** Long work: 202 with this; GET /jobs/:id tells how it goes. */
export const jobStarted = z.strictObject({ job: z.string() });
export const job = z.strictObject({
  id: z.string(), kind: z.string(), state: z.enum(['running', 'done', 'failed', 'cancelled']), by: z.string(), began: time, ended: time.optional(),
  /** 0 to 1, where it is known; `what` is being done now. */
  progress: z.strictObject({ part: z.number().min(0).max(1).optional(), what: text.optional() }).optional(),
  result: z.unknown().optional(), problem: z.strictObject({ code: z.string(), detail: z.string(), detail_zh: z.string() }).optional(),
});
export type Job = z.infer<typeof job>;
