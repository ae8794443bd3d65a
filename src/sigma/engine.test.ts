import { expect, test } from 'vitest';
import { compile, type EngineOptions, type Match, parse, recordBinding } from './index.ts';

type Row = Record<string, unknown>;

/** Parses without faults and returns what the events bring. */
export function run(yaml: string, events: Row[], options?: EngineOptions): { matches: Match<Row>[]; engine: ReturnType<typeof compile<Row>> } {
  const parsed = parse([{ file: 'test.yml', text: yaml }]);
  expect(parsed.errors).toEqual([]);
  const engine = compile<Row>(parsed, recordBinding({ logsource: { product: 'linux', service: 'sshd' } }), options);
  expect(engine.errors).toEqual([]);
  const matches: Match<Row>[] = [];
  for (const event of events) engine.evaluate(event, (match) => matches.push(match));
  engine.advance(Infinity, (match) => matches.push(match));
  return { matches, engine };
}

export const failedLogin = `
title: Failed login
name: failed_login
logsource: { product: linux, service: sshd }
detection:
  selection: { action: login, outcome: failure }
  condition: selection
level: low
`;

const fail = (seconds: number, ip: string, user = 'root'): Row => ({ time: 1_700_000_000_000 + seconds * 1000, action: 'login', outcome: 'failure', ip, user });

test('a brute force fires at its threshold and tells of each event once', () => {
  const { matches } = run(`${failedLogin}---
title: Brute force
correlation:
  type: event_count
  rules: [failed_login]
  group-by: [ip]
  timespan: 1m
  condition: { gte: 5 }
level: high
`, [...Array.from({ length: 7 }, (_, i) => fail(i, '192.0.2.1')), fail(3, '192.0.2.2'), fail(200, '192.0.2.1')]);
  expect(matches.map((match) => [match.rule.title, match.count, match.fresh, match.group['ip'], match.events.length])).toEqual([
    ['Brute force', 5, 5, '192.0.2.1', 5], ['Brute force', 6, 1, '192.0.2.1', 6], ['Brute force', 7, 1, '192.0.2.1', 7],
  ]);
});

test('a success after the failures of the same address', () => {
  const { matches } = run(`${failedLogin}---
title: Brute force
name: brute
correlation: { type: event_count, rules: [failed_login], group-by: [ip], timespan: 1m, condition: { gte: 3 } }
---
title: Success
name: success
logsource: { service: sshd }
detection: { selection: { outcome: success }, condition: selection }
---
title: Break-in
correlation: { type: temporal_ordered, rules: [brute, success], group-by: [ip], timespan: 10m }
level: critical
`, [fail(0, 'a'), fail(1, 'a'), { time: 1_700_000_002_000, outcome: 'success', ip: 'a' }, fail(3, 'a'), { time: 1_700_000_009_000, outcome: 'success', ip: 'b' }, { time: 1_700_000_010_000, outcome: 'success', ip: 'a' }]);
  expect(matches.map((match) => [match.rule.title, match.count, match.group])).toEqual([['Break-in', 3, { ip: 'a' }]]);
});
