/** What was done and may be done: blocks, receipts, playbooks, quarantine, notices. */
import * as z from 'zod';
export type { PlaybookCommand, Step as PlaybookStep } from '../../core/playbook.ts';
export type { PlannedCommand, PlannedStep } from '../../engine/response/playbook-plan.ts';
import { count, level, open, text, time } from './common.ts';

const verdict = z.strictObject({ is: z.enum(['finished', 'former', 'between']), evidence: text });
const risk = z.enum(['low', 'medium', 'high']);
const planStep = z.strictObject({ text, command: z.array(z.string()).optional() });
export const receiptStatus = z.enum(['applying', 'applied', 'failed', 'undoing', 'undone', 'stuck']);
const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** Without the former state, which is Moat's own. */
export const receipt = z.strictObject({
  id: z.string(), action: z.string(), target: z.string(), title: text, status: receiptStatus, steps: z.array(planStep), risk, reversible: z.boolean(), by: z.string(), why: z.string(), from: z.string().optional(), until: time.optional(),
  created: time, changed: time, verdict: verdict.optional(), error: z.string().optional(), history: z.array(z.strictObject({ time, status: receiptStatus, by: z.string(), note: z.string().optional() })),
});
export type Receipt = z.infer<typeof receipt>;
/** What an action would do: asked for with `plan: true`, nothing is done. */
export const shownPlan = z.strictObject({ plan: z.literal(true), target: z.string(), title: text, steps: z.array(planStep), risk, reversible: z.boolean(), started: time.optional(), until: time.optional() });
export type ShownPlan = z.infer<typeof shownPlan>;
export const receiptOrPlan = z.union([receipt, shownPlan]);
/** What puts a finding right: shown (`plan: true`), or done. `stopped`: why it went no further; what was done before stands. */
export const fixed = z.union([z.strictObject({ plan: z.literal(true), plans: z.array(shownPlan) }), z.strictObject({ receipts: z.array(receipt), stopped: text.optional() })]);
export type Fixed = z.infer<typeof fixed>;
export type ReceiptOrPlan = z.infer<typeof receiptOrPlan>;

export const block = z.strictObject({ network: z.string(), since: time, until: time.optional(), why: z.string(), by: z.string(), list: z.string().optional(), times: count, packets: count.optional(), bytes: z.number().optional() });
export type Block = z.infer<typeof block>;
/** Of one part of a list. `there`: blocked already; `over`: their end lies in the past; `refused`: never blocked, `why` of the first few. */
export const imported = z.strictObject({ added: count, there: count, over: count, bad: count, refused: count, why: z.array(z.strictObject({ network: z.string(), why: text })) });
const blockEntry = z.strictObject({ network: z.string(), since: time, until: time.optional(), why: z.string(), by: z.string(), list: z.string().optional(), active: z.boolean(), times: count });
export const unblocked = z.strictObject({ network: z.string(), undone: z.array(receipt), lifted: blockEntry.optional() });

/** `configuration` ones stand in the file and are taken away there. */
const settingFrom = z.enum(['configuration', 'api']);
export const allowEntry = z.strictObject({ network: z.string(), from: settingFrom, why: z.string().optional(), by: z.string().optional(), created: time.optional() });
export type AllowEntry = z.infer<typeof allowEntry>;
export const wantedPort = z.strictObject({ port: z.union([z.string(), z.number()]), from: z.union([z.literal('any'), z.array(z.string())]), per_source: z.string().optional() });
const portRow = z.strictObject({ port: z.string(), from: z.union([z.literal('any'), z.array(z.string())]), per_source: z.string().optional(), set_by: settingFrom });
export const portList = z.strictObject({ enforced: z.boolean(), items: z.array(portRow) });
export type PortList = z.infer<typeof portList>;
export const zone = z.strictObject({ name: z.string(), networks: z.array(z.string()) });
export const flow = z.strictObject({ from: z.string(), to: z.string(), ports: z.array(z.union([z.string(), z.number()])).optional() });
export const zones = z.strictObject({ enforced: z.boolean(), zones: z.array(zone), flows: z.array(flow), set_by: settingFrom });
export type Zones = z.infer<typeof zones>;
const listening = { protocol: z.enum(['tcp', 'udp']), address: z.string(), port: z.number(), program: z.string().optional() };
const judged = z.strictObject({ for: z.enum(['any', 'some', 'channel', 'nobody']), from: z.array(z.string()), per_source: z.string().optional() });
const zoneRow = z.strictObject({ ...listening, zone: z.string() });
/** What ports or zones would mean for what listens now. `refused`: it cannot be enforced, since nobody could log on any more; `why`: it could not be looked. `cut`, `opened`: for members of the zones, once it is enforced. */
export const firewallPreview = z.strictObject({ enforced: z.boolean(), refused: text.optional(), why: text.optional(), rows: z.array(z.strictObject({ ...listening, before: judged, after: judged })), cut: z.array(zoneRow), opened: z.array(zoneRow) });
export type FirewallPreview = z.infer<typeof firewallPreview>;
export const modeWords = ['observe', 'guard', 'strict'] as const;
export const mode = z.strictObject({ mode: z.enum(modeWords), set_by: settingFrom, paused_until: time.optional(), overrides: z.array(z.strictObject({ rule: z.string(), mode: z.enum(modeWords) })) });
export type Mode = z.infer<typeof mode>;

