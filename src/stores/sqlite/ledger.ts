/** Alerts, positions, learned state and settings. */
import type { Alert, AlertEvidence, AlertStatus } from '../../core/alert.ts';
import { type Level, levels } from '../../core/level.ts';
import type { AlertFilter, Ledger, Position } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { StoreError } from '../error.ts';
import { type Database, guarded, type Row, type Statement, transaction, type Value } from './driver.ts';
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
  /** One statement for each combination of filters; there are 64, and levels at 5. */
  const lists = new Map<string, Statement>();
  const list = (where: string, order: string): Statement => {
    const sql = `SELECT ${columns} FROM alert ${where} ORDER BY ${order} LIMIT ?`;
    const known = lists.get(sql) ?? db.prepare(sql);
    lists.set(sql, known);
    return known;
  };
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
      const { where, values } = conditions(filter);
      const limit = Math.max(0, Math.trunc(filter.limit ?? defaultLimit));
      const order = filter.before ? 'time DESC, id DESC' : 'last_time DESC, rowid DESC';
      return read(() => list(where, order).all(...values, limit).map((row) => toAlert(row, file)!));
    },

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
