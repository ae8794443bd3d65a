/** Moat itself, channels of notices, kept evidence, reports: what the command line reads of them, for the API. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Vault } from '../../actions/vault.ts';
import { MoatError } from '../../core/error.ts';
import type { Outcome } from '../../core/notice.ts';
import type { Store } from '../../core/ports.ts';
import type { Lang } from '../../core/text.ts';
import { Keep } from '../../evidence/keep.ts';
import { verifyArchive } from '../../evidence/verify.ts';
import { htmlOf } from '../../report/html.ts';
import { incidentDoc } from '../../report/incident-doc.ts';
import { jsonOf } from '../../report/json.ts';
import { csvOf, listOf } from '../../report/lists.ts';
import { markdownOf } from '../../report/markdown.ts';
import { stixOf, type Tlp } from '../../report/stix.ts';
import { notifiers } from '../../notifiers/catalogue.ts';
import { clock as clockText } from '../../notifiers/layout.ts';
import { receiptDays } from '../../stores/sqlite/response.ts';
import type { AgentStatus } from '../agent.ts';
import type { Config } from '../config-schema.ts';
import { channelsNamed, deliver, testNotice } from '../notices.ts';
import { installRoot } from '../paths.ts';
import { pdfOf } from '../pdf.ts';
import { openReview, openStats } from '../review.ts';
import type { SettingsHere } from '../settings-here.ts';

export interface SystemViewOptions { store: Store; config: () => Config; here: SettingsHere; configPath: string; /** The user named it. */ configNamed: boolean; dataFolder: string; version: string; lang: Lang; now: () => number; status: () => AgentStatus; lists: () => readonly object[]; server: () => object; checks: () => Promise<readonly unknown[]> }

const day = 86_400_000;
const testMs = 45_000;
const reportFormats = ['md', 'html', 'pdf', 'json'] as const;
const indicatorFormats = ['stix', 'csv', 'txt'] as const;

export class SystemView {
  private readonly options: SystemViewOptions;

  constructor(options: SystemViewOptions) { this.options = options; }

  async system(): Promise<object> {
    const { store, config, here, configPath, dataFolder, version, status, lists, server, checks } = this.options;
    const { since, pid, rules, ruleErrors, behaviours } = status();
    const { channels: _channels, ...notices } = config().notices;
    const { history, alerts } = config();
    const database = ['', '-wal'].reduce((sum, suffix) => sum + (statSync(join(dataFolder, `moat.db${suffix}`), { throwIfNoEntry: false })?.size ?? 0), 0);
    const free = roomOf(dataFolder);
    const kept = store.events.extent();
    const set = here.get();
    return {
      version, node: process.version, platform: `${process.platform} ${process.arch}`, since, pid, data_folder: dataFolder, config_file: configPath, config_there: existsSync(configPath),
      config: withoutSecrets({ ...config(), notices: { ...notices, channels: config().notices.channels.map(({ name, kind, enabled, level }) => ({ name, kind, enabled, level })) } }),
      set_here: { ...(set.mode && { mode: set.mode }), allow: set.allow.length, exceptions: set.exceptions.length, ports: set.ports !== undefined, zones: set.zones !== undefined },
      storage: {
        database_bytes: database, ...(free !== undefined && { free_bytes: free }), cap_bytes: history.max_mb * 2 ** 20, evidence_bytes: new Keep(dataFolder).list().reduce((sum, row) => sum + ('kept' in row ? row.kept.bytes : 0), 0),
        quarantine_bytes: new Vault(dataFolder).list().reduce((sum, row) => sum + ('stored' in row ? row.stored : 0), 0), history_days: history.days, alerts: alerts.max, incidents: store.incidents.openByLevel().reduce((sum, { count }) => sum + count, 0),
        events: kept.events, ...(kept.from !== undefined && { events_from: kept.from }), alerts_kept: store.ledger.countAlerts(), closed_alert_days: alerts.keep_days,
        audit_entries: store.response.lastAudit()?.seq ?? 0, evidence_days: config().evidence.keep_days, receipt_days: receiptDays, incident_days: config().incidents.keep_days, quarantine_days: config().response.quarantine_days,
      },
      rules: { loaded: rules, faults: ruleErrors, behaviours, checks: (await checks().catch(() => [])).length }, lists: lists(), server: server(),
      updates: { zh: 'Moat 不会自己联网查询更新；新版本见发布页', en: 'Moat asks nobody for updates by itself; see its releases' }, licence: 'Apache-2.0', parts_licences: licences(),
    };
  }

