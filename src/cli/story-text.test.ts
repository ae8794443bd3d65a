import { describe, expect, it } from 'vitest';
import type { Story, StoryEdge, StoryNode } from '../core/incident.ts';
import { storyJson } from './story-json.ts';
import { storyLines, type StoryTextOptions } from './story-text.ts';
import { widthOf } from './wrap.ts';

const t0 = Date.UTC(2026, 10, 22, 2, 27);
const node = (id: string, kind: StoryNode['kind'], label: string, at: number, facts: StoryNode['facts'] = {}, more: Partial<StoryNode> = {}): StoryNode => ({ id, kind, label, first: t0 + at, last: t0 + at, facts, ...more });
const edge = (from: string, to: string, deed: StoryEdge['deed'], at: number): StoryEdge => ({ from, to, deed, first: t0 + at, last: t0 + at, count: 1 });
const hostile = '/tmp/\u001b[2J\u202egnp.x\nsecond line\r\u0007';

const story: Story = {
  entry: { kind: 'web', time: t0, node: 'process:1:1', address: '203.0.113.9', country: 'NL', network: 'Example Networks (AS64500)', service: 'php-fpm', request: 'POST /up.php?\u001b[31m', attack: ['T1190'], matrix: ['初始访问·应用程序漏洞'], text: { zh: '从 203.0.113.9 经由网站服务 php-fpm', en: 'through the web server php-fpm from 203.0.113.9' } },
  nodes: [
    node('process:1:1', 'process', 'php-fpm: pool www', 0, { pid: 1, chain: true, path: '/usr/sbin/php-fpm' }, { lives: true }),
    node('process:2:2', 'process', `sh -c ${hostile}`, 10, { pid: 2, path: '/bin/sh', user: 'www-data', seed: true }),
    node(`file:${hostile}`, 'file', hostile, 20, { path: hostile, made: true }, { lives: false }),
    node('persistence:/etc/cron.d/x:1', 'persistence', `/etc/cron.d/x:1: * * * * * root ${hostile}`, 30, { path: '/etc/cron.d/x', line: 1, text: 'x', place: 'cron', planted: true }),
    node('alert:a', 'alert', 'a planted job \u001b[5m', 40, { rule: 'r', level: 'high', title: '植入任务\u001b[5m' }, { attack: ['T1053.003'] }),
  ],
  edges: [edge('process:1:1', 'process:2:2', 'started', 10), edge('process:2:2', `file:${hostile}`, 'wrote', 20), edge('process:2:2', 'persistence:/etc/cron.d/x:1', 'planted', 30), edge('alert:a', 'persistence:/etc/cron.d/x:1', 'tells', 40)],
  gaps: [{ kind: 'down', from: t0 + 60_000, to: t0 + 360_000, what: { zh: 'Moat 没有运行', en: 'Moat did not run' } }],
  echoes: [{ kind: 'request', from: 'history', first: t0 - 5000, last: t0, count: 3, address: '203.0.113.9', what: 'GET /\u001b[2J', bytes: 512 }, { kind: 'log-on', from: 'journal', first: t0 - 9000, last: t0 - 9000, count: 1, user: 'li\u001b[1m', address: '192.0.2.7' }],
  began: t0, ended: t0 + 400_000, left: 3,
};
const options = (more: Partial<StoryTextOptions> = {}): StoryTextOptions => ({ lang: 'en', columns: 80, full: false, timeline: true, tree: true, ...more });
const said = (more: Partial<StoryTextOptions> = {}, of: Story = story): string => storyLines(of, options(more)).join('\n');

