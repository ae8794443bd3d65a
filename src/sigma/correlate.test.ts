import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, parse, recordBinding } from './index.ts';
import { fail, failedLogin, refusal, type Row, ruleOf, run, start } from '../../test/sigma.ts';

const correlation = (section: Row, more: Row = {}): string => `${JSON.stringify({ title: 'Correlation', correlation: section, ...more })}\n`;
const brute = (condition: Row, more: Row = {}): string => `${failedLogin}---\n${correlation({ type: 'event_count', rules: ['failed_login'], 'group-by': ['ip'], timespan: '1m', condition, ...more })}`;
const seconds = (match: { first: number; last: number }): [number, number] => [(match.first - start) / 1000, (match.last - start) / 1000];

describe('event_count', () => {
  test('fires at its threshold and tells of each event once', () => {
    const { matches } = run(brute({ gte: 5 }), [...Array.from({ length: 7 }, (_, i) => fail(i, '192.0.2.1')), fail(3, '192.0.2.2'), fail(200, '192.0.2.1')]);
    expect(matches.map((match) => [match.count, match.fresh, match.group, match.events.length])).toEqual([
      [5, 5, { ip: '192.0.2.1' }, 5], [6, 1, { ip: '192.0.2.1' }, 1], [7, 1, { ip: '192.0.2.1' }, 1],
    ]);
  });

  test('slides: events a timespan apart belong together, later ones do not', () => {
    expect(run(brute({ gt: 1 }), [fail(0, 'a'), fail(60, 'a')]).matches).toHaveLength(1);
    expect(run(brute({ gt: 1 }), [fail(0, 'a'), fail(60.001, 'a')]).matches).toHaveLength(0);
  });

  test('a run that ended begins anew with its whole window', () => {
    const { matches } = run(brute({ gte: 3 }), [fail(0, 'a'), fail(1, 'a'), fail(2, 'a'), fail(61.5, 'a'), fail(62, 'a'), fail(63, 'a')]);
    expect(matches.map((match) => [match.count, match.fresh, ...seconds(match)])).toEqual([[3, 3, 0, 2], [3, 3, 2, 62], [3, 1, 61.5, 63]]);
  });

  test('a late event joins the window it belongs to', () => {
    const { matches } = run(brute({ gte: 3 }), [fail(10, 'a'), fail(65, 'a'), fail(8, 'a')]);
    expect(matches.map((match) => [match.count, ...seconds(match), match.events.map((event) => ((event['time'] as number) - start) / 1000)])).toEqual([[3, 8, 65, [8, 10, 65]]]);
  });

  test('counts stay exact where evidence is bounded', () => {
    const { matches } = run(brute({ gte: 1000 }), Array.from({ length: 1200 }, (_, i) => fail(i / 100, 'a')));
    expect(matches[0]!.count).toBe(1000);
    expect(matches.at(-1)!.count).toBe(1200);
    expect(matches[0]!.events).toHaveLength(16);
    expect(matches.reduce((sum, match) => sum + match.fresh, 0)).toBe(1200);
  });

  test('events without a group-by value belong to no group; lists belong to each', () => {
    const { matches, engine } = run(brute({ gte: 2 }), [fail(0, 'a', { ip: undefined }), fail(1, 'a', { ip: null }), fail(2, 'a', { ip: ['a', 'b'] }), fail(3, 'b')]);
    expect(matches.map((match) => match.group)).toEqual([{ ip: 'b' }]);
    expect(engine.stats().dropped.ungrouped).toBe(2);
  });

  test('group-by is optional', () => {
    expect(run(brute({ gte: 2 }, { 'group-by': undefined }), [fail(0, 'a'), fail(1, 'b')]).matches.map((match) => match.group)).toEqual([{}]);
  });
});

