/** A rule's text tried on the stored events: a job that lets events go first, whose answer only those may read who may hunt. */
import { setImmediate as turn } from 'node:timers/promises';
import * as z from 'zod';
import { MoatError } from '../../core/error.ts';
import type { Event } from '../../core/gen/event.ts';
import type { Store } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { eventJson } from '../../engine/event-json.ts';
import type { Match } from '../../sigma/index.ts';
import type { Job, Jobs, JobSide } from '../jobs.ts';
import { nameOf } from './alert.ts';
import { given, type ReadRules, ruleTextMax, shownFault } from './rule-text.ts';

export interface RuleTrialsOptions { store: Store; now: () => number; jobs: Jobs; read: (text: string) => ReadRules }

const samplesMost = 20, keptMost = 16;
/** Of stored events that a rule is tried on; how long in all, and how long at a time, ms. */
const eventsMost = 500_000, tryMs = 20_000, sliceMs = 10, tellMs = 250;
const asked = z.strictObject({ text: z.string().max(ruleTextMax), hours: z.number().min(0.01).max(24 * 90).default(24), by: z.string() });

interface Trial { ok: boolean; faults: object[]; looked: number; matched: number; from: number; to: number; cut?: Text; per_rule: { rule: string; matched: number }[]; samples: { rule: string; event: object }[] }

export class RuleTrials {
  private readonly options: RuleTrialsOptions;
  private readonly kept = new Map<string, Trial>();

  constructor(options: RuleTrialsOptions) { this.options = options; }

  /** One at a time. Throws MoatError 'bad-input', and 'busy' while another runs. */
  begin(argument: unknown): { job: string } {
    const { text, hours, by } = given(asked, argument);
    const id: string = this.options.jobs.begin('rule-test', by, async (side) => {
      const trial = await this.run(text, hours, side);
      this.kept.set(id, trial);
      for (const old of this.kept.keys()) { if (this.kept.size <= keptMost) break; this.kept.delete(old); }
      // Jobs are read by more people than events are.
      return { looked: trial.looked, matched: trial.matched };
    }, { alone: true });
    return { job: id };
  }

  get(id: unknown): { job: Job; test?: Trial } {
    const job = this.job(id), test = this.kept.get(job.id);
    return { job, ...(test && { test }) };
  }

  stop(id: unknown): boolean { return this.options.jobs.stop(this.job(id).id); }

  private job(id: unknown): Job {
    const job = this.options.jobs.get(id);
    if (job.kind !== 'rule-test') throw new MoatError('no-item', 'expected the id of a test of a rule', { zh: '没有这次试运行' });
    return job;
  }

  /** Oldest first, as correlations need it; stops at its bounds and says up to when it came. */
  private async run(text: string, hours: number, { signal, progress }: JobSide): Promise<Trial> {
    const { store, now, read } = this.options;
    const { rules, faults, engine } = read(text);
    const to = now(), from = to - hours * 3_600_000;
    const counts = new Map<string, number>(rules.map((rule) => [nameOf(rule), 0]));
    const trial: Trial = { ok: faults.length === 0 && rules.length > 0, faults: faults.map(shownFault), looked: 0, matched: 0, from, to, per_rule: [], samples: [] };
    if (trial.ok && engine !== undefined) {
      const onMatch = (match: Match<Event>): void => {
        const name = nameOf(match.rule);
        trial.matched++;
        counts.set(name, (counts.get(name) ?? 0) + 1);
        const event = match.events.at(-1);
        if (trial.samples.length < samplesMost && event) trial.samples.push({ rule: name, event: eventJson(event) });
      };
      const until = performance.now() + tryMs;
      let slice = performance.now() + sliceMs, told = 0, at = from;
      for (const event of store.events.range(from, to)) {
        engine.evaluate(event, onMatch);
        trial.looked++;
        at = event.time;
        const clock = performance.now();
        if (trial.looked >= eventsMost) trial.cut = { zh: `只试了最早的 ${eventsMost} 个事件`, en: `only the first ${eventsMost} events were tried` };
        else if (clock > until) trial.cut = { zh: `${tryMs / 1000} 秒内只试了最早的 ${trial.looked} 个事件`, en: `only the first ${trial.looked} events could be tried in ${tryMs / 1000} s` };
        if (trial.cut) { trial.to = at; break; }
        // A rule may be slow on a single event: the clock decides when others have their turn, not the number of events.
        if (clock < slice) continue;
        if (clock - told > tellMs) { told = clock; progress({ part: Math.min(1, Math.max(0, (at - from) / (to - from))), what: { zh: `已试 ${trial.looked} 个事件，命中 ${trial.matched} 次`, en: `${trial.looked} events tried, ${trial.matched} matches` } }); }
        await turn();
        if (signal.aborted) throw signal.reason;
        slice = performance.now() + sliceMs;
      }
      engine.advance(trial.to, onMatch);
    }
    trial.per_rule = [...counts].map(([rule, matched]) => ({ rule, matched }));
    return trial;
  }
}
