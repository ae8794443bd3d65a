/**
 * Sends what waits: bursts as one notice, within each channel's limits, again after a failure, the same notice again after a crash.
 * The queue on disk is the truth; while the disk is full, what comes is held in memory, since a full disk must not silence anybody.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Alert } from '../../core/alert.ts';
import { levels, type Level } from '../../core/level.ts';
import type { ChannelState, Notice, NoticeItem, NoticeQueue, NoticeRow, NoticeRows, Outcome, QueuedNotice } from '../../core/notice.ts';
import type { Lang } from '../../core/text.ts';
import type { Health } from '../health.ts';
import { allowedAt, backOff, toldNow, withSent, type Pace, type Quiet } from './timing.ts';

export interface Channel {
  name: string;
  lang: Lang;
  keyword?: string;
  pace: Pace;
  /** The alerts whole go with it. */
  attaches: boolean;
  /** What it throws is taken for a refusal that nobody understands. */
  deliver(notice: Notice, signal: AbortSignal): Promise<Outcome>;
}

export interface OutboxOptions {
  channels: readonly Channel[];
  queue: NoticeQueue;
  health: Health;
  /** The alert as it stands now. */
  alert: (id: string) => Alert | undefined;
  /** What a row says; undefined when there is nothing to tell any more. */
  item: (row: QueuedNotice, now: Alert | undefined, lang: Lang) => NoticeItem | undefined;
  host: string;
  zone?: string;
  quiet?: Quiet;
  /** Between two notices of a channel, ms; critical ones do not wait for it. */
  digestMs: number;
  /** Rows held in memory for a channel while the disk is full. */
  heldMax: number;
  now: () => number;
  /** 0–1. */
  chance: () => number;
  newId: () => string;
  /** Resolves after so many ms or at the signal; tests let time pass by itself. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

interface Desk {
  channel: Channel;
  state: ChannelState;
  /** Begun and not known to have arrived. */
  current: { id: string; rows: QueuedNotice[]; dropped: number } | undefined;
  /** What could not be stored. */
  held: QueuedNotice[];
  /** Rows that arrived while the disk was full: they wait there still, and go with the next ones. */
  arrived: Set<number>;
  wake: (() => void) | undefined;
}

/** Time for what belongs together to come together. */
const gatherMs = 3000, gatherCriticalMs = 1000;
/** Between two notices of which the later one is critical. */
const criticalGapMs = 5000;
const longestSleepMs = 30_000;
/** A flood of alerts must not have the queue looked at for each. */
const lookEveryMs = 250;
const againMs = 5000, longestAgainMs = 15 * 60_000;
const refusedAgainMs = 60_000, longestRefusedMs = 3_600_000;
/** After so many refusals that nobody understands the notice itself is taken to be at fault. */
const unknownMax = 10;
const longestHoldMs = 3_600_000;
/** Shorter than the agent waits for its parts to end. */
const lastWordsMs = 3000;
const attachmentMax = 2 ** 20;

const fresh = (): ChannelState => ({ sent: 0, refused: 0, tries: 0, notBefore: 0, window: [] });

export class Outbox {
  private readonly options: OutboxOptions;
  private readonly desks: ReadonlyMap<string, Desk>;

  constructor(options: OutboxOptions) {
    this.options = options;
    const { queue, health, channels } = options;
    this.keep(() => {
      const gone = queue.keepOnly(channels.map(({ name }) => name));
      if (gone > 0) health.count('notices', 'waited for a channel that is not configured any more', gone);
    });
    this.desks = new Map(channels.map((channel) => [channel.name, this.open(channel)]));
  }

  private open(channel: Channel): Desk {
    const state = this.options.queue.state(channel.name) ?? fresh();
    const underWay = this.options.queue.underWay(channel.name);
    // A refused channel may be the reason why the configuration was changed.
    if (state.isRefused === true) Object.assign(state, { notBefore: 0, tries: 0 });
    // It may have left just before the end.
    if (underWay) state.window = withSent(state.window, this.options.now());
    this.tellHealth(channel.name, state);
    return { channel, state, current: underWay && { id: underWay.id, rows: underWay.rows, dropped: underWay.dropped }, held: [], arrived: new Set(), wake: undefined };
  }

  /** After the commit that brought them; `kept` is false when the disk was full. */
  stored({ rows }: NoticeRows, kept: boolean): void {
    for (const row of rows) {
      const desk = this.desks.get(row.channel);
      if (!desk) continue;
      if (!kept) this.hold(desk, row);
      desk.wake?.();
    }
  }

