/** Shapes that many answers share. Times are Unix ms. */
import * as z from 'zod';
import { levels } from '../../core/level.ts';

export const level = z.enum(levels);
export const time = z.number().int();
const id = z.string().min(1).max(200).regex(/^[\w.:@-]+$/);
export const idParams = z.strictObject({ id });
export const why = z.string().max(1000);

/** Names of fields of each item, with commas: only these are answered. */
const fields = z.string().max(2000).regex(/^\w+(?:,\w+)*$/).optional();
export const pageQuery = { limit: z.coerce.number().int().min(1).max(500).default(50), cursor: z.string().max(500).optional(), fields };

/** `next`: the cursor of the page that follows; none on the last. */
export const page = <T extends z.ZodType>(item: T) => z.strictObject({ items: z.array(item), next: z.string().optional() });
/** What the store keeps; its shape is that of the command line's --json. */
export const record = z.record(z.string(), z.unknown());
export const done = z.strictObject({ done: z.boolean() });
