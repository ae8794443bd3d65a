import { describe, expect, it } from 'vitest';
import { make, tryOut, unfilled, type Trial } from '../testing.ts';
import { logSilence } from './behaviour.ts';

const minute = 60_000, hour = 60 * minute;
const began = Date.UTC(2026, 2, 1, 12);

function speak(trial: Trial, from: number, to: number, gap: number, source = '/var/log/nginx/access.log'): void {
  let next = from;
  for (let time = from; time < to; time += 1000) {
    trial.run.tick?.(time);
    for (; next <= time; next += gap) trial.run.observe(make('nginx', next, { source, host: 'web1' }));
  }
}
function wait(trial: Trial, from: number, to: number): void { for (let time = from; time < to; time += 1000) trial.run.tick?.(time); }

describe('a log that fell silent', () => {
  it('is told once after half an hour, low before a day was heard', () => {
    const trial = tryOut(logSilence);
    speak(trial, began, began + 2 * hour, 20_000);
    wait(trial, began + 2 * hour, began + 2 * hour + 29 * minute);
    expect(trial.found).toEqual([]);
    wait(trial, began + 2 * hour + 29 * minute, began + 5 * hour);
    expect(trial.found).toHaveLength(1);
    expect(trial.found[0]).toMatchObject({ ruleId: 'behaviour.log-silence', level: 'low', key: '/var/log/nginx/access.log', group: { usual: '33' } });
    expect(trial.found[0]?.events[0]).toMatchObject({ host: 'web1', action: 'log-silent', source: '/var/log/nginx/access.log' });
    expect(trial.found.flatMap(unfilled)).toEqual([]);
    // That silence was learned: as long a one is no news when it comes again.
    speak(trial, began + 5 * hour, began + 6 * hour, 20_000);
    wait(trial, began + 6 * hour, began + 9 * hour);
    expect(trial.found).toHaveLength(1);
  });

  it('is medium when a day was heard', () => {
    const trial = tryOut(logSilence);
    speak(trial, began, began + 25 * hour, 30_000);
    wait(trial, began + 25 * hour, began + 26 * hour);
    expect(trial.found.map((d) => d.level)).toEqual(['medium']);
  });

  it('waits ten times the gap that it usually leaves', () => {
    const trial = tryOut(logSilence);
    speak(trial, began, began + 24 * hour, 10 * minute);
    wait(trial, began + 24 * hour, began + 25.5 * hour);
    expect(trial.found).toEqual([]);
    wait(trial, began + 25.5 * hour, began + 28 * hour);
    expect(trial.found).toHaveLength(1);
  });
});

it('keeps still about what it does not know yet', () => {
  const trial = tryOut(logSilence);
  speak(trial, began, began + 50 * minute, 10_000, 'young');
  speak(trial, began + 50 * minute, began + 2 * hour, 2 * minute, 'rare');
  wait(trial, began + 2 * hour, began + 2 * hour + 3 * minute);
  expect(trial.run.learning?.()).toMatchObject({ since: began, ready: false });
  wait(trial, began + 2 * hour + 3 * minute, began + 9 * hour);
  expect(trial.found).toEqual([]);
});

it('does not blame a log for the time that the machine slept or Moat was not running', () => {
  const trial = tryOut(logSilence);
  speak(trial, began, began + 2 * hour, 10_000);
  wait(trial, began + 10 * hour, began + 10 * hour + 20 * minute);
  expect(trial.found).toEqual([]);
  const again = tryOut(logSilence, {}, trial.run.save?.());
  expect(again.run.learning?.()).toMatchObject({ since: began, samples: 720, ready: true });
  wait(again, began + 20 * hour, began + 20 * hour + 25 * minute);
  expect(again.found).toEqual([]);
  wait(again, began + 20 * hour + 25 * minute, began + 21 * hour);
  expect(again.found).toHaveLength(1);
});
