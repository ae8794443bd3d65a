import { expect, it } from 'vitest';
import { clock } from './time-text.ts';

it('names the year only where it is another one', () => {
  const now = Date.UTC(2026, 5, 1);
  expect(clock(Date.UTC(2026, 6, 2), 'en', now)).not.toContain('2026');
  expect(clock(Date.UTC(2028, 6, 2), 'en', now)).toContain('2028');
  expect(clock(Date.UTC(2028, 6, 2), 'zh', now)).toContain('2028');
});