describe('conditions that more events can break are judged when the window closes', () => {
  test('lt, lte, eq, neq and ranges', () => {
    const count = (condition: Row, events: number): number => run(brute(condition), Array.from({ length: events }, (_, i) => fail(i, 'a'))).matches.length;
    expect([1, 2, 3].map((events) => count({ lt: 3 }, events))).toEqual([1, 1, 0]);
    expect([1, 2, 3].map((events) => count({ eq: 2 }, events))).toEqual([0, 1, 0]);
    expect([1, 2, 3].map((events) => count({ neq: 2 }, events))).toEqual([1, 0, 1]);
    expect([1, 2, 3, 4].map((events) => count({ gt: 1, lte: 3 }, events))).toEqual([0, 1, 1, 0]);
  });

  test('by a later event of the group, or by the clock', () => {
    const { matches } = run(brute({ lte: 2 }), [fail(0, 'a'), fail(30, 'a'), fail(61, 'a'), fail(300, 'a')]);
    expect(matches.map((match) => [match.count, ...seconds(match)])).toEqual([[2, 0, 30], [1, 61, 61], [1, 300, 300]]);
  });

  test('temporal with not: one without the other', () => {
    const yaml = (expression: string): string => `${ruleOf({ s: { e: 'a' }, condition: 's' }, 'a')}\n---\n${ruleOf({ s: { e: 'b' }, condition: 's' }, 'b')}\n---\n${correlation({ type: 'temporal', rules: ['a', 'b'], 'group-by': ['ip'], timespan: '1m', condition: expression })}`;
    const times = (list: [number, string][]): Row[] => list.map(([at, e]) => ({ time: start + at * 1000, e, ip: 'x' }));
    expect(run(yaml('a and not b'), times([[0, 'a']])).matches).toHaveLength(1);
    expect(run(yaml('a and not b'), times([[0, 'a'], [30, 'b']])).matches).toHaveLength(0);
    expect(run(yaml('a and not b'), times([[0, 'a'], [300, 'b']])).matches).toHaveLength(1);
    expect(run(yaml('a or b'), times([[0, 'a']])).matches).toHaveLength(1);
  });
});

describe('values', () => {
  const of = (type: string, condition: Row, values: unknown[]): { value?: number; count: number }[] =>
    run(`${failedLogin}---\n${correlation({ type, rules: ['failed_login'], timespan: '1m', condition: { field: 'v', ...condition } })}`, values.map((v, i) => fail(i, 'a', { v }))).matches.map(({ value, count }) => ({ value, count }));

  test('value_count counts distinct values', () => {
    expect(of('value_count', { gte: 3 }, ['a', 'b', 'a', 'c'])).toEqual([{ value: 3, count: 4 }]);
    expect(of('value_count', { gte: 2 }, ['a', undefined, 'a', null])).toEqual([]);
    expect(of('value_count', { gte: 2 }, [['a', 'b']])).toEqual([{ value: 2, count: 2 }]);
  });
  test('value_sum, value_avg with fractions', () => {
    expect(of('value_sum', { gt: 0.25 }, [0.1, '0.1', 0.1])).toEqual([{ value: 0.1 + 0.1 + 0.1, count: 3 }]);
    expect(of('value_avg', { gte: 2.5 }, [1, 4, 'x'])).toEqual([{ value: 2.5, count: 2 }]);
  });
  test('value_median, value_percentile', () => {
    expect(of('value_median', { gte: 3 }, [1, 2, 9, 4])).toEqual([{ value: 3, count: 4 }]);
    expect(of('value_percentile', { percentile: 90, gt: 9 }, [10, 0, 10])).toEqual([{ value: 10, count: 1 }, { value: 10, count: 3 }]);
  });
  test('the value leaves with its event', () => {
    const { matches } = run(`${failedLogin}---\n${correlation({ type: 'value_count', rules: ['failed_login'], timespan: '10s', condition: { field: 'v', gte: 2 } })}`, [fail(0, 'a', { v: 'x' }), fail(20, 'a', { v: 'y' }), fail(25, 'a', { v: 'x' })]);
    expect(matches.map(seconds)).toEqual([[20, 25]]);
  });
});

