import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliIncident, openCliIncident } from '../../test/cli-incident.ts';
import { alertOf } from '../../test/incidents.ts';
import { lacks } from '../../test/need.ts';
import { stixFaults } from '../../test/stix-rules.ts';
import { appliedPath } from '../agent/applied-indicators.ts';
import { parseConfig } from '../agent/config.ts';
import { readLists } from '../agent/intelligence.ts';
import { pdfOf } from '../agent/pdf.ts';
import { Reviews } from '../agent/reviews.ts';
import { storyWorld } from '../agent/story-world.ts';
import { Event } from '../core/gen/event.ts';
import { Keep } from '../evidence/keep.ts';
import { tellStory } from '../engine/incident/story.ts';
import { runner } from '../linux/run.ts';

let cli: CliIncident, dir: string, store: CliIncident['store'], id: string;
const moat: CliIncident['moat'] = (...args) => cli.moat(...args);
const imported: { list: string; entries: { network: string }[] }[] = [];

beforeAll(async () => {
  const packages = { ready: true, owner: () => undefined, index: undefined, settle: () => Promise.resolve(undefined) };
  const at = Date.now() - 60_000;
  const shell = Object.assign(new Event('e1', at, 'process_creation'), { pid: 7, process_started: at - 1000, process_path: '/opt/x', process_cmdline: '/opt/x -q <b>', uid: 0, origin: 'login', origin_ip: '203.0.113.9', source_ip: '203.0.113.9' });
  const call = Object.assign(new Event('e2', Date.now(), 'network_connection'), { pid: 7, process_started: at - 1000, process_path: '/opt/x', uid: 0, direction: 'outbound', destination_ip: '198.51.100.7', destination_port: 4444 });
  const alerts = [alertOf('aa11', shell, { attack: ['T1543.002'], rule: 'planted' }), alertOf('bb22', call, { attack: ['T1071'], level: 'critical', rule: 'beacon' })];
  cli = await openCliIncident('report', alerts, ({ dir: data, store: kept, journal, graph, incidents, log }) => new Reviews({
    store: kept, journal, packages, story: (_id, seeds, asker) => tellStory(seeds, storyWorld({ graph, packages, events: kept.events, now: Date.now, asker })), incident: (one) => incidents.seeds(one), dataFolder: data, log, now: Date.now, listsChanged: () => undefined,
    // A stand-in for the packet filter, which refuses what is protected.
    blocklist: {
      import: (argument) => {
        const { list, entries } = argument as typeof imported[number];
        imported.push({ list, entries });
        const refused = entries.filter(({ network }) => network === '198.51.100.7');
        return Promise.resolve({ added: entries.length - refused.length, there: 0, over: 0, bad: 0, refused: refused.length, why: refused.map(({ network }) => ({ network, why: { zh: '在允许名单上', en: 'it is on the allow list' } })) });
      },
      drop: () => Promise.resolve({ lifted: 1 }),
    },
  }).handlers());
  ({ dir, store, id } = cli);
});
afterAll(() => cli.close());

it('reports in both languages and forms', async () => {
  expect((await moat('incident', 'report', id.slice(0, 5))).out).toMatch(/^# Incident .*\n[\s\S]*## Timeline[\s\S]*## Root causes/);
  expect((await moat('incident', 'report', id, '--lang', 'zh')).out).toContain('## 网络安全事件报告表');
  const file = join(dir, 'r.html');
  expect((await moat('incident', 'report', id, '--format', 'html', '--out', file)).err).toContain(file);
  expect(readFileSync(file, 'utf8')).toContain('&lt;b&gt;');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse((await moat('incident', 'report', id, '--format', 'json')).out)).toMatchObject({ id, story: { nodes: expect.any(Number) as number }, measures: { contain: { why: { en: 'it has not been marked contained' } } } });
  expect(await moat('incident', 'report', 'ffff')).toMatchObject({ status: 2 });
  expect((await moat('incident', 'report', id, '--format', 'docx')).status).toBe(2);
});

it('lists the archives of evidence that are kept, and what came back', async () => {
  const keep = new Keep(dir);
  keep.make();
  writeFileSync(keep.path('kept-1'), 'tar');
  keep.write({ id: 'kept-1', incident: id, made: '2026-11-22T00:00:00.000Z', by: 'li', why: 'a test', bytes: 3, fingerprint: 'f', manifest: 'ab'.repeat(32), head: 'h' });
  const record = store.incidents.incident(id)!;
  const recovery = { plan: 'p', time: Date.now(), tally: { items: 60, restored: 59, missing: 1, healthy: 0, newer: 0 }, missing: [], services: { ok: 0, bad: [], unknown: [] }, findings: 0, blind: 0, verified: false };
  store.response.save({ incidents: { incidents: [{ record: { ...record, recovery, revision: record.revision + 1 }, expected: record.revision }] } });
  expect(JSON.parse((await moat('incident', 'report', id, '--format', 'json')).out)).toMatchObject({ evidence: [{ name: 'kept-1', bytes: 3 }], restored: { done: 59, total: 60 } });
  expect((await moat('stats', '--json')).out).toContain('59');
});

