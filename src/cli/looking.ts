/** What commands look at without asking the agent: the store of this machine, or the same by the routes of a server. */
import type { Command } from 'commander';
import type { AlertWords } from '../agent/alert-words.ts';
import type { WholeIncident } from '../agent/incidents.ts';
import type { AlertWhole } from '../api/contract/alerts.ts';
import type { Alert } from '../core/alert.ts';
import type { IncidentStatus } from '../core/incident.ts';
import type { IncidentRecord } from '../core/incident-store.ts';
import type { Level } from '../core/level.ts';
import { atLeast } from '../core/level.ts';
import type { AlertFilter } from '../core/ports.ts';
import { incidentOf, wholeOf } from '../engine/incident/seeds.ts';
import { openSqliteStore } from '../stores/sqlite/store.ts';
import { remoteOf } from './ask.ts';
import { configOf, dataFolder } from './globals.ts';
import type { Fetch } from './remote/http.ts';
import { pages } from './remote/operations.ts';

export interface Looking {
  /** The latest `last_time` first; from afar those that began last. */
  alerts(filter: AlertFilter & { limit: number }): Promise<readonly Alert[]>;
  alert(id: string): Promise<Alert | undefined>;
  /** What the rule that judged it says of it. */
  words(alert: Alert): Promise<AlertWords>;
  /** The latest that something happened in first. */
  incidents(filter: { open: boolean; level?: Level | undefined; limit: number }): Promise<readonly IncidentRecord[]>;
  /** Throws MoatError 'no-incident' or 'several'. */
  incident(id: string): Promise<WholeIncident>;
}

const openOnes: readonly IncidentStatus[] = ['new', 'triaged', 'contained', 'eradicated', 'recovered'];

/** Opens what there is to look at for as long as `work` takes. */
export async function looking<T>(program: Command, work: (look: Looking) => Promise<T>): Promise<T> {
  const fetch = await remoteOf(program);
  if (fetch !== undefined) return await work(fromAfar(fetch));
  const store = openSqliteStore({ dir: dataFolder(program), readOnly: true });
  try {
    return await work({
      alerts: async (filter) => store.ledger.alerts(filter),
      alert: async (id) => store.ledger.alert(id),
      words: ({ rule_id: id }) => wordsHere(program, id),
      incidents: async ({ open, level, limit }) => store.incidents.incidents({ limit, ...(open && { status: openOnes }) }).filter((one) => level === undefined || atLeast(one.level, level)),
      incident: async (id) => wholeOf(store.incidents, incidentOf(store.incidents, id)),
    });
  } finally { store.close(); }
}

/** Of the rules as they stand now, which need not be loaded by a Moat that runs. */
async function wordsHere(program: Command, id: string): Promise<AlertWords> {
  const [{ alertWords }, { loadRules, ownRules }] = await Promise.all([import('../agent/alert-words.ts'), import('../agent/detector.ts')]);
  return alertWords(id, id.startsWith('behaviour.') ? [] : loadRules([ownRules(), ...(await configOf(program)).rules.dirs]).all);
}

const fromAfar = (fetch: Fetch): Looking => ({
  alerts: ({ sinceMs, limit, level, sourceIp, rule, status }) => pages<Alert>(fetch, '/alerts', { since: sinceMs, level, source_ip: sourceIp, rule, status }, limit),
  async alert(id) {
    try {
      return await wholeAlert(fetch, id);
    } catch (error) {
      if ((error as { code?: unknown }).code === 'not-found') return undefined;
      throw error;
    }
  },
  async words({ id }) {
    const { why: { description, falsepositives, advice } } = await wholeAlert(fetch, id);
    return { falsePositives: falsepositives ?? [], ...(description && { description }), ...(advice && { advice }) };
  },
  incidents: ({ open, level, limit }) => pages<IncidentRecord>(fetch, '/incidents', { status: open ? 'open' : 'all', level }, limit),
  incident: async (id) => await fetch({ method: 'GET', path: `/incidents/${encodeURIComponent(id)}` }) as WholeIncident,
});

const wholeAlert = async (fetch: Fetch, id: string): Promise<AlertWhole> => await fetch({ method: 'GET', path: `/alerts/${encodeURIComponent(id)}` }) as AlertWhole;
