/** Notices of `moat up`: channels of the configuration, the queue of the store, questions and their answers. */
import { randomBytes } from 'node:crypto';
import { MoatError } from '../core/error.ts';
import type { Level } from '../core/level.ts';
import type { ActionRequest, Answer, Decision, Notice, Outcome, QueuedNotice } from '../core/notice.ts';
import type { Store } from '../core/ports.ts';
import type { Lang, Text } from '../core/text.ts';
import type { Folded } from '../engine/fold.ts';
import type { Health } from '../engine/health.ts';
import { makeToken, verifyToken, type TokenFault } from '../engine/notices/approval.ts';
import { itemOf, requestItem } from '../engine/notices/item.ts';
import { Outbox, type Channel } from '../engine/notices/outbox.ts';
import { routed, routedTo } from '../engine/notices/route.ts';
import type { Quiet } from '../engine/notices/timing.ts';
import type { PipelineOptions } from '../engine/pipeline.ts';
import { notifiers } from '../notifiers/catalogue.ts';
import { clock } from '../notifiers/layout.ts';
import type { AlertWords } from './alert-words.ts';
import { approvalKey } from './approval-key.ts';
import type { ChannelConfig, Config } from './config-schema.ts';
import { readSecret } from './secret.ts';

export interface NoticesOptions {
  config: Config['notices'];
  dataFolder: string;
  store: Store;
  health: Health;
  /** Where the server is reached by whoever reads notices; links to answer by are in them then. */
  url?: string | undefined;
  lang: Lang;
  host: string;
  /** What the rule that judged an alert says of it. */
  words: (ruleId: string) => AlertWords;
  now: () => number;
}

/** Sends one notice; what the channel needs is read anew each time. */
export function deliver(channel: ChannelConfig, notice: Notice, signal: AbortSignal): Promise<Outcome> {
  return notifierOf(channel).deliver(notice, channel, { signal, now: Date.now, secret: readSecret });
}

export function notifierOf({ kind }: ChannelConfig): (typeof notifiers)[number] {
  const found = notifiers.find(({ id }) => id === kind);
  if (!found) throw new Error(`expected a kind of channel, got ${kind}`);
  return found;
}

const requestPrefix = 'request:';
const playbookPrefix = 'playbook:';
const incidentPrefix = 'incident:';
const requestIdBytes = 16;
/** Parts of the time that a question has. */
const remindAt = [0.5, 0.9] as const;
const remindLookMs = 30_000;

export class Notices {
  private readonly options: NoticesOptions;
  private readonly outbox: Outbox;
  private readonly channels: readonly ChannelConfig[];
  private key: Buffer | undefined;
  /** Question → how often it was told again. */
  private readonly reminded = new Map<string, number>();

  constructor(options: NoticesOptions) {
    this.options = options;
    const { config, store, health, host, lang, now } = options;
    this.channels = config.channels.filter(({ enabled }) => enabled);
    const channels = this.channels.map((channel): Channel => {
      const notifier = notifierOf(channel);
      return {
        name: channel.name, lang: channel.lang ?? lang, pace: notifier.limits, attaches: notifier.attaches(channel),
        ...(channel.keyword !== undefined && { keyword: channel.keyword }), deliver: (notice, signal) => deliver(channel, notice, signal),
      };
    });
    const quiet = quietOf(config);
    this.outbox = new Outbox({
      channels, queue: store.notices, health, host, now, digestMs: config.digest_seconds * 1000, heldMax: config.queue_max, chance: Math.random,
      newId: () => randomBytes(12).toString('hex'), alert: (id) => (id.startsWith(requestPrefix) ? undefined : store.ledger.alert(id)),
      item: (row, stands, to) => this.itemOf(row, stands, to),
      ...(config.zone !== undefined && { zone: config.zone }), ...(quiet && { quiet }),
    });
  }

  /** For the pipeline; undefined when nobody is to be told. */
  get tap(): PipelineOptions['notices'] {
    if (this.channels.length === 0) return undefined;
    const { config, now } = this.options;
    return { route: (folded: readonly Folded[]) => routed(folded, this.channels, config.queue_max, now()), stored: (rows, kept) => this.outbox.stored(rows, kept) };
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const timer = setInterval(() => this.remind(), remindLookMs);
    try {
      await this.outbox.run(signal);
    } finally { clearInterval(timer); }
  }

  /** Questions that nobody has answered are told again: when half of their time is over, and when a tenth is left. After a restart perhaps once more. */
  remind(): void {
    const now = this.options.now();
    const open = this.options.store.requests.open(now);
    for (const { id, created, expires, level, what } of open) {
      const part = (now - created) / (expires - created);
      const due = remindAt.filter((one) => part >= one).length;
      if (due <= (this.reminded.get(id) ?? 0)) continue;
      this.reminded.set(id, due);
      this.send(`${requestPrefix}${id}#${due}`, 'request', what, level, now);
    }
    const still = new Set(open.map(({ id }) => id));
    for (const id of this.reminded.keys()) if (!still.has(id)) this.reminded.delete(id);
  }

  /** Puts a question to people: it is stored, and told on the channels that take its level and the rule `request`. Returns its id, which nobody must guess. */
  ask(what: Text, level: Level, forMs: number, id = randomBytes(requestIdBytes).toString('hex')): string {
    const { store, now } = this.options;
    const request: ActionRequest = { id, created: now(), expires: now() + forMs, level, what };
    store.requests.add(request);
    this.send(`${requestPrefix}${request.id}`, 'request', what, level, request.created);
    return request.id;
  }

  /** Tells people what a playbook has to say, on the channels that take its level and the rule `playbook`. `id` begins `run:RUN`; the same waits once. */
  tell(id: string, what: Text, level: Level): void { this.send(`${playbookPrefix}${id}`, 'playbook', what, level, this.options.now()); }

