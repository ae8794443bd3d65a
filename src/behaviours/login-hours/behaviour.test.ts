import { expect, it } from 'vitest';
import { make, tryOut, unfilled, type Trial } from '../testing.ts';
import { loginHours } from './behaviour.ts';

const day = 86_400_000, hour = 3_600_000;
/** Local midnight, whatever zone the tests run in. */
const midnight = new Date(2026, 2, 2).getTime();
const login = (trial: Trial, days: number, hours: number, fields = {}): void => {
  trial.run.observe(make('sshd', midnight + days * day + hours * hour, { category: 'authentication', action: 'login', outcome: 'success', service: 'sshd', user: 'ops', source_ip: '198.51.100.7', ...fields }));
};

it('learns office hours and tells a log-on at three in the morning', () => {
  const trial = tryOut(loginHours);
  for (let d = 0; d < 14; d++) for (const h of [9, 14, 18.2]) login(trial, d, h);
  expect(trial.run.learning?.()).toEqual({ since: midnight + 9 * hour, samples: 42, ready: false });
  login(trial, 15, 10);
  login(trial, 15, 19.5);
  expect(trial.run.learning?.().ready).toBe(true);
  expect(trial.found).toEqual([]);
  login(trial, 16, 3.2);
  login(trial, 16, 3.4);
  expect(trial.found).toHaveLength(1);
  expect(trial.found[0]).toMatchObject({ level: 'medium', attack: ['T1078'], group: { user: 'ops', hour: '3', days: '15', logins: '44', from: ' (198.51.100.7)' } });
  expect(trial.found.flatMap(unfilled)).toEqual([]);
});

it('keeps still before fourteen days and twenty log-ons', () => {
  const young = tryOut(loginHours);
  for (let d = 0; d < 13; d++) for (const h of [9, 14, 18]) login(young, d, h);
  login(young, 13, 3);
  const seldom = tryOut(loginHours);
  for (let d = 0; d < 19; d++) login(seldom, d, 9);
  login(seldom, 20, 3);
  expect([...young.found, ...seldom.found]).toEqual([]);
});

it('counts a storm of log-ons within an hour once, and failures, sudo and other accounts not at all', () => {
  const trial = tryOut(loginHours);
  for (let d = 0; d < 16; d++) for (const h of [9, 20]) login(trial, d, h);
  for (let i = 0; i < 3000; i++) login(trial, 16, 9 + i / 3600);
  for (let i = 0; i < 50; i++) login(trial, 16, 3, { outcome: 'failure' });
  login(trial, 16, 3, { action: 'sudo' });
  login(trial, 16, 3, { user: 'other' });
  login(trial, 17, 20);
  expect(trial.found).toEqual([]);
});

it('one that logs on round the clock is never odd', () => {
  const trial = tryOut(loginHours);
  for (let h = 0; h < 24 * 20; h += 5) login(trial, 0, h);
  for (let h = 0; h < 24; h++) login(trial, 21, h);
  expect(trial.found).toEqual([]);
});

it('remembers over a restart', () => {
  const first = tryOut(loginHours);
  for (let d = 0; d < 15; d++) for (const h of [9, 14]) login(first, d, h);
  const second = tryOut(loginHours, {}, first.run.save?.());
  expect(second.run.learning?.()).toMatchObject({ since: midnight + 9 * hour, samples: 30 });
  login(second, 15, 3);
  expect(second.found).toHaveLength(1);
});

it('outside of working hours tells every log-on at once, but of those who may', () => {
  const trial = tryOut(loginHours, { work: '8-20', off_hours: ['backup'] });
  for (const h of [8, 12, 19.9]) login(trial, 0, h);
  login(trial, 0, 3, { user: 'backup' });
  expect(trial.found).toEqual([]);
  login(trial, 1, 20);
  login(trial, 1, 20.5);
  login(trial, 2, 7.9);
  expect(trial.found.map(({ level, group }) => `${level} ${group?.['hour']} ${group?.['work']}`)).toEqual(['medium 20 8–20', 'medium 7 8–20']);
  expect(trial.found.flatMap(unfilled)).toEqual([]);
  const night = tryOut(loginHours, { work: '22-6' });
  for (const h of [22, 23.5, 0, 5.9]) login(night, 0, h);
  expect(night.found).toEqual([]);
  login(night, 0, 6);
  expect(night.found).toHaveLength(1);
});

it.each(['8', '8-8', '8-25', 'nine to five', '24-3'])('refuses %s as working hours', (work) => {
  expect(() => tryOut(loginHours, { work })).toThrow('expected working hours');
});
