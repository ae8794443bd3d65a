/** What the API does, over a real agent: in a folder of the test's own, nothing of this machine is changed. */
import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AgentApi, guessing, startAgentApi } from '../../test/agent-api.ts';
import { lacks } from '../../test/need.ts';
import { backupOf } from '../../test/scenes/restore-set.ts';
import type { BackupSettings } from '../linux/backup/repository.ts';
import { passkeysOf } from './api.ts';

let api: AgentApi, incident: string;
const post = (path: string, body: object = {}): ReturnType<AgentApi['ask']> => api.ask(path, { method: 'POST', body });
const audited = async (): Promise<string[]> => (await api.items('/audit?limit=100')).map(({ by, operation }) => `${String(by)} ${String(operation)}`);
/** Until it is over. */
async function ended(job: unknown): Promise<Record<string, unknown>> {
  let body: Record<string, unknown> = {};
  await vi.waitUntil(async () => { ({ body } = await api.ask(`/jobs/${String(job)}`)); return body['state'] !== 'running'; }, { timeout: 60_000, interval: 300 });
  return body;
}

beforeAll(async () => {
  let backup: BackupSettings | undefined;
  api = await startAgentApi((dir) => {
    mkdirSync(join(dir, 'playbooks'));
    mkdirSync(join(dir, 'srv'));
    for (let i = 0; i < 3; i++) writeFileSync(join(dir, `srv/${i}.txt`), `record ${i}\n`.repeat(100));
    writeFileSync(join(dir, 'playbooks/aside.yml'), `id: aside
name: { zh: 隔离, en: Put aside }
description: { zh: 测试, en: a test }
grade: 1
mode: manual
per: path
playbook_variables:
  __aside__: { type: string, description: What to put aside, value: '' }
workflow_start: start
workflow:
  start: { type: start, on_completion: aside }
  aside: { type: action, name: { zh: 隔离, en: Put it aside }, commands: [{ type: moat-action, action: quarantine-file, input: { path: '__aside__:value' }, ask: true }], on_success: end, on_failure: end }
  end: { type: end }
`);
    if (!lacks({ files: ['/usr/bin/restic'] })) { const made = backupOf(join(dir, 'backup'), 'restic'); made.backup(join(dir, 'srv')); backup = made.settings; }
    return `response: { firewall: off, playbooks: ${join(dir, 'playbooks')} }\n${backup ? `recovery: { repositories: [${JSON.stringify(backup)}] }\n` : ''}`;
  });
  // After the backup: what is born in that moment is taken for the intruder's.
  await sleep(1100);
  appendFileSync(join(api.dir, 'auth.log'), guessing('203.0.113.9', 25, Date.now(), 1));
  await vi.waitUntil(async () => (await api.items('/incidents')).length > 0, { timeout: 30_000 });
  incident = `/incidents/${String((await api.items('/incidents'))[0]!['id'])}`;
}, 90_000);
afterAll(() => api?.stop());

