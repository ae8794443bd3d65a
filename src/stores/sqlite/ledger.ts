/** Alerts, positions, learned state and settings. */
import type { Alert, AlertEvidence, AlertStatus } from '../../core/alert.ts';
import { type Level, levels } from '../../core/level.ts';
import type { AlertFilter, Ledger, Position } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { StoreError } from '../error.ts';
import { type Database, guarded, type Row, type Statement, statementsOf, transaction, type Value } from './driver.ts';
import { fromJson } from './events.ts';
import { cutText, maxAlertText, maxText, packEvidence, packList } from './pack.ts';
import { secretPrefix } from './schema.ts';

export interface LedgerOptions {
  file: string;
  now: () => number;
  /** How long closed alerts are kept. */
  alertMs: number;
  /** Most alerts kept; beyond it closed ones go first, then the oldest. */
  maxAlerts: number;
  count: (what: string, n?: number) => void;
}

export interface SqliteLedger extends Ledger {
  /** The writes of a commit, for a caller that has a transaction open. */
  saveAlerts(alerts: readonly Alert[]): void;
  savePositions(positions: readonly Position[]): void;
  saveLearned(learned: ReadonlyMap<string, string>): void;
  /** Drops alerts and positions beyond their caps, a bounded number a call. */
  prune(now: number): void;
  /** Drops some alerts, closed ones first: for when they alone fill the database. */
  shed(): void;
}

const alertColumns = [
  'id', 'time', 'last_time', 'level', 'rule_id', 'rule_name', 'title', 'host', 'summary', 'count', 'attack', 'matrix', 'key', 'status',
  'source_ip', 'source_country', 'user', 'service', 'pid', 'path', 'lines', 'evidence', 'closed_time', 'origin', 'origin_ip',
] as const;

/** What a search for a word looks at. */
const searched = ['summary', 'rule_id', 'rule_name', 'title', 'source_ip', 'user', 'service', 'path', 'origin'] as const;

const maxPositions = 100_000;
const maxPositionBytes = 2 ** 20;
const maxLearnedBytes = 16 * 2 ** 20;
const defaultLimit = 1_000;
const chunk = 1_000;

