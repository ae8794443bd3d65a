import { describe, expect, it } from 'vitest';
import type { Origin } from '../core/lineage.ts';
import type { Brief, Listed, Story } from '../engine/origin/story.ts';
import { storyLines, treeOf } from './origin-text.ts';

const t0 = new Date(2026, 10, 22, 2, 27).getTime();
const origin: Origin = { kind: 'login', user: 'root', source_ip: '203.0.113.9', since: t0 };
const one = (pid: number, cmdline: string, more: Partial<Brief> = {}): Brief => ({ pid, started: t0 + pid, cmdline, user: 'root', origin, ...more });
const story: Story = {
  kind: 'process',
  process: { ...one(30, '/tmp/x'), path: '/tmp/x', cwd: '/tmp', forgotten: 2 },
  chain: [one(10, 'sshd: root [priv]'), one(20, '-bash')], root: one(10, 'sshd: root [priv]'),
  was: [{ cmdline: 'sh -c exec /tmp/x', time: t0 }],
  wrote: [{ what: '/etc/cron.d/x\u001b[31m', action: 'create', count: 1, first: t0, last: t0 }], read: [],
  spoke: [{ what: '198.51.100.7 3333', ip: '198.51.100.7', port: 3333, direction: 'outbound', count: 4, first: t0, last: t0 + 60_000, sent: '{"method":"login"\n' }, { what: '2001:db8::1 80', ip: '2001:db8::1', port: 80, direction: 'inbound', count: 1, first: t0, last: t0 }],
  asked: [{ what: 'pool.example', count: 1, first: t0, last: t0 }],
  written_by: { path: '/tmp/x', time: t0, process: one(25, 'curl -o /tmp/x', { ended: t0 + 100 }) },
  children: [{ ...one(31, 'sh'), children: [{ ...one(32, 'id\u001b]0;gone\u0007'), children: [], more: 3 }], more: 0 }], more_children: 0, older: [],
};

describe('moat origin', () => {
  it('tells a process as a tree: where from, through what, what it did', () => {
    const text = storyLines(story, 'en', t0 + 1000).join('\n');
    expect(text).toMatch(/^Origin {2}ssh log-on of root from 203\.0\.113\.9 at 02:27\n/);
    expect(text.indexOf('sshd: root [priv]')).toBeLessThan(text.indexOf('  2026-11-22 02:27:00  20  root  -bash'));
    for (const part of ['▶ 2026-11-22', 'written by', '← 2026-11-22 02:27:00  25  root  curl -o /tmp/x', 'It was before', 'create /etc/cron.d/x', '→ 198.51.100.7:3333', '×4', '← [2001:db8::1] (into our port 80)', 'pool.example', 'It started', '3 more', '2 more were not kept']) expect(text).toContain(part);
  });

  it('in Chinese too, and no name reaches the terminal raw', () => {
    const text = storyLines(story, 'zh', t0 + 1000).join('\n');
    for (const part of ['来由', 'root 于 02:27 从 203.0.113.9 经 SSH 登录', '写过', '新建', '联系过', '查询过的域名', '它启动了']) expect(text).toContain(part);
    // oxlint-disable-next-line no-control-regex -- this is what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it('tells a file, an address and a name', () => {
    const touch = { what: '/tmp/x', count: 2, first: t0, last: t0 + 1 };
    expect(storyLines({ kind: 'path', path: '/tmp/x', wrote: [{ ...one(25, 'curl'), touch }], read: [], ran: [one(30, '/tmp/x')], more: 0 }, 'en', t0).join('\n')).toMatch(/File {2}\/tmp\/x[^]*wrote it[^]*curl[^]*ssh log-on[^]*ran it[^]*30/);
    expect(storyLines({ kind: 'address', address: '203.0.113.9', sessions: [one(10, 'sshd')], spoke: [], more: 7 }, 'en', t0).join('\n')).toMatch(/came from it[^]*sshd[^]*7 more/);
    expect(storyLines({ kind: 'name', name: 'pool.example', asked: [{ ...one(30, '/tmp/x'), touch }], spoke: [], more: 0 }, 'zh', t0).join('\n')).toMatch(/查询过它的进程[^]*\/tmp\/x/);
  });
});

describe('moat ps', () => {
  it('is a tree, the origin where it begins', () => {
    const service: Origin = { kind: 'service', name: 'sshd', since: t0 };
    const list: Listed[] = [{ ...one(1, 'sshd'), origin: service }, { ...one(10, 'sshd: root'), parent: 0 }, { ...one(20, '-bash'), parent: 1 }, { ...one(21, 'cron'), origin: service }];
    expect(treeOf(list, 'en', t0).map((line) => line.trimEnd())).toEqual([
      '      1 root         [service sshd] sshd',
      '     10 root           [ssh log-on of root from 203.0.113.9 at 02:27] sshd: root',
      '     20 root             -bash',
      '     21 root         [service sshd] cron',
    ]);
  });

  it('a list that is not what it should be makes no ring', () => {
    expect(treeOf([{ ...one(1, 'a'), parent: 1 }, { ...one(2, 'b'), parent: 0 }, { ...one(3, 'c'), parent: 99 }], 'en', t0)).toHaveLength(3);
  });
});
