/** This machine as it is now. */
import * as z from 'zod';
import { count, level, text, time } from './common.ts';

export const host = z.strictObject({
  name: z.string(), group: z.string().optional(), environment: z.enum(['dev', 'test', 'production']).optional(), system: z.string().optional(), kernel: z.string(), arch: z.string(), cpus: count, memory_bytes: z.number(), memory_free_bytes: z.number(), load: z.array(z.number()),
  /** Seconds. */
  uptime: z.number(), addresses: z.array(z.string()), time_zone: z.string(), version: z.string(), since: time, isolated: z.strictObject({ since: time, by: z.string(), why: z.string(), until: time.optional(), confirm_by: time.optional() }).optional(),
});
export type Host = z.infer<typeof host>;

const container = z.strictObject({ id: z.string(), name: z.string().optional(), image: z.string().optional(), runtime: z.string().optional() });
const origin = z.strictObject({ kind: z.string(), name: z.string().optional(), user: z.string().optional(), source_ip: z.string().optional(), source_port: z.number().optional(), container: container.optional(), since: time });
const brief = z.strictObject({ pid: z.number(), started: time, name: z.string().optional(), path: z.string().optional(), cmdline: z.string().optional(), user: z.string().optional(), ended: time.optional(), origin });
/** `parent`: the place of its parent in this list. */
export const processes = z.strictObject({ processes: z.array(brief.extend({ parent: z.number().optional(), cgroup: z.string().optional() })), more: count });
export type Processes = z.infer<typeof processes>;

const touch = z.strictObject({ what: z.string(), count, first: time, last: time });
const fileTouch = touch.extend({ action: z.string(), inode: z.number().optional(), device: z.number().optional() });
const peerTouch = touch.extend({ direction: z.enum(['outbound', 'inbound']), ip: z.string(), port: z.number(), host: z.string().optional(), sent: z.string().optional() });
const briefTouch = brief.extend({ touch: z.union([peerTouch, fileTouch, touch]) });
const writer = z.strictObject({ path: z.string(), time, process: brief });
export interface Branch extends z.infer<typeof brief> { children: Branch[]; more: number }
const branch: z.ZodType<Branch> = z.lazy(() => brief.extend({ children: z.array(branch), more: count }));
/** Where a process, a file, an address or a name comes from and what it did. */
export const originStory = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('process'), process: brief.extend({ cwd: z.string().optional(), uid: z.number().optional(), terminal: z.string().optional(), cgroup: z.string().optional(), container: z.string().optional(), exit_code: z.number().optional(), forgotten: count }),
    chain: z.array(brief), root: brief, was: z.array(z.strictObject({ path: z.string().optional(), cmdline: z.string().optional(), time })), wrote: z.array(fileTouch), read: z.array(fileTouch), spoke: z.array(peerTouch), asked: z.array(touch),
    written_by: writer.optional(), children: z.array(branch), more_children: count, older: z.array(brief),
  }),
  z.strictObject({ kind: z.literal('path'), path: z.string(), writer: writer.optional(), wrote: z.array(briefTouch), read: z.array(briefTouch), ran: z.array(brief), more: count }),
  z.strictObject({ kind: z.literal('address'), address: z.string(), spoke: z.array(briefTouch), sessions: z.array(brief), more: count }),
  z.strictObject({ kind: z.literal('name'), name: z.string(), asked: z.array(briefTouch), spoke: z.array(briefTouch), more: count }),
]);
export type OriginStory = z.infer<typeof originStory>;

/** `why`: what could not be looked at; never an empty list in its place. */
const looked = { why: text.optional() };
/** `reach`: who gets there: this machine, everybody, or whom the wanted ports let in. `process`: its pid, where it is known. */
export const listeners = z.strictObject({ ...looked, items: z.array(z.strictObject({ protocol: z.enum(['tcp', 'udp']), address: z.string(), port: z.number(), program: z.string().optional(), for: z.enum(['any', 'some', 'channel', 'nobody']), from: z.array(z.string()), per_source: z.string().optional() })), enforced: z.boolean() });
export type Listeners = z.infer<typeof listeners>;
export const users = z.strictObject({ ...looked, items: z.array(z.strictObject({ name: z.string(), uid: z.number(), gid: z.number(), comment: z.string(), home: z.string(), shell: z.string(), can_log_on: z.boolean() })), sessions: z.array(z.strictObject({ user: z.string().optional(), source_ip: z.string().optional(), terminal: z.string().optional(), pid: z.number().optional(), since: time })) });
export type Users = z.infer<typeof users>;
export const packages = z.strictObject({ ...looked, items: z.array(z.strictObject({ name: z.string(), version: z.string(), manager: z.string(), arch: z.string().optional() })), total: count, next: z.string().optional() });
export const containers = z.strictObject({ ...looked, items: z.array(z.strictObject({ id: z.string(), name: z.string().optional(), image: z.string().optional(), runtime: z.string().optional(), processes: count })) });
export const sensors = z.strictObject({ items: z.array(z.strictObject({ id: z.string(), title: text, enabled: z.boolean(), why: text.optional(), blind: text, parts: z.array(z.strictObject({ part: z.string(), state: z.enum(['live', 'waiting', 'blind']), since: time, detail: text.optional() })) })), events: z.record(z.string(), count), counters: z.record(z.string(), count) });
export type Sensors = z.infer<typeof sensors>;
export const baselineStatus = z.strictObject({ state: z.enum(['none', 'open', 'closed']), running: z.boolean(), entries: count, last: time.optional(), next: time.optional(), known: z.record(level, count), signs: count, live: z.enum(['ebpf', 'fanotify', 'folders']).optional(), waiting: count, held: count });
/** Changes since the baseline that were told and stand. `baseline` is null when it is not watched. */
export const integrity = z.strictObject({ baseline: baselineStatus.nullable(), items: z.array(z.strictObject({ path: z.string(), level, sign: z.boolean(), since: time })), total: count, next: z.string().optional() });
export type Integrity = z.infer<typeof integrity>;
