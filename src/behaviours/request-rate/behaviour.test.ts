import { describe, expect, it } from 'vitest';
import { make, tryOut, unfilled, type Trial } from '../testing.ts';
import { requestRate } from './behaviour.ts';

const minute = 60_000, hour = 60 * minute;
const began = Date.UTC(2026, 2, 1, 12);
const site = '/var/log/nginx/shop.log';

/** `n` requests spread over the minute. */
function requests(trial: Trial, at: number, ip: string, n: number, source = site): void {
  for (let i = 0; i < n; i++) trial.run.observe(make('nginx', at + Math.floor((i * minute) / n), { action: 'request', category: 'web', source, source_ip: ip, http_host: `h${i}.example` }));
}
/** Visitors of a site for some hours, each with a few requests a minute. */
function visitors(trial: Trial, from: number, to: number, perMinute: number, source = site): void {
  for (let time = from; time < to; time += minute) for (let v = 1; v <= 8; v++) requests(trial, time, `198.51.100.${v}`, Math.ceil((perMinute * v) / 8), source);
}

describe('after an hour of learning', () => {
  it('tells the address that asks far more than others, at once and once a minute', () => {
    const trial = tryOut(requestRate);
    visitors(trial, began, began + 2 * hour, 8);
    requests(trial, began + 2 * hour, '203.0.113.9', 1000);
    expect(trial.found).toHaveLength(1);
    expect(trial.found[0]).toMatchObject({ ruleId: 'behaviour.request-rate', level: 'medium', count: 301, key: `${site} 203.0.113.9`, group: { requests: '301', usual: '8' }, events: [{ source_ip: '203.0.113.9' }] });
    expect(trial.found.flatMap(unfilled)).toEqual([]);
    requests(trial, began + 2 * hour + minute, '203.0.113.9', 1000);
    expect(trial.found).toHaveLength(2);
  });

  it('measures a busy site by its own rate', () => {
    const trial = tryOut(requestRate);
    visitors(trial, began, began + 2 * hour, 80);
    requests(trial, began + 2 * hour, '203.0.113.9', 700);
    expect(trial.found).toEqual([]);
    requests(trial, began + 2 * hour + minute, '203.0.113.9', 1000);
    expect(trial.found).toHaveLength(1);
    expect(Number(trial.found[0]?.group?.['requests'])).toBeGreaterThan(800);
    expect(Number(trial.found[0]?.group?.['requests'])).toBeLessThan(850);
  });

  it('does not learn the attack as usual', () => {
    const trial = tryOut(requestRate);
    visitors(trial, began, began + 2 * hour, 8);
    for (let i = 0; i < 120; i++) requests(trial, began + 2 * hour + i * minute, '203.0.113.9', 400);
    expect(trial.found).toHaveLength(120);
  });

  it('keeps each site by itself, whatever the Host header says', () => {
    const trial = tryOut(requestRate);
    visitors(trial, began, began + 2 * hour, 8);
    requests(trial, began + 2 * hour, '203.0.113.9', 900, '/var/log/nginx/new.log');
    expect(trial.found).toEqual([]);
  });
});

it('keeps still in the first hour and says so', () => {
  const trial = tryOut(requestRate);
  visitors(trial, began, began + 50 * minute, 8);
  requests(trial, began + 50 * minute, '203.0.113.9', 5000);
  expect(trial.found).toEqual([]);
  expect(trial.run.learning?.()).toMatchObject({ since: began, ready: false });
});

it('remembers over a restart, by hour of day', () => {
  const first = tryOut(requestRate);
  visitors(first, began, began + 3 * hour, 60);
  const second = tryOut(requestRate, {}, first.run.save?.());
  requests(second, began + 3 * hour, '203.0.113.9', 590);
  expect(second.found).toEqual([]);
  requests(second, began + 3 * hour + minute, '203.0.113.9', 700);
  expect(second.found).toHaveLength(1);
});

it('a flood of addresses on one site does not hide one on another', () => {
  const trial = tryOut(requestRate);
  visitors(trial, began, began + 2 * hour, 8);
  visitors(trial, began, began + 2 * hour, 8, 'other');
  for (let i = 0; i < 100_000; i++) trial.run.observe(make('nginx', began + 2 * hour + 1, { source: 'other', source_ip: `2001:db8::${i.toString(16)}` }));
  requests(trial, began + 2 * hour, '203.0.113.9', 500);
  expect(trial.found).toHaveLength(1);
  // Nor does a busy one among them get lost on the same site.
  for (let i = 0; i < 100_000; i++) {
    trial.run.observe(make('nginx', began + 2 * hour + minute, { source: 'other', source_ip: `2001:db8:1::${i.toString(16)}` }));
    if (i % 100 === 0) trial.run.observe(make('nginx', began + 2 * hour + minute, { source: 'other', source_ip: '203.0.113.50' }));
  }
  expect(trial.found.map((d) => d.events[0]?.source_ip)).toEqual(['203.0.113.9', '203.0.113.50']);
  expect(trial.run.size?.()).toBeLessThan(60_000);
  expect(trial.counts.get('addresses forgotten within a minute')).toBeGreaterThan(40_000);
});