it('scans as a job that tells how far it is, is stopped, and says what it found', async () => {
  expect((await post('/scans', { only: ['nothing-like-this'] })).body).toMatchObject({ code: 'bad-input' });
  writeFileSync(join(api.dir, 'root/etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/bash\n');
  const begun = await post('/scans', { only: ['accounts', 'cron'] });
  expect(begun.status).toBe(202);
  expect((await post('/scans', { only: ['cron'] })).body, 'one at a time').toMatchObject({ code: 'conflict' });
  const done = await ended(begun.body['job']);
  expect(done).toMatchObject({ kind: 'scan', state: 'done', by: 'account:li', result: { findings: expect.any(Number) } });
  const { scan } = done['result'] as { scan: string };
  expect((await api.ask(`/scans/${scan}`)).body).toMatchObject({ checks: ['accounts', 'cron'], by: 'account:li' });
  expect((await api.items('/findings?check=accounts')).length).toBeGreaterThan(0);
  // Begun, further, ended; and what it found.
  await vi.waitUntil(() => api.told.includes(`scan ${scan}`));
  expect(api.told.filter((one) => one === `job ${String(begun.body['job'])}`).length).toBeGreaterThan(1);
  const stopped = (await post('/scans')).body['job'];
  expect((await api.ask(`/jobs/${String(stopped)}`, { method: 'DELETE' })).body).toEqual({ done: true });
  expect(await ended(stopped)).toMatchObject({ state: 'cancelled' });
  expect((await api.ask(`/jobs/${String(stopped)}`, { method: 'DELETE' })).body, 'it had ended').toEqual({ done: false });
  expect((await api.ask('/jobs/none', { method: 'DELETE' })).status).toBe(404);
  expect(await audited()).toEqual(expect.arrayContaining(['account:li scan', 'account:li job-stop']));
}, 120_000);

it('puts a file into quarantine after a look at what that does, and back as it was', async () => {
  const path = join(api.dir, 'dropped.sh');
  writeFileSync(path, '#!/bin/sh\necho hostile\n', { mode: 0o751 });
  expect((await post('/quarantine', { path, plan: true })).body).toMatchObject({ plan: true, target: path });
  expect(existsSync(path)).toBe(true);
  const done = await post('/quarantine', { path, why: 'nobody knows it' });
  expect(done.body).toMatchObject({ action: 'quarantine-file', status: 'applied', by: 'account:li' });
  expect(done.text, 'its former state is Moat\'s own').not.toContain('"state"');
  expect(existsSync(path)).toBe(false);
  await vi.waitUntil(() => api.told.includes(`action ${String(done.body['id'])}`));
  const [row] = await api.items('/quarantine');
  expect(row).toMatchObject({ path, kind: 'file', by: 'account:li' });
  expect((await post(`/quarantine/${String(row!['id'])}/restore`, { why: 'it is ours' })).body).toMatchObject({ status: 'undone' });
  expect(readFileSync(path, 'utf8')).toContain('hostile');
  expect((await post('/quarantine', { path: '/etc/passwd' })).status, 'the machine needs it').toBe(422);
  expect((await post('/quarantine/none/restore')).status).toBe(404);
});

it('runs a playbook: shown first, waits for a yes, does it, and is stopped with what it did taken back', async () => {
  const path = join(api.dir, 'tool');
  const run = async (): Promise<string> => {
    writeFileSync(path, 'a tool');
    const begun = await post('/playbooks/aside/run', { dry: false, set: { aside: path }, why: 'a test' });
    expect(begun).toMatchObject({ status: 201, body: { status: 'running', by: 'account:li' } });
    const id = String(begun.body['id']);
    await vi.waitUntil(async () => ((await api.ask(`/runs/${id}`)).body['waiting'] as unknown[]).length > 0);
    expect(existsSync(path)).toBe(true);
    return id;
  };
  const over = (id: string): Promise<unknown> => vi.waitUntil(async () => { const { body } = await api.ask(`/runs/${id}`); return body['status'] === 'running' ? undefined : body; }, { timeout: 20_000 });
  expect((await post('/playbooks/aside/run', { set: { aside: path } })).body).toMatchObject({ begins: expect.any(Boolean), steps: expect.any(Array) });
  const approved = await run();
  await vi.waitUntil(() => api.told.includes(`request ${approved}`));
  expect((await post(`/runs/${approved}/approve`)).status).toBe(200);
  expect(await over(approved)).toMatchObject({ status: 'done', receipts: [expect.any(String)] });
  expect(existsSync(path)).toBe(false);
  const rejected = await run();
  expect((await post(`/runs/${rejected}/reject`)).status).toBe(200);
  await over(rejected);
  expect(existsSync(path), 'nobody wanted it').toBe(true);
  const stopped = await run();
  expect((await post(`/runs/${stopped}/stop`, { undo: true, why: 'enough' })).status).toBe(200);
  expect(await over(stopped)).toMatchObject({ status: 'stopped' });
  expect((await post('/playbooks/none/run', { dry: false })).status).toBe(404);
  expect((await post('/playbooks/aside/run', { dry: false, set: { nonsense: 1 } })).status).toBe(400);
}, 60_000);

it('withdraws the indicators of an incident; to apply them it needs a packet filter, and says so', async () => {
  expect((await post(`${incident}/indicators`, { why: 'they came by it' })).body).toMatchObject({ status: 422, code: 'refused', detail_zh: expect.stringContaining('防火墙') as unknown, hint: 'set response.firewall to auto' });
  expect((await post(`${incident}/indicators`, { withdraw: true })).body).toMatchObject({ blocked: 0, listed: 0, lifted: 0 });
  expect((await post('/incidents/none/indicators')).status).toBe(404);
  expect(await audited()).toContain('account:li incident-indicators');
});

describe.skipIf(lacks({ root: true, files: ['/usr/bin/restic'] }))('a recovery', () => {
  it('is planned, done step by step, taken back, done again and signed', async () => {
    const file = join(api.dir, 'srv/1.txt');
    const former = readFileSync(file, 'utf8');
    writeFileSync(file, Buffer.from(former).map((byte) => byte ^ 0xa5));
    const spoilt = readFileSync(file);
    const planned = await post(`${incident}/recovery`, { folders: [join(api.dir, 'srv')] });
    expect(planned.status).toBe(201);
    const [{ id: step }] = planned.body['steps'] as [{ id: string }];
    expect((await post(`${incident}/recovery/apply`, { step })).body).toMatchObject({ state: 'done', restored: 1 });
    expect(readFileSync(file, 'utf8')).toBe(former);
    expect((await post(`${incident}/recovery/undo`, { step })).body).toMatchObject({ state: 'undone' });
    expect(readFileSync(file)).toEqual(spoilt);
    expect((await post(`${incident}/recovery/apply`, { step: '99' })).status).toBe(400);
    expect((await post(`${incident}/recovery/apply`, { step })).body).toMatchObject({ state: 'done' });
    const signed = await post(`${incident}/recovery/finish`, { services: false, accept: 'a test', why: 'all there' });
    expect(signed).toMatchObject({ status: 200, body: { summary: { tally: { restored: 1 } } } });
    expect((await api.ask(`${incident}/recovery`)).body).toMatchObject({ summary: expect.any(Object), steps: [{ state: 'done' }] });
  }, 60_000);
});

describe.skipIf(lacks({ root: true }))('evidence', () => {
  it('is collected as a job, one at a time, and nothing is kept of what is stopped', async () => {
    const begun = await post(`${incident}/evidence`, { why: 'for the report', commands: false });
    expect(begun.status).toBe(202);
    expect((await post(`${incident}/evidence`, { why: 'once more' })).body).toMatchObject({ code: 'conflict' });
    expect((await api.ask(`/jobs/${String(begun.body['job'])}`, { method: 'DELETE' })).body).toEqual({ done: true });
    expect(await ended(begun.body['job'])).toMatchObject({ kind: 'evidence', state: 'cancelled' });
    expect(await api.items(`${incident}/evidence`)).toEqual([]);
    expect((await post('/incidents/none/evidence', { why: 'x' })).status).toBe(404);
  }, 60_000);

  it('is listed, and proved untouched or not', async () => {
    // One group alone: all of this machine takes minutes.
    await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../bin/moat'), '--data', join(api.dir, 'data'), 'incident', 'evidence', incident.split('/').at(-1)!, '--only', 'kernel', '--no-commands', '--why', 'for the report', '--json'], { env: { ...process.env, MOAT_OPERATOR: 'account:li' } });
    const [archive] = await api.items(`${incident}/evidence`);
    expect(archive).toMatchObject({ why: 'for the report', by: expect.stringContaining('li') as unknown });
    const verify = (): ReturnType<AgentApi['ask']> => api.ask(`${incident}/evidence/${String(archive!['id'])}/verify`);
    expect((await verify()).body).toMatchObject({ ok: true, faults: [] });
    const path = String(archive!['path']);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
    expect((await verify()).body).toMatchObject({ ok: false });
    expect((await api.ask(`${incident}/evidence/none/verify`)).status).toBe(404);
  }, 60_000);
});

it.each<[string, Partial<Parameters<typeof passkeysOf>[0]>, string, string[]]>([
  ['nothing set', {}, 'localhost', ['https://localhost:8443']],
  ['addresses alone', { names: ['192.0.2.7', '2001:db8::1'] }, 'localhost', ['https://localhost:8443']],
  ['names', { names: ['192.0.2.7', 'Moat.example', 'a.moat.example', 'other.example'] }, 'moat.example', ['https://moat.example:8443', 'https://a.moat.example:8443']],
  ['a proxy before it', { url: 'https://moat.example', names: ['moat.example'], http: true }, 'moat.example', ['https://moat.example', 'http://moat.example:8443']],
  ['a domain above', { passkey_name: 'example', names: ['moat.example', 'notexample'] }, 'example', ['https://example:8443', 'https://moat.example:8443']],
])('passkeys are bound to the server\'s name: %s', (_name, settings, domain, origins) => {
  expect(passkeysOf({ names: [], http: false, ...settings }, 8443)).toEqual({ domain, origins });
});
