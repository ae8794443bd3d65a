import { describe, expect, it } from 'vitest';
import type { Detection } from '../core/alert.ts';
import { Event } from '../core/gen/event.ts';
import { excused, type Exception } from './exceptions.ts';

const time = Date.UTC(2026, 10, 22);

function detected(...events: Partial<Event>[]): Detection {
  const list = events.map((fields, i) => Object.assign(new Event(`e${i}`, time, 'process_creation'), fields));
  return { ruleId: 'download_and_run', title: { zh: '', en: '' }, level: 'high', attack: [], key: '', time, events: list, count: list.length };
}

const exception = (when: Exception['when'], more: Partial<Exception> = {}): Exception => ({ rule: 'download_and_run', when, why: 'wanted', ...more });

describe('exceptions', () => {
  it('excuse what they name, and only that', () => {
    const list = [exception({ user: 'deploy', process_path: ['/usr/bin/curl', '/usr/bin/wget'] })];
    expect(excused(detected({ user: 'deploy', process_path: '/usr/bin/wget' }), list)).toBe(list[0]);
    expect(excused(detected({ user: 'www-data', process_path: '/usr/bin/wget' }), list)).toBeUndefined();
    expect(excused(detected({ user: 'deploy' }), list)).toBeUndefined();
  });

  it('do not excuse an alert of which one event is something else', () => {
    expect(excused(detected({ user: 'deploy' }, { user: 'mallory' }), [exception({ user: 'deploy' })])).toBeUndefined();
  });

  it('understand * at the ends of a text, all rules, and a last day', () => {
    const one = detected({ process_cmdline: '/opt/backup/run --all' });
    expect(excused(one, [exception({ process_cmdline: '/opt/backup/*' })])).toBeDefined();
    expect(excused(one, [exception({ process_cmdline: '*backup*' }, { rule: '*' })])).toBeDefined();
    expect(excused(one, [exception({ process_cmdline: '*' }, { rule: 'other' })])).toBeUndefined();
    expect(excused(one, [exception({ process_cmdline: '*' }, { until: time - 1 })])).toBeUndefined();
  });
});
