import { describe, expect, it } from 'vitest';
import { make, tryOut, unfilled, type Trial } from '../testing.ts';
import { tidalLoad } from './behaviour.ts';

const minute = 60_000, hour = 60 * minute, day = 24 * hour;
/** Local midnight, whatever zone the tests run in. */
const midnight = new Date(2026, 2, 2).getTime();

/** Samples from `from` to `to`; `load` gives percent, 0 for a process that is not told. */
function play(trial: Trial, from: number, to: number, load: (time: number) => number, every = 5000, path = '/usr/sbin/logd'): void {
  let above = false;
  for (let time = from; time < to; time += every) {
    const value = load(time);
    // As the sensor does: told from 5 on, and once after it fell below.
    if (value >= 5 || above) trial.run.observe(make('metric', time, { metric: 'process-cpu', value, pid: 7, process_started: 1, process_name: 'logd', process_path: path, process_cmdline: 'logd -q' }));
    above = value >= 5;
    trial.run.observe(make('metric', time, { metric: 'host-cpu', value: value / 2 }));
  }
}

describe('breaks', () => {
  const miner = (period: number, drop: number) => (time: number): number => (time - midnight) % period < drop ? 2 : 95;

  it('tells a busy process that drops to nothing every quarter of an hour', () => {
    const trial = tryOut(tidalLoad);
    play(trial, midnight, midnight + 90 * minute, miner(15 * minute, 40_000));
    expect(trial.found).toHaveLength(1);
    expect(trial.found[0]).toMatchObject({ ruleId: 'behaviour.tidal-load', level: 'medium', key: 'breaks:/usr/sbin/logd', group: { minutes: '15.0', drops: '4' } });
    expect(trial.found.flatMap(unfilled)).toEqual([]);
  });

  it('also one that is killed and started anew, and in an odd place worse', () => {
    const trial = tryOut(tidalLoad);
    play(trial, midnight, midnight + 90 * minute, (time) => (time - midnight) % (14 * minute) < 30_000 ? 0 : 390, 5000, '/var/tmp/.x/logd');
    expect(trial.found.map((d) => d.level)).toEqual(['high']);
  });

  /** As a timer does it: a new process each quarter of an hour, with another pid, in one folder under another name or not. */
  function restarts(trial: Trial, path: (run: number) => string, cmdline = (run: number) => path(run)): void {
    for (let time = midnight; time < midnight + 90 * minute; time += 5000) {
      const run = Math.floor((time - midnight) / (15 * minute));
      if ((time - midnight) % (15 * minute) >= 40_000) trial.run.observe(make('metric', time, { metric: 'process-cpu', value: 390, pid: 100 + run, process_started: time - ((time - midnight) % (15 * minute)), process_path: path(run), process_cmdline: cmdline(run) }));
      trial.run.observe(make('metric', time, { metric: 'host-cpu', value: 97 }));
    }
  }

  it.each([
    ['one program under new pids', (_run: number) => '/opt/a/job', 'breaks:/opt/a/job', 'medium'],
    ['new names in one odd folder', (run: number) => `/tmp/.a/${run}x`, 'breaks:/tmp/.a/*', 'high'],
    ['from memory each time', (run: number) => `/memfd:${run} (deleted)`, 'breaks:/memfd:', 'high'],
  ])('that is started anew each time: %s', (_name, path, key, level) => {
    const trial = tryOut(tidalLoad);
    restarts(trial, path);
    expect(trial.found.map((d) => [d.key, d.level])).toEqual([[key, level]]);
    expect(trial.found.flatMap(unfilled)).toEqual([]);
  });

  it('a script beside a busy one of the same interpreter', () => {
    const trial = tryOut(tidalLoad);
    for (let time = midnight; time < midnight + 90 * minute; time += 5000) {
      trial.run.observe(make('metric', time, { metric: 'process-cpu', value: 99, pid: 1, process_started: 1, process_path: '/usr/bin/python3.11', process_cmdline: 'python3 server.py' }));
      if ((time - midnight) % (15 * minute) >= 40_000) trial.run.observe(make('metric', time, { metric: 'process-cpu', value: 99, pid: 2, process_started: 1, process_path: '/usr/bin/python3.11', process_cmdline: '/usr/bin/python3 m.py' }));
      trial.run.observe(make('metric', time, { metric: 'host-cpu', value: 97 }));
    }
    expect(trial.found.map((d) => d.key)).toEqual(['breaks:/usr/bin/python3.11 m.py']);
  });

  it('of a package\'s own program, mildly', () => {
    const trial = tryOut(tidalLoad, {}, undefined, { packages: { ready: true, owner: () => ({ manager: 'dpkg', name: 'x', version: '1', intact: true }) } });
    restarts(trial, () => '/usr/bin/job');
    expect(trial.found.map((d) => d.level)).toEqual(['low']);
  });

  it.each([
    ['a steady load', () => 95],
    ['a job of one minute every quarter', (t: number) => (t - midnight) % (15 * minute) < minute ? 95 : 0],
    ['a job of five minutes every quarter', (t: number) => (t - midnight) % (15 * minute) < 5 * minute ? 95 : 0],
    ['drops at uneven times', (t: number) => { const m = Math.floor((t - midnight) / minute); return [7, 19, 41, 48, 70, 77, 99, 130, 133, 160].includes(m) ? 0 : 95; }],
    ['drops every two minutes', miner(2 * minute, 20_000)],
    ['drops every hour', miner(60 * minute, 40_000)],
    ['a middling load', (t: number) => 35 + ((t / 5000) % 7)],
  ])('keeps still at %s', (_name, load) => {
    const trial = tryOut(tidalLoad);
    play(trial, midnight, midnight + 4 * hour, load);
    expect(trial.found).toEqual([]);
  });
});

