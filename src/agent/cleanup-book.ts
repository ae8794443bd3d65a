/** Clean-up plans that were made, so that they are applied, looked after and taken back also after a restart. What became of their steps the receipts say. */
import type { Receipt, ResponseStore } from '../core/action.ts';
import type { CleanupPlan, PlannedStep } from '../core/incident.ts';
import type { Ledger } from '../core/ports.ts';

/** `checks`: by which its findings (ids) were found. `processes`: of the story, living when it was made. */
export interface KeptPlan { plan: CleanupPlan; checks: readonly string[]; findings: readonly string[]; processes: readonly { pid: number; started: number; label: string }[] }

interface Entry { id: string; incident: string; slot: number }

const indexName = 'cleanup.index';
const slots = 50;
/** A setting holds a MiB. */
const bytesMax = 900_000;
const receiptsMax = 2000;

export class CleanupBook {
  private readonly ledger: Pick<Ledger, 'setting' | 'setSetting'>;
  private readonly receipts: Pick<ResponseStore, 'receipts'>;

  constructor(ledger: Pick<Ledger, 'setting' | 'setSetting'>, receipts: Pick<ResponseStore, 'receipts'>) {
    this.ledger = ledger;
    this.receipts = receipts;
  }

  /** The oldest makes room, rather one of which nothing stands. */
  save(kept: KeptPlan): void {
    const entries = this.entries();
    const used = new Set(entries.map(({ slot }) => slot));
    let slot = Array.from({ length: slots }, (_, i) => i).find((i) => !used.has(i));
    if (slot === undefined) {
      const leaves = entries.find(({ id }) => !this.stands(id)) ?? entries[0]!;
      ({ slot } = leaves);
      entries.splice(entries.indexOf(leaves), 1);
    }
    // The index last: a plan that was cut off in the middle is not found.
    this.ledger.setSetting(slotName(slot), JSON.stringify(fitting(kept)));
    this.ledger.setSetting(indexName, JSON.stringify([...entries, { id: kept.plan.id, incident: kept.plan.incident, slot }]));
  }

  /** By the plan's own id, or the latest for an incident, alert or finding, with what became of each step. */
  get(name: string): KeptPlan | undefined {
    const entry = this.entries().findLast(({ id, incident }) => id === name || incident === name);
    return entry && this.read(entry);
  }

  /** The latest of which something was done: that is what can be looked after and taken back. */
  done(name: string): KeptPlan | undefined {
    const entry = this.entries().findLast(({ id, incident }) => (id === name || incident === name) && this.receiptsOf(id).length > 0);
    return entry && this.read(entry);
  }

  /** The latest that was made for one of these; with `done` the latest of which something was done. */
  of(isOne: (incident: string) => boolean, done: boolean): KeptPlan | undefined {
    const entries = this.entries().filter(({ incident }) => isOne(incident));
    const entry = (done ? entries.findLast(({ id }) => this.receiptsOf(id).length > 0) : undefined) ?? entries.at(-1);
    return entry && this.read(entry);
  }

  private read({ id, slot }: Entry): KeptPlan | undefined {
    const kept = parsed(this.ledger.setting(slotName(slot))) as KeptPlan | undefined;
    if (kept?.plan.id !== id) return undefined;
    const receipts = this.receiptsOf(id);
    return { ...kept, plan: { ...kept.plan, steps: kept.plan.steps.map((step) => withReceipt(step, receipts)) } };
  }

  private stands(id: string): boolean { return this.receiptsOf(id).some(({ status }) => status === 'applied' || status === 'applying' || status === 'stuck' || status === 'undoing'); }
  private receiptsOf(id: string): Receipt[] { return this.receipts.receipts({ from: id, limit: receiptsMax }); }
  private entries(): Entry[] { return (parsed(this.ledger.setting(indexName)) as Entry[] | undefined) ?? []; }
}

/** Ids of the plans that were made for these (an incident, its alerts), oldest first. */
export function plansFor(ledger: Pick<Ledger, 'setting'>, wanted: ReadonlySet<string>): string[] {
  return ((parsed(ledger.setting(indexName)) as Entry[] | undefined) ?? []).filter(({ incident }) => wanted.has(incident)).map(({ id }) => id);
}

const slotName = (slot: number): string => `cleanup.${slot}`;

/** The newest that is of this step: the line tells two of one file apart. */
function withReceipt(step: PlannedStep, receipts: readonly Receipt[]): PlannedStep {
  const receipt = receipts.find(({ action, target, title }) => action === step.action && target === step.target && (action !== 'remove-line' || title.en === step.title.en));
  return receipt === undefined ? step : { ...step, receipt: receipt.id, ...(receipt.verdict && { verdict: receipt.verdict }) };
}

/** What says most about how it was found gives way to what it does. */
function fitting(kept: KeptPlan): KeptPlan {
  let one = kept;
  const isTooLarge = (): boolean => Buffer.byteLength(JSON.stringify(one)) > bytesMax;
  if (isTooLarge()) one = { ...one, plan: { ...one.plan, steps: one.plan.steps.map((step) => ({ ...step, steps: step.steps.slice(0, 2), evidence: step.evidence.slice(0, 2) })) } };
  if (isTooLarge()) one = { ...one, plan: { ...one.plan, left_alone: one.plan.left_alone.slice(0, 50), steps: one.plan.steps.map((step) => ({ ...step, steps: [], evidence: step.evidence.slice(0, 1) })) } };
  while (isTooLarge() && one.plan.steps.length > 0) {
    const half = Math.floor(one.plan.steps.length / 2);
    one = { ...one, plan: { ...one.plan, steps: one.plan.steps.slice(0, half), left: one.plan.left + one.plan.steps.length - half } };
  }
  return one;
}

function parsed(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch { return undefined; /* never written by us */ }
}
