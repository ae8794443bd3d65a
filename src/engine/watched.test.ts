import { expect, it } from 'vitest';
import { gapsBetween, WatchRecord } from './watched.ts';

const t0 = Date.UTC(2026, 10, 22, 2), minute = 60_000;
const en = (record: WatchRecord, from: number, to: number): string[] => gapsBetween(record.get(to), from, to).map(({ kind, from: a, to: b, what }) => `${kind} ${(a - t0) / minute}-${(b - t0) / minute} ${what.en}`);

it('knows since when it watched, and when it did not run', () => {
  const first = new WatchRecord(undefined, t0);
  first.beat({}, t0 + minute);
  const again = new WatchRecord(first.text(t0 + minute), t0 + 11 * minute);
  again.beat({}, t0 + 12 * minute);
  expect(en(again, t0 - 5 * minute, t0 + 12 * minute)).toEqual(['down -5-0 Moat was not installed yet: of this time only the machine’s own logs (journal, wtmp) tell', 'down 1-11 Moat did not run: nobody saw programs, files or connections']);
  expect(en(again, t0 + 11.5 * minute, t0 + 12 * minute)).toEqual([]);
});

it('says which sensor did not see, and what stood in for it', () => {
  const record = new WatchRecord(undefined, t0);
  record.begin(new Set(['ebpf', 'logfile']), t0);
  record.state('ebpf', 'live', t0);
  record.state('logfile', 'live', t0);
  record.state('ebpf', 'blind', t0 + minute);
  record.state('connector', 'live', t0 + minute + 500);
  record.state('ebpf', 'live', t0 + 3 * minute);
  record.state('connector', 'waiting', t0 + 3 * minute);
  expect(en(record, t0, t0 + 4 * minute)).toEqual([
    'sensor 0-4 the systemd journal was not read',
    'sensor 1-3 the kernel sensor did not run, the process connector stood in for it: programs that ended at once, some changes of files and connections may be missing',
  ]);
});

it('passes over the moment in which a sensor starts, and what lasts when it was killed ends with its last word', () => {
  const record = new WatchRecord(undefined, t0);
  record.state('ebpf', 'waiting', t0);
  record.state('ebpf', 'live', t0 + 2000);
  record.state('ebpf', 'blind', t0 + minute);
  const again = new WatchRecord(record.text(t0 + 2 * minute), t0 + 5 * minute);
  expect(en(again, t0, t0 + 6 * minute)).toEqual([expect.stringMatching(/^sensor 1-2 the kernel sensor did not run, nothing stood in/) as string, expect.stringMatching(/^down 2-5 /) as string]);
});

it('counts what was lost between two beats, together where it goes on', () => {
  const record = new WatchRecord(undefined, t0);
  record.beat({ 'ebpf: records lost, the ring was full': 5 }, t0 + minute);
  record.beat({ 'ebpf: records lost, the ring was full': 8, 'logfile: log-truncated': 1 }, t0 + 2 * minute);
  record.beat({ 'ebpf: records lost, the ring was full': 8, 'logfile: log-truncated': 1 }, t0 + 3 * minute);
  expect(en(record, t0, t0 + 3 * minute)).toEqual(['lost 0-2 the kernel sensor was overrun and lost 8 events', 'log 1-2 a log was cut or lost, once: what it held was not read']);
});

it('is bounded, says what gave way, and takes no word of others', () => {
  const record = new WatchRecord(undefined, t0);
  for (let i = 0; i < 1000; i++) record.state('ebpf', i % 2 === 0 ? 'blind' : 'live', t0 + i * minute);
  const { spans, forgotten } = record.get(t0 + 1000 * minute);
  expect(spans.length).toBeLessThanOrEqual(400);
  expect(forgotten).toBeGreaterThan(t0);
  expect(gapsBetween(record.get(t0 + 1000 * minute), t0, t0 + 1000 * minute).length).toBeLessThanOrEqual(40);
  for (const bad of ['', '{', 'null', '{"version":2}', '{"version":1,"since":"x","alive":1,"spans":[]}']) expect(new WatchRecord(bad, t0).get(t0)).toMatchObject({ since: t0, spans: [] });
});