describe('several rules', () => {
  const abc = ['a', 'b', 'c'].map((name) => `${ruleOf({ s: { e: name }, condition: 's' }, name)}\n---\n`).join('');
  const rows = (text: string): Row[] => Array.from(text).map((e, i) => ({ time: start + i * 1000, e, from: 'x', to: 'y' }));

  test('temporal wants all, in any order', () => {
    const yaml = abc + correlation({ type: 'temporal', rules: ['a', 'b', 'c'], timespan: '5s' });
    expect(run(yaml, rows('cab')).matches).toHaveLength(1);
    expect(run(yaml, rows('ccaa')).matches).toHaveLength(0);
    expect(run(yaml, rows('cazzzzzb')).matches).toHaveLength(0);
    expect(run(abc + correlation({ type: 'temporal', rules: ['a', 'b', 'c'], timespan: '5s', condition: { gte: 2 } }), rows('ac')).matches.map((match) => match.value)).toEqual([2]);
  });
  test('temporal_ordered wants the order', () => {
    const yaml = abc + correlation({ type: 'temporal_ordered', rules: ['a', 'b', 'c'], timespan: '5s' });
    expect(run(yaml, rows('abc')).matches).toHaveLength(1);
    expect(run(yaml, rows('acb')).matches).toHaveLength(0);
    expect(run(yaml, rows('aabzc')).matches).toHaveLength(1);
    expect(run(yaml, rows('azzzzbc')).matches).toHaveLength(0);
    expect(run(yaml, [rows('abc')[2]!, rows('abc')[0]!, rows('abc')[1]!]).matches).toHaveLength(1); // by event time, however it arrives
  });
  test('one event cannot be two steps', () => {
    const yaml = `${ruleOf({ s: { e: 'x' }, condition: 's' }, 'p')}\n---\n${ruleOf({ s: { 'e|contains': 'x' }, condition: 's' }, 'q')}\n---\n${correlation({ type: 'temporal_ordered', rules: ['p', 'q'], timespan: '5s' })}`;
    expect(run(yaml, rows('x')).matches).toHaveLength(0);
    expect(run(yaml, rows('xx')).matches).toHaveLength(1);
  });
  test('aliases read another field for each rule', () => {
    const yaml = abc + correlation({ type: 'temporal', rules: ['a', 'b'], timespan: '5s', 'group-by': ['host'], aliases: { host: { a: 'from', b: 'to' } } });
    expect(run(yaml, [{ time: start, e: 'a', from: 'h1', to: 'h2' }, { time: start + 1, e: 'b', from: 'h1', to: 'h2' }]).matches).toHaveLength(0);
    expect(run(yaml, [{ time: start, e: 'a', from: 'h1' }, { time: start + 1, e: 'b', to: 'h1' }]).matches.map((match) => match.group)).toEqual([{ host: 'h1' }]);
  });
  test('rules of a correlation are silent unless it generates them', () => {
    const rules = (generate: boolean): string[] => run(brute({ gte: 2 }, { generate }), [fail(0, 'a'), fail(1, 'a')]).matches.map((match) => match.rule.title);
    expect(rules(false)).toEqual(['Correlation']);
    expect(rules(true)).toEqual(['Failed login', 'Failed login', 'Correlation']);
  });
  test('correlations of correlations: a break-in is a brute force and then a success', () => {
    const yaml = `${failedLogin}---\n${correlation({ type: 'event_count', rules: ['failed_login'], 'group-by': ['ip'], timespan: '1m', condition: { gte: 3 } }, { name: 'brute' })}---\n${ruleOf({ s: { outcome: 'success' }, condition: 's' }, 'success')}\n---\n${correlation({ type: 'temporal_ordered', rules: ['brute', 'success'], 'group-by': ['ip'], timespan: '10m' })}`;
    const success = (at: number, ip: string): Row => ({ time: start + at * 1000, outcome: 'success', ip });
    const { matches } = run(yaml, [fail(0, 'a'), fail(1, 'a'), success(2, 'a'), fail(3, 'a'), success(9, 'b'), success(10, 'a')]);
    expect(matches.map((match) => [match.rule.title, match.group, match.event['time']])).toEqual([['Correlation', { ip: 'a' }, start + 10_000]]);
  });
  test('an outer count takes one event a run', () => {
    const yaml = `${failedLogin}---\n${correlation({ type: 'event_count', rules: ['failed_login'], 'group-by': ['ip'], timespan: '10s', condition: { gte: 2 } }, { name: 'brute' })}---\n${correlation({ type: 'event_count', rules: ['brute'], timespan: '1h', condition: { gte: 2 } })}`;
    expect(run(yaml, [fail(0, 'a'), fail(1, 'a'), fail(2, 'a'), fail(3, 'a')]).matches).toHaveLength(0);
    expect(run(yaml, [fail(0, 'a'), fail(1, 'a'), fail(20, 'b'), fail(21, 'b')]).matches.map((match) => match.count)).toEqual([2]);
  });
});