  /** Tells people of an incident, on the channels that take its level and the rule `incident`. The same `key` waits once. */
  tellIncident(id: string, key: string, what: Text, level: Level): void { this.send(`${incidentPrefix}${id}:${key}`, 'incident', what, level, this.options.now()); }

  private send(subject: string, rule: string, title: Text, level: Level, time: number): void {
    const { store, host, config, now } = this.options;
    const rows = routedTo({ id: subject, time, last_time: time, level, rule_id: rule, rule_name: rule, title, host, summary: '', count: 1, attack: [], matrix: [], key: '', status: 'open' }, this.channels, config.queue_max, now());
    if (!rows) return;
    store.commit({ events: [], alerts: [], positions: [], notices: rows });
    this.outbox.stored(rows, true);
  }

  /** The answer to a question, by somebody who needs no token. */
  decide(request: string, answer: Answer, by: string): Decision {
    return this.options.store.requests.decide(request, answer, by, this.options.now());
  }

  /** Questions that wait for an answer. */
  requests(): ActionRequest[] { return this.options.store.requests.open(this.options.now()); }

  /** What a token asks, without using it up. */
  look(argument: unknown): { fault: TokenFault } | { request: string; answer: Answer } {
    const verified = verifyToken(this.keyOf(), typeof argument === 'string' ? argument : '', this.options.now());
    return verified.ok ? { request: verified.request, answer: verified.answer } : { fault: verified.fault };
  }

  /** What `moat approve` and `moat reject` ask: { token, answer, by }. */
  answer(argument: unknown): Answered {
    const { token, answer, by } = (typeof argument === 'object' && argument !== null ? argument : {}) as Record<string, unknown>;
    if (typeof token !== 'string' || (answer !== 'approve' && answer !== 'reject')) throw new Error('expected a token and an answer');
    const { store, now } = this.options;
    const verified = verifyToken(this.keyOf(), token, now());
    if (!verified.ok) return { done: false, fault: verified.fault };
    if (verified.answer !== answer) return { done: false, fault: 'other-answer' };
    const decision = store.requests.decide(verified.request, answer, typeof by === 'string' && by !== '' ? by.slice(0, 200) : 'unknown', now(), { id: verified.id, expires: verified.expires });
    const request = store.requests.get(verified.request);
    return decision === 'decided' ? { done: true, request } : { done: false, fault: decision, request };
  }

  private itemOf(row: QueuedNotice, stands: ReturnType<Store['ledger']['alert']>, to: Lang): ReturnType<typeof requestItem> | undefined {
    const { store, host, now, config, lang, words } = this.options;
    if (row.subject.startsWith(playbookPrefix)) return { ...itemOf(row.alert, to, to), next: [`moat playbook runs ${/^playbook:run:([0-9a-z]+)/.exec(row.subject)?.[1] ?? ''}`.trim()] };
    if (row.subject.startsWith(incidentPrefix)) return { ...itemOf(row.alert, to, to), next: [`moat incident show ${row.subject.split(':', 2)[1] ?? ''}`.trim()] };
    if (!row.subject.startsWith(requestPrefix)) return itemOf(stands ?? row.alert, to, lang, words((stands ?? row.alert).rule_id));
    const [id = '', times] = row.subject.slice(requestPrefix.length).split('#');
    const asked = store.requests.get(id);
    // A reminder says that it is one.
    const request = asked && times !== undefined ? { ...asked, what: { zh: `仍在等批准：${asked.what.zh}`, en: `still waits for an answer: ${asked.what.en}` } } : asked;
    if (!request || request.answer !== undefined || request.expires <= now()) return undefined;
    const token = (answer: Answer): string => makeToken(this.keyOf(), request.id, answer, request.expires);
    return requestItem(request, to, host, { approve: token('approve'), reject: token('reject') }, clock(request.expires, config.zone), this.options.url);
  }

  private keyOf(): Buffer { return this.key ??= approvalKey(this.options.dataFolder); }
}

export type Answered = { done: true; request: ActionRequest | undefined } | { done: false; fault: TokenFault | Decision | 'other-answer'; request?: ActionRequest | undefined };

/** Undefined when no hours are quiet. */
function quietOf({ quiet: { from, to, level }, zone }: Config['notices']): Quiet | undefined {
  if (from === undefined || to === undefined) return undefined;
  const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  return { from: minutes(from), to: minutes(to), level, ...(zone !== undefined && { zone }) };
}

/** What `moat notify test` sends. */
export function testNotice({ lang, keyword }: { lang: Lang; keyword?: string | undefined }, host: string, zone: string | undefined): Notice {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const now = Date.now();
  return {
    id: randomBytes(12).toString('hex'), time: now, lang, level: 'info', host, dropped: 0, ...(keyword !== undefined && { keyword }), ...(zone !== undefined && { zone }),
    items: [{ id: 'test', level: 'info', title: t('这是一条测试通知', 'this is a test'), host, time: now, last: now, count: 1, facts: [], means: t('收到它说明这个渠道可用', 'that you read it means that this channel works'), next: ['moat notify list'] }],
  };
}

/** The channels that were asked for. Throws MoatError 'unknown-channel'. */
export function channelsNamed({ channels }: Config['notices'], name: string | undefined): ChannelConfig[] {
  const found = channels.filter((channel) => (name === undefined ? channel.enabled : channel.name === name));
  if (found.length > 0) return found;
  throw new MoatError('unknown-channel', channels.length === 0 ? 'expected a channel in notices.channels, got none' : `expected one of ${channels.map((one) => one.name).join(', ')}, got ${name ?? 'none that is enabled'}`, { hint: 'docs/guide/notices.md shows how to write one' });
}
