/** Malformed requests to every route, made from the OpenAPI document itself: nothing may answer with a fault of ours, whatever it is sent. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MoatError } from '../src/core/error.ts';
import { Feed } from '../src/api/feed.ts';
import { Challenges } from '../src/api/access/challenges.ts';
import { hashPassword } from '../src/api/access/passwords.ts';
import { Lockout } from '../src/api/access/lockout.ts';
import { beginSession } from '../src/api/access/sessions.ts';
import { SetUp } from '../src/api/access/set-up.ts';
import { startServer } from '../src/api/server.ts';
import type { World } from '../src/api/world.ts';
import { Journal } from '../src/engine/response/journal.ts';
import { openSqliteStore } from '../src/stores/sqlite/store.ts';
import { attemptAsync, crash, tally as newTally, type Tally } from './fuzz-door.ts';
import type { Random } from './fuzz-random.ts';

const hostile: readonly unknown[] = [
  '', 'x', '\0', '\u202e', '../../etc/passwd', '%2e%2e', "' OR 1=1 --", '{{7*7}}', '<script>1</script>', '__proto__', 'constructor', 'x'.repeat(5000), '9'.repeat(400), '\ud800', 'a\r\nb: c', -1, 0, 1e308, 1.5, Number.MAX_SAFE_INTEGER, null, true, false, [], {}, [[[[]]]], { __proto__: 1 }, { length: 1e9 }, Array.from({ length: 2000 }, () => 1), '1e9', 'NaN', 'true', 'all', '2026-01-01',
];

interface Operation { operationId: string; parameters: { name: string; in: 'path' | 'query' }[]; requestBody?: { content: Record<string, { schema: { properties?: Record<string, unknown> } }> } }

/** Against a world that answers nothing: what is tried is what stands before the agent. `faults`: what the server had to own up to. */
export async function fuzzApi(random: Random, ms: number, most = Number.POSITIVE_INFINITY): Promise<Tally> {
  const tally = newTally('api');
  const dir = mkdtempSync(join(tmpdir(), 'moat-fuzz-api-'));
  const now = Date.now;
  const store = openSqliteStore({ dir, now });
  const journal = new Journal(store.response);
  const faults: string[] = [];
  const world: World = {
    host: 'fuzz', version: 'fuzz', download: (what) => Promise.reject(new MoatError(what === 'evidence' ? 'no-archive' : 'no-item', 'there is none')), place: () => ({ group: undefined, environment: 'test' }), passkeys: () => ({ domain: 'localhost', origins: ['http://localhost'] }), challenges: new Challenges(now), now, store, feed: new Feed(now), lockout: new Lockout(now), setUp: new SetUp(store.accounts, now),
    ask: (operation) => Promise.resolve(lists.has(operation) ? [] : operation === 'recovery-services' ? { done: true } : operation === 'unblock' ? { network: '', undone: [] } : operation === 'notice-test' ? { outcome: 'sent' } : operation === 'quarantine-list' ? { rows: [], broken: [], stored: 0 } : {}), audit: (entry) => journal.write({ audit: [{ ...entry, time: now(), via: 'api' }] }), fault: (error) => { faults.push(error instanceof Error ? error.stack ?? error.message : String(error)); },
  };
  const server = await startServer({ address: '127.0.0.1', port: 0, certificate: undefined, names: [], world, perMinute: 1e9 });
  try {
    const account = { id: 'fuzz', name: 'fuzz', role: 'owner' as const, created: now(), disabled: false, password: await hashPassword('correct horse battery'), passwordChanged: now(), recovery: [] };
    const sign = (): Record<string, string> => {
      store.accounts.save(account);
      const { secret, session } = beginSession(store.accounts, account, { address: '127.0.0.1', agent: 'fuzz' }, now());
      return { 'cookie': `moat=${secret}`, 'x-moat-csrf': session.csrf };
    };
    let headers = sign();
    const { paths } = await (await fetch(`${server.url}/api/v1/openapi.json`)).json() as { paths: Record<string, Record<string, Operation>> };
    const operations = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
    for (const until = performance.now() + ms; performance.now() < until && tally.tried < most;) {
      const { path, method, operation } = random.pick(operations);
      const value = (): unknown => random.pick(hostile);
      const at = path.replace(/\{\w+\}/g, () => encodeURIComponent(wellFormed(wordOf(value()))) || 'x');
      const query = operation.parameters.filter((one) => one.in === 'query' && random.chance(0.5)).map(({ name }) => `${name}=${encodeURIComponent(wellFormed(wordOf(value())))}`).join('&');
      const properties = Object.keys(operation.requestBody?.content['application/json']?.schema.properties ?? {});
      const body = method === 'get' ? undefined : random.chance(0.1) ? wellFormed(wordOf(value())) : JSON.stringify(Object.fromEntries([...properties, ...(random.chance(0.1) ? ['odd'] : [])].filter(() => random.chance(0.8)).map((name) => [name, value()])));
      const input = `${method} ${at}?${query} ${body ?? ''}`;
      const before = faults.length;
      const answer = await attemptAsync(tally, input, () => fetch(`${server.url}/api/v1${at}${query === '' ? '' : `?${query}`}`, { method: method.toUpperCase(), headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }), ...(random.chance(0.1) && { 'if-match': wellHeader(wordOf(value())) }) }, ...(body !== undefined && { body }) }));
      if (!answer) continue;
      const text = await answer.text();
      if (answer.status >= 500 || faults.length > before) crash(tally, faults.at(-1) ?? `${answer.status} ${text.slice(0, 300)}`, input);
      else if (answer.status >= 400) {
        if (!(answer.headers.get('content-type') ?? '').startsWith('application/problem+json')) crash(tally, `${answer.status} is no problem+json: ${text.slice(0, 200)}`, input);
        tally.refused++;
      }
      if (answer.status === 401 || operation.operationId === 'log-off') headers = sign();
    }
  } finally {
    await server.close();
    store.close();
    rmSync(dir, { recursive: true });
  }
  return tally;
}

const lists = new Set(['blocklist', 'allow-list', 'allow-add', 'allow-remove', 'playbooks', 'playbook-runs', 'rules', 'findings', 'notices', 'jobs', 'exceptions', 'checks', 'evidence-list']);
/** What has no text of its own stands for itself as JSON. */
const wordOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value) ?? '');
const wellFormed = (text: string): string => text.replace(/[\ud800-\udfff]/g, '?');
const wellHeader = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