describe('exactness, against a plain search over all events', () => {
  const span = 10;
  const stream = fc.array(fc.record({ at: fc.integer({ min: 0, max: 40 }), e: fc.constantFrom('a', 'b', 'c'), v: fc.constantFrom('x', 'y', 'z'), g: fc.constantFrom('1', '2') }), { maxLength: 40 });
  type Seen = { at: number; e: string; v: string; order: number };
  const models: Record<string, { section: Row; holds(window: Seen[]): boolean }> = {
    event_count: { section: { type: 'event_count', condition: { gte: 4 } }, holds: (window) => window.length >= 4 },
    value_count: { section: { type: 'value_count', condition: { field: 'v', gte: 3 } }, holds: (window) => new Set(window.map(({ v }) => v)).size >= 3 },
    temporal: { section: { type: 'temporal' }, holds: (window) => new Set(window.map(({ e }) => e)).size === 3 },
    temporal_ordered: { section: { type: 'temporal_ordered' }, holds: (window) => { let step = 0; for (const { e } of window) if (e === 'abc'[step]) step++; return step === 3; } },
    value_median: { section: { type: 'value_median', condition: { field: 'at', gt: 20 } }, holds: (window) => { const sorted = window.map(({ at }) => at).sort((a, b) => a - b); const n = sorted.length; return (sorted[(n - 1) >> 1]! + sorted[n >> 1]!) / 2 > 20; } },
  };
  const rules = ['a', 'b', 'c'].map((name) => `${ruleOf({ s: { e: name }, condition: 's' }, name)}\n---\n`).join('');

  test.each(Object.keys(models))('%s on events in any order', (kind) => {
    const model = models[kind]!;
    const yaml = rules + correlation({ rules: ['a', 'b', 'c'], 'group-by': ['g'], timespan: `${span}s`, ...model.section });
    fc.assert(fc.property(stream, (events) => {
      const rows = events.map(({ at, e, v, g }, n) => ({ time: start + at * 1000, at, e, v, g, n }));
      const fired = new Set(run(yaml, rows, { lateness: 100_000 }).matches.map((match) => match.event['n']));
      const seen: Record<string, Seen[]> = { 1: [], 2: [] };
      rows.forEach(({ at, e, v, g }, n) => {
        const group = seen[g]!;
        group.push({ at, e, v, order: n });
        group.sort((a, b) => a.at - b.at || a.order - b.order);
        // Windows that contain the new event, by their end; ends at events suffice, and at every one of a tie.
        const expected = group.some((end, last) => end.at >= at && end.at <= at + span && (end.at > at || last >= group.findIndex(({ order }) => order === n) || kind === 'value_median')
          && model.holds(group.slice(0, last + 1).filter((one) => one.at >= end.at - span)));
        // A sequence told of is not told again for an earlier step that recurs behind it: the newest event completes one only as its last step.
        const mayBeSilent = kind === 'value_median' || (kind === 'temporal_ordered' && e !== 'c' && group.at(-1)!.order === n);
        if (fired.has(n) || !mayBeSilent) expect(fired.has(n)).toBe(expected);
      });
    }), { numRuns: 300 });
  });
});

describe('bounds', () => {
  test('groups are forgotten oldest first and counted; what remains is right', () => {
    const events = [...Array.from({ length: 100 }, (_, i) => fail(i / 100, `ip${i}`)), fail(2, 'ip99'), fail(3, 'ip0')];
    const { matches, engine } = run(brute({ gte: 2 }), events, { maxGroups: 20 });
    expect(matches.map((match) => match.group)).toEqual([{ ip: 'ip99' }]);
    expect(engine.stats().dropped.groups).toBe(81);
  });
  test('a group past its cap keeps the newest events', () => {
    const { matches, engine } = run(brute({ gte: 5 }), Array.from({ length: 100 }, (_, i) => fail(i / 100, 'a')), { maxPerGroup: 16 });
    expect(matches.at(-1)!.count).toBe(16);
    expect(engine.stats().dropped.entries).toBe(84);
    expect(matches).toHaveLength(96);
  });
  test('time alone expires groups', () => {
    const { engine } = run(brute({ gte: 5 }), []);
    const none = (): void => { throw new Error('nothing fires'); };
    engine.advance(start, none);
    engine.evaluate(fail(0, 'a'), none);
    engine.advance(start + 60_000, none);
    expect(engine.stats().groups).toBe(1);
    engine.advance(start + 121_000, none);
    expect(engine.stats().groups).toBe(0);
  });
  test('events without a time are counted, not guessed', () => {
    const { matches, engine } = run(brute({ gte: 2 }), [fail(0, 'a', { time: undefined }), fail(0, 'a', { time: 'yesterday' })]);
    expect(matches).toEqual([]);
    expect(engine.stats().dropped.untimed).toBe(2);
  });
});

