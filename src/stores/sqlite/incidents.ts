/** Incidents, what is in them, what ties them, and the findings they name. */
import type { Finding } from '../../core/finding.ts';
import type { IncidentChange, IncidentFilter, IncidentMember, IncidentRecord, IncidentStore, Strand } from '../../core/incident-store.ts';
import type { Level } from '../../core/level.ts';
import { StoreError } from '../error.ts';
import { type Database, guarded, type Row, statementsOf, transaction, type Value } from './driver.ts';
import { fromJson } from './events.ts';

export interface SqliteIncidents extends IncidentStore {
  /** For a caller that has a transaction open. Throws StoreError 'stale' and 'input'. */
  write(change: IncidentChange, now: number): void;
}

const maxRecord = 8 * 2 ** 20;
const maxFinding = 256 * 1024;
const maxName = 2000;
/** All rows, hidden ones and cells with them. */
const maxRows = 100_000;
const defaultLimit = 200;
const chunk = 1000;
/** Alerts looked through for those that are in no incident yet, a call: some milliseconds. */
const lookedAtOnce = 1000;

const parts = 'WITH RECURSIVE part (id) AS (VALUES (?) UNION SELECT incident.id FROM incident JOIN part ON incident.parent = part.id)';
const isOver = "status IN ('closed', 'false-alarm')";
const isListed = "shown = 1 AND parent IS NULL AND kind <> 'cell'";