describe('nights', () => {
  const tide = (time: number): number => { const h = new Date(time).getHours(); return h >= 21 || h < 7 ? 97 : 6; };
  const half = 30_000;

  it('tells little by day and full by night after two days', () => {
    const trial = tryOut(tidalLoad);
    play(trial, midnight + 8 * hour, midnight + 2 * day + 8 * hour + minute, tide, half);
    expect(trial.found.filter((d) => d.key.startsWith('nights'))).toHaveLength(1);
    expect(trial.found[0]).toMatchObject({ level: 'medium', key: 'nights:/usr/sbin/logd', group: { day: '6', night: '97', days: '2' } });
    expect(trial.found.flatMap(unfilled)).toEqual([]);
  });

  it('remembers over restarts', () => {
    let state: string | undefined;
    let found: Trial['found'] = [];
    for (let part = 0; part < 16; part++) {
      const trial = tryOut(tidalLoad, {}, state);
      play(trial, midnight + 8 * hour + part * 3 * hour, midnight + 8 * hour + (part + 1) * 3 * hour + minute / 2, tide, half);
      state = trial.run.save?.();
      found = [...found, ...trial.found];
      expect(trial.counts.size).toBe(0);
    }
    expect(found).toHaveLength(1);
  });

  it.each([
    ['one night only', (t: number) => t < midnight + day + 8 * hour ? tide(t) : 6],
    ['a load by day', (t: number) => { const h = new Date(t).getHours(); return h >= 9 && h < 18 ? 90 : 6; }],
    ['a load round the clock', () => 90],
    ['a backup of two hours each night', (t: number) => { const h = new Date(t).getHours(); return h >= 2 && h < 4 ? 99 : 0; }],
  ])('keeps still at %s', (_name, load) => {
    const trial = tryOut(tidalLoad);
    play(trial, midnight + 8 * hour, midnight + 3 * day + 9 * hour, load, half);
    expect(trial.found.filter((d) => d.key.startsWith('nights'))).toEqual([]);
  });

  it('does not judge a day that it did not watch', () => {
    const trial = tryOut(tidalLoad);
    for (const d of [0, 1, 2]) play(trial, midnight + d * day + 21 * hour, midnight + (d + 1) * day + 7 * hour, tide, half);
    expect(trial.found).toEqual([]);
  });
});