describe('refusals', () => {
  const refuse = (section: Row): string => refusal(`${failedLogin}---\n${correlation({ type: 'event_count', rules: ['failed_login'], timespan: '1m', condition: { gte: 2 }, ...section })}`);
  test.each([
    [{ type: 'event_counts' }, /expected a type of event_count/],
    [{ rules: ['nobody'] }, /reference: expected the id or name of a rule, got "nobody"/],
    [{ rules: [] }, /expected at least one rule/],
    [{ timespan: '1 minute' }, /expected a timespan such as/],
    [{ timespan: '0s' }, /timespan/],
    [{ condition: { gte: 'many' } }, /expected a number for gte/],
    [{ condition: { gt: 5, lt: 3 } }, /contradiction/],
    [{ condition: { gte: 0 } }, /always holds/],
    [{ condition: { atleast: 3 } }, /expected gt, gte/],
    [{ condition: undefined }, /expected a condition/],
    [{ type: 'value_count' }, /expected a field/],
    [{ type: 'value_percentile', condition: { field: 'x', gte: 1 } }, /expected percentile/],
    [{ 'group-bye': ['x'] }, /expected one of type, rules/],
    [{ 'group-by': ['x'], aliases: { x: { other: 'y' } } }, /in alias "x"/],
    [{ type: 'temporal', condition: 'failed_login and nobody' }, /expected one of the rule names/],
  ])('%j', (section, message) => { expect(refuse(section as Row)).toMatch(message); });

  test('circles', () => {
    const text = [['x', 'y'], ['y', 'x']].map(([name, of]) => correlation({ type: 'event_count', rules: [of], timespan: '1m', condition: { gte: 2 } }, { name })).join('---\n');
    const messages = compile(parse([{ file: 'x', text }]), recordBinding()).errors.map((error) => error.message);
    expect(messages).toEqual([expect.stringMatching(/without a circle, got "x"/), expect.stringMatching(/got "y", which was refused itself/)]);
  });
});

describe('clocks', () => {
  test('an event from the future does not hold up the windows of others', () => {
    const { engine } = run(brute({ lte: 2 }), []);
    const fired: string[] = [];
    const take = (match: { group: Record<string, string> }): void => { fired.push(match.group['ip']!); };
    engine.reset();
    engine.advance(start, take);
    engine.evaluate(fail(1e9, 'future'), take);
    engine.evaluate(fail(1, 'a'), take);
    engine.advance(start + 300_000, take);
    expect(fired).toEqual(['future', 'a']);
  });

  test('an event from the future does not blind its own group', () => {
    const { matches } = run(brute({ gte: 3 }), [fail(0, 'a'), fail(1e9, 'a'), fail(1, 'a'), fail(2, 'a'), fail(3, 'a')]);
    expect(matches.map((match) => match.count)).toEqual([3]);
  });

  test('windows closed by the clock feed the correlations behind them while room is made', () => {
    const yaml = `${failedLogin}---\n${correlation({ type: 'event_count', rules: ['failed_login'], 'group-by': ['ip'], timespan: '1m', condition: { eq: 1 } }, { name: 'single' })}---\n${correlation({ type: 'event_count', rules: ['single'], timespan: '1h', condition: { gte: 3 } })}`;
    const { matches, engine } = run(yaml, Array.from({ length: 40 }, (_, i) => fail(i, `ip${i}`)), { maxGroups: 10 });
    expect(matches[0]).toMatchObject({ count: 3, fresh: 3, group: {} });
    expect(engine.stats().groups).toBeLessThanOrEqual(10);
    expect(engine.stats().dropped.groups).toBeGreaterThan(0);
  });
});
