/** Answers alerts by itself, as far as the mode lets it: each link that fits fires once for as long as what it did holds. */
import type { ActionErrorCode, Receipt, ResponseStore } from '../../core/action.ts';
import type { Alert } from '../../core/alert.ts';
import type { MoatError } from '../../core/error.ts';
import type { Value } from '../../core/playbook.ts';
import type { Log } from '../../core/ports.ts';
import { type Network, network6Of, parseNetwork } from '../../core/networks.ts';
import { allows, banMs, fits, inputOf, matches, type BanTimes, type Link, type Mode } from './linkage.ts';
import type { Runner } from './runner.ts';
import { isOfMany } from './shared.ts';

/** The first that fits an alert's rule decides. */
export interface ModeOverride { rule: string; mode: Mode }

/** `prefix`: IPv6 addresses that begin with so many equal bits are of one network; `after` so many of them within `withinMs`, and the network is answered instead. */
export interface Widening { prefix: number; after: number; withinMs: number }

export interface ResponderSettings { mode: Mode; overrides: readonly ModeOverride[]; links: readonly Link[]; ban: BanTimes; widening?: Widening }

export interface ResponderOptions {
  runner: Pick<Runner, 'run'>;
  store: ResponseStore;
  log: Log;
  now: () => number;
  count: (what: string, n?: number) => void;
  /** Until when nothing is done by itself, Unix ms; 0 when it is not paused. */
  pausedUntil: () => number;
  /** Whether many people come from an address: nobody but a person cuts it off or slows it down. */
  isShared?: ((address: string) => boolean) | undefined;
  /** Whether somebody who must not be cut off is in a network: this machine, the operator, who is on the allow list. None is widened to when undefined. */
  holdsOurs?: ((network: Network) => boolean) | undefined;
}

/** An old log that is read for the first time tells of attacks that are over. */
const freshMs = 10 * 60_000;
const rememberedMost = 50_000;
const waitingMost = 10_000;
/** What was refused or failed is not tried again at each repeat. */
const againMs = 60_000;
const askAgainMs = 10 * 60_000;
/** IPv6 networks, and addresses of each, that are remembered. */
const networksMost = 20_000;
const addressesMost = 1000;

export class Responder {
  private readonly options: ResponderOptions;
  private settings: ResponderSettings;
  /** What was answered → until when the store need not be asked again, Unix ms; oldest first. */
  private readonly answered = new Map<string, number>();
  private readonly running = new Set<Promise<unknown>>();
  /** IPv6 network → its addresses that were to be answered, and when last; longest without one first. */
  private readonly neighbours = new Map<string, Map<string, number>>();

  constructor(options: ResponderOptions, settings: ResponderSettings) {
    this.options = options;
    this.settings = settings;
  }

  configure(settings: ResponderSettings): void { this.settings = settings; }

  /** Alerts that are new or have grown. Returns at once; what it begins is counted when it fails. */
  onAlerts(alerts: Iterable<Alert>): void {
    const now = this.options.now();
    for (const alert of alerts) {
      if (alert.status === 'closed' || now - alert.last_time > freshMs) continue;
      const mode = this.modeFor(alert.rule_id);
      if (mode === 'observe') continue;
      for (const link of this.settings.links) {
        if (!allows(mode, link.mode) || !fits(link, alert)) continue;
        const input = inputOf(link, alert);
        if (input === undefined) continue;
        if (this.options.pausedUntil() > now) { this.options.count('not done while paused'); continue; }
        for (const one of this.sourcesOf(link, alert, input, now)) {
          const { address } = one;
          if (typeof address === 'string' && isOfMany(address.replace(/\/.*$/, ''), alert, this.options.isShared)) { this.options.count(`${link.id} not done, many share the address`); continue; }
          this.begin(link, alert, one, now);
        }
      }
    }
  }

  modeFor(rule: string): Mode {
    return this.settings.overrides.find((one) => matches(one.rule, rule))?.mode ?? this.settings.mode;
  }

  /** How much it remembers; bounded. */
  get size(): number { return this.answered.size; }

  /** Waits for what was begun. */
  async settled(): Promise<void> { await Promise.allSettled(this.running); }

  /**
   * Who is to be answered: the address of the alert; of IPv6 each address of its network that the alert lately tells of, and the network
   * itself once they are several. How many they were is counted anew after a start.
   */
  private sourcesOf(link: Link, alert: Alert, input: Record<string, Value>, now: number): Record<string, Value>[] {
    const { widening } = this.settings;
    const { address } = input;
    if (typeof address !== 'string' || link.input['address'] !== 'source_ip') return [input];
    const network = widening && network6Of(address, widening.prefix);
    // Of an alert that many addresses make grow, each is answered for what it did itself, and lately.
    const met = new Map<string, number>();
    for (const { source_ip: other, time } of alert.evidence) if (typeof other === 'string' && typeof time === 'number' && (other === address || (network !== undefined && network6Of(other, widening!.prefix) === network))) met.set(other, Math.max(time, met.get(other) ?? 0));
    // It keeps the first and last few events: where these name others alone, it is not this address that makes it grow.
    if (!alert.evidence.some(({ source_ip: other }) => typeof other === 'string')) met.set(address, now);
    const lately = [...met].filter(([, time]) => now - time <= freshMs).map(([other]) => other);
    if (lately.length === 0) return [];
    if (widening === undefined || network === undefined) return [input];
    const single = lately.map((one) => ({ ...input, address: one }));
    if (this.meet(network, met, widening, now) < widening.after) return single;
    const whole = parseNetwork(network);
    const isOurs = whole === undefined || this.options.holdsOurs?.(whole) !== false;
    if (!isOurs) return [{ ...input, address: network }];
    this.options.count(`${link.id}: single addresses, somebody of ours may be in their network`);
    return single;
  }

