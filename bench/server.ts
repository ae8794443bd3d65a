/**
 * `npm run bench -- server`: 200 people with the console open (pages of lists, overview, live stream) while 2,200 alerts a second come in for
 * a minute, over a store of a million alerts. MOAT_BENCH_ALERTS, MOAT_BENCH_SECONDS and MOAT_BENCH_USERS make it shorter. The people share
 * the machine with the server: on two cores the server has less than two.
 */
import { setMaxListeners } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AgentStatus } from '../src/agent/agent.ts';
import { askControl } from '../src/agent/control.ts';
import { makeToken } from '../src/api/access/sessions.ts';
import type { Account } from '../src/core/account.ts';
import { openDatabase } from '../src/stores/sqlite/driver.ts';
import { openSqliteStore } from '../src/stores/sqlite/store.ts';
import { startMoat } from '../test/live/moat.ts';
import { attackLines } from './lines.ts';
import { cpuPercent, cpuSeconds, quantile, rss, serviceNode } from './process.ts';
import { row, type Row } from './report.ts';
import { storeAlerts } from './stored-alerts.ts';

const wanted = (name: string, usual: number): number => Number(process.env[name] ?? usual);
const alertsStored = wanted('MOAT_BENCH_ALERTS', 1_000_000), seconds = wanted('MOAT_BENCH_SECONDS', 60), users = wanted('MOAT_BENCH_USERS', 200);
/** The log brings a tenth more than must be stored: of what brought just as many no measurement could say that it was met. */
const alertsPerSecond = 2000, broughtPerSecond = alertsPerSecond * 1.1;
/** Lines that tell how many alerts a line makes: rules come and go. */
const sampleLines = 2000;
/** Each line from another. */
const addressesMost = 1 << 22;
/** Shorter stretches of the main thread keep nobody waiting. */
const stretchMs = 20;
const probe = pathToFileURL(fileURLToPath(new URL('start-probe.mjs', import.meta.url)));
interface Probe { stretches: [at: number, ms: number, waited: number][] }
/** Of a core: less is nothing that a flood left behind. */
const idlePercent = 10;
/** Somebody looks, reads, and looks on. */
const readsMs = 4000;
const day = 86_400_000;

const lists = ['/alerts?limit=50', '/alerts?limit=50&status=open', '/alerts?limit=50&level=high', '/alerts?limit=50&rule=rule-7', '/alerts?limit=50&source_ip=198.51.100.7', '/incidents?status=open', '/receipts', '/runs'];
/** The same as plain SQL, for what the pages of alerts cost without a server. */
const plain = ['SELECT * FROM alert ORDER BY time DESC, id DESC LIMIT 51', "SELECT * FROM alert WHERE status = 'open' ORDER BY time DESC, id DESC LIMIT 51", "SELECT * FROM alert WHERE level IN ('high', 'critical') ORDER BY time DESC, id DESC LIMIT 51", "SELECT * FROM alert WHERE rule_id = 'rule-7' ORDER BY time DESC, id DESC LIMIT 51", "SELECT * FROM alert WHERE source_ip = '198.51.100.7' ORDER BY time DESC, id DESC LIMIT 51"];

