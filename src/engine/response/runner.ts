/**
 * Does actions and takes them back. What is about to be done is on disk before the first step, so that after a crash at any point
 * the next start finishes it or goes back; every step is in the audit log.
 */
import { randomBytes } from 'node:crypto';
import type { Action, ActionContext, ActionErrorCode, Asked, Plan, PlanOptions, Receipt, ReceiptStatus, ResponseStore, Verdict } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import type { Log } from '../../core/ports.ts';
import type { Journal } from './journal.ts';

export interface RunnerOptions {
  actions: readonly Action[];
  store: ResponseStore;
  journal: Journal;
  log: Log;
  now: () => number;
  count: (what: string, n?: number) => void;
  /** How long an action is told that it has; 60 s when undefined. One that does not end a while after that is given up. */
  actionMs?: number;
}

/**
 * `via`: the way it was asked, for the audit log. `joins`: where the same was done to the same target and stands, nothing is done again;
 * that receipt tells who wanted it too. `standing`: however long that one holds yet; `as-long`: when it holds as long as this one would.
 */
export interface Wanted extends Asked { action: string; input: unknown; via: string; force?: boolean; joins?: 'standing' | 'as-long' | undefined }

/** An action, and what it found out; kept between showing a plan and doing it. */
export interface Planned { action: Action; plan: Plan }

const usualActionMs = 60_000;
/** What does not heed the signal is given up this much of its time later: a disk or a program that hangs must not hold its target for ever. */
const grace = 0.5;
const whyMax = 1000;
const noteMax = 500;
const waitingMax = 20_000;
/** One that cannot be taken back is tried again so much later. */
const retryMs = 60_000;

export class Runner {
  private readonly options: RunnerOptions;
  private readonly actions: ReadonlyMap<string, Action>;
  /** The last that waits for each target: one at a time. */
  private readonly targets = new Map<string, Promise<unknown>>();
  private readonly later = new Map<string, number>();
  /** Being taken back because their time is over. */
  private readonly ending = new Set<string>();
  private readonly ended = new AbortController();
  private running = 0;

  constructor(options: RunnerOptions) {
    this.options = options;
    this.actions = new Map(options.actions.map((action) => [action.id, action]));
  }

  /** What it would do. Throws MoatError 'unknown-action', 'bad-input', 'refused' or 'not-there'. */
  async plan(action: string, input: unknown, options: Partial<PlanOptions> = {}): Promise<Planned> {
    const found = this.action(action);
    return { action: found, plan: await this.inTime(found.plan(found.parse(input), { force: options.force ?? false, now: this.options.now() })) };
  }

  /** Plans and does it. Rejects when it is refused or was not done; then nothing of it is left. The receipt is another's (another `from`) when it joined. */
  async run(wanted: Wanted): Promise<Receipt> {
    if (this.running >= waitingMax) throw new MoatError<ActionErrorCode>('busy', `expected at most ${waitingMax} actions at a time`);
    this.running++;
    try {
      const found = this.action(wanted.action);
      const asked = found.parse(wanted.input);
      if (wanted.joins !== undefined) {
        const target = targetOf(found, asked);
        // Who looks whether it was done must be the one who does it: nobody else comes in between.
        if (target !== undefined) return await this.exclusively(target, async () => await this.joined(found, target, wanted) ?? await this.carryOut(found, await this.planOrTell(found, asked, wanted), wanted));
      }
      const first = await this.planOrTell(found, asked, wanted);
      // Behind another one it is planned anew when it is its turn: what was before must be what it finds.
      const isFirst = !this.targets.has(first.target);
      return await this.exclusively(first.target, async () => this.carryOut(found, isFirst ? first : await this.planOrTell(found, asked, wanted, first), wanted));
    } finally { this.running--; }
  }

  /** The receipt of the same thing, done by others and standing; it tells now who wanted it too. Undefined when it is yet to be done. Throws 'unknown-action' or 'bad-input'. */
  async join(wanted: Wanted): Promise<Receipt | undefined> {
    const found = this.action(wanted.action);
    const target = targetOf(found, found.parse(wanted.input));
    return target === undefined ? undefined : await this.exclusively(target, () => this.joined(found, target, wanted));
  }

  /** Takes it back. Throws MoatError 'no-receipt', 'not-reversible' or what the action throws. */
  async undo(id: string, asked: { by: string; via: string; why: string }): Promise<Receipt> {
    const receipt = this.receipt(id);
    return await this.exclusively(receipt.target, () => this.takeBack(this.receipt(id), asked));
  }