  /** How many addresses of this network were to be answered lately. */
  private meet(network: string, addresses: ReadonlyMap<string, number>, { withinMs }: Widening, now: number): number {
    const met = this.neighbours.get(network) ?? new Map<string, number>();
    for (const [address, time] of addresses) met.set(address, Math.min(now, Math.max(time, met.get(address) ?? 0)));
    for (const [address, time] of met) if (now - time > withinMs || met.size > addressesMost) met.delete(address);
    this.neighbours.delete(network);
    this.neighbours.set(network, met);
    for (const oldest of this.neighbours.keys()) { if (this.neighbours.size <= networksMost) break; this.neighbours.delete(oldest); }
    return met.size;
  }

  private begin(link: Link, alert: Alert, input: Record<string, Value>, now: number): void {
    // Two rules about one address are one ban.
    const key = `${link.action} ${JSON.stringify(input)}`;
    if ((this.answered.get(key) ?? 0) > now) return;
    if (this.running.size >= waitingMost) { this.options.count('not done, too many at once'); return; }
    this.remember(key, now + againMs);
    const work = this.answer(link, alert, input, now, key).catch((error: unknown) => {
      const { code, message } = error as MoatError<ActionErrorCode>;
      this.options.count(`${link.id} ${code ?? 'failed'}`);
      if (code !== 'refused') this.options.log.warn(`${link.id}: ${message}`);
    });
    this.running.add(work);
    void work.finally(() => this.running.delete(work));
  }

  private async answer(link: Link, alert: Alert, input: Record<string, Value>, now: number, key: string): Promise<void> {
    const standing = this.standing(link, input, alert, now);
    if (standing !== undefined) { this.remember(key, Math.min(standing, now + askAgainMs)); return; }
    const until = this.until(link, input, now);
    const why = `${link.title.en}: ${alert.summary}`;
    const by = `link:${link.id}`;
    // A playbook may do the same at this moment: one of them does it, and its receipt tells of both.
    const receipt = await this.options.runner.run({
      action: link.action, input: { ...input, why, by, ...(until !== undefined && { until }) }, by, why, from: alert.id, via: 'engine', joins: link.for === 'escalating' ? 'standing' : 'as-long', ...(until !== undefined && { until }),
    });
    this.remember(key, Math.min(receipt.until ?? Number.POSITIVE_INFINITY, now + askAgainMs));
  }

  private remember(key: string, until: number): void {
    this.answered.delete(key);
    this.answered.set(key, until);
    if (this.answered.size <= rememberedMost) return;
    for (const oldest of this.answered.keys()) { this.answered.delete(oldest); return; }
  }

  /** Until when what was done before still answers it; undefined when it is to be done. What a person took back for this very alert stays so. */
  private standing(link: Link, input: Record<string, Value>, alert: Alert, now: number): number | undefined {
    const address = input['address'];
    if (link.action === 'block-address' && typeof address === 'string') {
      // What comes from within a network that is blocked was on its way before.
      const { widening } = this.settings;
      for (const at of [address, widening && network6Of(address, widening.prefix)]) {
        const block = at === undefined ? undefined : this.options.store.block(at);
        if (block?.active && (block.until === undefined || block.until > now)) return block.until ?? Number.POSITIVE_INFINITY;
      }
    }
    const mine = this.options.store.receipts({ action: link.action, from: alert.id, limit: 20 });
    if (mine.some(takenBackByPerson) || this.runsTookBack(link.action, alert.id)) return Number.POSITIVE_INFINITY;
    // What is blocked was looked up; anything else that was done for this alert stands until it is taken back.
    return link.action !== 'block-address' && mine.some((one) => one.status === 'applied' && isAbout(one, input)) ? Number.POSITIVE_INFINITY : undefined;
  }

  /** What a playbook did for this alert, and a person took back. */
  private runsTookBack(action: string, alert: string): boolean {
    const { store } = this.options;
    return store.playbookRuns({ alert, limit: 20 }).some(({ receipts }) => receipts.some((id) => {
      const receipt = store.receipt(id);
      return receipt?.action === action && takenBackByPerson(receipt);
    }));
  }

  private until(link: Link, input: Record<string, Value>, now: number): number | undefined {
    if (link.for === undefined) return undefined;
    if (link.for !== 'escalating') return now + link.for;
    const address = input['address'];
    return now + banMs(this.settings.ban, typeof address === 'string' ? this.options.store.block(address)?.times ?? 0 : 0);
  }
}

/** An alert goes on with another process when its program is started anew: what was done to the one before does not answer it. */
function isAbout({ target, created }: Receipt, { pid, started }: Readonly<Record<string, Value>>): boolean {
  return typeof pid !== 'number' || (target === `pid ${pid}` && (typeof started !== 'number' || created >= started));
}

export const takenBackByPerson = ({ status, history }: Receipt): boolean => status === 'undone' && history.at(-1)?.by.startsWith('operator') === true;
