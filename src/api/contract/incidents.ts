/** Incidents: rows, stories, plans, recovery, evidence, reports. */
import * as z from 'zod';
import { count, level, open, text, time } from './common.ts';

export const incidentStatuses = ['new', 'triaged', 'contained', 'eradicated', 'recovered', 'closed', 'false-alarm'] as const;
const status = z.enum(incidentStatuses);
const grade = z.union([z.literal(1), z.literal(2), z.literal(3)]);
const strings = z.array(z.string());
const times = z.record(z.string(), z.number());

const facts = z.strictObject({
  founds: z.boolean(), headline: z.strictObject({ level, time, id: z.string(), title: text }).optional(), worst: level.optional(), tried: level.optional(), tactics: times, techniques: strings, grave: strings, root: z.boolean(),
  accounts: strings, addresses: strings, trees: strings, neighbours: strings, services: strings,
});
const missing = z.strictObject({ path: z.string(), why: text, stands: z.boolean() });
const tally = z.strictObject({ items: count, restored: count, missing: count, healthy: count, newer: count });
const recoverySummary = z.strictObject({
  plan: z.string(), time, tally, missing: z.array(missing), services: z.strictObject({ ok: count, bad: strings, unknown: strings }), findings: count, blind: count, verified: z.boolean(),
  accepted: z.strictObject({ time, by: z.string(), why: z.string() }).optional(),
});
const clock = z.strictObject({ started: time, due: time, why: text, told: z.array(z.enum(['began', 'half', 'soon', 'over'])), stopped: z.strictObject({ time, by: z.string(), how: z.enum(['reported', 'not-reportable']), why: z.string() }).optional() });

export const incidentRow = z.strictObject({
  id: z.string(), revision: z.number().int(), host: z.string(), title: text, status, level, grade, kind: z.enum(['story', 'campaign', 'cell']), shown: z.boolean(),
  graded: z.array(z.strictObject({ time, level, grade, why: text, by: z.string().optional() })), time, last_time: time, alert_count: count, finding_count: count, merged_into: z.string().optional(), within: z.string().optional(), about: z.string().optional(),
  facts, created: time, changed: time, since: time, assignee: z.string().optional(),
  notes: z.array(z.strictObject({ time, by: z.string(), text: z.string() })),
  tasks: z.array(z.strictObject({ id: z.number(), title: z.string(), created: time, by: z.string(), assignee: z.string().optional(), key: z.string().optional(), done: z.strictObject({ time, by: z.string() }).optional() })),
  tags: strings, links: z.array(z.strictObject({ target: z.string(), title: z.string().optional(), by: z.string(), time })),
  improvements: z.array(z.strictObject({ id: z.number(), title: z.string(), owner: z.string().optional(), due: time.optional(), created: time, by: z.string(), done: z.strictObject({ time, by: z.string(), note: z.string().optional() }).optional() })).optional(),
  clock: clock.optional(),
  by_hand: z.strictObject({ time, by: z.string(), why: z.string(), level: level.optional(), grade: grade.optional(), judged: z.strictObject({ level, grade }).optional() }).optional(),
  false_alarm: z.strictObject({ time, by: z.string(), why: z.string(), until: time, exceptions: z.array(z.strictObject({ rule: z.string(), when: z.record(z.string(), z.union([z.string(), z.number()])), key: z.string().optional() })), left: count }).optional(),
  recovery: recoverySummary.optional(), watch: z.strictObject({ since: time, until: time, things: count, back: count, ended: time.optional() }).optional(),
});
export type IncidentRow = z.infer<typeof incidentRow>;
/** With the ids of what it holds, and what ties it. */
export const incident = incidentRow.extend({ alerts: strings, findings: strings, keys: strings });
export type Incident = z.infer<typeof incident>;

