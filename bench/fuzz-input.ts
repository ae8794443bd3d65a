/** The other doors: configuration, JSON replay, the control socket, SQL, country tables, the terminal. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveControl } from '../src/agent/control.ts';
import { parseConfig } from '../src/agent/config.ts';
import { sampleConfig } from '../src/agent/config-sample.ts';
import { behaviourSetups, loadRules, ownRules } from '../src/agent/detector.ts';
import { openGeo } from '../src/agent/geo.ts';
import { configSchema } from '../src/agent/config-schema.ts';
import { alertJson, alertLines } from '../src/cli/alert-text.ts';
import { safe } from '../src/cli/terminal.ts';
import type { DecodeContext } from '../src/core/format.ts';
import { Event, eventFields, kindLogsources } from '../src/core/gen/event.ts';
import { openDecoder } from '../src/engine/decode.ts';
import { Detector } from '../src/engine/detector.ts';
import { eventJson } from '../src/engine/event-json.ts';
import { excused } from '../src/engine/exceptions.ts';
import { AlertFolder } from '../src/engine/fold.ts';
import { querySqlite } from '../src/hunt/query.ts';
import { checkSql } from '../src/hunt/sql.ts';
import { openSqliteStore } from '../src/stores/sqlite/store.ts';
import { attempt, attemptAsync, crash, tally, until, type Tally } from './fuzz-door.ts';
import { breach } from './fuzz-logs.ts';
import { mutate, noise, type Random } from './fuzz-random.ts';
import { bombs } from './fuzz-rules.ts';
import type { Seeds } from './fuzz-seeds.ts';

export function fuzzConfig(random: Random, ms: number): Tally {
  const t = tally('configuration');
  const samples = [sampleConfig('en'), 'logs:\n  files: ["/srv/*.log"]\n  exclude: []\nrules:\n  dirs: [/a]\nexceptions:\n  - { rule: "*", when: { source_ip: [192.0.2.7, "198.51.100.*"] }, why: scanner, until: 2027-01-01 }\nbehaviours:\n  sustained-cpu: { percent: 70 }\n  tidal-load: false\n', 'health_checks: { urls: ["http://127.0.0.1/"] }\nhistory: { days: 3, max_mb: 64 }\n'];
  const bits = ['__proto__: {a: 1}\n', 'constructor: 1\n', 'behaviours: {__proto__: false}\n', '&a ', '*a', '!!binary ', '[', '{', ': ', '- ', '\n', '~', '1e999', '-1', '.nan', 'true', '"', '\t', '\u0000', 'x'.repeat(2000)];
  const run = (text: string): void => { attempt(t, text, () => { behaviourSetups(parseConfig(text, 'moat.yml')); }); };
  for (const text of bombs()) run(text.slice(0, 1 << 20));
  const going = until(ms);
  while (going()) run(mutate(random, random.pick(samples), random.chance(0.5) ? bits : samples, 1 << 16));
  return t;
}

/** JSON with wrong types, deep nesting, huge lists, names of JavaScript's own. */
function hostileJson(random: Random, depth = 0): string {
  switch (random.int(depth > 4 ? 9 : 12)) {
    case 0: return random.pick(['null', 'true', 'false', '0', '-0', '1e308', '1e999', '-1', '9'.repeat(400), '0.1', '1795314421000', '8.64e15', '8.65e15']);
    case 1: return JSON.stringify(noise(random, random.int(60)));
    case 2: return random.pick(['"203.0.113.9"', '"root"', '""', '"\\u0000"', '"\\ud800"', '"2026-11-22T02:27:01Z"', '"login"', '"success"', '"99999-01-01"', '"-271821-04-20"', '"+275760-09-13T00:00:01Z"']);
    case 3: return `[${'1,'.repeat(random.int(random.chance(0.1) ? 20_000 : 20))}1]`;
    case 4: { const levels = random.int(random.chance(0.1) ? 30_000 : 40); return '['.repeat(levels) + ']'.repeat(levels); }
    case 5: { const levels = random.int(random.chance(0.1) ? 9000 : 30); return `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`; }
    case 6: return `{"toString":1,"valueOf":2,"__proto__":{"x":1}}`;
    case 7: return `[${hostileJson(random, 9)},"a",{"b":[null]}]`;
    case 8: return JSON.stringify('x'.repeat(random.int(random.chance(0.1) ? 60_000 : 300)));
    default: return random.chance(0.5) ? 'null' : objectOf(random, depth);
  }
}

