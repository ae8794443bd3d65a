/** The server over a real agent: what the routes ask is answered, in the shapes of the contract. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { routes } from '../api/routes/catalogue.ts';
import type { Finding } from '../core/finding.ts';
import { openSqliteStore } from '../stores/sqlite/store.ts';
import { type Agent, startAgent } from './agent.ts';
import { askControl } from './control.ts';

let dir: string, agent: Agent, base: string, headers: Record<string, string>;
const warned: string[] = [];
const password = 'correct horse battery';

interface Answer { status: number; body: Record<string, unknown>; text: string }
async function ask(path: string, { method = 'GET', body, as = headers }: { method?: string; body?: unknown; as?: Record<string, string> } = {}): Promise<Answer> {
  const response = await fetch(`${base}/api/v1${path}`, { method, headers: { ...as, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const text = await response.text();
  return { status: response.status, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>, text };
}
const items = async (path: string): Promise<Record<string, unknown>[]> => (await ask(path)).body['items'] as Record<string, unknown>[];
/** What stands in the log of an sshd that somebody guesses passwords at, and then comes in. */
function guessing(address: string, n: number): string {
  const at = (seconds: number): string => new Date(Date.now() - 60_000 + seconds * 1000).toISOString().replace('Z', '+00:00');
  return `${Array.from({ length: n }, (_, i) => `${at(i)} shop1 sshd[${4000 + i}]: Failed password for root from ${address} port ${40_000 + i} ssh2`).join('\n')}\n${at(n)} shop1 sshd[4999]: Accepted password for root from ${address} port 41999 ssh2\n`;
}

/** What a scan found before this start. */
function seed(data: string): void {
  const finding = (id: string, more: object): Finding => ({ id, check: 'cron', kind: 'weakness', level: 'low', title: { zh: '测试', en: 'sample' }, evidence: [], refs: [], ...more });
  const fix = { text: { zh: '收紧', en: 'tighten' }, commands: [] };
  const store = openSqliteStore({ dir: data });
  store.scans.save({ id: 'aaaa', started: Date.now() - 2000, ended: Date.now() - 1000, by: 'test', checks: ['cron'], files: 1, verdict: 'clean', findings: { critical: 0, high: 0, medium: 0, low: 2, info: 0 }, blind: [], blind_left: 0, score: 99 }, [finding('f0000001', { fix }), finding('f0000002', { fix: { ...fix, actions: [{ action: 'change-mode', input: { path: join(dir, 'moat.yml'), mode: '0600' } }] } }), finding('f0000003', {})], []);
  store.scans.save({ id: 'bbbb', started: Date.now() - 500, ended: Date.now(), by: 'test', checks: ['cron'], files: 1, verdict: 'clean', findings: { critical: 0, high: 0, medium: 0, low: 2, info: 0 }, blind: [], blind_left: 0, score: 99 }, [], ['f0000003']);
  store.close();
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'moat-agent-api-'));
  const log = join(dir, 'auth.log');
  writeFileSync(log, guessing('203.0.113.9', 25));
  writeFileSync(join(dir, 'moat.yml'), `logs: { journal: off, usual: false, files: [${log}] }
processes: { enabled: false }
files: { enabled: false }
metrics: { enabled: false }
health_checks: { urls: [] }
scan: { enabled: false, root: ${join(dir, 'root')} }
baseline: { enabled: false }
response: { firewall: off, allow: [198.51.100.0/24] }
exceptions: [{ rule: nothing, when: { user: x }, why: sample }]
server: { enabled: true, port: 0, http: true, group: web, environment: test }
`);
  mkdirSync(join(dir, 'root/etc/cron.d'), { recursive: true });
  writeFileSync(join(dir, 'root/etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  seed(join(dir, 'data'));
  agent = await startAgent({
    configPath: join(dir, 'moat.yml'), configMustExist: true, dataFolder: join(dir, 'data'), version: '0.1.0', lang: 'en', strictAnswers: true,
    log: { debug: () => undefined, info: () => undefined, warn: (text) => { warned.push(text); } }, show: () => undefined, onHealth: () => undefined,
  });
  const { url, link } = await askControl(join(dir, 'data'), 'server-set-up') as { url: string; link: string };
  base = url;
  const made = await fetch(`${base}/api/v1/setup`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: link.split('#')[1], name: 'li', password }) });
  const session = await made.json() as { csrf: string };
  headers = { 'cookie': made.headers.getSetCookie()[0]!.split(';')[0]!, 'x-moat-csrf': session.csrf };
  await vi.waitUntil(async () => (await items('/incidents')).length > 0, { timeout: 30_000 });
}, 60_000);
afterAll(async () => {
  await agent.stop();
  rmSync(dir, { recursive: true });
});