describe('a story on a terminal', () => {
  it('says how they came in, with owner and request, in both languages', () => {
    const en = said(), zh = said({ lang: 'zh' });
    for (const word of ['through the web server php-fpm from 203.0.113.9', 'address 203.0.113.9 (NL Example Networks (AS64500))', 'web request POST /up.php?\\x1b[31m', 'sh planted cron: /etc/cron.d/x:1', 'first access: a hole in an application', 'T1053.003 cron job', '░ Moat did not run', '(5 min)', '[the journal]', '3 more found no room']) expect(en.replaceAll(/\n +/g, ' ')).toContain(word);
    for (const word of ['怎么进来的', '地址 203.0.113.9（NL Example Networks (AS64500)）', '植入了计划任务', '看不到的时间', '░ Moat 没有运行', '告警：植入任务', '经由网站服务', '（已不在）']) expect(zh.replaceAll(/\n +/g, '')).toContain(word.replaceAll('\n', ''));
  });

  it('lets no control character through, and no line break of others', () => {
    for (const lang of ['zh', 'en'] as const) for (const full of [true, false]) {
      const text = said({ lang, full });
      expect(Array.from(text.replaceAll('\n', '')).filter((char) => char < ' ' || (char >= '\u007f' && char <= '\u009f') || (char >= '\u202a' && char <= '\u202e'))).toEqual([]);
      expect(text).toContain('\\x1b[2J\\x202egnp.x ⏎ ');
    }
  });

  it.each([40, 60, 80, 120])('is no wider than a terminal of %i columns', (columns) => {
    const deep = { ...story, nodes: [...story.nodes], edges: [...story.edges] };
    for (let i = 3; i < 60; i++) {
      deep.nodes.push(node(`process:${i}:${i}`, 'process', `/tmp/${'目录'.repeat(20)}${i} --option=${'x'.repeat(100)}`, i * 10, { pid: i, path: '/tmp/x', seed: true }));
      deep.edges.push(edge(`process:${i - 1}:${i - 1}`, `process:${i}:${i}`, 'started', i * 10));
    }
    for (const lang of ['zh', 'en'] as const) expect(storyLines(deep, options({ lang, columns, full: true })).filter((line) => widthOf(line) > columns)).toEqual([]);
  });

  it('folds what is long, keeps what matters, and shows all with --full', () => {
    const long = { ...story, nodes: [...story.nodes], edges: [...story.edges] };
    for (let i = 3; i < 400; i++) {
      long.nodes.push(node(`process:${i}:${i}`, 'process', `tool${i}`, i, { pid: i, path: `/tmp/tool${i}` }), node(`address:192.0.2.${i}`, 'address', `192.0.2.${i}`, i, { ip: `192.0.2.${i}`, port: 80 }));
      long.edges.push(edge('process:2:2', `process:${i}:${i}`, 'started', i), edge(`process:${i}:${i}`, `address:192.0.2.${i}`, 'spoke', i));
    }
    const folded = storyLines(long, options()), whole = storyLines(long, options({ full: true }));
    expect(folded.length).toBeLessThan(500);
    expect(folded.join('\n')).toMatch(/\d+ steps folded[^]*all of it: --full[^]*processes folded/);
    for (const word of ['way in:', 'planted cron', 'alert: a planted job']) expect(folded.join('\n')).toContain(word);
    expect(whole.join('\n')).toContain('tool399');
    expect(whole.join('\n')).not.toContain('folded');
  });

  it('shows only what is asked for, and says so when nothing is known', () => {
    expect(said({ tree: false })).not.toContain('Who started whom');
    expect(said({ timeline: false })).not.toContain('What happened, in order');
    const nothing = said({}, { ...story, entry: undefined, nodes: [], edges: [], echoes: [], gaps: [], left: 0 });
    expect(nothing).toContain('nobody saw how this began');
    expect(nothing).toContain('no process was seen');
  });
});

it('as JSON has stable names, ISO times and counts of what is left out', () => {
  const json = JSON.parse(JSON.stringify(storyJson(story))) as Record<string, unknown>;
  expect(json).toMatchObject({
    began: '2026-11-22T02:27:00.000Z', entry: { kind: 'web', time: '2026-11-22T02:27:00.000Z', request: 'POST /up.php?\u001b[31m' }, left_out: { nodes: 3, steps: 0 }, gaps: [{ kind: 'down', from: '2026-11-22T02:28:00.000Z' }],
    techniques: { 'T1053.003': { en: 'T1053.003 cron job' } }, cells: { '初始访问·应用程序漏洞': { en: 'first access: a hole in an application' } },
  });
  expect(Object.keys(json).sort()).toEqual(['began', 'cells', 'echoes', 'edges', 'ended', 'entry', 'gaps', 'left_out', 'nodes', 'steps', 'techniques']);
});