const names = [...eventFields, ...eventFields, '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'logsource', '@timestamp', 'timestamp', 'UtcTime', 'CommandLine', 'Image', 'cs-uri-query', 'c-ip', 'EventID', 'length', '', 'a.b.c', 'x'.repeat(300)];

function objectOf(random: Random, depth: number): string {
  return `{${Array.from({ length: random.int(9) }, () => `${JSON.stringify(random.pick(names))}:${hostileJson(random, depth + 1)}`).join(',')}}`;
}

/** A valid record, a few of its fields hostile. */
function altered(random: Random, line: string): string {
  const fields = Object.entries(JSON.parse(line) as Record<string, unknown>).map(([name, value]) => [name, JSON.stringify(value)] as const);
  const more = Array.from({ length: 1 + random.int(3) }, () => [random.chance(0.5) ? random.pick(fields)[0] : random.pick(names), hostileJson(random, 2)] as const);
  // Of a name that stands twice the later one counts.
  return `{${[...fields, ...more].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`.slice(0, 64 * 1024);
}

/** Decoded, judged by all rules and behaviours, folded, printed: all that `moat replay` does with them. */
export function fuzzJson(random: Random, found: Seeds, ms: number): Tally[] {
  const config = configSchema.parse({});
  const rules = loadRules([ownRules()]);
  const exceptions = [{ rule: '*', when: { source_ip: ['192.0.2.*'], user: 'root', value: 5 }, why: 'fuzz' }];
  const known = ['{"time":"2026-11-22T02:27:01Z","id":"a","kind":"sshd","category":"authentication","action":"login","outcome":"failure","user":"root","source_ip":"203.0.113.77"}', '{"logsource":{"product":"linux","category":"process_creation"},"CommandLine":"curl x | sh","Image":"/bin/sh","timestamp":"2026-11-22 02:27:01"}', ...(found.byFormat.get('events') ?? []), ...(found.byFormat.get('sigma-json') ?? [])];
  return (['events', 'sigma-json'] as const).map((format) => {
    const t = tally(`replay of ${format}`);
    const detector = new Detector(rules.engine, behaviourSetups(config));
    const geo = openGeo();
    let folder = new AlertFolder({ host: 'web01', lang: 'en', gap: 86_400_000 });
    const context: DecodeContext = { idPrefix: 'fuzz:', source: 'x', host: 'web01', now: () => 1_795_314_421_000, zoneOffset: () => 0 };
    let current = '';
    const emit = (event: Event): void => {
      t.events++;
      const why = breach(event);
      if (why !== undefined && (format === 'events' || event.kind !== 'foreign')) crash(t, why, current);
      if (typeof event.source_ip === 'string') geo.country(event.source_ip);
      detector.observe(event, (detection) => { if (!excused(detection, exceptions)) folder.add(detection); });
      JSON.stringify(eventJson(event));
    };
    const { decoder } = openDecoder(format, [], context, emit);
    const show = (): void => { for (const { alert } of folder.drain()) { JSON.stringify(alertJson(alert)); alertLines(alert, 'en'); } };
    const going = until(ms / 2);
    for (let n = 0; going(); n++) {
      const kind = JSON.stringify(random.chance(0.9) ? random.pick(Object.keys(kindLogsources)) : random.pick(['__proto__', 'toString', 'x']));
      const head = random.chance(0.7) ? `"kind":${kind},"time":"2026-11-22T02:27:01Z",` : '';
      const way = random.int(4);
      current = way < 2 ? altered(random, random.pick(known)) : way === 2 ? mutate(random, random.pick(known), known) : objectOf(random, 0).replace('{', () => `{${head}"extra":${objectOf(random, 1)},`).replace(/,\}$/, '}').slice(0, 64 * 1024);
      attempt(t, current, () => {
        decoder.decode(current, { line: n, position: n });
        if (random.chance(0.01)) { detector.advance(1_795_314_421_000 + n * 10, (detection) => folder.add(detection)); show(); }
        if (n % 5000 === 4999) folder = new AlertFolder({ host: 'web01', lang: 'en', gap: 86_400_000 });
      });
    }
    attempt(t, '(alerts)', show);
    t.unparsed = decoder.unparsed;
    return t;
  });
}

