import { describe, expect, it } from 'vitest';
import type { Detection } from '../core/alert.ts';
import { Event } from '../core/gen/event.ts';
import { loginHours } from '../behaviours/login-hours/behaviour.ts';
import { configSchema } from '../agent/config-schema.ts';
import { behaviourSetups, loadRules, ownRules } from '../agent/detector.ts';
import { Detector } from './detector.ts';

const start = Date.UTC(2026, 10, 22, 2);

function login(n: number, outcome: string): Event {
  const event = new Event(`e${n}`, start + n * 1000, 'sshd');
  Object.assign(event, { category: 'authentication', action: 'login', outcome, service: 'sshd', user: 'deploy', source_ip: '203.0.113.9', method: 'password', host: 'web1' });
  return event;
}

describe('a start with history', () => {
  const rules = loadRules([ownRules()]);
  const open = (): Detector => new Detector(rules.engine, behaviourSetups(configSchema.parse({})).filter(({ behaviour }) => behaviour === loginHours));

  it('opens windows again without raising anything', () => {
    rules.engine.reset();
    const detector = open();
    for (let n = 0; n < 4; n++) detector.warm(login(n, 'failure'));
    const raised: Detection[] = [];
    detector.observe(login(4, 'failure'), (detection) => raised.push(detection));
    expect(raised.map((detection) => [detection.ruleId, detection.count])).toContainEqual(['ssh_brute_force', 5]);
  });

  it('learns nothing a second time', () => {
    rules.engine.reset();
    const detector = open();
    for (let n = 0; n < 10; n++) detector.warm(login(n, 'success'));
    expect(detector.learning().map(({ samples }) => samples)).toEqual([0]);
    for (let n = 10; n < 13; n++) detector.observe(login(n, 'success'), () => undefined);
    expect(detector.learning().map(({ samples }) => samples)).toEqual([3]);
  });
});

describe('what one event raises', () => {
  const run = (path: string, extra?: Record<string, string>): Event => Object.assign(new Event(`x${path}`, start, 'process_creation'), { category: 'process', action: 'process-start', pid: 4242, process_path: path, process_cmdline: path, user: 'root', host: 'web1', ...(extra && { extra }) });
  const rules = loadRules([ownRules()]);
  const raisedBy = (event: Event, off: readonly string[] = []): string[] => {
    const detector = new Detector(rules.engine, behaviourSetups(configSchema.parse({})).filter(({ behaviour }) => behaviour.id === 'odd-exec-place' && !off.includes(behaviour.id)));
    const raised: string[] = [];
    rules.engine.reset();
    detector.observe(event, (detection) => raised.push(detection.ruleId));
    return raised;
  };

  it('is told once where one says all that the other does, and by the other when that one is off', () => {
    for (const [event, rule] of [[run('/dev/shm/x'), 'run_from_hidden_place'], [run('/tmp/tool'), 'run_from_temporary_folder'], [run('/memfd:x', { memfd: 'true' }), 'run_from_memory_file']] as const) {
      expect(raisedBy(event)).toContain('behaviour.odd-exec-place');
      expect(raisedBy(event)).not.toContain(rule);
      expect(raisedBy(event, ['odd-exec-place'])).toContain(rule);
    }
  });
});