  /** A person says that it may stay; it would have been taken back by itself. Throws MoatError 'no-receipt', 'changed' or what the action throws. */
  async confirm(id: string, asked: { by: string; via: string; why: string }): Promise<Receipt> {
    return await this.exclusively(this.receipt(id).target, async () => {
      const receipt = this.receipt(id);
      const action = this.action(receipt.action);
      if (receipt.status !== 'applied' || action.confirmed === undefined) throw new MoatError<ActionErrorCode>('changed', `expected something that waits to be confirmed, ${receipt.action} ${receipt.target} is ${receipt.status}`);
      if (receipt.until !== undefined && receipt.until <= this.options.now()) throw new MoatError<ActionErrorCode>('changed', 'the time in which it could be confirmed is over: it is taken back');
      const { state, until } = action.confirmed(receipt.state);
      const { until: _, ...rest } = receipt;
      // On disk first: after a crash here the next start brings the machine to it.
      const next = await this.settle({ ...rest, state, ...(until !== undefined && { until }) }, 'applied', { ...asked, why: asked.why || 'confirmed' }, 'confirmed');
      await this.inTime(action.apply(state, this.context(next)));
      return next;
    });
  }

  /** After a start: what the machine forgets when it is started anew is put back. Returns what could not be. */
  async restore(actions: readonly string[]): Promise<{ receipt: Receipt; error: Error }[]> {
    const now = this.options.now();
    const standing = actions.flatMap((action) => this.options.store.receipts({ action, status: ['applied'], limit: waitingMax })).filter(({ until }) => until === undefined || until > now);
    const failed: { receipt: Receipt; error: Error }[] = [];
    for (const receipt of standing) {
      await this.exclusively(receipt.target, () => this.inTime(this.action(receipt.action).apply(receipt.state, this.context(receipt)))).catch((error: unknown) => failed.push({ receipt, error: error as Error }));
    }
    return failed;
  }

  /** Looks whether what was done still holds. */
  async verify(id: string): Promise<Verdict> {
    const receipt = this.receipt(id);
    return await this.inTime(this.action(receipt.action).verify(receipt.state, this.context(receipt)));
  }

  /** After a start: what was cut off is finished or taken back, as its action says. */
  async recover(): Promise<Receipt[]> {
    const cut = this.options.store.receipts({ status: ['applying', 'undoing'], limit: waitingMax });
    return await Promise.all(cut.map((receipt) => this.exclusively(receipt.target, async () => {
      const asked = { by: 'start', via: 'engine', why: 'Moat was ended in the middle of it' };
      const action = this.actions.get(receipt.action);
      if (action === undefined) return await this.settle(receipt, 'stuck', asked, 'this version does not know the action');
      if (receipt.status === 'undoing' || action.halfDone === 'undo') return await this.goBack(receipt, action, receipt.status === 'undoing' ? 'undone' : 'failed', asked, asked.why);
      return await this.finish(receipt, action, asked);
    }).catch((error: unknown) => {
      this.options.log.warn(`${receipt.action} ${receipt.target}: ${(error as Error).message}`);
      return receipt;
    })));
  }

  /** Takes back what has had its time. */
  async tick(): Promise<void> {
    const now = this.options.now();
    await Promise.all(this.options.store.due(now).filter(({ id }) => (this.later.get(id) ?? 0) <= now && !this.ending.has(id)).map(async ({ id }) => {
      this.ending.add(id);
      try {
        await this.exclusively(this.receipt(id).target, async () => {
          const receipt = this.receipt(id);
          // Confirmed in the very last moment, while this waited for it: it stays.
          if ((receipt.until ?? Number.POSITIVE_INFINITY) <= now) await this.takeBack(receipt, { by: 'clock', via: 'engine', why: 'its time is over' });
        });
        this.later.delete(id);
      } catch (error) {
        this.options.log.warn((error as Error).message);
        if (this.later.size < waitingMax) this.later.set(id, now + retryMs);
      } finally { this.ending.delete(id); }
    }));
  }

  /** Waits for what is being done; nothing new begins that was not asked for yet. */
  async close(): Promise<void> {
    await Promise.allSettled(this.targets.values());
    this.ended.abort();
  }

