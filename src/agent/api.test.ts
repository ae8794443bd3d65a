/** The server over a real agent: what the routes ask is answered, in the shapes of the contract. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSync } from 'otplib';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type AgentApi, type ApiAnswer, guessing, startAgentApi, startQuietAgent } from '../../test/agent-api.ts';
import { routes } from '../api/routes/catalogue.ts';
import type { Finding } from '../core/finding.ts';
import type { Text } from '../core/text.ts';
import { openSqliteStore } from '../stores/sqlite/store.ts';

let api: AgentApi, warned: string[], dir: string, base: string, password: string;
const ask: AgentApi['ask'] = (path, how) => api.ask(path, how);
const items: AgentApi['items'] = (path) => api.items(path);

/** What a scan found before this start. */
function seed(at: string): void {
  const finding = (id: string, more: object): Finding => ({ id, check: 'cron', kind: 'weakness', level: 'low', title: { zh: '测试', en: 'sample' }, evidence: [], refs: [], ...more });
  const fix = { text: { zh: '收紧', en: 'tighten' }, commands: [] };
  const store = openSqliteStore({ dir: join(at, 'data') });
  store.scans.save({ id: 'aaaa', started: Date.now() - 2000, ended: Date.now() - 1000, by: 'test', checks: ['cron'], files: 1, verdict: 'clean', findings: { critical: 0, high: 0, medium: 0, low: 2, info: 0 }, blind: [], blind_left: 0, score: 99 }, [finding('f0000001', { fix }), finding('f0000002', { fix: { ...fix, actions: [{ action: 'change-mode', input: { path: join(at, 'moat.yml'), mode: '0600' } }] } }), finding('f0000003', {}), finding('f0000004', { level: 'medium' }), finding('f0000005', { level: 'critical' })], []);
  store.scans.save({ id: 'bbbb', started: Date.now() - 500, ended: Date.now(), by: 'test', checks: ['cron'], files: 1, verdict: 'clean', findings: { critical: 0, high: 0, medium: 0, low: 2, info: 0 }, blind: [], blind_left: 0, score: 99 }, [], ['f0000003']);
  store.close();
}

beforeAll(async () => {
  api = await startAgentApi(() => `response: { firewall: off, allow: [198.51.100.0/24] }
exceptions: [{ rule: nothing, when: { user: x }, why: sample }]
`, guessing('203.0.113.9', 25), seed);
  ({ warned, dir, url: base, password } = api);
  await vi.waitUntil(async () => (await items('/incidents')).length > 0, { timeout: 30_000 });
}, 60_000);
afterAll(() => api.stop());

it('every route that reads answers in the shape of its contract', async () => {
  const [alert] = await items('/alerts?limit=1');
  const [incident] = await items('/incidents?limit=1');
  const [account] = await items('/accounts');
  const known: Record<string, string> = { '/accounts/:id': String(account!['id']), '/alerts/:id': String(alert!['id']), '/incidents/:id': String(incident!['id']), '/rules/:id': 'behaviour.sustained-cpu', '/playbooks/:id': 'brute-force' };
  const odd: string[] = [], absent: string[] = [];
  for (const { id, method, path } of routes) {
    if (method !== 'GET' || path.includes(':archive')) continue;
    const prefix = Object.keys(known).find((one) => path === one || path.startsWith(`${one}/`));
    const at = path.replace(':id', prefix === undefined ? 'none' : known[prefix]!).replace(/:\w+/g, 'none');
    const needs = ({ 'origin': '?pid=1', 'intelligence-check': '?value=203.0.113.9' } as Record<string, string>)[id] ?? '';
    const { status, text } = await ask(`${at}${needs}`);
    // The link of a notice is a token: there is none here.
    if (id === 'approval') { expect(status).toBe(410); continue; }
    if (status === 404) absent.push(id);
    else if (status !== 200) odd.push(`${id}: ${status} ${text.slice(0, 300)}`);
  }
  // Nothing was done, kept or looked at yet, and no process is watched.
  expect({ odd, warned, absent: absent.toSorted() }).toEqual({ odd: [], warned: [], absent: ['evidence-content', 'evidence-one', 'finding', 'job', 'origin', 'quarantine-content', 'receipt', 'rule-test-result', 'run', 'scan'] });
}, 60_000);