it('exports indicators and puts them on the lists', async () => {
  expect(stixFaults(JSON.parse((await moat('incident', 'export', id, '--format', 'stix')).out) as never)).toEqual([]);
  expect((await moat('incident', 'export', id, '--format', 'csv')).out).toContain('"address","198.51.100.7"');
  expect((await moat('incident', 'export', id, '--format', 'list')).out).toContain('\n198.51.100.7\n');
  expect((await moat('incident', 'export', id)).status).toBe(2);
  const done = await moat('incident', 'indicators', id, '--apply', '--yes', '--for', '2d', '--why', 'seen');
  expect(done.out).toContain('198.51.100.7 was not blocked: it is on the allow list');
  expect(imported[0]!.list).toBe(`incident-${id}`);
  const { intelligence } = await readLists(parseConfig('', 'moat.yml').intelligence, dir);
  // What is never blocked raises no alerts either.
  expect(intelligence.address('198.51.100.7')).toBeUndefined();
  expect(intelligence.address('203.0.113.9')).toMatchObject({ list: 'incidents', level: 'high' });
  expect([...store.response.audit(1)].at(-1)).toMatchObject({ operation: 'incident-indicators', target: id, why: 'seen' });
  expect((await moat('incident', 'indicators', id, '--withdraw')).out).toContain('1 addresses');
  expect(existsSync(appliedPath(dir))).toBe(false);
});

it('keeps improvements, and counts them', async () => {
  expect((await moat('incident', 'improve', id, 'add', 'keys', 'only', '--owner', 'li', '--due', '2026-01-31')).out).toMatch(/overdue since 2026-01-31/);
  expect((await moat('incident', 'improve', id, 'add', 'x', '--due', '2026-02-31')).status).toBe(2);
  expect((await moat('incident', 'improve', id, 'list')).out).toContain('keys only');
  expect(JSON.parse((await moat('stats', '--json')).out)).toMatchObject({ incidents: 1, improvements: { open: 1, overdue: 1 } });
  expect((await moat('incident', 'improve', id, 'done', '1', '--note', 'rolled out')).out).toContain('✓');
  expect((await moat('--lang', 'zh', 'stats', '--since', '30d')).out).toContain('已完成 1');
  expect((await moat('incident', 'report', id)).out).toContain('keys only');
});

it('tells the story as it was kept when no agent runs', async () => {
  cli.stopAgent();
  const json = JSON.parse((await moat('incident', 'report', id, '--format', 'json')).out) as { story: { nodes: number }; story_why: { en: string } };
  expect(json.story.nodes).toBeGreaterThan(1);
  expect(json.story_why.en).toContain('as it was known at');
});

describe('PDF', () => {
  it('says what to install where there is no browser', async () => {
    await expect(pdfOf('<p>x', { lang: 'en', browsers: ['/nonexistent'] })).rejects.toMatchObject({ code: 'no-browser', hintText: { en: expect.stringContaining('--format html') as string } });
    await expect(pdfOf('<p>x', { lang: 'zh', browsers: ['/bin/true'], run: () => Promise.resolve({ code: 0, stdout: '', stderr: '' }) })).rejects.toMatchObject({ code: 'no-font' });
    await expect(pdfOf('<p>x', { lang: 'en', browsers: ['/bin/false'], run: () => Promise.resolve({ code: 1, stdout: '', stderr: 'Fatal error: x' }) })).rejects.toThrow(/Fatal error/);
  });

  it.skipIf(lacks({ files: ['/usr/bin/chromium', '/usr/bin/pdftotext', '/usr/share/fonts/truetype/wqy/wqy-microhei.ttc'] }))('shows Chinese, and fetches nothing', async () => {
    const file = join(dir, 'r.pdf');
    expect(await moat('--lang', 'zh', 'incident', 'report', id, '--format', 'pdf', '--out', file)).toMatchObject({ status: 0 });
    const { stdout } = await runner()('pdftotext', [file, '-']);
    for (const word of ['事件报告', '根因', '网络安全事件报告表']) expect(stdout).toContain(word);
    expect((await runner()('pdffonts', [file])).stdout).toMatch(/WenQuanYi|Noto|CJK/i);
  });
});