it('every route that reads answers in the shape of its contract', async () => {
  const [alert] = await items('/alerts?limit=1');
  const [incident] = await items('/incidents?limit=1');
  const known: Record<string, string> = { '/alerts/:id': String(alert!['id']), '/incidents/:id': String(incident!['id']), '/rules/:id': 'behaviour.sustained-cpu', '/playbooks/:id': 'brute-force' };
  const odd: string[] = [], absent: string[] = [];
  for (const { id, method, path } of routes) {
    if (method !== 'GET' || path.includes(':archive')) continue;
    const prefix = Object.keys(known).find((one) => path === one || path.startsWith(`${one}/`));
    const at = path.replace(':id', prefix === undefined ? 'none' : known[prefix]!).replace(/:\w+/g, 'none');
    const needs = id === 'origin' ? '?pid=1' : '';
    const { status, text } = await ask(`${at}${needs}`);
    // The link of a notice is a token: there is none here.
    if (id === 'approval') { expect(status).toBe(410); continue; }
    if (status === 404) absent.push(id);
    else if (status !== 200) odd.push(`${id}: ${status} ${text.slice(0, 300)}`);
  }
  // Nothing was done or looked at yet, and no process is watched.
  expect({ odd, warned, absent: absent.toSorted() }).toEqual({ odd: [], warned: [], absent: ['finding', 'job', 'origin', 'receipt', 'run', 'scan'] });
}, 60_000);

it('an alert says which selections of its rule matched, and is told with its raw events and its incident', async () => {
  const { body } = await ask(`/alerts/${String((await items('/alerts?source_ip=203.0.113.9&limit=50')).at(-1)!['id'])}`);
  const { why, raw } = body as { why: { kind: string; yaml?: string; explained: { held: boolean; detection: { selections: { held: boolean }[] } }[] }; raw: { message?: string }[] };
  expect(['rule', 'correlation']).toContain(why.kind);
  expect(why.yaml).toContain('detection:');
  expect(why.explained.some(({ held, detection }) => held && detection.selections.some((one) => one.held))).toBe(true);
  expect(raw.some(({ message }) => message?.includes('203.0.113.9'))).toBe(true);
});

it('filters and folds alerts, and searches their text page by page', async () => {
  const all = await items('/alerts?limit=500');
  expect(all.length).toBeGreaterThan(1);
  expect((await items('/alerts?level=high&limit=500')).map(({ id }) => id)).toEqual(all.filter(({ level }) => level === 'high' || level === 'critical').map(({ id }) => id));
  expect((await items('/alerts?text=203.0.113.9&limit=500')).length).toBeGreaterThan(0);
  expect(await items('/alerts?text=%25&limit=500')).toEqual(all.filter((one) => JSON.stringify([one['summary'], one['title']]).includes('%')));
  const folded = await items('/alerts?folded=true') as { rule_id: string; folded: { alerts: number } }[];
  expect(new Set(folded.map(({ rule_id: rule }) => rule)).size).toBe(folded.length);
  expect(folded.reduce((n, one) => n + one.folded.alerts, 0)).toBe(all.length);
});