it('an alert says which selections of its rule matched, and is told with its raw events and its incident', async () => {
  const { body } = await ask(`/alerts/${String((await items('/alerts?source_ip=203.0.113.9&limit=50')).at(-1)!['id'])}`);
  const { why, raw } = body as { why: { description: Text; advice: Text; falsepositives: Text[]; kind: string; yaml?: string; explained: { held: boolean; detection: { selections: { held: boolean }[] } }[] }; raw: { message?: string }[] };
  expect(['rule', 'correlation']).toContain(why.kind);
  for (const text of [why.description, why.advice, ...why.falsepositives]) expect(text).toEqual({ zh: expect.stringMatching(/[\u4e00-\u9fff]/) as string, en: expect.stringMatching(/^[^\u4e00-\u9fff]+$/) as string });
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
  expect((await items('/exceptions')).map(({ from, hits }) => [from, hits])).toEqual([['configuration', 0], ['api', 0]]);
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
  const attempt = (id: string, body: object = { plan: true }): Promise<ApiAnswer> => ask(`/findings/${id}/fix`, { method: 'POST', body });
  expect((await attempt('none')).status).toBe(404);
  expect((await attempt('f0000001')).body).toMatchObject({ code: 'refused', detail: expect.stringContaining('a person must do it') });
  expect((await attempt('f0000002', {})).body, 'its paths are of the folder that was looked at').toMatchObject({ code: 'refused', detail: expect.stringContaining('another folder') });
  expect((await attempt('f0000003')).body).toMatchObject({ code: 'conflict' });
  expect((await ask('/receipts/none/confirm', { method: 'POST', body: {} })).status).toBe(404);
});

it('posture says when this machine was looked at last, also when that was before this start and by hand', async () => {
  const [latest] = await items('/scans?limit=1');
  expect(latest).toMatchObject({ id: 'bbbb', by: 'test' });
  expect((await ask('/posture')).body).toMatchObject({ status: { last: latest!['ended'] } });
});