export function openLedger(db: Database, options: LedgerOptions): SqliteLedger {
  const { file, count } = options;
  const read = <T>(work: () => T): T => guarded(file, work);
  const columns = alertColumns.map((name) => `"${name}"`).join(', ');
  // Who closes an alert is the operator: an alert written again keeps the status it has.
  const updates = alertColumns.filter((name) => name !== 'id' && name !== 'status' && name !== 'closed_time').map((name) => `"${name}" = excluded."${name}"`).join(', ');
  const putAlert = db.prepare(`INSERT INTO alert (${columns}) VALUES (${alertColumns.map(() => '?').join(', ')}) ON CONFLICT (id) DO UPDATE SET ${updates}`);
  const putPosition = db.prepare('INSERT INTO position (source, value, saved) VALUES (?, ?, ?) ON CONFLICT (source) DO UPDATE SET value = excluded.value, saved = excluded.saved');
  const putLearned = db.prepare('INSERT INTO learned (id, value) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value');
  const byId = db.prepare(`SELECT ${columns} FROM alert WHERE id = ?`);
  const byRow = db.prepare(`SELECT ${columns} FROM alert WHERE rowid = ?`);
  const byRule = db.prepare(`SELECT ${columns} FROM alert WHERE rule_id = ? AND key = ? ORDER BY time DESC, last_time DESC, rowid DESC LIMIT 1`);
  const position = db.prepare('SELECT value FROM position WHERE source = ?');
  const learned = db.prepare('SELECT value FROM learned WHERE id = ?');
  const putStatus = db.prepare('UPDATE alert SET status = ?, closed_time = ? WHERE id = ?');
  const alertCount = db.prepare('SELECT count(*) AS n FROM alert');
  const positionCount = db.prepare('SELECT count(*) AS n FROM position');
  const deleteClosed = db.prepare('DELETE FROM alert WHERE rowid IN (SELECT rowid FROM alert WHERE closed_time < ? ORDER BY closed_time LIMIT ?)');
  const deleteOver = db.prepare("DELETE FROM alert WHERE rowid IN (SELECT rowid FROM alert ORDER BY status = 'closed' DESC, last_time LIMIT ?)");
  const deletePositions = db.prepare('DELETE FROM position WHERE source IN (SELECT source FROM position ORDER BY saved LIMIT ?)');
  const setting = { open: db.prepare('SELECT value FROM setting WHERE name = ?'), secret: db.prepare('SELECT value FROM secret WHERE name = ?') };
  const putSetting = {
    open: db.prepare('INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value'),
    secret: db.prepare('INSERT INTO secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value'),
  };
  const prepared = statementsOf(db);
  const list = (where: string, order: string): Statement => prepared(`SELECT ${columns} FROM alert ${where} ORDER BY ${order} LIMIT ?`);
  /**
   * A page by the time of beginning. Of levels or a status that are rare an index of the time alone would read most of the table: each
   * level of each status is a page of its own by an index, and the first of them all are the page.
   */
  const page = (filter: AlertFilter, limit: number): Row[] => {
    const { where, values } = conditions(filter);
    const isNamed = filter.rule !== undefined || filter.sourceIp !== undefined || filter.pid !== undefined || filter.path !== undefined;
    if (isNamed || (filter.level === undefined && filter.status === undefined)) return list(where, 'time DESC, id DESC').all(...values, limit);
    const { level, status, ...rest } = filter;
    const common = conditions(rest);
    // By the index alone; whole rows are read of those that are on the page.
    const one = prepared(`SELECT rowid AS row, time, id FROM alert ${common.where === '' ? 'WHERE' : `${common.where} AND`} status = ? AND level = ? ORDER BY time DESC, id DESC LIMIT ?`);
    const wanted = level === undefined ? levels : levels.slice(levels.indexOf(level));
    const rows = (status === undefined ? (['open', 'closed'] as const) : [status]).flatMap((is) => wanted.flatMap((how) => one.all(...common.values, is, how, limit)));
    return rows.sort((a, b) => Number(b['time']) - Number(a['time']) || (String(a['id']) < String(b['id']) ? 1 : -1)).slice(0, limit).map(({ row }) => byRow.get(row!)!);
  };
  const bucketRows = db.prepare('SELECT time / ? * ? AS at, level, count(*) AS n FROM alert WHERE time >= ? AND time < ? GROUP BY 1, 2 ORDER BY 1');
  const sourceRows = db.prepare('SELECT source_ip AS address, count(*) AS n, max(time) AS last FROM alert WHERE time >= ? AND time < ? AND source_ip IS NOT NULL GROUP BY 1 ORDER BY n DESC, last DESC LIMIT ?');
  const countryOf = db.prepare('SELECT source_country FROM alert WHERE source_ip = ? ORDER BY time DESC LIMIT 1');
  const ruleRows = db.prepare('SELECT rule_id, count(*) AS n, max(time) AS last FROM alert WHERE time >= ? GROUP BY 1');
  const attackRows = db.prepare('SELECT attack, count(*) AS n, max(time) AS last FROM alert WHERE rule_id = ? AND time >= ? GROUP BY 1');
  const open = db.prepare("SELECT count(*) AS n FROM alert WHERE status = 'open'");
  const room = (name: string): 'open' | 'secret' => name.startsWith(secretPrefix) ? 'secret' : 'open';
  const text = (row: Row | undefined): string | undefined => row === undefined ? undefined : String(row['value']);
  const short = (value: string): string => cutText(value, maxAlertText, count);

  return {
    position: (source) => read(() => text(position.get(source))),
    learned: (id) => read(() => text(learned.get(id))),
    setting: (name) => read(() => text(setting[room(name)].get(name))),

    setSetting(name, value) {
      bounded('setting', name, value, maxPositionBytes);
      read(() => putSetting[room(name)].run(name, value));
    },

    alert: (id) => read(() => toAlert(byId.get(short(id)), file)),
    latest: (ruleId, key) => read(() => toAlert(byRule.get(short(ruleId), short(key)), file)),

    alerts(filter) {
      const limit = Math.max(0, Math.trunc(filter.limit ?? defaultLimit));
      if (filter.before) return read(() => page(filter, limit).map((row) => toAlert(row, file)!));
      const { where, values } = conditions(filter);
      return read(() => list(where, 'last_time DESC, rowid DESC').all(...values, limit).map((row) => toAlert(row, file)!));
    },

    search(filter, wanted, looked) {
      const like = `%${wanted.replace(/[\\%_]/g, '\\$&')}%`;
      const { where, values } = conditions(filter);
      const sql = `SELECT ${columns}, (${searched.map((name) => `coalesce("${name}", '') LIKE ? ESCAPE '\\'`).join(' OR ')}) AS fits FROM alert ${where} ORDER BY time DESC, id DESC LIMIT ?`;
      const limit = Math.max(1, Math.trunc(filter.limit ?? defaultLimit));
      return read(() => {
        const alerts: Alert[] = [];
        let seen = 0;
        let last: Row | undefined;
        for (const row of prepared(sql).iterate(...searched.map(() => like), ...values, looked) as Iterable<Row>) {
          seen++;
          last = row;
          if (row['fits'] !== 1) continue;
          alerts.push(toAlert(row, file)!);
          if (alerts.length >= limit) break;
        }
        return { alerts, ...(last && (seen >= looked || alerts.length >= limit) && { next: { time: Number(last['time']), id: String(last['id']) } }) };
      });
    },

    countAlerts: () => read(() => Number(alertCount.get()!['n'])),
    openCount: () => read(() => Number(open.get()!['n'])),
    buckets: (from, to, bucket) => read(() => bucketRows.all(bucket, bucket, from, to).map((row) => ({ time: Number(row['at']), level: row['level'] as Level, count: Number(row['n']) }))),
    sources: (from, to, limit) => read(() => sourceRows.all(from, to, limit).map((row) => {
      const country = countryOf.get(row['address']!)?.['source_country'];
      return { address: String(row['address']), alerts: Number(row['n']), last: Number(row['last']), ...(typeof country === 'string' && { country }) };
    })),
    ruleCounts: (since) => read(() => ruleRows.all(since).map((row) => ({ rule: String(row['rule_id']), alerts: Number(row['n']), last: Number(row['last']) }))),
    attacksOf: (rule, since) => read(() => attackRows.all(short(rule), since).map((row) => ({ attack: JSON.parse(String(row['attack'])) as string[], alerts: Number(row['n']), last: Number(row['last']) }))),

    close(alertId, open = false) {
      return read(() => Number(putStatus.run(open ? 'open' : 'closed', open ? null : options.now(), short(alertId)).changes) > 0);
    },

    saveAlerts(alerts) {
      for (const alert of alerts) {
        putAlert.run(
          short(alert.id), alert.time, alert.last_time, alert.level, short(alert.rule_id), short(alert.rule_name),
          JSON.stringify({ zh: short(alert.title.zh), en: short(alert.title.en) }), short(alert.host), short(alert.summary), alert.count,
          packList(alert.attack, count), packList(alert.matrix, count), short(alert.key), alert.status,
          optional(alert.source_ip, count), optional(alert.source_country, count), optional(alert.user, count), optional(alert.service, count),
          alert.pid ?? null, optional(alert.path, count), alert.lines === undefined ? null : packList(alert.lines, count),
          packEvidence(alert.evidence, count), alert.status === 'closed' ? options.now() : null,
          optional(alert.origin, count), optional(alert.origin_ip, count),
        );
      }
    },

    savePositions(positions) {
      const now = options.now();
      for (const { source, value } of positions) {
        bounded('position', source, value, maxPositionBytes);
        putPosition.run(source, value, now);
      }
    },

    saveLearned(states) {
      for (const [id, value] of states) {
        bounded('learned state', id, value, maxLearnedBytes);
        putLearned.run(id, value);
      }
    },

    shed() {
      count('alert-pruned-size', read(() => transaction(db, () => Number(deleteOver.run(chunk).changes))));
    },

    prune(now) {
      read(() => {
        transaction(db, () => {
          const old = Number(deleteClosed.run(now - options.alertMs, chunk).changes);
          if (old > 0) count('alert-pruned-age', old);
          const over = Number(alertCount.get()!['n']) - options.maxAlerts;
          if (over > 0) count('alert-pruned-cap', Number(deleteOver.run(Math.min(over, chunk)).changes));
          const stale = Number(positionCount.get()!['n']) - maxPositions;
          if (stale > 0) count('position-pruned', Number(deletePositions.run(Math.min(stale, chunk)).changes));
        });
      });
    },
  };
}

