/**
 * What both ends agree on. `contract` grows by one when something is added that an older end does not know; `oldest` is the earliest that
 * this end still understands, and grows only when something that was there is taken away or means something else.
 * 1: the first. 2: single actions, recovery and evidence from afar, lists and denied programs, this page.
 */
import * as z from 'zod';

export const contract = 2;
export const oldest = 1;
/** The header in which each end says its own revision. */
export const contractHeader = 'x-moat-contract';
export const versionHeader = 'x-moat-version';

export const about = z.strictObject({ version: z.string(), contract: z.number().int(), oldest: z.number().int() });
export type About = z.infer<typeof about>;