export async function fuzzControl(random: Random, ms: number): Promise<Tally> {
  const t = tally('control socket');
  const folder = mkdtempSync(join(tmpdir(), 'moat-fuzz-'));
  const server = await serveControl(folder, { status: () => ({ ok: 1 }), close: (id) => { if (typeof id !== 'string') throw new Error('expected an id'); return id; } });
  /** The answer, or '' when the agent hung up. */
  const ask = (bytes: Buffer): Promise<string> => new Promise((resolve) => {
    let text = '';
    const socket = createConnection(join(folder, 'moat.sock'));
    socket.on('data', (chunk) => { text += chunk.toString(); });
    socket.on('close', () => resolve(text));
    socket.on('error', () => undefined);
    // What follows an answered line meets a closed socket: that is an answer too.
    socket.end(bytes);
  });
  try {
    const fixed = ['{"op":"status"}', 'null', '[]', '5', '""', '{}', '{"op":"__proto__"}', '{"op":"toString"}', '{"op":{"toString":1}}', '{"op":["status"]}', '['.repeat(60_000), 'x'.repeat(1 << 20), '{"op":"close","argument":{"__proto__":1}}', '{"op":"status"}\n{"op":"status"}\n'.repeat(500)];
    const going = until(ms);
    for (let n = 0; n < fixed.length || going(); n++) {
      const text = n < fixed.length ? fixed[n]! : random.chance(0.3) ? noise(random, random.int(500)) : mutate(random, random.pick(fixed.slice(0, 10)), fixed.slice(0, 10), 2000);
      const said = await attemptAsync(t, text, () => ask(Buffer.from(`${text}\n`)));
      if (said === '') { t.refused++; continue; }
      try {
        if ((JSON.parse(said ?? '') as { ok: boolean }).ok) t.events++; else t.refused++;
      } catch { crash(t, `an answer that is no JSON: ${(said ?? '').slice(0, 80)}`, text); }
    }
    if (!(await ask(Buffer.from('{"op":"status"}\n'))).includes('"ok":true')) crash(t, 'it no longer answers', '');
  } finally {
    await new Promise((resolve) => { server.close(resolve); });
    rmSync(folder, { recursive: true, force: true });
  }
  return t;
}

const writing = ["ATTACH DATABASE '/tmp/x' AS x", "DETACH main", 'DELETE FROM events', "INSERT INTO settings VALUES ('a','b')", "UPDATE alerts SET status='closed'", 'DROP TABLE events', 'CREATE TABLE t(a)', 'PRAGMA writable_schema=ON', 'PRAGMA journal_mode=DELETE', 'VACUUM', "VACUUM INTO '/tmp/x'", 'REINDEX', 'ANALYZE', 'BEGIN', 'SAVEPOINT x', 'ALTER TABLE events RENAME TO x', "REPLACE INTO settings VALUES ('a','b')"];
/** Statements that begin like reading ones; SQLite itself must refuse what they do beyond that. */
const disguised = ['WITH x AS (SELECT 1) DELETE FROM event', 'WITH x AS (SELECT 1) INSERT INTO setting SELECT 1,2', "WITH x AS (SELECT 1) UPDATE alert SET status='x'", "SELECT load_extension('/tmp/x.so')", "SELECT writefile('/tmp/x','y')", 'SELECT * FROM sqlite_schema', 'SELECT * FROM pragma_table_info(\'events\')', "EXPLAIN DELETE FROM event", 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r) SELECT count(*) FROM r', 'SELECT hex(zeroblob(1000000000))', "SELECT * FROM fts3_tokenizer('simple')", 'WITH events AS (SELECT * FROM sqlite_schema) SELECT * FROM events', "SELECT replace(hex(zeroblob(4000000)),'0','xxxxxxxx')", `SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`, `SELECT ${'1+'.repeat(5000)}1`];

export async function fuzzSql(random: Random, ms: number): Promise<Tally> {
  const t = tally('SQL of moat query');
  const folder = mkdtempSync(join(tmpdir(), 'moat-fuzz-'));
  const reads = ['SELECT * FROM events', "SELECT source_ip, count(*) FROM events WHERE action='login' GROUP BY 1", 'WITH x AS (SELECT 1) SELECT * FROM x', 'VALUES (1)', 'EXPLAIN SELECT 1', "SELECT ';' AS \"a;b\", [c;d], `e;f` FROM (SELECT 1 AS 'c;d')"];
  const bits = [';', '--', '/*', '*/', "'", '"', '[', ']', '`', '\u0000', '\n', '\u00a0', '\ufeff', '\u000b', ...writing, ...disguised.slice(0, 5)];
  const firstWord = (sql: string): string => /^(?:\s|;|--[^\n]*\n?|\/\*[\s\S]*?\*\/)*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? '';
  try {
    const store = openSqliteStore({ dir: folder });
    store.close();
    const digest = (): string => createHash('sha256').update(readFileSync(join(folder, 'moat.db'))).digest('hex');
    const before = digest();
    for (const sql of writing) if (attempt(t, sql, () => checkSql(sql)) !== undefined) crash(t, 'a writing statement passes', sql);
    const passed: string[] = [];
    const going = until(ms * 0.3);
    while (going()) {
      const sql = mutate(random, random.pick([...reads, ...writing]), bits, 70_000);
      const ready = attempt(t, sql, () => checkSql(sql));
      if (ready === undefined) continue;
      t.events++;
      if (!['SELECT', 'WITH', 'VALUES', 'EXPLAIN'].includes(firstWord(ready))) crash(t, `passes, though it begins with ${firstWord(ready)}`, sql);
      if (passed.length < 5000) passed.push(ready);
    }
    const run = async (sql: string): Promise<void> => {
      await attemptAsync(t, sql, async () => { await querySqlite(folder, sql, { timeoutMs: 1500, maxRows: 10 }); t.events++; });
      if (digest() !== before) crash(t, 'the database changed', sql);
    };
    const asking = until(ms * 0.7);
    for (const sql of [...disguised, ...reads]) await run(sql);
    while (asking() && passed.length > 0) await run(random.pick(passed));
  } finally { rmSync(folder, { recursive: true, force: true }); }
  return t;
}