  /** In the turn of its target only. */
  private async joined(action: Action, target: string, wanted: Wanted): Promise<Receipt | undefined> {
    const { store, journal, now } = this.options;
    const [standing] = store.receipts({ action: action.id, target, status: ['applied'], limit: 1 });
    if (standing === undefined || !standing.reversible || (standing.until ?? Number.POSITIVE_INFINITY) <= now()) return undefined;
    if (wanted.joins === 'as-long' && (standing.until ?? Number.POSITIVE_INFINITY) < (wanted.until ?? Number.POSITIVE_INFINITY)) return undefined;
    if ((await this.inTime(action.verify(standing.state, this.context(standing)))).is !== 'finished') return undefined;
    const { by, via, why } = wanted;
    if (standing.from === wanted.from || standing.history.some((one) => one.by === by && one.note !== undefined)) return standing;
    const time = now();
    const next: Receipt = { ...standing, changed: time, history: [...standing.history.slice(-20), { time, status: 'applied', by, note: `wanted too: ${why}`.slice(0, noteMax) }] };
    await journal.write({ receipts: [next], audit: [{ time, by, via, operation: `join ${action.id}`, target, why, result: `it stands already, by ${standing.by}: ${standing.id}` }] });
    return next;
  }

  private async planOrTell<P, S>(action: Action<P, S>, asked: P, wanted: Wanted, before?: Plan<S>): Promise<Plan<S>> {
    try {
      const plan = await this.inTime(action.plan(asked, { force: wanted.force ?? false, now: this.options.now() }));
      if (before && before.target !== plan.target) throw new MoatError<ActionErrorCode>('changed', `expected ${before.target}, which has become ${plan.target} meanwhile`);
      return plan;
    } catch (error) {
      const { code, message } = error as MoatError;
      await this.options.journal.write({ audit: [{ time: this.options.now(), by: wanted.by, via: wanted.via, operation: action.id, target: before?.target ?? JSON.stringify(wanted.input)?.slice(0, noteMax) ?? '', why: wanted.why, result: `${code ?? 'failed'}: ${message}` }] });
      throw error;
    }
  }

  private async carryOut(action: Action, plan: Plan, wanted: Wanted): Promise<Receipt> {
    const now = this.options.now();
    const { by, why, from } = wanted;
    const until = wanted.until === undefined || plan.until === undefined ? wanted.until ?? plan.until : Math.min(wanted.until, plan.until);
    const receipt: Receipt = {
      id: `${now.toString(36)}${randomBytes(5).toString('hex')}`, action: action.id, target: plan.target, title: plan.title, status: 'applying', steps: plan.steps, risk: plan.risk, reversible: plan.reversible, state: plan.state,
      by, why: why.slice(0, whyMax), ...(from !== undefined && { from }), ...(until !== undefined && { until }), created: now, changed: now, history: [{ time: now, status: 'applying', by }],
    };
    await this.options.journal.write({ receipts: [receipt] });
    return await this.finish(receipt, action, wanted);
  }

  private async finish(receipt: Receipt, action: Action, asked: { by: string; via: string; why: string }): Promise<Receipt> {
    const current = { receipt };
    try {
      const context = this.context(current.receipt, (state) => { current.receipt = { ...current.receipt, state }; });
      await this.inTime(action.apply(current.receipt.state, context));
      const verdict = await this.inTime(action.verify(current.receipt.state, context));
      if (verdict.is !== 'finished') throw new MoatError<ActionErrorCode>('failed', verdict.evidence.en);
      return await this.settle({ ...current.receipt, verdict }, 'applied', asked);
    } catch (error) {
      const { message, code } = error as MoatError;
      // It may still be at it: going back meanwhile would make a mess of both.
      const back = code === 'hung' ? await this.settle({ ...current.receipt, error: message }, 'stuck', asked, message) : await this.goBack(current.receipt, action, 'failed', asked, message);
      throw new MoatError<ActionErrorCode>('failed', back.status === 'stuck' ? `${message}; and it could not be taken back: ${back.error ?? ''}` : message, { cause: error, hint: back.status === 'stuck' ? `look at: moat actions show ${receipt.id}` : (error as MoatError).hint ?? 'nothing was changed' });
    }
  }