const nodeKinds = ['process', 'file', 'persistence', 'address', 'name', 'account', 'unit', 'module', 'container', 'package', 'secret', 'alert', 'finding'] as const;
const deeds = ['started', 'became', 'wrote', 'removed', 'ran', 'read', 'spoke', 'asked', 'logged-on', 'planted', 'tells'] as const;
const echoKinds = ['log-on', 'failed-log-on', 'session', 'privilege', 'request'] as const;
const echoSource = z.enum(['history', 'journal', 'wtmp', 'btmp', 'lastlog']);
const entry = z.strictObject({
  kind: z.string(), time, node: z.string(), address: z.string().optional(), country: z.string().optional(), network: z.string().optional(), guessed: echoSource.optional(), attack: strings.optional(), matrix: strings.optional(),
  user: z.string().optional(), service: z.string().optional(), request: z.string().optional(), package: z.string().optional(), text,
});
const story = z.strictObject({
  entry: entry.optional(),
  nodes: z.array(z.strictObject({ id: z.string(), kind: z.enum(nodeKinds), label: z.string(), first: time, last: time, lives: z.boolean().optional(), facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])), attack: strings.optional(), matrix: strings.optional() })),
  edges: z.array(z.strictObject({ from: z.string(), to: z.string(), deed: z.enum(deeds), first: time, last: time, count })),
  gaps: z.array(z.strictObject({ kind: z.enum(['down', 'sensor', 'lost', 'log', 'forgotten', 'unread']), from: time, to: time, what: text })),
  echoes: z.array(z.strictObject({ kind: z.enum(echoKinds), from: echoSource, first: time, last: time, count, user: z.string().optional(), address: z.string().optional(), what: z.string().optional(), bytes: z.number().optional() })),
  reached: z.strictObject({
    processes: count, living: count, files: count, volumes: z.array(z.strictObject({ at: z.string(), device: z.string(), type: z.string(), files: count, bytes: z.number() })),
    planted: strings, secrets: strings, accounts: strings, containers: strings, databases: strings, neighbours: strings, outside: strings,
  }).optional(),
  began: time, ended: time, left: count,
});
/** One line of the timeline: many deeds of one kind by one process are one. */
const step = z.strictObject({
  time, last: time, count, deed: z.enum([...deeds, 'alert', 'finding', ...echoKinds]), from: z.string().optional(), to: strings, text, attack: strings, matrix: strings, level: level.optional(), source: echoSource.optional(),
});
export const toldStory = z.strictObject({ incident: z.string(), told: time, story, steps: z.array(step) });
export type ToldStory = z.infer<typeof toldStory>;

const verdict = z.strictObject({ is: z.enum(['finished', 'former', 'between']), evidence: text });
const planStep = z.strictObject({ text, command: strings.optional() });
const risk = z.enum(['low', 'medium', 'high']);
const found = z.strictObject({ what: text, value: z.string(), path: z.string().optional(), line: z.number().optional() });
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const plannedStep = z.strictObject({
  id: z.string(), action: z.string(), input: z.record(z.string(), scalar), target: z.string(), command: strings, title: text, evidence: z.array(found), risk, reversible: z.boolean(), steps: z.array(planStep), node: z.string(), approval: z.boolean(),
  receipt: z.string().optional(), verdict: verdict.optional(),
});
export const cleanupPlan = z.strictObject({
  id: z.string(), incident: z.string(), title: text, made: time, entry: entry.optional(), steps: z.array(plannedStep), left_alone: z.array(z.strictObject({ node: z.string(), title: text, why: text })), left: count,
});
export type CleanupPlan = z.infer<typeof cleanupPlan>;
/** Null where none was made. */
export const keptPlan = z.strictObject({ plan: cleanupPlan.nullable() });
export type KeptPlan = z.infer<typeof keptPlan>;
/** `ended`: what it was to be done to is gone by itself. */
export const stepDone = plannedStep.extend({ status: z.enum(['applying', 'applied', 'failed', 'undoing', 'undone', 'stuck', 'ended']) });
export const stepUndone = plannedStep.extend({ status: z.string().optional() });
const findingBrief = open;
export const planVerdict = z.strictObject({
  plan: z.string(), clean: z.boolean(), steps: z.array(z.strictObject({ id: z.string(), title: text, state: z.enum(['open', 'applied', 'failed', 'undone', 'stuck', 'superseded']), verdict: verdict.optional(), ok: z.boolean() })),
  living: z.array(z.strictObject({ pid: z.number(), label: z.string() })), back: strings, findings: z.array(findingBrief), checks: strings, blind: z.array(text),
});