it('an exception is shown before it holds, holds at once, survives in the settings, and is taken away; by whom and by which way stands in the audit log', async () => {
  const [alert] = await items('/alerts?source_ip=203.0.113.9&limit=1');
  const exception = { rule: String(alert!['rule_id']), when: { source_ip: '203.0.113.9' }, why: 'our own scanner' };
  expect((await ask('/alerts/exception-preview', { method: 'POST', body: exception })).body).toMatchObject({ alerts: expect.any(Number), samples: [expect.objectContaining({ rule_id: alert!['rule_id'] })] });
  const made = await ask('/exceptions', { method: 'POST', body: exception });
  expect(made).toMatchObject({ status: 201, body: { from: 'api', by: 'account:li' } });
  expect((await items('/exceptions')).map(({ from }) => from)).toEqual(['configuration', 'api']);
  expect((await ask('/exceptions/c1', { method: 'DELETE' })).status, 'that of the file stays').toBe(404);
  expect((await ask(`/exceptions/${String(made.body['id'])}`, { method: 'DELETE' })).body).toEqual({ done: true });
  expect((await items('/audit?operation=exception-add'))[0]).toMatchObject({ by: 'account:li', via: 'api' });
});

it('the mode and the allow list change here and stay as the file says otherwise; what makes no sense is refused and changes nothing', async () => {
  expect((await ask('/mode', { method: 'PUT', body: { mode: 'guard', why: 'a quiet week' } })).body).toMatchObject({ mode: 'guard', set_by: 'api' });
  expect((await ask('/status')).body).toMatchObject({ response: { mode: 'guard' } });
  expect((await ask('/allow', { method: 'POST', body: { network: '192.0.2.7', why: 'office' } })).status).toBe(201);
  expect((await ask('/allow', { method: 'POST', body: { network: 'nonsense', why: 'office' } })).body).toMatchObject({ code: 'bad-input' });
  expect((await ask('/allow', { method: 'DELETE', body: { network: '198.51.100.0/24' } })).status, 'that of the file').toBe(404);
  expect((await items('/allow')).map(({ network, from }) => [network, from])).toEqual([['198.51.100.0/24', 'configuration'], ['192.0.2.7', 'api']]);
  expect((await ask('/port-list', { method: 'POST', body: { enforce: false, ports: [{ port: 'what/ever', from: 'any' }], why: 'x' } })).body).toMatchObject({ code: 'bad-input' });
  expect((await ask('/port-list')).body).toMatchObject({ items: [], enforced: false });
}, 30_000);

it('ports and zones are shown before they are kept, in the shape of the contract, and keep nothing', async () => {
  const ports = await ask('/port-list/preview', { method: 'POST', body: { enforce: false, ports: [{ port: '443/tcp', from: 'any' }] } });
  expect(ports).toMatchObject({ status: 200, body: { enforced: false, rows: expect.any(Array), cut: [], opened: [] } });
  const zones = await ask('/zones/preview', { method: 'POST', body: { zones: [{ name: 'office', networks: ['10.1.0.0/16'] }], flows: [] } });
  expect(zones.status).toBe(200);
  expect((await ask('/zones/preview', { method: 'POST', body: { zones: [{ name: 'office', networks: ['10.1.0.0/16'] }], flows: [{ from: 'office', to: 'nowhere' }] } })).body).toMatchObject({ code: 'bad-input' });
  expect((await ask('/zones')).body).toMatchObject({ zones: [], set_by: 'configuration' });
  expect((await ask('/port-list')).body).toMatchObject({ items: [] });
});

it('a finding is put right only where it stands, on this machine, and where an action does it', async () => {
  const attempt = (id: string, body: object = { plan: true }): Promise<Answer> => ask(`/findings/${id}/fix`, { method: 'POST', body });
  expect((await attempt('none')).status).toBe(404);
  expect((await attempt('f0000001')).body).toMatchObject({ code: 'refused', detail: expect.stringContaining('a person must do it') });
  expect((await attempt('f0000002', {})).body, 'its paths are of the folder that was looked at').toMatchObject({ code: 'refused', detail: expect.stringContaining('another folder') });
  expect((await attempt('f0000003')).body).toMatchObject({ code: 'conflict' });
  expect((await ask('/receipts/none/confirm', { method: 'POST', body: {} })).status).toBe(404);
});