export async function benchServer(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-server-'));
  const data = join(folder, 'data'), log = join(folder, 'access.log');
  writeFileSync(log, '');
  try {
    const began = performance.now();
    const tokens = fill(data);
    const filled = (performance.now() - began) / 1000;
    const config = `logs: { journal: off, usual: false, files: [${log}] }
processes: { enabled: false }
files: { enabled: false }
metrics: { enabled: false }
health_checks: { urls: [] }
baseline: { enabled: false }
response: { firewall: off }
alerts: { max: 3000000 }
history: { max_mb: 16384 }
server: { enabled: true, port: 0, http: true }
`;
    const profile = process.env['MOAT_BENCH_PROFILE'];
    probe.search = String(new URLSearchParams({ out: join(folder, 'probe.json'), least: String(stretchMs) }));
    // Alerts as text, as the service prints them.
    const moat = await startMoat(config, { folder, asText: true, node: [...serviceNode.node, '--import', probe.href, ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`])], env: serviceNode.env });
    try {
      return [row('store filled', alertsStored / filled, 'alerts/s', { detail: `${alertsStored.toLocaleString('en-US')} alerts in ${filled.toFixed(0)} s` }), ...await load(moat.child, { folder, data, log, tokens })];
    } finally { await moat.stop(); }
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

/** Alerts, and an account with a token for each person. */
function fill(data: string): string[] {
  const store = openSqliteStore({ dir: data, maxAlerts: 3_000_000, maxBytes: 2 ** 34 });
  try {
    const now = Date.now();
    storeAlerts(store, alertsStored, now);
    return Array.from({ length: users }, (_, i) => {
      const account: Account = { id: `bench${i}`, name: `bench${i}`, role: 'reader', created: now, disabled: false, password: '', passwordChanged: now, recovery: [] };
      store.accounts.save(account);
      return makeToken(store.accounts, account, { name: 'bench', role: 'reader', expires: now + day }, now).secret;
    });
  } finally { store.close(); }
}

async function load(child: Parameters<typeof rss>[0], { folder, data, log, tokens }: { folder: string; data: string; log: string; tokens: readonly string[] }): Promise<Row[]> {
  const { url } = await askControl(data, 'server') as { url: string };
  const before = await askControl(data, 'status') as AgentStatus;
  const peer = quantile(plainTimes(data), 0.95);
  appendFileSync(log, attackLines(addressesMost, sampleLines, Date.now()));
  const sampled = await caughtUp(data);
  const linesEach = Math.round((broughtPerSecond / 10) * (sampleLines / (sampled.openAlerts - before.openAlerts)));
  const alertsBefore = alertsIn(data);
  const took = { list: [] as number[], overview: [] as number[] };
  const faults = new Map<string, number>();
  const fault = (what: string): void => { faults.set(what, (faults.get(what) ?? 0) + 1); };
  const over = new AbortController();
  // Each person listens while it reads.
  setMaxListeners(users, over.signal);
  let heard = 0;
  const people = tokens.map((token, i) => person({ url, token, from: `127.0.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`, nth: i, signal: over.signal, took, fault, heard: (bytes) => { heard += bytes; } }));
  const memory: number[] = [];
  const began = performance.now(), at = Date.now(), used = cpuSeconds(child), ownUsed = process.cpuUsage();
  for (let n = 0, tenths = seconds * 10; n < tenths; n++) {
    appendFileSync(log, attackLines(addressesMost, linesEach, Date.now(), sampleLines + n * linesEach));
    if (n % 10 === 0) memory.push(rss(child));
    await sleep(Math.max(0, began + (n + 1) * 100 - performance.now()));
  }
  const stored = alertsIn(data) - alertsBefore, spent = (performance.now() - began) / 1000;
  over.abort();
  await Promise.all(people);
  const own = process.cpuUsage(ownUsed);
  const taken = (await caughtUp(data)).openAlerts - sampled.openAlerts;
  // What the alerts cause behind their being stored (incidents) is part of their cost.
  while (await cpuPercent(child, 1000) > idlePercent);
  const cpu = cpuSeconds(child) - used;
  memory.push(rss(child));
  const { stretches } = JSON.parse(readFileSync(join(folder, 'probe.json'), 'utf8')) as Probe;
  const held = stretches.filter((one) => one[0] >= at);
  const errors = [...faults.values()].reduce((sum, n) => sum + n, 0);
  const p95 = quantile(took.list, 0.95);
  return [
    row('errors', errors, 'requests', { lowerIsBetter: true, budget: 0, ...(errors > 0 && { detail: [...faults].map(([what, n]) => `${n} × ${what}`).slice(0, 4).join('; ') }) }),
    row('pages of lists, p95', p95, 'ms', { lowerIsBetter: true, budget: 150, detail: `${took.list.length} pages, p50 ${quantile(took.list, 0.5)?.toFixed(0) ?? '?'} ms, p99 ${quantile(took.list, 0.99)?.toFixed(0) ?? '?'} ms` }),
    row('the same queries by plain SQLite, p95, nothing else going on', peer, 'ms', { lowerIsBetter: true, ...(p95 !== undefined && { ours: p95 }) }),
    row('overview, p95', quantile(took.overview, 0.95), 'ms', { lowerIsBetter: true, detail: `${took.overview.length} times` }),
    row('alerts stored meanwhile', stored / spent, 'alerts/s', { budget: alertsPerSecond, detail: `${stored.toLocaleString('en-US')} of ${taken.toLocaleString('en-US')} that came in ${spent.toFixed(0)} s; the others after it` }),
    row('server, processor time', cpu, 's', { lowerIsBetter: true, detail: `${((cpu * 1e6) / Math.max(1, taken)).toFixed(0)} µs an alert, with ${took.list.length + took.overview.length} pages in it; the people and the log took ${((own.user + own.system) / 1e6).toFixed(1)} s beside it` }),
    row('longest stretch of its main thread', Math.max(0, ...held.map(([, ms]) => ms)), 'ms of processor', { lowerIsBetter: true, detail: `${held.length} of more than ${stretchMs} ms; ${Math.max(0, ...held.map(([, , waited]) => waited))} ms by the clock at most` }),
    row('live stream, each person', heard / users / spent / 1024, 'KB/s', { lowerIsBetter: true }),
    row('server memory, most', Math.max(...memory), 'MB', { lowerIsBetter: true, budget: 400 }),
  ];
}

/** Each query a few times, on a connection of its own. */
function plainTimes(data: string): number[] {
  const db = openDatabase(join(data, 'moat.db'), { readOnly: true });
  try {
    const times: number[] = [];
    for (let n = 0; n < 20; n++) {
      for (const sql of plain) {
        const began = performance.now();
        JSON.stringify(db.prepare(sql).all());
        times.push(performance.now() - began);
      }
    }
    return times;
  } finally { db.close(); }
}

interface Person { url: string; token: string; /** Its own address: how many requests one may make is counted by address. */ from: string; nth: number; signal: AbortSignal; took: { list: number[]; overview: number[] }; fault: (what: string) => void; heard: (bytes: number) => void }

async function person({ url, token, from, nth, signal, took, fault, heard }: Person): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 2, localAddress: from });
  const stream = request(`${url}/api/v1/stream`, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
    if (response.statusCode !== 200) fault(`stream ${response.statusCode}`);
    response.on('data', (piece: Buffer) => heard(piece.length)).on('error', () => undefined);
    response.on('end', () => { if (!signal.aborted) fault('stream ended'); });
  });
  stream.on('error', (error) => { if (!signal.aborted) fault(`stream ${error.message}`); });
  stream.end();
  await sleep((nth / users) * readsMs);
  for (let n = nth; !signal.aborted; n++) {
    const isOverview = n % 9 === 8;
    const path = isOverview ? `/overview?bucket=3600&from=${Date.now() - day}` : lists[n % lists.length]!;
    const began = performance.now();
    try {
      const status = await get(`${url}/api/v1${path}`, token, agent);
      if (status !== 200) fault(`${path.split('?')[0]} ${status}`);
      took[isOverview ? 'overview' : 'list'].push(performance.now() - began);
    } catch (error) { if (!signal.aborted) fault((error as Error).message); }
    await sleep(readsMs - Math.min(readsMs, performance.now() - began), undefined, { signal }).catch(() => undefined);
  }
  stream.destroy();
  agent.destroy();
}

function get(url: string, token: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.on('data', () => undefined).on('error', reject).on('end', () => resolve(response.statusCode ?? 0));
    });
    asked.setTimeout(30_000, () => asked.destroy(new Error('no answer in 30 s')));
    asked.on('error', reject);
    asked.end();
  });
}

/** What stands once no more alerts come. */
async function caughtUp(data: string): Promise<AgentStatus> {
  for (let last = -1; ;) {
    const status = await askControl(data, 'status', undefined, { patient: true }) as AgentStatus;
    if (status.openAlerts === last) return status;
    last = status.openAlerts;
    await sleep(1000);
  }
}

/** Read beside the server, so that nobody waits for its answer. */
function alertsIn(data: string): number {
  const db = openDatabase(join(data, 'moat.db'), { readOnly: true });
  try {
    return Number(db.prepare('SELECT count(*) AS n FROM alert').get()!['n']);
  } finally { db.close(); }
}
