/** The server over a real agent: what the routes ask is answered, in the shapes of the contract. */
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routes } from '../api/routes/catalogue.ts';
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
  agent = await startAgent({
    configPath: join(dir, 'moat.yml'), configMustExist: true, dataFolder: join(dir, 'data'), version: '0.1.0', lang: 'en', strictAnswers: true,
    log: { debug: () => undefined, info: () => undefined, warn: (text) => { warned.push(text); } }, show: () => undefined, onHealth: () => undefined,
  });
  const { url, link } = await askControl(join(dir, 'data'), 'server-set-up') as { url: string; link: string };
  base = url;
  const made = await fetch(`${base}/api/v1/setup`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: link.split('#')[1], name: 'li', password }) });
  const session = await made.json() as { csrf: string };
  headers = { 'cookie': made.headers.getSetCookie()[0]!.split(';')[0]!, 'x-moat-csrf': session.csrf };
  await expect.poll(async () => (await items('/incidents')).length, { timeout: 30_000 }).toBeGreaterThan(0);
}, 60_000);
afterAll(async () => {
  await agent.stop();
  rmSync(dir, { recursive: true });
});

it('every route that reads answers in the shape of its contract', async () => {
  const [alert] = await items('/alerts?limit=1');
  const [incident] = await items('/incidents?limit=1');
  const known: Record<string, string> = { '/alerts/:id': String(alert!['id']), '/incidents/:id': String(incident!['id']), '/rules/:id': 'behaviour.sustained-cpu', '/playbooks/:id': 'brute-force' };
  const odd: string[] = [];
  for (const { id, method, path, query } of routes) {
    if (method !== 'GET' || path.includes(':archive')) continue;
    const prefix = Object.keys(known).find((one) => path === one || path.startsWith(`${one}/`));
    const at = path.replace(':id', prefix === undefined ? 'none' : known[prefix]!).replace(/:\w+/g, 'none');
    const needs = id === 'host-origin' ? '?what=1' : id === 'origin' ? '?pid=1' : '';
    const { status, text } = await ask(`${at}${needs}`);
    void query;
    if (![200, 404].includes(status)) odd.push(`${id}: ${status} ${text.slice(0, 300)}`);
  }
  expect({ odd, warned }).toEqual({ odd: [], warned: [] });
}, 60_000);
