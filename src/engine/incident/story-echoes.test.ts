import { expect, it } from 'vitest';
import { Event } from '../../core/gen/event.ts';
import type { Story } from '../../core/incident.ts';
import { type Past, withEchoes } from './story-echoes.ts';

const t0 = Date.UTC(2026, 10, 22, 2, 27), minute = 60_000;
let serial = 0;
const event = (at: number, fields: Partial<Event>): Event => Object.assign(new Event(`e${++serial}`, t0 + at, fields.kind ?? 'sshd'), fields);
const login = (at: number, user: string, ip: string, outcome: 'success' | 'failure' = 'success'): Event => event(at, { action: 'login', outcome, user, source_ip: ip, method: 'password' });
/** A planted job that nobody saw being planted. */
const orphan: Story = {
  entry: undefined, nodes: [{ id: 'persistence:/etc/cron.d/x', kind: 'persistence', label: '/etc/cron.d/x', first: t0, last: t0, facts: { path: '/etc/cron.d/x', seed: true } }], edges: [], gaps: [], echoes: [], began: t0, ended: t0, left: 0,
};
const known: Story = { ...orphan, entry: { kind: 'login', time: t0 - minute, node: 'x', address: '203.0.113.9', user: 'root', text: { zh: '', en: 'log-on of root' } }, nodes: [...orphan.nodes, { id: 'address:203.0.113.9', kind: 'address', label: '203.0.113.9', first: t0, last: t0, facts: { ip: '203.0.113.9', came: true } }] };
const told = (story: Story, past: readonly Past[]): string[] => withEchoes(story, past).echoes.map(({ kind, from, count, user, address, what }) => `${kind} ${from} ×${count} ${user ?? ''} ${address ?? ''} ${what ?? ''}`.trimEnd());

it('tells of failures, log-ons and rights taken by who is in the story, and leaves others alone', () => {
  const past: Past[] = [
    ...Array.from({ length: 40 }, (_, i): Past => ({ from: 'history', event: login(-10 * minute + i * 1000, i % 2 === 0 ? 'root' : 'admin', '203.0.113.9', 'failure') })),
    { from: 'history', event: login(-minute, 'root', '203.0.113.9') }, { from: 'journal', event: login(-minute + 400, 'root', '203.0.113.9') },
    { from: 'wtmp', logon: { user: 'root', source_ip: '203.0.113.9', terminal: 'pts/1', pid: 7, since: t0 - minute + 900, until: t0 } },
    { from: 'history', event: login(-minute, 'harbour', '192.0.2.7') }, { from: 'btmp', failed: true, logon: { user: 'root', source_ip: '198.51.100.1', terminal: 'ssh', pid: 1, since: t0 - minute, until: undefined } },
    { from: 'history', event: event(0, { kind: 'sudo', action: 'sudo', outcome: 'success', user: 'root', process_cmdline: '/usr/bin/mysql --password=hunter2' }) },
  ];
  const expected = ['failed-log-on history ×40 admin, root 203.0.113.9', 'log-on history ×1 root 203.0.113.9 password', 'privilege history ×1 root  /usr/bin/mysql --password=***'];
  expect(told(known, past)).toEqual(expected);
  for (let i = 0; i < 10; i++) { past.push(past.shift()!); expect(told(known, past)).toEqual(expected); }
});

it('takes the log-on that was open when the first thing was done for the likely way in', () => {
  const past: Past[] = [
    { from: 'wtmp', logon: { user: 'li', source_ip: '192.0.2.7', terminal: 'pts/0', pid: 1, since: t0 - 300 * minute, until: t0 - 200 * minute } },
    { from: 'wtmp', logon: { user: 'root', source_ip: '203.0.113.9', terminal: 'pts/1', pid: 2, since: t0 - 20 * minute, until: t0 + 20 * minute } },
    { from: 'wtmp', logon: { user: 'wang', source_ip: '192.0.2.8', terminal: 'pts/2', pid: 3, since: t0 + minute, until: undefined } },
  ];
  for (const order of [past, past.toReversed()]) {
    const { entry, began } = withEchoes(orphan, order);
    expect(entry).toMatchObject({ kind: 'login', user: 'root', address: '203.0.113.9', guessed: 'wtmp', time: t0 - 20 * minute, text: { en: 'perhaps: log-on of root from 203.0.113.9 (it was open at that time)' } });
    expect(began).toBe(t0 - 20 * minute);
  }
  expect(withEchoes(orphan, past.slice(0, 1)).entry).toBeUndefined();
  expect(withEchoes(known, past).entry).toBe(known.entry);
});

it('says how many others were logged on, and takes no log-on of days before', () => {
  const past: Past[] = [{ from: 'journal', event: login(-30 * minute, 'root', '203.0.113.9') }, { from: 'journal', event: login(-60 * minute, 'li', '192.0.2.7') }, { from: 'journal', event: login(-40 * 60 * minute, 'wang', '192.0.2.8') }];
  expect(withEchoes(orphan, past).entry?.text.en).toBe('perhaps: log-on of root from 203.0.113.9 (it was open at that time; 1 other log-on stood open then)');
  expect(withEchoes(orphan, past.slice(2)).entry).toBeUndefined();
});

it('folds web requests of an address by what was asked, with the bytes that were answered', () => {
  const web: Story = { ...known, entry: { ...known.entry!, kind: 'web' } };
  const past: Past[] = Array.from({ length: 500 }, (_, i): Past => ({ from: 'history', event: event(-i * 1000, { kind: 'nginx', source_ip: '203.0.113.9', http_method: 'GET', url_path: i % 2 === 0 ? '/a.php' : `/p${i}`, http_bytes: 10 }) }));
  const { echoes } = withEchoes(web, past);
  expect(echoes.length).toBeLessThanOrEqual(11);
  expect(echoes.find(({ what }) => what === 'GET /a.php')).toMatchObject({ count: 250, bytes: 2500 });
  expect(echoes.reduce((sum, { count }) => sum + count, 0)).toBe(500);
});

it('is bounded whatever the logs hold', () => {
  const past: Past[] = Array.from({ length: 5000 }, (_, i): Past => ({ from: 'journal', event: login(-i * 10_000, `user${i}`, `198.51.100.${i % 250}`) }));
  expect(withEchoes({ ...orphan, nodes: [] }, past).echoes.length).toBeLessThanOrEqual(200);
});
