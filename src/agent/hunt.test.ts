/** Hunting over the live state of a real agent, as each role may. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AgentApi, type ApiAnswer, guessing, startAgentApi } from '../../test/agent-api.ts';
import type { HuntResult, HuntSchema } from '../api/contract/rules.ts';
import { roles } from '../core/account.ts';
import { liveTables } from '../hunt/catalogue.ts';
import { lacks } from '../../test/need.ts';

let api: AgentApi;
const hunt = (sql: string, as?: Record<string, string>): Promise<ApiAnswer> => api.ask('/hunt', { method: 'POST', body: { sql }, ...(as && { as }) });
const found = async (sql: string): Promise<HuntResult> => {
  const { status, text } = await hunt(sql);
  expect({ sql, status, text: status === 200 ? '' : text }).toEqual({ sql, status: 200, text: '' });
  return JSON.parse(text) as HuntResult;
};

beforeAll(async () => {
  api = await startAgentApi(() => 'response: { firewall: off }\n', guessing('203.0.113.9', 25));
  await vi.waitUntil(async () => (await api.items('/alerts')).length > 0, { timeout: 30_000 });
}, 60_000);
afterAll(() => api.stop());

it('every table answers or says why it cannot; what is told of it is what the schema says', async () => {
  const { views } = JSON.parse((await api.ask('/hunt/schema')).text) as HuntSchema;
  expect(views.filter(({ live }) => live).map(({ name }) => name)).toEqual(liveTables.map(({ name }) => name));
  for (const { name, live, columns } of views) {
    const { status, body, text } = await hunt(`SELECT * FROM ${name} LIMIT 3`);
    if (status === 503) { expect({ name, body }).toEqual({ name, body: expect.objectContaining({ code: 'unavailable', detail: expect.stringContaining(`${name} could not be looked at`) as string, detail_zh: expect.stringContaining(`看不到 ${name}`) as string }) as object }); continue; }
    expect({ name, status, text: status === 200 ? '' : text }).toEqual({ name, status: 200, text: '' });
    expect({ name, columns: body['columns'], live: (body['live'] as { table: string }[]).map(({ table }) => table) }).toEqual({ name, columns: columns.map((one) => one.name), live: live ? [name] : [] });
  }
  // No baseline was made: that is no empty table.
  expect((await hunt('SELECT * FROM files_changed')).body).toMatchObject({ code: 'unavailable', detail: 'files_changed could not be looked at: there is no baseline to compare with' });
}, 120_000);

it('every example can be asked, over this very machine', async () => {
  const { examples } = JSON.parse((await api.ask('/hunt/schema')).text) as HuntSchema;
  for (const { sql } of examples) await found(sql);
}, 120_000);

it('a program that runs now is found with its package; where no sensor watches, that its origin is not known is told', async () => {
  const child = spawn('/bin/sleep', ['7531'], { stdio: 'ignore' });
  await once(child, 'spawn');
  try {
    const { rows, live } = await found("SELECT pid, name, path LIKE '%/sleep', cmdline, origin FROM processes WHERE cmdline LIKE '%7531'");
    expect(rows).toContainEqual([child.pid, 'sleep', 1, expect.stringContaining('sleep 7531'), null]);
    expect(live).toMatchObject([{ table: 'processes', notes: expect.arrayContaining([expect.objectContaining({ en: expect.stringContaining('no process was seen yet') as string })]) as object[] }]);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});

it('live state is joined with alerts and findings that were stored', async () => {
  expect((await found("SELECT a.source_ip, count(*) > 0, (SELECT state FROM sensors WHERE part LIKE 'logfile%' LIMIT 1) FROM alerts AS a LEFT JOIN connections AS c ON c.remote_ip = a.source_ip LEFT JOIN findings AS f ON f.path = '/none' WHERE a.source_ip = '203.0.113.9' GROUP BY 1")).rows).toEqual([['203.0.113.9', 1, 'live']]);
});

it.skipIf(lacks({ files: ['/var/lib/dpkg/status'] }))('packages are those of the agent, once they were read', async () => {
  await vi.waitUntil(async () => (await hunt('SELECT count(*) FROM packages')).status === 200, { timeout: 60_000, interval: 500 });
  expect((await found("SELECT manager, version <> '' FROM packages WHERE name = 'dpkg'")).rows).toEqual([['dpkg', 1]]);
}, 90_000);

describe('roles', () => {
  it('those who may hunt see the live state, the others nothing of it; nobody sees what is Moat\'s own', async () => {
    const seen: Record<string, number[]> = {};
    for (const role of roles) {
      const made = await api.ask('/tokens', { method: 'POST', body: { name: role, role, days: 1, own_password: api.password } });
      const as = { authorization: `Bearer ${String((made.body as { secret?: string }).secret)}` };
      seen[role] = [(await hunt('SELECT count(*) FROM users', as)).status, (await api.ask('/hunt/schema', { as })).status, (await hunt('SELECT * FROM users, audit_log', as)).status, (await hunt('SELECT * FROM users, settings', as)).status];
    }
    const may = [200, 200, 422, 422], not = [403, 403, 403, 403];
    expect(seen).toEqual({ owner: may, administrator: may, responder: may, analyst: may, auditor: not, reader: not });
  }, 60_000);

  it('each question stands in the audit log, before it is answered', async () => {
    await found('SELECT name FROM modules UNION SELECT name FROM users LIMIT 0').catch(() => undefined);
    expect((await api.ask('/audit?operation=hunt&limit=5')).text).toContain('SELECT name FROM modules UNION SELECT name FROM users');
  });
});