/** A small valid MMDB: one record for all addresses, then damaged at random. */
function tinyMmdb(): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([0x40 | value.length]), Buffer.from(value)]);
  const map = (...pairs: [string, Buffer][]): Buffer => Buffer.concat([Buffer.from([0xe0 | pairs.length]), ...pairs.flatMap(([key, value]) => [text(key), value])]);
  const uint16 = (n: number): Buffer => Buffer.from([0xa1, n]);
  const data = map(['country', map(['iso_code', text('CN')])]);
  // One node of two 24-bit records; both point at the data: nodes + 16 + 0.
  const tree = Buffer.from([0, 0, 17, 0, 0, 17]);
  const meta = map(['node_count', Buffer.from([0xc1, 1])], ['record_size', uint16(24)], ['ip_version', uint16(4)], ['database_type', text('Country')], ['binary_format_major_version', uint16(2)], ['binary_format_minor_version', uint16(0)]);
  return Buffer.concat([tree, Buffer.alloc(16), data, Buffer.from('abcdef4d61784d696e642e636f6d', 'hex'), meta]);
}

export function fuzzGeo(random: Random, ms: number): Tally {
  const t = tally('country tables');
  const folder = mkdtempSync(join(tmpdir(), 'moat-fuzz-'));
  const addresses = ['203.0.113.9', '198.51.100.1', '2001:db8::1', '::ffff:192.0.2.1', '', 'x', '1.2.3', '255.255.255.255', '8.8.8.8'];
  const run = (name: string, bytes: Buffer): void => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    attempt(t, `${name} ${bytes.subarray(0, 200).toString('hex')}`, () => {
      const geo = openGeo(path);
      for (const address of addresses) {
        const country = geo.country(address);
        if (country !== undefined) t.events++;
        if (country !== undefined && typeof country !== 'string') crash(t, `a country that is a ${typeof country}`, bytes.toString('hex'));
      }
    });
  };
  try {
    const good = tinyMmdb();
    run('good.mmdb', good);
    if (t.events === 0) crash(t, 'the valid table is not read', good.toString('hex'));
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(100_000), Buffer.from('abcdef4d61784d696e642e636f6d', 'hex')]) run('x.mmdb', bytes);
    attempt(t, 'missing.mmdb', () => openGeo(join(folder, 'missing.mmdb')));
    attempt(t, 'missing', () => openGeo(join(folder, 'missing')));
    attempt(t, 'a folder', () => openGeo(folder));
    const going = until(ms);
    while (going()) {
      const bytes = Buffer.from(good);
      for (let times = 1 + random.int(6); times > 0; times--) bytes[random.int(bytes.length)] = random.int(256);
      run('x.mmdb', random.chance(0.8) ? bytes : random.chance(0.5) ? bytes.subarray(0, random.int(bytes.length)) : Buffer.from(noise(random, 300)));
      if (random.chance(0.2)) run('geoip', Buffer.from(mutate(random, '16777216,16777471,AU\n16777472,16778239,CN\n', ['4294967296,-1,ZZ\n', '9999999999999999999999,1,CN\n'])));
    }
  } finally { rmSync(folder, { recursive: true, force: true }); }
  return t;
}

/** Control, format (bidirectional, zero-width, tags), line and paragraph separators, what is drawn as nothing, halves of pairs. */
const unsafeText = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

export function fuzzTerminal(random: Random, ms: number): Tally {
  const t = tally('terminal text');
  const check = (text: string): void => {
    const shown = attempt(t, text, () => safe(text)) ?? '';
    const left = unsafeText.exec(shown)?.[0];
    if (left !== undefined) crash(t, `U+${left.codePointAt(0)!.toString(16)} is left`, text);
    else t.events++;
  };
  for (let code = 0; code <= 0x10ffff; code += 64) check(String.fromCodePoint(...Array.from({ length: 64 }, (_, i) => code + i).filter((one) => one <= 0x10ffff)));
  const going = until(ms);
  while (going()) {
    let text = '';
    for (let length = random.int(60); length > 0; length--) text += random.chance(0.5) ? String.fromCharCode(random.int(0x10000)) : random.chance(0.5) ? String.fromCodePoint(random.int(0x110000)) : random.pick(['\u001b[31m', '\u009b', 'abc', '中文', '\udb40\udc41', '\u200d']);
    check(text);
  }
  return t;
}