export function openIncidents(db: Database, file: string): SqliteIncidents {
  const read = <T>(work: () => T): T => guarded(file, work);
  const insert = db.prepare('INSERT INTO incident (id, kind, revision, status, level, grade, host, shown, parent, clock, time, last_time, changed, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, revision = excluded.revision, status = excluded.status, level = excluded.level, grade = excluded.grade, host = excluded.host, shown = excluded.shown, parent = excluded.parent, clock = excluded.clock, time = excluded.time, last_time = excluded.last_time, changed = excluded.changed, value = excluded.value');
  const revision = db.prepare('SELECT revision FROM incident WHERE id = ?');
  const putMember = db.prepare('INSERT INTO incident_member (what, id, incident, time, last, count) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (what, id) DO UPDATE SET incident = excluded.incident, time = excluded.time, last = excluded.last, count = excluded.count');
  const dropStrands = db.prepare('DELETE FROM incident_strand WHERE key = ?');
  const putStrand = db.prepare('INSERT OR REPLACE INTO incident_strand (key, first, last, incident) VALUES (?, ?, ?, ?)');
  const putFinding = db.prepare('INSERT INTO incident_finding (id, value) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value');
  const byId = db.prepare('SELECT value FROM incident WHERE id = ?');
  const like = db.prepare(`SELECT id FROM incident WHERE id >= ? AND id < ? AND kind <> 'cell' AND shown = 1 ORDER BY id LIMIT ?`);
  const byLevel = db.prepare(`SELECT level, count(*) AS n FROM incident WHERE ${isListed} AND NOT ${isOver} GROUP BY level`);
  const member = db.prepare('SELECT * FROM incident_member WHERE what = ? AND id = ?');
  const members = db.prepare(`${parts} SELECT m.* FROM part JOIN incident_member m ON m.incident = part.id WHERE m.what = ? ORDER BY m.time, m.id LIMIT ?`);
  const strands = db.prepare('SELECT * FROM incident_strand WHERE key = ? ORDER BY first');
  const keys = db.prepare(`${parts} SELECT DISTINCT s.key FROM part JOIN incident_strand s ON s.incident = part.id ORDER BY s.key LIMIT ?`);
  const finding = db.prepare('SELECT value FROM incident_finding WHERE id = ?');
  // By the index of the time, a part of it a call: with a condition that most rows do not meet, each call would read all of the table.
  const seenSince = db.prepare(`SELECT rowid AS row, id, last_time, count, status, (SELECT last FROM incident_member m WHERE m.what = 'alert' AND m.id = alert.id) AS last, (SELECT count FROM incident_member m WHERE m.what = 'alert' AND m.id = alert.id) AS counted
    FROM alert WHERE last_time >= ? AND (last_time, rowid) > (?, ?) ORDER BY last_time, rowid LIMIT ${lookedAtOnce}`);
  const size = db.prepare('SELECT count(*) AS n FROM incident');
  const idle = db.prepare(`SELECT id FROM incident WHERE last_time < ? AND changed < ? AND ((kind <> 'cell' AND shown = 0 AND parent IS NULL) OR (kind = 'cell' AND parent IN (SELECT id FROM incident WHERE kind = 'campaign'))) LIMIT ${chunk}`);
  const over = db.prepare(`SELECT value FROM incident WHERE kind <> 'cell' AND parent IS NULL AND ${isOver} AND changed < ? ORDER BY changed LIMIT ?`);
  const isStillOver = db.prepare(`SELECT 1 FROM incident WHERE id = ? AND ${isOver}`);
  const tooMany = db.prepare(`SELECT id FROM incident WHERE parent IS NULL AND (shown = 0 OR ${isOver}) OR kind = 'cell' AND parent IN (SELECT id FROM incident WHERE kind = 'campaign') ORDER BY last_time LIMIT ?`);
  const whole = db.prepare(`${parts} SELECT id FROM part`);
  const dropRow = db.prepare('DELETE FROM incident WHERE id = ?');
  const dropMembers = db.prepare('DELETE FROM incident_member WHERE incident = ?');
  const dropTies = db.prepare('DELETE FROM incident_strand WHERE incident = ?');
  const oldStrands = db.prepare(`DELETE FROM incident_strand WHERE rowid IN (SELECT rowid FROM incident_strand WHERE last < ? LIMIT ${chunk})`);
  const closeAlerts = db.prepare(`${parts} UPDATE alert SET status = 'closed', closed_time = ? WHERE status = 'open' AND id IN (SELECT m.id FROM part JOIN incident_member m ON m.incident = part.id WHERE m.what = 'alert')`);
  const oldFindings = db.prepare(`DELETE FROM incident_finding WHERE rowid IN (SELECT f.rowid FROM incident_finding f LEFT JOIN incident_member m ON m.what = 'finding' AND m.id = f.id WHERE m.id IS NULL AND f.rowid <= ? LIMIT ${chunk})`);

  const prepared = statementsOf(db);
  const lastFinding = db.prepare('SELECT max(rowid) AS n FROM incident_finding');
  /** What is older than the last look has had its alert by now, or gets none. */
  let oldFinding = 0;

  const toRecord = (row: Row | undefined): IncidentRecord | undefined => (row === undefined ? undefined : fromJson(row['value']!, file, 'value') as IncidentRecord);

  function put(record: IncidentRecord, expected: number): void {
    const stands = Number(revision.get(record.id)?.['revision'] ?? 0);
    if (stands !== expected) throw new StoreError('stale', `expected incident ${record.id} at revision ${expected}, got ${stands}`, { hint: `look at it again: moat incident show ${record.id}` });
    const value = JSON.stringify(record);
    if (value.length > maxRecord) throw new StoreError('input', `expected an incident of at most ${maxRecord} characters, got ${value.length} for ${record.id}`);
    const clock = record.clock !== undefined && record.clock.stopped === undefined ? record.clock.due : null;
    insert.run(record.id, record.kind, record.revision, record.status, record.level, record.grade, record.host, record.shown ? 1 : 0, record.within ?? record.merged_into ?? null, clock, record.time, record.last_time, record.changed, value);
  }

  return {
    write({ incidents = [], members: joined = [], strands: tied = new Map<string, readonly Strand[]>(), closeAlertsOf = [], findings = [] }, now) {
      for (const { record, expected } of incidents) put(record, expected);
      for (const { what, id, incident, time, last, count } of joined) putMember.run(what, id, incident, time, last, count);
      for (const [key, list] of tied) {
        if (key === '' || key.length > maxName) throw new StoreError('input', `expected a key of 1 to ${maxName} characters, got ${key.length}`);
        dropStrands.run(key);
        for (const { first, last, incident } of list) putStrand.run(key, first, last, incident);
      }
      for (const id of closeAlertsOf) closeAlerts.run(id, now);
      for (const one of findings) {
        const value = JSON.stringify(one);
        if (value.length > maxFinding) throw new StoreError('input', `expected a finding of at most ${maxFinding} characters, got ${value.length}`);
        putFinding.run(one.id, value);
      }
    },

    incident: (id) => read(() => toRecord(byId.get(id))),
    idsLike: (prefix, limit) => read(() => like.all(prefix, `${prefix}\u{10ffff}`, limit).map((row) => String(row['id']))),
    incidents(filter) {
      const { where, values } = conditions(filter);
      return read(() => prepared(`SELECT value FROM incident WHERE ${where} ORDER BY last_time DESC, id DESC LIMIT ?`).all(...values, filter.limit ?? defaultLimit).map((row) => toRecord(row)!));
    },
    openByLevel: () => read(() => byLevel.all().map((row) => ({ level: row['level'] as Level, count: Number(row['n']) }))),
    member: (what, id) => read(() => toMember(member.get(what, id))),
    members: (incident, what, limit) => read(() => members.all(incident, what, limit).map((row) => toMember(row)!)),
    strands: (key) => read(() => strands.all(key).map((row) => ({ key, first: Number(row['first']), last: Number(row['last']), incident: String(row['incident']) }))),
    keysOf: (incident, limit) => read(() => keys.all(incident, limit).map((row) => String(row['key']))),
    finding: (id) => read(() => { const row = finding.get(id); return row && fromJson(row['value']!, file, 'value') as Finding; }),
    unformed(sinceMs, after, limit) {
      return read(() => {
        const ids: string[] = [];
        let seen = 0;
        for (const row of seenSince.iterate(Math.max(sinceMs, after?.last ?? sinceMs), after?.last ?? sinceMs, after?.row ?? -1) as Iterable<Row>) {
          seen++;
          if (row['status'] === 'open' && (row['last'] === null || Number(row['last']) < Number(row['last_time']) || row['counted'] !== row['count'])) ids.push(String(row['id']));
          if (ids.length >= limit || seen >= lookedAtOnce) return { ids, next: { last: Number(row['last_time']), row: Number(row['row']) } };
        }
        return { ids };
      });
    },

    expired: (before, limit) => read(() => over.all(before, Math.min(limit, chunk)).map((row) => toRecord(row)!)),
    prune(now, idleMs, ids = []) {
      return read(() => transaction(db, () => {
        const gone = new Set(idle.all(now - idleMs, now - idleMs).map((row) => String(row['id'])));
        // One that was opened again meanwhile stays.
        for (const id of ids) if (isStillOver.get(id) !== undefined) gone.add(id);
        const surplus = Number(size.get()!['n']) - gone.size - maxRows;
        if (surplus > 0) for (const row of tooMany.all(Math.min(surplus, chunk))) gone.add(String(row['id']));
        for (const id of gone) {
          for (const row of whole.all(id)) {
            const part = String(row['id']);
            dropMembers.run(part);
            dropTies.run(part);
            dropRow.run(part);
          }
        }
        oldStrands.run(now - idleMs);
        oldFindings.run(oldFinding);
        oldFinding = Number(lastFinding.get()!['n'] ?? 0);
        return gone.size;
      }));
    },
  };
}

function conditions({ status, hidden, kind, within, clock, before, level, after }: IncidentFilter): { where: string; values: Value[] } {
  const all: string[] = [];
  const values: Value[] = [];
  if (!hidden) all.push(isListed);
  if (status !== undefined) { all.push(`status IN (${status.map(() => '?').join(', ')})`); values.push(...status); }
  if (kind !== undefined) { all.push('kind = ?'); values.push(kind); }
  if (within !== undefined) { all.push('parent = ?'); values.push(within); }
  if (clock === true) all.push('clock IS NOT NULL');
  if (before !== undefined) { all.push('last_time < ?'); values.push(before); }
  if (level !== undefined) { all.push(`level IN (${level.map(() => '?').join(', ')})`); values.push(...level); }
  if (after !== undefined) { all.push('(last_time, id) < (?, ?)'); values.push(after.last, after.id); }
  return { where: all.length === 0 ? '1' : all.join(' AND '), values };
}

function toMember(row: Row | undefined): IncidentMember | undefined {
  if (row === undefined) return undefined;
  return { what: row['what'] as IncidentMember['what'], id: String(row['id']), incident: String(row['incident']), time: Number(row['time']), last: Number(row['last']), count: Number(row['count']) };
}
