/** What single actions take, each by its own name: the same that the command line hands them. The actions look at every value once more. */
import * as z from 'zod';
import { receipt, shownPlan } from './response.ts';
import { time } from './common.ts';

const path = z.string().startsWith('/').max(4096);
const word = z.string().min(1).max(256);
const network = z.string().min(1).max(100);
const seconds = z.number().int().min(0).max(86_400).optional();
const scalar = z.union([z.string().max(1000), z.number(), z.boolean()]);

/** `for_ms` may be said where the action ends by itself. */
export const actionInputs = {
  'isolate-host': z.strictObject({ confirm_within: z.number().int().min(1).max(86_400).optional() }),
  'rate-limit': z.strictObject({ address: network.optional(), port: z.string().max(20).optional(), rate: z.string().max(40), of: z.enum(['packets', 'connections']).optional(), per_source: z.boolean().optional() }),
  'close-port': z.strictObject({ port: z.string().max(20), except: z.array(network).max(100).optional() }),
  'stop-unit': z.strictObject({ unit: word }),
  'lock-account': z.strictObject({ user: word }),
  'end-sessions': z.strictObject({ user: word, everything: z.boolean().optional() }),
  'unload-module': z.strictObject({ module: word }),
  'stop-container': z.strictObject({ container: word, pause: z.boolean().optional() }),
  'restore-file': z.strictObject({ path, from: z.string().max(40).optional() }),
  'change-setting': z.strictObject({ kind: z.string().max(40), key: z.string().min(1).max(200), value: z.string().max(4000), confirm_within: seconds, match: z.string().max(1000).optional(), at: z.string().max(4000).optional(), config: path.optional() }),
  'change-mode': z.strictObject({ path, mode: z.string().max(4).optional(), owner: z.string().max(129).optional() }),
  'deny-file': z.strictObject({ path: path.optional(), sha256: z.string().length(64).optional() }),
  'cloud-step': z.strictObject({ connector: word, step: word, resource: z.string().min(1).max(1000), parameters: z.record(z.string().max(100), scalar).optional() }),
} as const;
export type ActionName = keyof typeof actionInputs;

/** `text`: what stands in that line now, to be sent back with the word that it may go. */
export const lineRemoved = z.union([receipt, shownPlan.extend({ text: z.string() })]);

/** Somebody may use sudo until then. `ended`: when it was taken back, by whom and why. */
export const grant = z.strictObject({
  id: z.string(), user: z.string(), commands: z.array(z.string()), since: time, until: time.optional(), by: z.string(), why: z.string(), status: receipt.shape.status,
  ended: z.strictObject({ time, by: z.string(), note: z.string() }).optional(),
});

/** Programs that may not run. `active`: the kernel keeps to it now. */
export const denied = z.strictObject({
  enabled: z.boolean(), live: z.boolean(),
  rows: z.array(z.strictObject({ path: z.string().optional(), sha256: z.string().optional(), why: z.string(), from: z.enum(['command', 'configuration']), added: time.optional(), active: z.boolean() })),
});
