import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { webhookServer, type Service } from '../../test/notice-servers.ts';
import { freePort } from '../../test/port.ts';
import type { Store } from '../core/ports.ts';
import { Health } from '../engine/health.ts';
import { makeToken } from '../engine/notices/approval.ts';
import { databaseName, openSqliteStore } from '../stores/sqlite/store.ts';
import { approvalKey } from './approval-key.ts';
import { parseConfig } from './config.ts';
import { diagnoseChannels } from './doctor-notices.ts';
import { Notices } from './notices.ts';
import { readSecret } from './secret.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => { for (const end of ends.splice(0).toReversed()) await end(); });
const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'moat-notices-'));
  ends.push(() => rmSync(dir, { recursive: true }));
  return dir;
};
const notices = (yaml: string) => parseConfig(yaml, 'moat.yml').notices;

describe('the configuration', () => {
  it.each([
    ['notices:\n  channels:\n    - {name: a, kind: pigeon}\n', /^moat\.yml:3: notices\.channels\.0\.kind: /],
    ['notices:\n  channels:\n    - {name: a, kind: dingtalk}\n', /^moat\.yml:3: notices\.channels\.0\.url: /],
    ['notices:\n  channels:\n    - {name: a, kind: slack, url: "https://x.example/", secret: y}\n', /^moat\.yml:3: notices\.channels\.0\.secret: /],
    ['notices:\n  channels:\n    - {name: a, kind: slack, url: "https://x.example/"}\n    - {name: a, kind: wecom, url: "https://x.example/"}\n', /different name/],
    ['notices:\n  quiet: {from: "25:00", to: "07:00"}\n', /^moat\.yml:2: notices\.quiet\.from: expected a time of day/],
    ['notices:\n  quiet: {from: "22:00"}\n', /expected from and to, or neither/],
    ['notices:\n  zone: Mars/Olympus\n', /^moat\.yml:2: notices\.zone: expected a time zone/],
  ])('names the line of the fault in %j', (text, message) => { expect(() => notices(text)).toThrow(message); });

  it('never repeats a secret in a fault', () => {
    for (const text of ['{name: a, kind: dingtalk, url: [topsecretvalue]}', '{name: a, kind: dingtalk, url: {file: topsecretvalue}}', '{name: a, kind: mail, host: "a b", password: topsecretvalue, from: x, to: []}']) {
      expect(() => notices(`notices:\n  channels:\n    - ${text}\n`)).toThrow(/^(?![^]*topsecretvalue)[^]*moat\.yml:3/);
    }
  });
});

describe('secrets', () => {
  it('stand in the configuration, a file or the environment', () => {
    const file = join(folder(), 'token');
    writeFileSync(file, ' from the file \n');
    process.env['MOAT_TEST_TOKEN'] = 'from the environment';
    ends.push(() => { delete process.env['MOAT_TEST_TOKEN']; });
    expect([readSecret('plain'), readSecret({ file }), readSecret({ env: 'MOAT_TEST_TOKEN' })]).toEqual(['plain', 'from the file', 'from the environment']);
  });

  it('that cannot be read are named by their place', () => {
    expect(() => readSecret({ file: '/nonexistent/token' })).toThrow('cannot read /nonexistent/token (ENOENT)');
    expect(() => readSecret({ file: '/dev/zero' })).toThrow('cannot read /dev/zero (not a file)');
    expect(() => readSecret({ env: 'MOAT_TEST_NOT_SET' })).toThrow('MOAT_TEST_NOT_SET is not set');
  });
});

describe('the doctor', () => {
  it('tells channels that cannot work, without their secrets', async () => {
    const dir = folder();
    const service = await webhookServer({ now: Date.now }, 's');
    ends.push(() => service.close());
    const file = join(dir, 'url');
    writeFileSync(file, service.url);
    chmodSync(file, 0o644);
    const found = await diagnoseChannels(notices(`notices:
  channels:
    - {name: fine, kind: webhook, url: "${service.url}"}
    - {name: open, kind: webhook, url: {file: ${file}}}
    - {name: gone, kind: webhook, url: "http://127.0.0.1:${await freePort()}/hooks/verysecrettoken"}
    - {name: clear, kind: wecom, url: "http://198.51.100.7/cgi-bin/webhook/send?key=verysecrettoken"}
    - {name: unset, kind: feishu, url: "${service.url}", secret: {env: MOAT_TEST_NOT_SET}}
    - {name: missing, kind: mail, host: 127.0.0.1, from: a@b.example, to: [c@d.example], user: u, password: {file: /nonexistent}}
    - {name: off, kind: slack, url: "https://verysecrettoken", enabled: false}
`));
    expect(found.map(({ part, state }) => [part, state])).toEqual([['notices fine', 'live'], ['notices open', 'waiting'], ['notices gone', 'blind'], ['notices clear', 'blind'], ['notices unset', 'blind'], ['notices missing', 'blind']]);
    expect(found[2]!.what.en).toMatch(/cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/);
    expect(JSON.stringify(found)).not.toMatch(/verysecret|8c1f7a90/);
  });
});

