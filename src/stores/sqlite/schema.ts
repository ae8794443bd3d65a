/** Tables, their versions, and the views that people query. */
import { eventFields, fieldTypes, type Kind } from '../../core/gen/event.ts';
import { logonKinds } from '../../core/ports.ts';
import { StoreError } from '../error.ts';
import { contextFields } from './contexts.ts';
import { type Database, transaction } from './driver.ts';

/** 'Moat' in ASCII: marks the file as ours. */
const applicationId = 0x4d6f6174;

/** Each entry brings a database one version up. Only ever append; what was released stays as it is. */
const migrations: readonly string[] = [
  `CREATE TABLE event (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL);
   CREATE UNIQUE INDEX event_id ON event (id);
   CREATE INDEX event_time ON event (time);
   CREATE TABLE alert (
     id TEXT NOT NULL PRIMARY KEY, time INTEGER NOT NULL, last_time INTEGER NOT NULL, level TEXT NOT NULL,
     rule_id TEXT NOT NULL, rule_name TEXT NOT NULL, title TEXT NOT NULL, host TEXT NOT NULL, summary TEXT NOT NULL,
     count INTEGER NOT NULL, attack TEXT NOT NULL, matrix TEXT NOT NULL, key TEXT NOT NULL, status TEXT NOT NULL,
     source_ip TEXT, source_country TEXT, user TEXT, service TEXT, pid INTEGER, path TEXT, lines TEXT,
     evidence TEXT NOT NULL, closed_time INTEGER);
   CREATE INDEX alert_rule ON alert (rule_id, key, time);
   CREATE INDEX alert_last ON alert (last_time);
   CREATE INDEX alert_closed ON alert (closed_time) WHERE closed_time IS NOT NULL;
   CREATE TABLE position (source TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, saved INTEGER NOT NULL);
   CREATE INDEX position_saved ON position (saved);
   CREATE TABLE learned (id TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
   CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
   CREATE TABLE secret (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);`,
  `ALTER TABLE alert ADD COLUMN origin TEXT;
   ALTER TABLE alert ADD COLUMN origin_ip TEXT;
   CREATE TABLE lineage (id TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`,
  `CREATE TABLE receipt (
     id TEXT NOT NULL PRIMARY KEY, action TEXT NOT NULL, target TEXT NOT NULL, origin TEXT, status TEXT NOT NULL,
     created INTEGER NOT NULL, changed INTEGER NOT NULL, until INTEGER, value TEXT NOT NULL);
   CREATE INDEX receipt_status ON receipt (status, until);
   CREATE INDEX receipt_target ON receipt (action, target);
   CREATE INDEX receipt_origin ON receipt (origin) WHERE origin IS NOT NULL;
   CREATE TABLE audit (
     seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, "by" TEXT NOT NULL, via TEXT NOT NULL, operation TEXT NOT NULL,
     target TEXT NOT NULL, why TEXT NOT NULL, result TEXT NOT NULL, hash TEXT NOT NULL);
   CREATE TABLE block (
     network TEXT NOT NULL PRIMARY KEY, since INTEGER NOT NULL, until INTEGER, why TEXT NOT NULL, "by" TEXT NOT NULL,
     list TEXT, active INTEGER NOT NULL, times INTEGER NOT NULL);
   CREATE INDEX block_ended ON block (until) WHERE active = 0;`,
  // Of what waits (under_way = 0) a subject stands once for a channel; what is under way is not touched any more.
  `CREATE TABLE notice (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, under_way INTEGER NOT NULL DEFAULT 0, rank INTEGER NOT NULL,
     subject TEXT NOT NULL, time INTEGER NOT NULL, alert TEXT NOT NULL);
   CREATE UNIQUE INDEX notice_subject ON notice (channel, subject) WHERE under_way = 0;
   CREATE INDEX notice_rank ON notice (channel, under_way, rank, seq);
   CREATE TABLE notice_channel (
     channel TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL DEFAULT '', dropped INTEGER NOT NULL DEFAULT 0, untold INTEGER NOT NULL DEFAULT 0,
     notice_id TEXT, notice_dropped INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
   CREATE TABLE request (
     id TEXT NOT NULL PRIMARY KEY, created INTEGER NOT NULL, expires INTEGER NOT NULL, level TEXT NOT NULL, what TEXT NOT NULL, answer TEXT, answered INTEGER, answered_by TEXT) WITHOUT ROWID;
   CREATE TABLE used_token (id TEXT NOT NULL PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;`,
  `CREATE TABLE playbook_run (
     id TEXT NOT NULL PRIMARY KEY, playbook TEXT NOT NULL, target TEXT NOT NULL, alert TEXT, status TEXT NOT NULL,
     created INTEGER NOT NULL, changed INTEGER NOT NULL, value TEXT NOT NULL);
   CREATE INDEX playbook_run_status ON playbook_run (status);
   CREATE INDEX playbook_run_target ON playbook_run (playbook, target);
   CREATE INDEX playbook_run_alert ON playbook_run (alert) WHERE alert IS NOT NULL;`,
  // What many events have in common (contexts.ts); a column of the event itself comes before it.
  `CREATE TABLE context (id INTEGER PRIMARY KEY);
   ALTER TABLE event ADD COLUMN context INTEGER;`,
  // `parent`: what it is merged into or belongs to; `clock`: when the statutory report is due, while it is.
  `CREATE TABLE incident (
     id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, revision INTEGER NOT NULL, status TEXT NOT NULL, level TEXT NOT NULL, grade INTEGER NOT NULL, host TEXT NOT NULL,
     shown INTEGER NOT NULL, parent TEXT, clock INTEGER, time INTEGER NOT NULL, last_time INTEGER NOT NULL, changed INTEGER NOT NULL, value TEXT NOT NULL);
   CREATE INDEX incident_last ON incident (last_time);
   CREATE INDEX incident_parent ON incident (parent) WHERE parent IS NOT NULL;
   CREATE INDEX incident_clock ON incident (clock) WHERE clock IS NOT NULL;
   CREATE TABLE incident_member (
     what TEXT NOT NULL, id TEXT NOT NULL, incident TEXT NOT NULL, time INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (what, id)) WITHOUT ROWID;
   CREATE INDEX incident_member_of ON incident_member (incident, what, time);
   CREATE TABLE incident_strand (key TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, incident TEXT NOT NULL);
   CREATE UNIQUE INDEX incident_strand_key ON incident_strand (key, first, incident);
   CREATE INDEX incident_strand_of ON incident_strand (incident);
   CREATE INDEX incident_strand_last ON incident_strand (last);
   CREATE TABLE incident_finding (id TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);`,
  `CREATE TABLE account (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE session (digest TEXT NOT NULL PRIMARY KEY, account TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE INDEX session_account ON session (account);
   CREATE TABLE api_token (id TEXT NOT NULL PRIMARY KEY, digest TEXT NOT NULL UNIQUE, account TEXT NOT NULL, expires INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE INDEX alert_time ON alert (time, id);`,
  // What the lists and figures of the server turn pages by. Those with more columns answer without a look at the row.
  `DROP INDEX alert_time;
   CREATE INDEX alert_time ON alert (time, id, level, status, source_ip, rule_id);
   CREATE INDEX alert_page ON alert (status, level, time, id);
   CREATE INDEX alert_of_rule ON alert (rule_id, time, id);
   CREATE INDEX alert_source ON alert (source_ip, time, id) WHERE source_ip IS NOT NULL;
   CREATE INDEX alert_pid ON alert (pid, time, id) WHERE pid IS NOT NULL;
   CREATE INDEX alert_path ON alert (substr(path, 1, 100), time, id) WHERE path IS NOT NULL;
   CREATE INDEX incident_page ON incident (last_time, id, status, level) WHERE shown = 1 AND parent IS NULL AND kind <> 'cell';
   CREATE INDEX receipt_created ON receipt (created);
   CREATE INDEX playbook_run_created ON playbook_run (created);
   CREATE INDEX audit_operation ON audit (operation, seq);
   CREATE INDEX audit_by ON audit ("by", seq);
   CREATE TABLE finding (
     id TEXT NOT NULL PRIMARY KEY, check_id TEXT NOT NULL, kind TEXT NOT NULL, level TEXT NOT NULL, path TEXT,
     first INTEGER NOT NULL, last INTEGER NOT NULL, gone INTEGER, value TEXT NOT NULL);
   CREATE INDEX finding_page ON finding (last, id) WHERE gone IS NULL;
   CREATE INDEX finding_gone ON finding (gone) WHERE gone IS NOT NULL;
   CREATE TABLE scan (id TEXT NOT NULL PRIMARY KEY, started INTEGER NOT NULL, ended INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE INDEX scan_started ON scan (started);
   CREATE TABLE elevation (id TEXT NOT NULL PRIMARY KEY, account TEXT NOT NULL, until INTEGER NOT NULL, created INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE INDEX elevation_account ON elevation (account, until);
   CREATE TABLE saved_query (id TEXT NOT NULL PRIMARY KEY, account TEXT NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;`,
];

