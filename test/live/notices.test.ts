/** Notices as an operator meets them: `moat up` reads a log, channels are told; the commands; a restart by kill -9; a new configuration. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/agent/agent.ts';
import { askControl } from '../../src/agent/control.ts';
import { dingtalkServer, webhookServer, type Service } from '../notice-servers.ts';
import { freePort } from '../port.ts';
import { moatBin, onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';

const secret = 'SEC5f0e9d8c7b6a';
const clock = { now: Date.now };
const failure = (address: string, n: number, user = 'root'): string => `${new Date().toISOString().slice(0, 19)}+00:00 web1 sshd[${100 + n}]: Failed password for ${user} from ${address} port ${4000 + n} ssh2\n`;

let folder: string;
let log: string;
let moat: RunningMoat;
let robot: Service;
let hook: Service;
let deadPort: number;

const channels = (hookUrl: string): string => `notices:
  digest_seconds: 2
  channels:
    - { name: group, kind: dingtalk, url: { file: ${join(folder, 'dingtalk.url')} }, secret: ${secret}, level: medium, lang: zh }
    - { name: hook, kind: webhook, url: "${hookUrl}", secret: hook secret, level: low, lang: en }
`;
const write = (hookUrl: string): void => writeFileSync(join(folder, 'moat.yml'), `${onlyLog(log)}scan: { enabled: false }\n${channels(hookUrl)}`);
const run = async (...args: string[]): Promise<{ status: number | null; out: string }> => {
  // Not spawnSync: the services live in this process.
  const child = spawn(process.execPath, [moatBin, '--config', join(folder, 'moat.yml'), '--data', join(folder, 'data'), '--lang', 'en', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { out += text; });
  const [status] = await once(child, 'close') as [number | null];
  return { status, out };
};
const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 600; i++, await sleep(50)) if (await what()) return;
  expect.fail(`it did not come true in time: ${moat.said()}`);
};
const titles = (): string[] => hook.taken.flatMap(({ json }) => (json['alerts'] as { title: string; facts: { value: string }[] }[]).map(({ title, facts }) => `${title} ${facts.map(({ value }) => value).join(' ')}`));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'moat-notices-live-'));
  log = join(folder, 'auth.log');
  writeFileSync(log, '');
  robot = await dingtalkServer(clock, { secret });
  hook = await webhookServer(clock, 'hook secret');
  deadPort = await freePort();
  writeFileSync(join(folder, 'dingtalk.url'), `${robot.url}\n`, { mode: 0o600 });
  moat = await startMoat(`${onlyLog(log)}scan: { enabled: false }\n${channels(hook.url)}`, { folder });
});
afterAll(async () => {
  await moat.stop();
  await robot.close();
  await hook.close();
  removeFolder(folder);
});

it('an attack in a log is told in the group, in plain words, with what to do', async () => {
  for (let n = 0; n < 12; n++) appendFileSync(log, failure('203.0.113.1', n));
  await until(() => robot.taken.length > 0 && hook.taken.length > 0);
  const { text } = robot.taken[0]!.json['markdown'] as { text: string };
  expect(text).toMatch(/^### 【中危】web1：SSH 暴力破解/);
  expect(text).toContain('来源地址：203.0.113.1');
  expect(text).toMatch(/下一步：`moat origin 203\.0\.113\.1`，`moat alerts show [0-9a-f]{16}`/);
  expect(text).toContain('含义：有人在猜口令');
  expect(titles().some((title) => title.includes('203.0.113.1'))).toBe(true);
});

it('test, list, doctor and status speak of the channels and never of their secrets', async () => {
  const test = await run('notify', 'test');
  expect(test.out).toMatch(/group.*it arrived/);
  expect(test.status).toBe(0);
  expect((robot.taken.at(-1)!.json['markdown'] as { text: string }).text).toContain('这是一条测试通知');
  const list = (await run('notify', 'list', '--json')).out.trim().split('\n').map((line) => JSON.parse(line) as { channel: string; sent: number; waiting: number });
  expect(list.map(({ channel }) => channel)).toEqual(['group', 'hook']);
  expect(list[0]!.sent).toBeGreaterThan(0);
  const doctor = await run('doctor');
  expect(doctor.out).toMatch(/● notices group {2}DingTalk: 127\.0\.0\.1:\d+ can be reached/);
  const said = [test.out, (await run('notify')).out, doctor.out, (await run('status')).out, (await run('config')).out, moat.said()].join('\n');
  for (const hidden of [secret, 'hook secret', 'd1ngt0ken', '8c1f7a90f2d34b51']) expect(said).not.toContain(hidden);
  expect(said).toContain('notices group');
});

it('what cannot be sent waits through kill -9 and a new configuration, and then arrives', async () => {
  write(`http://127.0.0.1:${deadPort}/hooks/8c1f7a90f2d34b51`);
  await until(() => moat.said().includes('configuration read again'));
  for (let n = 0; n < 12; n++) appendFileSync(log, failure('203.0.113.2', n));
  await until(async () => (await askControl(join(folder, 'data'), 'status') as AgentStatus).parts['notices hook']?.state === 'waiting');
  expect((await run('notify', 'list')).out).toMatch(/cannot reach 127\.0\.0\.1 \(ECONNREFUSED\)/);
  await moat.stop('SIGKILL');
  const before = readFileSync(join(folder, 'moat.yml'), 'utf8');
  moat = await startMoat(before.replace(/http:\/\/127\.0\.0\.1:\d+\/hooks\/\w+/, hook.url), { folder });
  await until(() => titles().some((title) => title.includes('203.0.113.2')));
});

it('approve and reject speak with the agent', async () => {
  expect(await run('approve', 'a.b.c.d')).toMatchObject({ status: 1, out: expect.stringContaining('this is no whole token') as string });
  expect(await run('reject')).toMatchObject({ status: 0, out: expect.stringContaining('nothing waits for an answer') as string });
});
