import { expect, it } from 'vitest';
import type { IncidentFacts } from '../../core/incident-store.ts';
import { addFacts, noFacts, tacticOf } from './facts.ts';
import { judge, type HostWorth, type Importance } from './grade.ts';

const worth = (importance: Importance): HostWorth => ({ importance, why: { zh: '因为', en: 'because' } });
const facts = (change: Partial<IncidentFacts>): IncidentFacts => ({ ...noFacts, founds: true, ...change });
const reached = (...techniques: string[]): Pick<IncidentFacts, 'techniques' | 'tactics'> => ({ techniques, tactics: Object.fromEntries(techniques.map((one) => [tacticOf(one), 1])) });

it('guesses that nobody got in by are medium at most, and no business is hit', () => {
  for (const tried of ['high', 'critical'] as const) expect(judge(facts({ tried, addresses: ['203.0.113.1'] }), worth('core'))).toMatchObject({ level: 'medium', grade: 3, why: { zh: '只有外来的尝试（1 个地址），没有人进来' } });
  expect(judge(facts({ tried: 'low' }), worth('core')).level).toBe('low');
});

it.each<[string, Partial<IncidentFacts>, Importance, string, 1 | 2 | 3]>([
  ['a miner by itself is an infection', { worst: 'high', grave: ['miner'], ...reached('T1496.001') }, 'core', 'high', 3],
  ['root and persistence on a web server hit part of the business', { worst: 'high', grave: ['a'], root: true, ...reached('T1543.002') }, 'part', 'high', 2],
  ['root, certain, on a machine with the data is core business', { worst: 'critical', grave: ['a', 'b'], root: true, ...reached('T1543.002', 'T1071') }, 'core', 'critical', 1],
  ['where nothing runs it stays an infection', { worst: 'critical', grave: ['a', 'b'], root: true, ...reached('T1543.002') }, 'low', 'critical', 3],
  ['ransom on a data base', { worst: 'high', grave: ['mass'], ...reached('T1486') }, 'core', 'critical', 1],
  ['ransom anywhere is more than an infection', { worst: 'high', grave: ['mass'], ...reached('T1486') }, 'low', 'critical', 2],
  ['through the web site', { worst: 'high', grave: ['shell'], services: ['web nginx'], ...reached('T1059.004') }, 'part', 'high', 2],
  ['to the neighbours', { worst: 'high', grave: ['ssh'], neighbours: ['10.0.0.7'], ...reached('T1021.004') }, 'part', 'critical', 2],
  ['one odd thing that nobody has confirmed', { worst: 'medium', ...reached('T1486') }, 'core', 'medium', 3],
  ['many stages add up', { worst: 'medium', ...reached('T1078', 'T1053.003', 'T1071') }, 'part', 'high', 3],
])('%s', (_, change, importance, level, grade) => {
  expect(judge(facts(change), worth(importance))).toMatchObject({ level, grade });
});

it('says why in both languages, and suspects a larger event', () => {
  const judged = judge(facts({ worst: 'critical', grave: ['a', 'b'], root: true, accounts: ['li', 'root'], ...reached('T1041', 'T1543.002') }), worth('core'));
  expect(judged.why.zh).toBe('一级：核心业务受害；已到：外传数据、驻留；已有 root 权限；数据被取走；范围：2 个账号；把握：确凿；因为');
  expect(judged.why.en).toBe('grade 1: core business is hit; reached: exfiltration, persistence; root rights; data taken; spread: 2 accounts; certainty: certain; because');
  expect(judged.larger?.zh).toBe('核心业务受害');
  expect(judge(facts({ worst: 'high', grave: ['a'], ...reached('T1496.001') }), worth('core')).larger).toBeUndefined();
  expect(judge(facts({ worst: 'critical', grave: ['a', 'b'], ...reached('T1041') }), worth('low')).larger?.en).toBe('data most likely left this machine');
});

it('facts are the same in whichever order they come', () => {
  const a = facts({ worst: 'high', tactics: { impact: 5 }, addresses: Array.from({ length: 60 }, (_, i) => `198.51.100.${i}`), headline: { level: 'high', time: 2, id: 'b', title: { zh: '', en: '' } } });
  const b = facts({ tried: 'low', tactics: { impact: 3, execution: 9 }, addresses: ['10.0.0.1'], root: true, headline: { level: 'high', time: 2, id: 'a', title: { zh: '', en: '' } } });
  const c = facts({ worst: 'medium', addresses: ['203.0.113.1'] });
  expect(addFacts(addFacts(a, b), c)).toEqual(addFacts(c, addFacts(b, a)));
  expect(addFacts(a, b)).toMatchObject({ worst: 'high', tried: 'low', root: true, tactics: { impact: 3, execution: 9 }, headline: { id: 'a' } });
  expect(addFacts(a, b).addresses).toHaveLength(50);
  expect(addFacts(a, a)).toEqual(addFacts(a, noFacts));
});