  notices(): object[] {
    const { store, config } = this.options;
    return config().notices.channels.map(({ name, kind, enabled, level }) => {
      const queue = store.notices, state = queue.state(name);
      const waiting = queue.waiting(name).reduce((sum, { count }) => sum + count, 0) + (queue.underWay(name)?.rows.length ?? 0);
      return {
        id: name, kind, title: notifiers.find(({ id }) => id === kind)?.title ?? { zh: kind, en: kind }, enabled, level, waiting, sent: state?.sent ?? 0, dropped: queue.dropped(name).all, refused: state?.refused ?? 0, trying: (state?.tries ?? 0) > 0,
        ...(state?.lastSent !== undefined && { last_sent: state.lastSent }), ...(state?.lastError && { last_error: state.lastError }),
      };
    });
  }

  async testNotice(argument: unknown): Promise<object> {
    const { config, lang } = this.options;
    const { id } = (argument ?? {}) as { id?: unknown };
    const [channel] = channelsNamed(config().notices, typeof id === 'string' ? id : '');
    if (!channel) throw new MoatError('no-item', 'no such channel', { zh: '没有这个渠道' });
    let outcome: Outcome;
    try {
      outcome = await deliver(channel, testNotice({ lang: channel.lang ?? lang, keyword: channel.keyword }, config().host ?? hostname(), config().notices.zone), AbortSignal.timeout(testMs));
    } catch (error) { outcome = { kind: 'refused', about: 'unknown', code: 'error', what: { zh: (error as Error).message, en: (error as Error).message } }; }
    return { channel: channel.name, outcome: outcome.kind, ...(outcome.kind !== 'sent' && { code: outcome.code, what: outcome.what }) };
  }

  /** Archives on this machine, of one incident when it is named; newest first. */
  evidence(argument: unknown): object[] {
    const { dataFolder, config } = this.options;
    const { incident } = (argument ?? {}) as { incident?: unknown };
    return new Keep(dataFolder).list().flatMap((row): object[] => {
      if ('broken' in row) return incident === undefined ? [{ id: row.id, path: row.path, broken: row.broken }] : [];
      const { kept, path } = row;
      if (incident !== undefined && kept.incident !== incident) return [];
      return [{ ...kept, path, ...(!kept.hold && { until: new Date(Date.parse(kept.made) + config().evidence.keep_days * day).toISOString() }) }];
    }).reverse();
  }

  async verifyEvidence(argument: unknown): Promise<object> {
    const { id, whole } = (argument ?? {}) as { id?: unknown; whole?: unknown };
    const keep = new Keep(this.options.dataFolder);
    const kept = keep.get(typeof id === 'string' ? id : '');
    const { manifest, ...verdict } = await verifyArchive(createReadStream(keep.path(kept.id), { highWaterMark: 1 << 20 }), { key: kept.fingerprint, head: kept.head });
    return { ...verdict, id: kept.id, ...(manifest && { items: manifest.items.length, missed: manifest.missed.length, ...(whole === true && { manifest }) }) };
  }