/** Half of such a value would be worse than none, so it is refused and not cut. */
function bounded(what: string, name: string, value: string, limit: number): void {
  if (name === '' || name.length > maxText || name.includes('\0')) throw new StoreError('input', `expected a name of 1 to ${maxText} characters without NUL, got ${name.length} in ${what}`);
  if (value.includes('\0')) throw new StoreError('input', `expected text, got a NUL character in ${what} ${name.slice(0, 100)}`);
  if (value.length > limit) throw new StoreError('input', `expected at most ${limit} characters, got ${value.length} in ${what} ${name.slice(0, 100)}`);
}

const optional = (value: string | undefined, count: (what: string) => void): Value => value === undefined ? null : cutText(value, maxAlertText, count);

function conditions(filter: AlertFilter): { where: string; values: Value[] } {
  const parts: string[] = [];
  const values: Value[] = [];
  const add = (part: string, ...given: readonly (Value | undefined)[]): void => {
    const known = given.filter((value) => value !== undefined);
    if (known.length === 0) return;
    parts.push(part);
    values.push(...known);
  };
  add('last_time >= ?', filter.sinceMs);
  if (filter.level !== undefined) {
    const least = levels.slice(levels.indexOf(filter.level));
    add(`level IN (${least.map(() => '?').join(', ')})`, ...least);
  }
  if (filter.before) add('(time, id) < (?, ?)', filter.before.time, filter.before.id);
  add('status = ?', filter.status);
  add('rule_id = ?', filter.rule);
  add('source_ip = ?', filter.sourceIp);
  add('time < ?', filter.untilMs);
  add('host = ?', filter.host);
  add('pid = ?', filter.pid);
  // The index has the beginnings of paths only.
  add('path IS NOT NULL AND substr(path, 1, 100) = substr(?, 1, 100)', filter.path);
  add('path = ?', filter.path);
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}

function toAlert(row: Row | undefined, file: string): Alert | undefined {
  if (row === undefined) return undefined;
  const json = (name: (typeof alertColumns)[number]): unknown => fromJson(row[name]!, file, name);
  const alert: Alert = {
    id: String(row['id']), time: Number(row['time']), last_time: Number(row['last_time']), level: row['level'] as Level,
    rule_id: String(row['rule_id']), rule_name: String(row['rule_name']), title: json('title') as Text, host: String(row['host']),
    summary: String(row['summary']), count: Number(row['count']), attack: json('attack') as string[], matrix: json('matrix') as string[],
    key: String(row['key']), status: row['status'] as AlertStatus, evidence: json('evidence') as AlertEvidence[],
  };
  for (const name of ['source_ip', 'source_country', 'origin', 'origin_ip', 'user', 'service', 'path'] as const) {
    const value = row[name];
    if (typeof value === 'string') alert[name] = value;
  }
  if (row['pid'] !== null) alert.pid = Number(row['pid']);
  if (row['lines'] !== null) alert.lines = json('lines') as number[];
  return alert;
}
