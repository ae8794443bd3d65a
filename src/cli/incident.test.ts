import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliIncident, openCliIncident } from '../../test/cli-incident.ts';
import { alertOf } from '../../test/incidents.ts';
import { parseConfig } from '../agent/config.ts';
import { Stories } from '../agent/stories.ts';
import { Event } from '../core/gen/event.ts';
import { noKnowledge } from '../core/lineage.ts';
import { OriginGraph } from '../engine/origin/graph.ts';

let cli: CliIncident, id: string;
const moat: CliIncident['moat'] = (...args) => cli.moat(...args);

beforeAll(async () => {
  const shell = Object.assign(new Event('e1', Date.now() - 60_000, 'process_creation'), { pid: 7, process_started: 1000, process_path: '/opt/x\u001b[31m', uid: 0, origin: 'login', origin_ip: '203.0.113.9' });
  const alerts = [alertOf('aa11', shell, { attack: ['T1543.002'], rule: 'planted' }), alertOf('bb22', Object.assign(new Event('e2', Date.now(), 'process_creation'), { pid: 7, process_started: 1000, uid: 0 }), { attack: ['T1071'], level: 'critical', rule: 'beacon' })];
  cli = await openCliIncident('incident', alerts.map((alert) => ({ ...alert, origin: 'ssh log-on of root from 203.0.113.9 \u001b[2J' })), ({ dir, store, health, log, incidents }) =>
    // Nothing of the machine that runs the test: its logs are those of an empty folder.
    new Stories({ store, graph: new OriginGraph(), packages: noKnowledge.packages, config: () => parseConfig('', 'moat.yml'), health, log, now: Date.now, incident: (one) => incidents.seeds(one), root: dir }).handlers());
  ({ id } = cli);
});
afterAll(() => cli.close());

it('lists and shows incidents: level and why, clock, entry, what happened in order', async () => {
  const { out } = await moat('incident');
  expect(out).toMatch(new RegExp(`^${id} +critical +grade 1 +new +beacon \\(203\\.0\\.113\\.9\\)$`, 'm'));
  expect(out).toMatch(/statutory report due .*3 h 59 min left|4 h 0 min left/);
  const page = await moat('--lang', 'zh', 'incident', 'show', id.slice(0, 5), '--alerts');
  for (const word of ['严重', '一级：核心业务受害', '怎么进来的', '进程树', '告警：beacon', '看不到的时间', '没有 wtmp', '某账号 从 203.0.113.9 远程登录', 'moat incident plan',  'ssh log-on of root from 203.0.113.9 \\x1b[2J', '经过', '[aa11]', '[bb22]']) expect(page.out).toContain(word);
  expect(page.out.indexOf('[aa11]')).toBeLessThan(page.out.indexOf('[bb22]'));
  expect(page.out).not.toContain('\u001b');
  const json = JSON.parse((await moat('incident', 'show', id, '--json')).out) as Record<string, unknown>;
  expect(json).toMatchObject({ id, level: 'critical', grade: 1, alerts: ['aa11', 'bb22'], clock: { why: { en: 'core business is hit' } }, reached: { root: true }, story: { left_out: { nodes: 0, steps: 0 }, steps: [{ deed: 'logged-on' }, { deed: 'started' }, { deed: 'alert', attack: ['T1543.002'] }, { deed: 'alert' }] } });
});

it('changes them, and says what stands in the way', async () => {
  expect((await moat('incident', 'triage', id, '--why', 'real')).out).toContain('triaged');
  expect((await moat('incident', 'task', id, 'rotate', 'keys', '--to', 'li')).status).toBe(0);
  expect((await moat('incident', 'note', id, 'seen by li')).status).toBe(0);
  const stale = await moat('incident', 'contain', id, '--revision', '1');
  expect(stale).toMatchObject({ status: 1, out: expect.stringContaining('nothing was done') as string });
  expect((await moat('--lang', 'zh', 'incident', 'close', id)).out).toContain('还有 1 项任务未完成');
  expect((await moat('incident', 'task', id, '--done', '1')).status).toBe(0);
  expect((await moat('incident', 'close', id)).out).toContain('statutory report');
  expect((await moat('incident', 'grade', id, '--grade', '3')).out).toMatch(/expected why|--why/);
  expect((await moat('incident', 'grade', id, '--why', 'x')).status).toBe(2);
  expect(JSON.parse((await moat('incident', 'grade', id, '--level', 'low', '--grade', '3', '--why', 'a test host', '--json')).out)).toMatchObject({ level: 'low', grade: 3, by_hand: { why: 'a test host', judged: { level: 'critical', grade: 1 } } });
  expect((await moat('incident', 'show', id)).out).toMatch(/level set by hand .*a test host; the evidence says critical, grade 1/);
  expect(JSON.parse((await moat('incident', 'grade', id, '--by-evidence', '--why', 'it is not', '--json')).out)).toMatchObject({ level: 'critical', grade: 1 });
  expect((await moat('incident', 'clock', id)).status).toBe(2);
  expect((await moat('incident', 'clock', id, '--not-reportable', '--why', 'a drill')).status).toBe(0);
  expect(JSON.parse((await moat('incident', 'false-alarm', id, '--why', 'a drill', '--for', '7d', '--json')).out)).toMatchObject({ status: 'false-alarm', false_alarm: { why: 'a drill' }, notes: [{ text: 'seen by li' }] });
  expect((await moat('incident', 'list', '--all')).out).toContain('false alarm');
  expect(await moat('incident', 'show', 'ffffffffffff')).toMatchObject({ status: 2, err: expect.stringContaining('moat incident list --all') as string });
});