  private hold(desk: Desk, row: QueuedNotice): void {
    desk.held.push(row);
    if (desk.held.length <= this.options.heldMax) return;
    let mildest = 0;
    for (let i = 1; i < desk.held.length; i++) if (levels.indexOf(desk.held[i]!.level) < levels.indexOf(desk.held[mildest]!.level)) mildest = i;
    desk.held.splice(mildest, 1);
    this.options.health.count('notices', `${desk.channel.name}: dropped while the disk was full`);
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    // What is on its way is let arrive, so that it need not go twice.
    const cut = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    signal.addEventListener('abort', () => { timer = setTimeout(() => cut.abort(), lastWordsMs); }, { once: true });
    await Promise.all([...this.desks.values()].map((desk) => this.serve(desk, signal, cut.signal)));
    clearTimeout(timer);
    for (const { held, channel } of this.desks.values()) if (held.length > 0) this.options.health.count('notices', `${channel.name}: not sent before the end of a full disk`, held.length);
  }

  private async serve(desk: Desk, signal: AbortSignal, cut: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let waitMs = longestSleepMs;
      try {
        const dueIn = this.dueIn(desk);
        if (dueIn <= 0) {
          if (await this.send(desk, cut)) continue;
          waitMs = lookEveryMs;
        } else waitMs = Math.min(dueIn, longestSleepMs);
      } catch (error) {
        if (signal.aborted) return;
        this.options.health.state(part(desk.channel.name), 'blind', { zh: `通知队列出错：${(error as Error).message}`, en: `the queue of notices failed: ${(error as Error).message}` });
      }
      await this.rest(desk, waitMs, signal);
    }
  }

  /** Until the time is over, something new comes, or the signal. */
  private async rest(desk: Desk, ms: number, signal: AbortSignal): Promise<void> {
    const { sleep = asLong } = this.options;
    const woken = new AbortController();
    desk.wake = () => woken.abort();
    const quick = Math.min(ms, lookEveryMs);
    await sleep(quick, signal);
    if (ms > quick && !woken.signal.aborted) await sleep(ms - quick, AbortSignal.any([signal, woken.signal]));
    desk.wake = undefined;
  }

  /** Milliseconds until the next notice may go; Infinity when nothing waits. */
  private dueIn(desk: Desk): number {
    const { now, queue, quiet, digestMs } = this.options;
    const { state, channel, current, held, arrived } = desk;
    const at = now();
    // A clock that was set back must not hold anything.
    if (state.notBefore > at + longestHoldMs * 1.1) state.notBefore = 0;
    const lastSent = state.lastSent !== undefined && state.lastSent <= at ? state.lastSent : 0;
    const may = new Set(toldNow(quiet, at));
    let due = Infinity;
    if (current) {
      if (current.rows.length === 0 || current.rows.some(({ level }) => may.has(level))) due = at;
    } else {
      // What arrived while the disk was full stands there still.
      const stored = arrived.size === 0 ? queue.waiting(channel.name) : queue.rows(channel.name, levels).filter(({ seq }) => !arrived.has(seq)).map(({ level, time }) => ({ level, since: time }));
      const waiting = [...stored, ...held.map(({ level, time }) => ({ level, since: time }))];
      for (const { level, since } of waiting) {
        if (!may.has(level)) continue;
        const isCritical = level === 'critical';
        due = Math.min(due, Math.max(Math.min(since, at) + (isCritical ? gatherCriticalMs : gatherMs), lastSent + (isCritical ? Math.min(criticalGapMs, digestMs) : digestMs)));
      }
    }
    if (due === Infinity) return Infinity;
    return Math.max(due, state.notBefore, allowedAt(state.window, channel.pace, at)) - at;
  }

  /** False when there was nothing to send after all. */
  private async send(desk: Desk, signal: AbortSignal): Promise<boolean> {
    const { now, queue, chance, health } = this.options;
    const { channel, state } = desk;
    const current = desk.current ?? this.begin(desk);
    if (!current) return false;
    const notice = this.compose(channel, current);
    let outcome: Outcome = { kind: 'sent' };
    // Questions may have been answered meanwhile; then nothing is left to tell.
    if (notice) {
      try {
        outcome = await channel.deliver(notice, signal);
      } catch (error) {
        if (signal.aborted) return true;
        const { message } = error as Error;
        outcome = { kind: 'refused', about: 'unknown', code: 'error', what: { zh: message, en: message } };
      }
      if (signal.aborted && outcome.kind !== 'sent') return true;
      state.window = withSent(state.window, now());
    }
    delete state.isRefused;
    if (outcome.kind === 'sent') {
      if (notice) {
        state.sent++;
        state.lastSent = now();
      }
      this.finish(desk, true);
    } else {
      state.tries++;
      state.lastError = { time: now(), code: outcome.code, what: outcome.what };
      const isHopeless = outcome.kind === 'refused' && (outcome.about === 'notice' || (outcome.about === 'unknown' && state.tries >= unknownMax));
      if (isHopeless) {
        state.refused++;
        state.notBefore = now();
        health.count('notices', `${channel.name}: refused, given up`);
        this.finish(desk, false);
      } else {
        state.notBefore = now() + this.waitMs(outcome, state.tries, chance());
        if (outcome.kind === 'refused') state.isRefused = true;
        this.keep(() => queue.setState(channel.name, state));
      }
    }
    this.tellHealth(channel.name, state);
    return true;
  }

  private waitMs(outcome: Exclude<Outcome, { kind: 'sent' }>, tries: number, chance: number): number {
    if (outcome.kind === 'refused') return outcome.about === 'channel' ? backOff(tries, refusedAgainMs, longestRefusedMs, chance) : backOff(tries, againMs, longestAgainMs, chance);
    // As long as was asked for, and a little more, that not all come back in one moment.
    if (outcome.ms !== undefined) return Math.min(outcome.ms, longestHoldMs) * (1 + chance / 20) + chance * 1000;
    return backOff(tries, againMs, longestAgainMs, chance);
  }

  /** Takes all that may be told now into one notice. */
  private begin(desk: Desk): Desk['current'] {
    const { queue, now, quiet, newId } = this.options;
    const { channel: { name }, state, held, arrived } = desk;
    const may = toldNow(quiet, now());
    const stored = queue.rows(name, may).filter(({ seq }) => !arrived.has(seq));
    const fromHeld = held.filter(({ level }) => may.includes(level));
    if (stored.length === 0 && fromHeld.length === 0) return undefined;
    const current = { id: newId(), rows: [...stored, ...fromHeld], dropped: queue.dropped(name).untold };
    desk.held = held.filter((row) => !fromHeld.includes(row));
    desk.current = current;
    state.tries = 0;
    const isStored = this.keep(() => queue.begin(name, current.id, [...stored.map(({ seq }) => seq), ...arrived], state));
    if (isStored) arrived.clear();
    return current;
  }

  private finish(desk: Desk, arrived: boolean): void {
    const { queue } = this.options;
    const { current, channel, state } = desk;
    state.tries = 0;
    desk.current = undefined;
    if (!this.keep(() => queue.end(channel.name, state, arrived))) for (const row of (current?.rows ?? []) as Partial<NoticeRow>[]) if (row.seq !== undefined) desk.arrived.add(row.seq);
  }

  /** Only a full disk or the like makes it false: what is in memory goes on. */
  private keep(write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      this.options.health.count('notices', `not stored: ${(error as { code?: string }).code ?? 'error'}`);
      return false;
    }
  }

  private compose(channel: Channel, { id, rows, dropped }: NonNullable<Desk['current']>): Notice | undefined {
    const { alert, item, host, zone, now } = this.options;
    const told = rows.flatMap((row) => {
      const stands = alert(row.subject);
      const what = item(row, stands, channel.lang);
      return what ? [{ what, stands }] : [];
    }).sort((a, b) => levels.indexOf(b.what.level) - levels.indexOf(a.what.level) || a.what.time - b.what.time);
    if (told.length === 0) return undefined;
    const level: Level = told[0]!.what.level;
    const hosts = new Set(told.map(({ what }) => what.host));
    return {
      // Logs of other machines may be read here.
      id, time: now(), lang: channel.lang, level, host: hosts.size === 1 ? told[0]!.what.host : host, dropped, items: told.map(({ what }) => what),
      ...(channel.keyword !== undefined && { keyword: channel.keyword }), ...(zone !== undefined && { zone }),
      ...(channel.attaches && { attachment: { name: `moat-${id}.json`, type: 'application/json', content: attachmentOf(told.flatMap(({ stands }) => (stands ? [stands] : []))) } }),
    };
  }

  private tellHealth(name: string, state: ChannelState): void {
    const { health } = this.options;
    const { tries, lastError } = state;
    if (tries === 0 || lastError === undefined) { health.state(part(name), 'live'); return; }
    const what = { zh: `${lastError.what.zh}（${lastError.code}）`, en: `${lastError.what.en} (${lastError.code})` };
    health.state(part(name), state.isRefused === true ? 'blind' : 'waiting', what);
  }
}

const asLong = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, undefined, { signal }).catch(() => undefined);

const part = (name: string): string => `notices ${name}`;

/** The worst that fit, one a line. */
function attachmentOf(alerts: readonly Alert[]): string {
  const lines: string[] = [];
  let size = 0;
  for (const alert of alerts) {
    const line = JSON.stringify(alert);
    size += line.length + 1;
    if (size > attachmentMax) break;
    lines.push(line);
  }
  return `[\n${lines.join(',\n')}\n]\n`;
}
