import { describe, expect, it } from 'vitest';
import { apps } from './apps/table.ts';
import { namedGroups } from './linear.ts';

const patterns = apps.flatMap((app) => [
  ...(app.rules ?? []).map((rule) => rule.match),
  ...(app.records ?? []).flatMap((rule) => [...Object.values(rule.when).filter((want) => want instanceof RegExp), ...(rule.from ? [rule.from[1]] : [])]),
]);

describe('patterns of the application tables', () => {
  it('all run on the linear engine too, so that a long line cannot stall the reader', () => {
    expect(patterns.length).toBeGreaterThan(50);
    for (const pattern of patterns) expect(() => namedGroups(pattern, 'x'.repeat(1000)), pattern.source).not.toThrow();
  });

  it('find the same in a short and in a long text', () => {
    const pattern = /Login failed .*user="?(?<user>.*?)"? .*ip="?(?<ip>[0-9.]+)"?/s;
    const text = 'Login failed for user="anna" via web ip="203.0.113.9"';
    expect(namedGroups(pattern, text)).toEqual({ user: 'anna', ip: '203.0.113.9' });
    expect(namedGroups(pattern, text + ' '.repeat(2000))).toEqual({ user: 'anna', ip: '203.0.113.9' });
    expect(namedGroups(pattern, 'Login failed '.repeat(200))).toBeUndefined();
  });
});