describe('questions and answers', () => {
  interface Desk { store: Store; dir: string; notices: Notices; service: Service }
  async function desk(now: () => number = Date.now): Promise<Desk> {
    const dir = folder();
    const service = await webhookServer({ now: Date.now }, 's');
    const store = openSqliteStore({ dir, now });
    ends.push(() => service.close(), () => store.close());
    const config = notices(`notices: {channels: [{name: hook, kind: webhook, url: "${service.url}", secret: s, level: high}]}`);
    return { store, dir, service, notices: new Notices({ config, dataFolder: dir, store, health: new Health(now), lang: 'en', host: 'shop-1', words: () => ({ falsePositives: [] }), now }) };
  }
  const what = { zh: '封锁 203.0.113.9', en: 'block 203.0.113.9' };

  it('are told with a command for each answer; one answer holds, once', async () => {
    const { notices: book, service, store, dir } = await desk();
    const id = book.ask(what, 'high', 600_000);
    expect(book.requests()).toMatchObject([{ id, what }]);
    const ending = new AbortController();
    const running = book.run(ending.signal);
    for (let i = 0; i < 400 && service.taken.length === 0; i++) await new Promise((resolve) => { setTimeout(resolve, 25); });
    ending.abort();
    await running;
    const [alert] = service.taken[0]!.json['alerts'] as [{ title: string; next: string[] }];
    expect(alert.title).toBe('approval needed: block 203.0.113.9');
    const [approve, reject] = alert.next.map((command) => command.split(' ')[2]!) as [string, string];
    expect(alert.next.map((command) => command.split(' ').slice(0, 2).join(' '))).toEqual(['moat approve', 'moat reject']);

    expect(book.answer({ token: reject, answer: 'approve', by: 'wang' })).toEqual({ done: false, fault: 'other-answer' });
    expect(book.answer({ token: approve.replace('a.', 'r.'), answer: 'reject', by: 'wang' })).toEqual({ done: false, fault: 'forged' });
    expect(book.answer({ token: approve, answer: 'approve', by: 'wang' })).toMatchObject({ done: true, request: { id, answer: 'approve', answeredBy: 'wang' } });
    expect(book.answer({ token: approve, answer: 'approve', by: 'li' })).toMatchObject({ done: false, fault: 'used' });
    expect(book.answer({ token: reject, answer: 'reject', by: 'li' })).toMatchObject({ done: false, fault: 'answered', request: { answer: 'approve' } });
    expect(book.decide(id, 'reject', 'li')).toBe('answered');
    expect(book.requests()).toEqual([]);
    expect(store.requests.get(id)).toMatchObject({ answer: 'approve', answeredBy: 'wang' });
    // The queue holds no token: who reads the database may not answer.
    for (const file of [databaseName, `${databaseName}-wal`]) expect(readFileSync(join(dir, file)).includes(approve)).toBe(false);
  });

  it('are told again when half of their time is over and when it ends soon, as long as nobody answers', async () => {
    let now = Date.now();
    const { notices: book, store } = await desk(() => now);
    const id = book.ask(what, 'high', 1_000_000);
    const waiting = (): string[] => store.notices.rows('hook', ['high']).map(({ subject }) => subject.replace(id, 'ID'));
    book.remind();
    expect(waiting()).toEqual(['request:ID']);
    now += 500_000;
    for (let i = 0; i < 3; i++) book.remind();
    expect(waiting()).toEqual(['request:ID', 'request:ID#1']);
    now += 400_000;
    book.remind();
    book.decide(id, 'approve', 'wang');
    now += 50_000;
    book.remind();
    expect(waiting()).toEqual(['request:ID', 'request:ID#1', 'request:ID#2']);
  });

  it('expire, and are told no more', async () => {
    let now = Date.now();
    const { notices: book, dir, service } = await desk(() => now);
    const id = book.ask(what, 'high', 1000);
    const token = makeToken(approvalKey(dir), id, 'approve', now + 1000);
    const longer = makeToken(approvalKey(dir), id, 'approve', now + 60_000);
    now += 5000;
    expect(book.answer({ token, answer: 'approve' })).toEqual({ done: false, fault: 'expired' });
    expect(book.answer({ token: longer, answer: 'approve' })).toMatchObject({ done: false, fault: 'expired' });
    expect(book.decide('0'.repeat(32), 'approve', 'wang')).toBe('unknown');
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 500);
    await book.run(ending.signal);
    expect(service.times).toEqual([]);
  });

  it('have a key that its owner alone can read, the same at each start', () => {
    const dir = folder();
    const key = approvalKey(dir);
    expect(key).toHaveLength(32);
    expect(statSync(join(dir, 'approval.key')).mode & 0o777).toBe(0o600);
    expect(approvalKey(dir)).toEqual(key);
    chmodSync(join(dir, 'approval.key'), 0o640);
    expect(() => approvalKey(dir)).toThrow('that its owner alone can read');
    chmodSync(join(dir, 'approval.key'), 0o600);
    writeFileSync(join(dir, 'approval.key'), 'short');
    expect(() => approvalKey(dir)).toThrow('it has 5 bytes');
  });
});