const ruleText = `title: Somebody called wang\nname: wang_was_here\nstatus: test\nlevel: low\nlogsource: { product: linux, service: auth }\ndetection:\n  selection: { user: wang }\n  condition: selection\n`;
it('a rule of one\'s own is checked, tried on the past, saved, holds, and goes; others are never overwritten', async () => {
  expect((await ask('/rules/check', { method: 'POST', body: { text: 'title: [' } })).body).toMatchObject({ ok: false });
  const tried = await ask('/rules/test', { method: 'POST', body: { text: ruleText.replace('user: wang', 'user: root'), hours: 24 } });
  expect(tried.body).toMatchObject({ ok: true, looked: expect.any(Number) });
  expect(Number(tried.body['looked'])).toBeGreaterThan(10);
  expect((await ask('/rules/..%2fwang', { method: 'PUT', body: { text: ruleText } })).status).toBe(400);
  expect((await ask('/rules/other_name', { method: 'PUT', body: { text: ruleText } })).body).toMatchObject({ code: 'bad-input' });
  expect((await ask('/rules/wang_was_here', { method: 'PUT', body: { text: ruleText } })).body).toEqual({ id: 'wang_was_here', file: 'wang_was_here.yml', live: true });
  expect((await ask('/rules/wang_was_here')).body).toMatchObject({ own: true, enabled: true, yaml: ruleText });
  const [ours] = await items('/rules?kind=correlation&limit=1');
  const theirs = (await ask(`/rules/${String(ours!['id'])}`)).body;
  expect((await ask(`/rules/${String(ours!['id'])}`, { method: 'PUT', body: { text: theirs['yaml'] } })).status).not.toBe(200);
  expect((await ask('/rules/wang_was_here', { method: 'DELETE' })).body).toMatchObject({ live: true });
  expect((await ask('/rules/wang_was_here')).status).toBe(404);
}, 60_000);

it('hunting reads events and nothing that is Moat\'s own, within its limits', async () => {
  const hunt = (sql: string, more: object = {}): Promise<Answer> => ask('/hunt', { method: 'POST', body: { sql, ...more } });
  expect((await hunt('SELECT count(*) AS n FROM events WHERE source_ip = \'203.0.113.9\'')).body).toMatchObject({ columns: ['n'], rows: [[26]] });
  for (const sql of [
    'SELECT * FROM account', 'SELECT * FROM session', 'SELECT * FROM secret', 'SELECT * FROM api_token', 'SELECT * FROM settings', 'SELECT * FROM setting', 'SELECT * FROM audit_log', 'SELECT * FROM audit', 'SELECT * FROM sqlite_master', 'SELECT * FROM position', 'SELECT * FROM elevation', 'SELECT * FROM saved_query',
    'WITH x AS (SELECT * FROM account) SELECT * FROM x', 'SELECT (SELECT value FROM secret LIMIT 1)', 'SELECT * FROM pragma_database_list', 'PRAGMA database_list', 'ATTACH \'/etc/passwd\' AS x', 'SELECT load_extension(\'/tmp/x.so\')', 'SELECT readfile(\'/etc/passwd\')', 'INSERT INTO event (id) VALUES (1)', 'SELECT 1; DROP TABLE event', 'EXPLAIN DELETE FROM event', 'VACUUM INTO \'/tmp/x\'', 'SELECT * FROM "account"', 'SELECT * FROM main.account', 'select * from dbstat', 'SELECT * FROM incident_finding', 'SELECT * FROM used_token',
  ]) expect({ sql, status: (await hunt(sql)).status >= 400 }).toEqual({ sql, status: true });
  expect((await hunt('WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x', { seconds: 1 })).body).toMatchObject({ code: 'refused' });
  expect((await hunt('WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x LIMIT 100000) SELECT n FROM x', { rows: 5 })).body).toMatchObject({ cut: 'rows' });
}, 120_000);