it('findings come worst first, page by page', async () => {
  const pages: string[][] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const { items: page, next } = (await ask(`/findings?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)).body as { items: { id: string }[]; next?: string };
    pages.push(page.map(({ id }) => id));
    cursor = next;
  }
  expect(pages).toEqual([['f0000005', 'f0000004'], ['f0000002', 'f0000001']]);
  expect((await items('/findings?level=medium')).map(({ id }) => id)).toEqual(['f0000005', 'f0000004']);
  expect((await items('/findings?gone=true')).map(({ id }) => id)).toEqual(['f0000003']);
});

const ruleText = `title: Somebody called wang\nname: wang_was_here\nstatus: test\nlevel: low\nlogsource: { product: linux, service: auth }\ndetection:\n  selection: { user: wang }\n  condition: selection\n`;
it('a rule of one\'s own is checked, tried on the past, saved, holds, and goes; others are never overwritten', async () => {
  expect((await ask('/rules/check', { method: 'POST', body: { text: 'title: [' } })).body).toMatchObject({ ok: false });
  const test = await tried(ruleText.replace('user: wang', 'user: root'));
  expect(test).toMatchObject({ ok: true, per_rule: [{ rule: 'wang_was_here', matched: 26 }] });
  expect(test.looked).toBeGreaterThanOrEqual(26);
  expect(test.samples[0]).toMatchObject({ rule: 'wang_was_here', event: { user: 'root' } });
  expect((await ask('/rules/..%2fwang', { method: 'PUT', body: { text: ruleText } })).status).toBe(400);
  expect((await ask('/rules/other_name', { method: 'PUT', body: { text: ruleText } })).body).toMatchObject({ code: 'bad-input' });
  expect((await ask('/rules/wang_was_here', { method: 'PUT', body: { text: ruleText } })).body).toEqual({ id: 'wang_was_here', file: 'wang_was_here.yml', live: true });
  expect((await ask('/rules/wang_was_here')).body).toMatchObject({ own: true, enabled: true, yaml: ruleText, judged: { looked: 0, false_alarms: 0 } });
  const [ours] = await items('/rules?kind=correlation&limit=1');
  const theirs = (await ask(`/rules/${String(ours!['id'])}`)).body;
  expect((await ask(`/rules/${String(ours!['id'])}`, { method: 'PUT', body: { text: theirs['yaml'] } })).status).not.toBe(200);
  expect((await ask('/rules/wang_was_here', { method: 'DELETE' })).body).toMatchObject({ live: true });
  expect((await ask('/rules/wang_was_here')).status).toBe(404);
}, 60_000);

interface Test { ok: boolean; looked: number; faults: { code: string }[]; samples: object[] }
async function tried(text: string): Promise<Test> {
  const begun = await ask('/rules/test', { method: 'POST', body: { text, hours: 24 } });
  expect(begun.status).toBe(202);
  const at = `/rules/test/${String(begun.body['job'])}`;
  await vi.waitUntil(async () => ((await ask(at)).body['job'] as { state: string }).state !== 'running', { timeout: 30_000 });
  const { body } = await ask(at);
  // Everybody who reads may see jobs; what was found is for those who hunt.
  expect((await ask(`/jobs/${String(begun.body['job'])}`)).body['result']).toEqual({ looked: expect.any(Number), matched: expect.any(Number) });
  return body['test'] as Test;
}

const regexRule = (lines: readonly string[]): string => `title: Slow\nname: slow\nlogsource: { product: linux, service: auth }\ndetection:\n  selection:\n    message|re:\n${lines.map((line) => `      - '${line}'\n`).join('')}  condition: selection\n`;
it('a rule whose text is hostile is refused with a line and a word, or runs in linear time', async () => {
  const faults = async (text: string): Promise<{ line: number; code: string; message: string }[]> => (await ask('/rules/check', { method: 'POST', body: { text } })).body['faults'] as { line: number; code: string; message: string }[];
  expect(await faults(regexRule(['(?=(a+)+)b(?!x)']))).toMatchObject([{ line: 7, code: 'regex', message: expect.stringContaining('linear time') }]);
  expect(await faults(regexRule([String.raw`(a+)\1`]))).toMatchObject([{ code: 'regex', message: expect.stringContaining('back-reference') }]);
  expect(await faults(regexRule(['((a{1,1000}){1,1000}){1,1000}']))).toMatchObject([{ code: 'regex' }]);
  expect(await faults(regexRule(Array.from({ length: 101 }, (_, n) => `a+${n}`)))).toMatchObject([{ line: 1, code: 'limit', message: expect.stringContaining('at most 100 regexes') }]);
  expect(await faults(`${ruleText}#${'x'.repeat(64 * 1024)}`)).toMatchObject([{ line: 1, code: 'limit', message: expect.stringContaining('characters') }]);
  expect((await ask('/rules/slow', { method: 'PUT', body: { text: regexRule(['(?=(a+)+)b(?!x)']) } })).body).toMatchObject({ code: 'bad-input', detail: expect.stringContaining('line 7: expected a regex') });
  expect((await ask('/rules/check', { method: 'POST', body: { text: 'x'.repeat(300_000) } })).body).toMatchObject({ code: 'bad-input' });
  expect((await ask('/rules/check', { method: 'POST', body: { text: 'x'.repeat(3_000_000) } })).body).toMatchObject({ code: 'too-large' });
  // The classic of backtracking runs, on the engine that does not backtrack.
  expect(await tried(regexRule(['^(([a-zA-Z0-9 :.+-])+)+(z|q)$']))).toMatchObject({ ok: true, faults: [] });
}, 60_000);

it('the matrices say what covers a technique and how often it was seen, and name what nothing covers', async () => {
  const { techniques, cells } = (await ask('/matrix')).body as { techniques: { id: string; seen: number; cell?: string; covered_count: number; covered: { what: string; id: string; seen: number }[]; tactics: string[] }[]; cells: { id: string; seen: number; covered_count: number }[] };
  const at = (id: string) => techniques.find((one) => one.id === id)!;
  const guessing = at('T1110.001');
  expect(guessing.seen).toBeGreaterThan(0);
  expect(guessing.covered[0]).toMatchObject({ what: 'rule', seen: expect.any(Number) });
  expect(guessing.covered.reduce((n, one) => n + one.seen, 0)).toBe(guessing.seen);
  expect(at('T1053.003').covered).toContainEqual(expect.objectContaining({ what: 'check', id: 'check.cron', seen: 0 }));
  expect(at('T1574.006').covered.map(({ what }) => what)).toContain('behaviour');
  expect(at('T1650')).toMatchObject({ covered_count: 0, covered: [], tactics: ['resource-development'] });
  expect(cells.find(({ id }) => id === 'instance-login')!.seen).toBe(techniques.filter(({ cell }) => cell === 'instance-login').reduce((n, { seen }) => n + seen, 0));
  expect((await items('/rules?attack=T1574&kind=behaviour')).map(({ id }) => id)).toContain('behaviour.preload-exec');
});

it('hunting reads events and nothing that is Moat\'s own, within its limits', async () => {
  const hunt = (sql: string, more: object = {}): Promise<ApiAnswer> => ask('/hunt', { method: 'POST', body: { sql, ...more } });
  expect((await hunt('SELECT count(*) AS n FROM events WHERE source_ip = \'203.0.113.9\'')).body).toMatchObject({ columns: ['n'], rows: [[26]] });
  for (const sql of [
    'SELECT * FROM account', 'SELECT * FROM session', 'SELECT * FROM secret', 'SELECT * FROM api_token', 'SELECT * FROM settings', 'SELECT * FROM setting', 'SELECT * FROM audit_log', 'SELECT * FROM audit', 'SELECT * FROM sqlite_master', 'SELECT * FROM position', 'SELECT * FROM elevation', 'SELECT * FROM saved_query',
    'WITH x AS (SELECT * FROM account) SELECT * FROM x', 'SELECT (SELECT value FROM secret LIMIT 1)', 'SELECT * FROM pragma_database_list', 'PRAGMA database_list', 'ATTACH \'/etc/passwd\' AS x', 'SELECT load_extension(\'/tmp/x.so\')', 'SELECT readfile(\'/etc/passwd\')', 'INSERT INTO event (id) VALUES (1)', 'SELECT 1; DROP TABLE event', 'EXPLAIN DELETE FROM event', 'VACUUM INTO \'/tmp/x\'', 'SELECT * FROM "account"', 'SELECT * FROM main.account', 'select * from dbstat', 'SELECT * FROM incident_finding', 'SELECT * FROM used_token',
  ]) expect({ sql, status: (await hunt(sql)).status >= 400 }).toEqual({ sql, status: true });
  expect((await hunt('WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x', { seconds: 1 })).body).toMatchObject({ code: 'refused' });
  expect((await hunt('WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x LIMIT 100000) SELECT n FROM x', { rows: 5 })).body).toMatchObject({ cut: 'rows' });
}, 120_000);

it('accounts: whose sessions there are, and their end; what each role may do; new recovery codes make the old ones useless', async () => {
  const made = await ask('/accounts', { method: 'POST', body: { name: 'wen', role: 'analyst', password, own_password: password, scope: { environments: ['test'] } } });
  expect(made).toMatchObject({ status: 201, body: { name: 'wen', scope: { environments: ['test'] } } });
  const at = `/accounts/${String(made.body['id'])}/sessions`;
  const entered = await fetch(`${base}/api/v1/session`, { method: 'POST', headers: { 'content-type': 'application/json', 'user-agent': 'browser of wen' }, body: JSON.stringify({ name: 'wen', password }) });
  const wen = { 'cookie': entered.headers.getSetCookie()[0]!.split(';')[0]!, 'x-moat-csrf': (await entered.json() as { csrf: string }).csrf };
  expect(await items(at)).toMatchObject([{ current: false, address: '127.0.0.1', agent: 'browser of wen' }]);
  expect((await ask(at, { as: wen })).body).toMatchObject({ code: 'not-permitted' });
  const roles = await items('/roles');
  expect(roles.find(({ role }) => role === 'analyst')).toEqual({ role: 'analyst', may: ['read', 'triage', 'hunt'] });

  const { secret } = (await ask('/session/totp', { method: 'POST', body: { password }, as: wen })).body as { secret: string };
  expect((await ask('/session/recovery', { method: 'POST', body: { password }, as: wen })).body, 'not before they are on').toMatchObject({ code: 'conflict' });
  const first = (await ask('/session/totp', { method: 'PUT', body: { code: generateSync({ secret }) }, as: wen })).body['recovery'] as string[];
  expect((await ask('/session/recovery', { method: 'POST', body: { password: 'another one entirely' }, as: wen })).body).toMatchObject({ code: 'wrong-credentials' });
  const second = (await ask('/session/recovery', { method: 'POST', body: { password }, as: wen })).body['recovery'] as string[];
  const logOn = (code: string): Promise<ApiAnswer> => ask('/session', { method: 'POST', body: { name: 'wen', password, code }, as: {} });
  expect([(await logOn(first[0]!)).status, (await logOn(second[0]!)).status]).toEqual([401, 200]);

  expect((await ask(at, { method: 'DELETE' })).body).toEqual({ ended: 2 });
  expect((await ask('/session', { as: wen })).status).toBe(401);
  expect(await items(at)).toEqual([]);
  expect((await items('/audit?target=wen')).map(({ operation }) => operation)).toEqual(expect.arrayContaining(['end-sessions', 'recovery-renew', 'account-add']));
});

it('Moat tells what it keeps, and for how long', async () => {
  const { storage } = (await ask('/system')).body as { storage: Record<string, number> };
  expect(storage).toMatchObject({ closed_alert_days: 180, evidence_days: 180, receipt_days: 400 });
  expect([storage['events']! >= 26, storage['alerts_kept']! > 0, storage['audit_entries']! > 0, storage['events_from']! <= Date.now()]).toEqual([true, true, true, true]);
});
it('an exception says how often it kept something quiet', async () => {
  const made = await ask('/exceptions', { method: 'POST', body: { rule: '*', when: { source_ip: '192.0.2.77' }, why: 'our own scanner' } });
  appendFileSync(join(dir, 'auth.log'), guessing('192.0.2.77', 25));
  await vi.waitUntil(async () => (await items('/exceptions')).some(({ id, hits }) => id === made.body['id'] && Number(hits) > 0), { timeout: 30_000 });
  expect(await items('/alerts?source_ip=192.0.2.77')).toEqual([]);
}, 60_000);

it('the first set-up link is printed, but never into a journal that others may read', async () => {
  const linkOf = async (): Promise<string> => {
    const at = mkdtempSync(join(tmpdir(), 'moat-first-word-'));
    const { agent, said } = await startQuietAgent(at, 'server: { enabled: true, port: 0, http: true }\n');
    await agent.stop();
    rmSync(at, { recursive: true });
    return said.join('\n');
  };
  vi.stubEnv('JOURNAL_STREAM', undefined);
  expect(await linkOf()).toMatch(/http:\S+\/setup#[\w-]{20,}/);
  vi.stubEnv('JOURNAL_STREAM', '8:12345');
  const told = await linkOf();
  vi.unstubAllEnvs();
  expect(told).toContain('moat server set-up');
  expect(told).not.toContain('setup#');
}, 60_000);