  private async takeBack(receipt: Receipt, asked: { by: string; via: string; why: string }): Promise<Receipt> {
    if (receipt.status === 'undone' || receipt.status === 'failed') return receipt;
    const action = this.action(receipt.action);
    if (!receipt.reversible) throw new MoatError<ActionErrorCode>('not-reversible', `${receipt.action} ${receipt.target} cannot be taken back`);
    const begun = await this.settle(receipt, 'undoing', asked, undefined, false);
    const done = await this.goBack(begun, action, 'undone', asked);
    if (done.status === 'stuck') throw new MoatError<ActionErrorCode>('failed', done.error ?? 'it could not be taken back');
    return done;
  }

  /** Never throws for what the action throws: it is then stuck. */
  private async goBack(receipt: Receipt, action: Action, to: 'failed' | 'undone', asked: { by: string; via: string; why: string }, why?: string): Promise<Receipt> {
    try {
      const context = this.context(receipt);
      await this.inTime(action.undo(receipt.state, context));
      const verdict = await this.inTime(action.verify(receipt.state, context));
      if (receipt.reversible && verdict.is !== 'former') throw new MoatError<ActionErrorCode>('failed', verdict.evidence.en);
      return await this.settle({ ...receipt, verdict, ...(why !== undefined && { error: why }) }, to, asked, why);
    } catch (error) {
      const message = (error as Error).message;
      return await this.settle({ ...receipt, error: why === undefined ? message : `${why}; ${message}` }, 'stuck', asked, message);
    }
  }

  private async settle(receipt: Receipt, status: ReceiptStatus, asked: { by: string; via: string; why: string }, note?: string, tell = true): Promise<Receipt> {
    const time = this.options.now();
    // Of what was taken back, why.
    const said = note ?? (status === 'undone' && asked.why !== '' ? asked.why : undefined);
    const next: Receipt = { ...receipt, status, changed: time, history: [...receipt.history.slice(-20), { time, status, by: asked.by, ...(said !== undefined && { note: said.slice(0, noteMax) }) }] };
    const operation = status === 'applied' ? receipt.action : status === 'undone' ? `undo ${receipt.action}` : `${status} ${receipt.action}`;
    await this.options.journal.write({ receipts: [next], ...(tell && { audit: [{ time, by: asked.by, via: asked.via, operation, target: receipt.target, why: asked.why, result: note === undefined ? `${status} ${receipt.id}` : `${status} ${receipt.id}: ${note}` }] }) });
    this.options.count(`${receipt.action} ${status}`);
    return next;
  }

  private context(receipt: Receipt, grown: (state: unknown) => void = () => undefined): ActionContext {
    let current = receipt;
    return {
      signal: AbortSignal.any([this.ended.signal, AbortSignal.timeout(this.options.actionMs ?? usualActionMs)]),
      now: this.options.now,
      save: async (state) => {
        grown(state);
        current = { ...current, state };
        await this.options.journal.write({ receipts: [current] });
      },
    };
  }

  /** Throws MoatError 'hung' for what heeds no signal. */
  private async inTime<T>(work: Promise<T>): Promise<T> {
    const most = (this.options.actionMs ?? usualActionMs) * (1 + grace);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new MoatError<ActionErrorCode>('hung', `expected it to end within ${most / 1000} s, it did not: whether it is still at it is not known`)), most);
    });
    try {
      return await Promise.race([work, late]);
    } finally { clearTimeout(timer); }
  }

  private action(id: string): Action {
    const found = this.actions.get(id);
    if (found === undefined) throw new MoatError<ActionErrorCode>('unknown-action', `expected one of ${[...this.actions.keys()].join(', ')}, got ${id.slice(0, 100)}`);
    return found;
  }

  private receipt(id: string): Receipt {
    const found = this.options.store.receipt(id);
    if (found === undefined) throw new MoatError<ActionErrorCode>('no-receipt', `expected the id of something that was done, got ${id.slice(0, 100)}`, { hint: 'moat actions lists them' });
    return found;
  }

  private async exclusively<T>(target: string, work: () => Promise<T>): Promise<T> {
    const before = this.targets.get(target) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    this.targets.set(target, settled);
    try {
      return await mine;
    } finally {
      if (this.targets.get(target) === settled) this.targets.delete(target);
    }
  }
}

/** Undefined where the action cannot say, or nothing can be done: planning it tells why. */
function targetOf<P>(action: Action<P>, asked: P): string | undefined {
  try {
    return action.target?.(asked);
  } catch { return undefined; /* said again, with its reason, by `plan` */ }
}
