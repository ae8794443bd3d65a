import { expect, it } from 'vitest';
import { make, tryOut, unfilled } from '../testing.ts';
import { processMemory } from './behaviour.ts';

const began = Date.UTC(2026, 2, 1, 12);

function samples(fields: Record<string, unknown>, values: readonly number[]): ReturnType<typeof tryOut>['found'] {
  const { run, found } = tryOut(processMemory);
  for (const [i, value] of values.entries()) run.observe(make('metric', began + i * 5000, { metric: 'process-memory', value, pid: 9, process_started: 1, ...fields }));
  return found;
}

it('tells a process that holds more than half of the memory, once an hour', () => {
  const found = samples({ process_name: 'leak', process_path: '/opt/app/leak' }, Array.from({ length: 100 }, () => 61.4));
  expect(found.map((d) => d.level)).toEqual(['medium']);
  expect(found[0]?.group).toMatchObject({ program: '/opt/app/leak', now: '61', limit: '50' });
  expect(found.flatMap(unfilled)).toEqual([]);
});

it('knows databases, doubts them in odd places, and passes over a short peak', () => {
  expect(samples({ process_name: 'mysqld', process_path: '/usr/sbin/mysqld' }, [70, 70, 70])[0]?.level).toBe('low');
  expect(samples({ process_name: 'mysqld', process_path: '/tmp/mysqld' }, [70, 70, 70])[0]?.level).toBe('high');
  expect(samples({ process_name: 'leak' }, [50, 50, 50, 50, 70, 70, 50, 50])).toEqual([]);
});
