/** A report's data put together from the store, which is only read; the story comes from the running agent, or is the one kept last. */
import type { AuditEntry, Receipt } from '../core/action.ts';
import { type MoatError, saidBy } from '../core/error.ts';
import type { Store } from '../core/ports.ts';
import type { IncidentStats, Review, ReviewSources, StoryDigest } from '../core/review.ts';
import type { Text } from '../core/text.ts';
import type { Told } from '../engine/incident/cost.ts';
import { reviewOf } from '../engine/incident/review.ts';
import { incidentOf, seedsOf } from '../engine/incident/seeds.ts';
import { statsOf } from '../engine/incident/stats.ts';
import { Keep } from '../evidence/keep.ts';
import { plansFor } from './cleanup-book.ts';
import type { Config } from './config-schema.ts';
import { askControl } from './control.ts';
import { keptDigest } from './review-book.ts';

export interface ReviewOptions {
  store: Pick<Store, 'incidents' | 'ledger' | 'response'>;
  config: Config;
  dataFolder: string;
  version: string;
  now: number;
  clock: (ms: number) => string;
  told?: Told;
}

const receiptsMost = 10_000, runsMost = 2000, incidentsMost = 100_000;

/** Archives that this machine keeps, and the share of files that came back. */
function sourcesOf(store: ReviewOptions['store'], dataFolder: string): ReviewSources {
  return {
    evidence: (incident) => new Keep(dataFolder).list().flatMap((row) => ('kept' in row && row.kept.incident === incident
      ? [{ name: row.kept.id, made: Date.parse(row.kept.made), by: row.kept.by, bytes: row.kept.bytes, sha256: row.kept.manifest, held: row.kept.hold !== undefined }] : [])),
    restored(incident) {
      const tally = store.incidents.incident(incident)?.recovery?.tally;
      return tally && { done: tally.restored, total: tally.items };
    },
  };
}

/** Throws MoatError 'no-incident' and 'several'. */
export async function openReview(wanted: string, { store, config, dataFolder, version, now, clock, told }: ReviewOptions): Promise<Review> {
  const sources = sourcesOf(store, dataFolder);
  const record = incidentOf(store.incidents, wanted);
  const { alerts, findings } = seedsOf({ incidents: store.incidents, ledger: store.ledger }, record.id);
  const { digest, why } = await storyFor(record.id, store, dataFolder, clock);
  const restored = sources.restored(record.id);
  const { organisation, system, place, contact, costs } = config.report;
  return reviewOf({
    record, alerts, findings, receipts: receiptsFor(record.id, new Set(alerts.map(({ id }) => id)), store), audit: auditOf(store, new Set([record.id])).get(record.id) ?? [], story: digest, storyWhy: why,
    evidence: sources.evidence(record.id), restored, place: { organisation, system, place, contact, ...((costs.interruption_hour !== undefined || costs.leak_gb !== undefined) && { prices: costs }) }, ...(told && { told }), now, version, clock,
  });
}

async function storyFor(id: string, store: ReviewOptions['store'], dataFolder: string, clock: (ms: number) => string): Promise<{ digest: StoryDigest | undefined; why: Text | undefined }> {
  try {
    const digest = (await askControl(dataFolder, 'incident-digest', { id, asker: process.pid }, { patient: true })) as StoryDigest;
    if (digest.nodes > 0) return { digest, why: undefined };
    return { digest: undefined, why: { zh: '进程经过已不在记忆中（保留一天），这里只有告警', en: 'what processes did is no longer remembered (a day is); only the alerts are told here' } };
  } catch (error) {
    if ((error as MoatError).code !== 'not-running' && (error as MoatError).code !== 'refused') throw error;
    const digest = keptDigest(store.ledger, id);
    const said = saidBy(error);
    const why = (error as MoatError).code === 'not-running' ? { zh: 'Moat 没有在运行', en: 'Moat does not run' } : { zh: `Moat 讲不出经过（${said.zh}）`, en: `Moat could not tell the story (${said.en})` };
    if (digest !== undefined) return { digest, why: { zh: `${why.zh}：经过为 ${clock(digest.told)} 时所知`, en: `${why.en}: it is as it was known at ${clock(digest.told)}` } };
    return { digest: undefined, why: { zh: `${why.zh}，也没有留存的经过：这里只有告警`, en: `${why.en}, and no story was kept: only the alerts are told here` } };
  }
}

/** Of its plans, its alerts and the playbooks these began. */
function receiptsFor(id: string, alerts: ReadonlySet<string>, { response, ledger }: ReviewOptions['store']): Receipt[] {
  const from = new Set([id, ...alerts, ...plansFor(ledger, new Set([id, ...alerts]))]);
  const named = new Set<string>();
  for (const run of response.playbookRuns({ limit: runsMost })) {
    if (run.alert === undefined || !alerts.has(run.alert)) continue;
    from.add(run.id);
    for (const receipt of run.receipts) named.add(receipt);
  }
  return response.receipts({ limit: receiptsMost }).filter((one) => named.has(one.id) || (one.from !== undefined && from.has(one.from)));
}

/** One passage through the log; oldest first. Without `wanted` of all incidents. */
function auditOf({ response }: ReviewOptions['store'], wanted?: ReadonlySet<string>): Map<string, AuditEntry[]> {
  const out = new Map<string, AuditEntry[]>();
  for (const entry of response.audit(1)) {
    if (!entry.operation.startsWith('incident-') || (wanted !== undefined && !wanted.has(entry.target))) continue;
    const known = out.get(entry.target);
    if (known) known.push(entry); else out.set(entry.target, [entry]);
  }
  return out;
}

export function openStats({ store, dataFolder, now, since }: { store: ReviewOptions['store']; dataFolder: string; now: number; since: number | undefined }): IncidentStats {
  const sources = sourcesOf(store, dataFolder);
  const records = store.incidents.incidents({ limit: incidentsMost });
  return statsOf({
    records, audit: auditOf(store), story: (id) => keptDigest(store.ledger, id), restored: (id) => sources.restored(id), since, now,
    month: (ms) => { const at = new Date(ms); return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}`; },
  });
}