const recoveryStep = z.strictObject({ id: z.string(), source: z.enum(['package', 'vault', 'backup']), action: z.enum(['restore-file', 'restore-set']), input: open, title: text, paths: strings, bytes: z.number(), unsure: count });
export const recoveredStep = z.strictObject({
  id: z.string(), source: z.enum(['package', 'vault', 'backup']), title: text, bytes: z.number(), files: count, state: z.enum(['open', 'done', 'failed', 'undone', 'stuck']), receipt: z.string().optional(), status: z.string().optional(), risk: risk.optional(),
  steps: z.array(planStep).optional(), restored: count, newer: count, missing: z.array(missing), error: text.optional(),
});
export const recoveryPlan = z.strictObject({
  id: z.string(), incident: z.string(), title: text, made: time, began: time, ended: time, steps: z.array(recoveryStep), not_restored: z.array(missing), not_restored_count: count, healthy: count, newer: count, blind: z.array(text), left: count,
});
/** `plan` is null where none was made. */
export const keptRecovery = z.strictObject({ plan: recoveryPlan.nullable(), steps: z.array(recoveredStep), summary: recoverySummary.optional(), watch: incidentRow.shape.watch });
export type KeptRecovery = z.infer<typeof keptRecovery>;
export const recoveryChecked = z.strictObject({ id: z.string(), restored: count, newer: count, missing: z.array(missing) });
/** `done: false`: it goes on, ask again. */
export const servicesLooked = z.union([z.strictObject({ done: z.literal(false) }), z.strictObject({ done: z.literal(true), services: z.array(z.looseObject({ id: z.string(), name: z.string(), state: z.enum(['ok', 'bad', 'unknown']) })) })]);
export const recoveryFinished = z.strictObject({ incident, summary: recoverySummary, plan: z.string(), findings: z.array(open), blind: z.array(open), tasks: z.number(), moved: z.boolean() });

/** An archive that this machine keeps. `until`: policy lets it go then; none on hold. */
export const evidenceArchive = z.strictObject({
  id: z.string(), incident: z.string().optional(), made: z.string(), by: z.string(), why: z.string(), bytes: z.number(), fingerprint: z.string(), manifest: z.string(), head: z.string(), path: z.string(), until: z.string().optional(),
  hold: z.strictObject({ since: z.string(), by: z.string(), why: z.string() }).optional(), broken: z.string().optional(),
}).partial({ made: true, by: true, why: true, bytes: true, fingerprint: true, manifest: true, head: true });
export type EvidenceArchive = z.infer<typeof evidenceArchive>;
export const evidenceVerdict = z.looseObject({ ok: z.boolean(), bytes: z.number(), faults: z.array(z.looseObject({ text })) });
/** With all that the signed manifest says, and whose hands it went through. */
export const evidenceShown = evidenceVerdict.extend({ manifest: open.optional(), custody: z.array(open) });
export const evidenceKey = z.strictObject({ fingerprint: z.string(), pem: z.string() });
export type EvidenceKey = z.infer<typeof evidenceKey>;

export const indicatorList = z.strictObject({ items: z.array(z.strictObject({ kind: z.enum(['address', 'domain', 'sha256']), value: z.string(), role: z.enum(['came', 'called', 'dropped']), first: time, last: time, path: z.string().optional(), attack: strings, doubt: text.optional() })), total: count, why: text.optional() });
export type IndicatorList = z.infer<typeof indicatorList>;
export const applied = z.strictObject({ incident: z.string(), list: z.string(), until: time.optional(), blocked: count, there: count, listed: count, refused: z.array(z.strictObject({ value: z.string(), why: text })), doubtful: count, lifted: count, dropped: count });
/** A file as text (base64 for PDF), with the name that it is saved by. */
export const document = z.strictObject({ name: z.string(), type: z.string(), encoding: z.enum(['utf8', 'base64']), content: z.string() });
export type Document = z.infer<typeof document>;

const spans = z.strictObject({ count, median: z.number().optional(), p90: z.number().optional() });
const share = z.strictObject({ name: z.string(), count });
export const stats = z.strictObject({
  since: time.optional(), now: time, incidents: count, open: count, by_level: z.record(level, count), by_grade: z.strictObject({ 1: count, 2: count, 3: count }), by_month: z.array(z.strictObject({ month: z.string(), count })),
  detect: spans, contain: spans, recover: spans, false_alarms: count, false_alarm_share: z.number().optional(), restored: z.strictObject({ done: count, total: count, share: z.number() }).optional(),
  entries: z.array(share), techniques: z.array(share), improvements: z.strictObject({ open: count, overdue: count, done: count }),
});
export type Stats = z.infer<typeof stats>;