  async report(argument: unknown): Promise<object> {
    const { id, format, lang, interruption_ms: interruptionMs, leak_gb: leakGb } = argument as { id: string; format: (typeof reportFormats)[number]; lang: Lang; interruption_ms?: number; leak_gb?: number };
    const review = await this.review(id, { interruptionMs, leakGb });
    const name = `incident-${review.id}-${new Date(review.made).toISOString().slice(0, 10)}.${format}`;
    if (format === 'json') return { name, type: 'application/json', encoding: 'utf8', content: JSON.stringify(jsonOf(review), null, 2) };
    const doc = incidentDoc(review, { lang, clock: (ms) => clockText(ms, this.options.config().notices.zone), zone: this.options.config().notices.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone });
    switch (format) {
      case 'md': return { name, type: 'text/markdown', encoding: 'utf8', content: markdownOf(doc) };
      case 'html': return { name, type: 'text/html', encoding: 'utf8', content: htmlOf(doc) };
      case 'pdf': return { name, type: 'application/pdf', encoding: 'base64', content: Buffer.from(await pdfOf(htmlOf(doc), { lang })).toString('base64') };
    }
  }

  /** As a list, or as a file of one of the formats. */
  async indicators(argument: unknown): Promise<object> {
    const { id, format, lang, tlp = 'amber', for_ms: forMs = 180 * day } = argument as { id: string; format?: (typeof indicatorFormats)[number]; lang: Lang; tlp?: Tlp; for_ms?: number };
    const review = await this.review(id);
    const { items, total } = review.story?.indicators ?? { items: [], total: 0 };
    const name = `incident-${review.id}-indicators`;
    switch (format) {
      case undefined: return { items, total, ...(review.story_why && { why: review.story_why }) };
      case 'stix': return { name: `${name}.json`, type: 'application/json', encoding: 'utf8', content: JSON.stringify(stixOf(review, { sha1: (bytes) => createHash('sha1').update(bytes).digest(), tlp, author: this.options.config().report.organisation ?? `Moat on ${review.host}`, until: review.made + forMs, lang }), null, 2) };
      case 'csv': return { name: `${name}.csv`, type: 'text/csv', encoding: 'utf8', content: csvOf(items, lang) };
      case 'txt': return { name: `${name}.txt`, type: 'text/plain', encoding: 'utf8', content: listOf(items, { title: lang === 'zh' ? `事件 ${review.id} 的指标` : `indicators of incident ${review.id}`, doubtful: (n) => (lang === 'zh' ? `${n} 个存疑的未列出，见 CSV` : `${n} doubtful ones are left out; the CSV has them`) }) };
    }
  }

  stats(argument: unknown): object {
    const { store, dataFolder, now } = this.options;
    const { since } = (argument ?? {}) as { since?: number };
    return openStats({ store, dataFolder, now: now(), since });
  }

  private review(id: string, told: { interruptionMs?: number | undefined; leakGb?: number | undefined } = {}): ReturnType<typeof openReview> {
    const { store, config, dataFolder, version, now } = this.options;
    return openReview(id, { store, config: config(), dataFolder, version, now: now(), clock: (ms) => clockText(ms, config().notices.zone), told });
  }
}

function roomOf(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch { return undefined; /* a file system that does not tell */ }
}

/** Names of keys whose values may open something; files that hold secrets are named, not read. */
const secret = /pass|token|secret|key$|webhook|credential/i;
function withoutSecrets(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, name));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutSecrets(one, key)]));
  if (typeof value !== 'string') return value;
  if (secret.test(name) && !value.startsWith('/')) return '***';
  // https://user:password@host
  return value.replace(/\/\/[^/@\s]*@/g, '//***@');
}

let known: { name: string; version: string; licence: string }[] | undefined;
/** Of the packages that Moat itself names, as they are installed. */
function licences(): { name: string; version: string; licence: string }[] {
  if (known) return known;
  const root = installRoot();
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies?: Record<string, string> };
  known = Object.entries(dependencies).map(([name, version]) => {
    try {
      const { license } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as { license?: unknown };
      return { name, version, licence: typeof license === 'string' ? license : 'unknown' };
    } catch { return { name, version, licence: 'unknown' }; /* inside the bundle: the package itself is not there */ }
  });
  return known;
}
