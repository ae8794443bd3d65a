/** Scans, what they found, and how well this machine is kept. */
import * as z from 'zod';
import { count, level, text, time } from './common.ts';

const evidence = z.strictObject({ what: text, value: z.string(), path: z.string().optional(), line: z.number().optional() });
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const fix = z.strictObject({ text, commands: z.array(z.array(z.string())), actions: z.array(z.strictObject({ action: z.string(), input: z.record(z.string(), scalar) })).optional() });
/** `first`, `last`: when it was seen; `gone`: since when it is no more. */
export const finding = z.strictObject({
  id: z.string(), check: z.string(), kind: z.enum(['intrusion', 'weakness', 'notice']), level, title: text, path: z.string().optional(), pid: z.number().optional(), user: z.string().optional(), address: z.string().optional(),
  evidence: z.array(evidence), means: text.optional(), fix: fix.optional(), refs: z.array(z.string()), time: time.optional(), links: z.array(z.string()).optional(), first: time, last: time, gone: time.optional(),
});
export type Finding = z.infer<typeof finding>;
export const scanRun = z.strictObject({
  id: z.string(), started: time, ended: time, by: z.string(), checks: z.array(z.string()), files: count, verdict: z.enum(['clean', 'suspicious', 'compromised']), findings: z.record(level, count),
  blind: z.array(z.strictObject({ check: z.string(), what: z.string().optional(), why: text })), blind_left: count, stopped: text.optional(), score: z.number(),
});
export type ScanRun = z.infer<typeof scanRun>;
export const checkEntry = z.strictObject({ id: z.string(), group: z.string(), scope: z.string(), everyMinutes: z.number(), title: text });
const scanStatus = z.strictObject({ running: z.boolean(), last: time.optional(), next: time.optional(), enabled: z.boolean() });
export const posture = z.strictObject({
  /** Undefined before anything was looked at; `why` says so. */
  score: z.number().optional(), why: text.optional(), status: scanStatus, trend: z.array(z.strictObject({ time, score: z.number(), scan: z.string() })),
  /** What stands, by check; worst first. `samples`: the first few. */
  groups: z.array(z.strictObject({ check: z.string(), kind: z.enum(['intrusion', 'weakness', 'notice']), level, count, title: text.optional(), fix: z.boolean(), cost: z.number(), samples: z.array(finding) })),
  by_level: z.record(level, count),
});
export type Posture = z.infer<typeof posture>;
/** `why`: it could not be looked; then nothing is said of updates. `as_of`: when the package lists of the machine were fetched. */
export const patches = z.strictObject({ why: text.optional(), as_of: time.optional(), items: z.array(z.strictObject({ name: z.string(), installed: z.string(), available: z.string(), security: z.boolean(), source: z.string() })) });
export type Patches = z.infer<typeof patches>;