const trigger = z.strictObject({ attack: z.array(z.string()).optional(), tactics: z.array(z.string()).optional(), rules: z.array(z.string()).optional(), level });
const head = {
  id: z.string(), name: text, description: text, grade: z.number(), mode: z.enum(['guard', 'strict', 'manual']), triggers: trigger.optional(), per: z.string(), timeout: z.number(), compensate: z.boolean(),
};
export const playbookHead = z.strictObject({ ...head, steps: count });
export type PlaybookHead = z.infer<typeof playbookHead>;
export const playbook = z.strictObject({ ...head, playbook_variables: z.record(z.string(), scalar), workflow_start: z.string(), workflow: z.record(z.string(), open) });
export type Playbook = z.infer<typeof playbook>;
const waiting = z.strictObject({ request: z.string(), step: z.string(), what: text, expires: time, level: level.optional() });
export const playbookRun = z.strictObject({
  id: z.string(), playbook: z.string(), name: text, target: z.string(), alert: z.string().optional(), rule: z.string().optional(), by: z.string(), why: z.string(), status: z.enum(['running', 'done', 'failed', 'stopped']), created: time, changed: time,
  variables: z.record(z.string(), scalar), threads: z.array(open), visits: count, nextThread: count, receipts: z.array(z.string()), back: z.boolean(), ending: z.strictObject({ status: z.string(), note: z.string() }).optional(),
  entries: z.array(z.strictObject({ time, step: z.string(), what: z.string(), note: z.string(), receipt: z.string().optional() })), dropped: count, waiting: z.array(waiting),
});
export type PlaybookRun = z.infer<typeof playbookRun>;
export const dryRun = z.strictObject({ playbook: playbookHead, mode: z.enum(modeWords), begins: z.boolean(), steps: z.array(open) });
export type DryRun = z.infer<typeof dryRun>;

const link = z.strictObject({
  id: z.string(), title: text, when: z.strictObject({ attack: z.array(z.string()).optional(), rules: z.array(z.string()).optional(), level, not: z.array(z.string()).optional() }), action: z.string(),
  input: z.record(z.string(), z.union([z.string(), z.strictObject({ value: scalar })])), for: z.union([z.number(), z.literal('escalating')]).optional(), mode: z.enum(['guard', 'strict']), fires: z.boolean(),
});
export const linkage = z.strictObject({ mode: z.enum(modeWords), links: z.array(link), waiting: z.array(z.strictObject({ id: z.string(), title: text, waits: text })), always: z.array(z.strictObject({ id: z.string(), title: text, always: text })) });
export type Linkage = z.infer<typeof linkage>;

const quarantineRow = z.strictObject({
  id: z.string(), path: z.string(), action: z.string(), why: z.string(), by: z.string(), added: time, kind: z.enum(['file', 'symlink']), size: z.number(), stored: z.number(), sha256: z.string(), receipt: z.string().optional(), status: receiptStatus.optional(),
});
export const quarantine = z.strictObject({ items: z.array(quarantineRow), broken: z.array(z.string()), stored: z.number() });
export type Quarantine = z.infer<typeof quarantine>;

export const request = z.strictObject({ id: z.string(), created: time, expires: time, level, what: text });
export type Request = z.infer<typeof request>;

const said = z.strictObject({ time, code: z.string(), what: text });
/** Without addresses, keys and tokens of the channel. */
export const channel = z.strictObject({ id: z.string(), kind: z.string(), title: text, enabled: z.boolean(), level, waiting: count, sent: count, dropped: count, refused: count, trying: z.boolean(), last_sent: time.optional(), last_error: said.optional() });
export type NoticeChannel = z.infer<typeof channel>;
export const tested = z.strictObject({ channel: z.string(), outcome: z.enum(['sent', 'retry-after', 'refused']), code: z.string().optional(), what: text.optional() });
export type NoticeTested = z.infer<typeof tested>;
