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