const iso = (column: string): string => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`;
const quote = (name: string): string => `"${name}"`;

/** Kinds are words of our own schema: no quotes in them. */
export const ofKinds = (kinds: readonly Kind[]): string => `kind IN (${kinds.map((kind) => `'${kind.replaceAll("'", '')}'`).join(', ')})`;
/** Few among many: whoever asks who came in does not look at all that happened. Part of no migration, since nothing depends on it. */
const logonIndex = `CREATE INDEX IF NOT EXISTS event_logon ON event (time) WHERE ${ofKinds(logonKinds)}`;

/** Looked up column by column and only for those that are asked for: a join here would keep SQLite from seeing through the view in a join of the asker's. */
const shared = new Set<string>(contextFields);
const eventColumn = (field: string): string => shared.has(field) ? `coalesce(${quote(field)}, (SELECT c.${quote(field)} FROM context AS c WHERE c.id = event.context)) AS ${quote(field)}` : quote(field);

/** What `moat query` offers, by name. `at` is UTC; `time` is the same in Unix milliseconds and is the quick one to filter by. */
export const views: Readonly<Record<string, string>> = {
  events: `SELECT ${iso('time')} AS at, ${eventFields.map(eventColumn).join(', ')} FROM event`,
  alerts: `SELECT ${iso('time')} AS at, ${iso('last_time')} AS last_at, id, time, last_time, level, status, rule_id, rule_name, summary, count, host, source_ip, source_country, origin, origin_ip, "user", service, pid, path, attack, matrix, key, title, lines, evidence FROM alert`,
  positions: `SELECT source, value, ${iso('saved')} AS at FROM position`,
  settings: `SELECT name, value FROM setting`,
  receipts: `SELECT ${iso('created')} AS at, ${iso('changed')} AS changed_at, id, action, target, origin, status, created, changed, until, value FROM receipt`,
  audit_log: `SELECT ${iso('time')} AS at, seq, time, "by", via, operation, target, why, result, hash FROM audit`,
  blocks: `SELECT ${iso('since')} AS at, network, since, until, why, "by", list, active, times FROM block`,
  playbook_runs: `SELECT ${iso('created')} AS at, ${iso('changed')} AS changed_at, id, playbook, target, alert, status, created, changed, json_extract(value, '$.by') AS "by", json_extract(value, '$.why') AS why, json_extract(value, '$.receipts') AS receipts, json_extract(value, '$.entries') AS entries, value FROM playbook_run`,
  incidents: `SELECT ${iso('time')} AS at, ${iso('last_time')} AS last_at, id, kind, revision, status, level, grade, host, shown, parent, clock, time, last_time, changed, value FROM incident`,
  findings: `SELECT ${iso('first')} AS at, ${iso('last')} AS last_at, id, check_id, kind, level, json_extract(value, '$.title.zh') AS title_zh, json_extract(value, '$.title.en') AS title_en, path, json_extract(value, '$.pid') AS pid, json_extract(value, '$.user') AS "user", json_extract(value, '$.address') AS address, first, last, gone, value FROM finding`,
  incident_members: `SELECT ${iso('time')} AS at, incident, what, id, time, last, count FROM incident_member`,
};

/** What the server lets its people ask: the settings are Moat's own, and the audit log has a permission of its own. */
export const huntViews: readonly string[] = Object.keys(views).filter((name) => !['settings', 'positions', 'audit_log'].includes(name));

/** Columns of a view with their types, as the words of the view name them. */
export function viewColumns(name: string): { name: string; type: string }[] {
  if (name === 'events') return [{ name: 'at', type: 'text' }, ...eventFields.map((field) => ({ name: field, type: fieldTypes[field] === 'number' ? 'number' : 'text' }))];
  const words = (views[name] ?? '').replace(/^SELECT /, '').replace(/ FROM \w+$/, '').split(/, (?![^(]*\))/);
  return words.map((word) => { const column = (/ AS "?(\w+)"?$/.exec(word)?.[1] ?? word.replaceAll('"', '')); return { name: column, type: numeric.has(column) ? 'number' : 'text' }; });
}
const numeric = new Set(['time', 'last_time', 'count', 'pid', 'created', 'changed', 'until', 'since', 'active', 'times', 'revision', 'grade', 'shown', 'clock', 'first', 'last', 'gone', 'seq']);

/** The tables under those views. They hold nothing that the views do not show. */
export const viewTables = ['event', 'context', 'alert', 'position', 'setting', 'receipt', 'audit', 'block', 'playbook_run', 'incident', 'incident_member', 'finding'] as const;

/** Settings of this prefix stand in a table that no query reads. */
export const secretPrefix = 'secret.';

const number = (db: Database, pragma: string): number => Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0);

/** Nothing is in it: a new file, or one whose first start was cut off before it had its mark. */
const isUnbegun = (db: Database): boolean => number(db, 'page_count') === 0 || (number(db, 'application_id') === 0 && number(db, 'user_version') === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0);

/** Throws StoreError unless the file is a Moat database of a version this program can read. */
export function checkVersion(db: Database, file: string, exact: boolean): void {
  const id = number(db, 'application_id');
  const version = number(db, 'user_version');
  const isEmpty = isUnbegun(db);
  if (id !== applicationId && !(isEmpty && !exact)) {
    if (isEmpty) throw new StoreError('missing', `${file} is empty`, { hint: 'Start Moat once; it makes the database.' });
    throw new StoreError('corrupt', `expected a Moat database, got another SQLite file (application id ${id}) in ${file}`, { hint: 'Move that file away, or choose another data directory.' });
  }
  if (version > migrations.length) throw new StoreError('schema', `expected schema ${migrations.length} or older, got ${version} in ${file}`, { hint: 'A newer Moat wrote it: run that version, or move the database aside.' });
  if (exact && version < migrations.length) throw new StoreError('schema', `expected schema ${migrations.length}, got ${version} in ${file}`, { hint: 'Start this version of Moat once; it brings the database up to date.' });
}

/** Makes the tables or brings them up to date; afterwards every field of the event schema has a column. */
export function migrate(db: Database, file: string): void {
  checkVersion(db, file, false);
  if (isUnbegun(db)) db.exec(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = ${applicationId}`);
  db.exec('PRAGMA journal_mode = WAL');
  const version = number(db, 'user_version');
  for (let next = version; next < migrations.length; next++) {
    transaction(db, () => {
      db.exec(migrations[next]!);
      db.exec(`PRAGMA user_version = ${next + 1}`);
    });
  }
  transaction(db, () => {
    const columns = new Set(eventColumns(db));
    const ofContext = new Set(columnsOf(db, 'context'));
    for (const field of contextFields) if (!ofContext.has(field)) db.exec(`ALTER TABLE context ADD COLUMN ${quote(field)} TEXT`);
    for (const field of eventFields) {
      if (!columns.has(field)) db.exec(`ALTER TABLE event ADD COLUMN ${quote(field)} ${fieldTypes[field] === 'number' ? 'INTEGER' : 'TEXT'}`);
    }
    db.exec(logonIndex);
    for (const [name, select] of Object.entries(views)) {
      const sql = `CREATE VIEW ${name} AS ${select}`;
      const old = db.prepare(`SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?`).get(name)?.['sql'];
      if (old !== sql) db.exec(`DROP VIEW IF EXISTS ${name}; ${sql}`);
    }
  });
}

/** Names of the event table's columns as they are in this file. */
export const eventColumns = (db: Database): string[] => columnsOf(db, 'event');

const columnsOf = (db: Database, table: 'event' | 'context'): string[] =>
  db.prepare(`SELECT name FROM pragma_table_info('${table}')`).all().map((row) => String(row['name']));
