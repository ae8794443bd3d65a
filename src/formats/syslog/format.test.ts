import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../core/format.ts';
import { syslog } from './format.ts';

const now = Date.UTC(2026, 10, 22, 4);

function decode(...lines: string[]): { events: Event[]; unparsed: number } {
  const events: Event[] = [];
  const decoder = syslog.open({ idPrefix: 'f:', source: '/var/log/auth.log', host: 'local', now: () => now, zoneOffset: () => 0 }, (event) => { events.push(event); });
  for (const [index, line] of lines.entries()) decoder.decode(line, { line: index + 1, position: index * 100 });
  decoder.flush();
  return { events, unparsed: decoder.unparsed };
}

const one = (line: string): Event => decode(line).events[0]!;

describe('heads of lines', () => {
  const at = '2026-11-22T02:27:01.000Z';
  it.each([
    ['Nov 22 02:27:01 web01 tool[812]: hello', at, 'web01', 'tool', 812, 'hello'],
    ['Nov 22 02:27:01 web01 tool: hello: world', at, 'web01', 'tool', undefined, 'hello: world'],
    ['Nov 22 02:27:01 tool[812]: no host', at, 'local', 'tool', 812, 'no host'],
    ['Nov 22 02:27:01 [tool]: no host', at, 'local', 'tool', undefined, 'no host'],
    ['Nov 22 02:27:01 [tool] no colon', at, 'local', 'tool', undefined, 'no colon'],
    ['Nov 22 02:27:01 web01 [tool][812] no colon', at, 'web01', 'tool', 812, 'no colon'],
    ['Nov 22 02:27:01 web01 tool(pam_unix)[812]: x', at, 'web01', 'tool(pam_unix)', 812, 'x'],
    ['Nov 22 02:27:01 web01 /usr/sbin/tool[123]: x', at, 'web01', 'tool', 123, 'x'],
    ['Nov 22 02:27:01 web01 postfix/other[1]: x', at, 'web01', 'postfix/other', 1, 'x'],
    ['<38>Nov 22 02:27:01 web01 tool[812]: x', at, 'web01', 'tool', 812, 'x'],
    ['2026-11-22T10:27:01.000000+08:00 web01 tool[812]: x', at, 'web01', 'tool', 812, 'x'],
    ['Nov 22 02:27:01 <auth.info> web01 tool[812]: x', at, 'web01', 'tool', 812, 'x'],
    ['Nov 22 02:27:01 <4.6> web01 tool[812]: x', at, 'web01', 'tool', 812, 'x'],
    ['<38>1 2026-11-22T02:27:01Z web01 tool 812 ID47 - x', at, 'web01', 'tool', 812, 'x'],
    ['<38>1 2026-11-22T02:27:01Z web01 tool - - [a@1 k="v \\" ] [b"][c x="1"] x', at, 'web01', 'tool', undefined, 'x'],
    ['<38>1 2026-11-22T02:27:01Z - /opt/tool 7 - - \uFEFFx', at, 'local', 'tool', 7, 'x'],
    ['Sun 2026-11-22 02:27:01 UTC web01 tool[812]: x', at, 'web01', 'tool', 812, 'x'],
    ['11月 22 02:27:01 web01 tool[812]: x', at, 'web01', 'tool', 812, 'x'],
    ['[Nov 22 02:27:01] web01 tool[812]: x', at, 'web01', 'tool', 812, 'x'],
    ['Nov 22 02:27:01 web01 just words', at, 'web01', undefined, undefined, 'just words'],
    ['Nov 22 02:27:01 web01 12:30 is no tag', at, 'web01', undefined, undefined, '12:30 is no tag'],
    ['Nov 22 02:27:01 web01 tool[812]: x\r', at, 'web01', 'tool', 812, 'x'],
  ])('%s', (line, time, host, tag, pid, message) => {
    const event = one(line);
    expect([new Date(event.time).toISOString(), event.host, event.process_name, event.pid, event.message]).toEqual([time, host, tag, pid, message]);
    expect([event.id, event.kind, event.source, event.lines]).toEqual(['f:0', 'syslog', '/var/log/auth.log', [1]]);
  });

  it('keeps host and tag apart when they change from line to line', () => {
    const { events } = decode('Nov 22 02:27:01 web tool[1]: a', 'Nov 22 02:27:01 web01 tool-x[2]: b', 'Nov 22 02:27:01 web tool: c', 'Nov 22 02:27:01 tool[4]: d');
    expect(events.map((event) => [event.host, event.process_name, event.pid])).toEqual([['web', 'tool', 1], ['web01', 'tool-x', 2], ['web', 'tool', undefined], ['local', 'tool', 4]]);
  });

  it('tells severity where the line does', () => {
    expect(one('<34>Nov 22 02:27:01 web01 tool: x').severity).toBe('crit');
    expect(one('Nov 22 02:27:01 <auth.info> web01 tool: x').severity).toBe('info');
    expect(one('Nov 22 02:27:01 web01 tool: x').severity).toBeUndefined();
  });

  it('hands messages to their program', () => {
    const event = one('2026-11-22T10:27:01.5+08:00 web01 sshd-session[812]: Failed password for root from 192.0.2.7 port 4711 ssh2');
    expect([event.kind, event.service, event.user, event.source_ip, event.process_name]).toEqual(['sshd', 'sshd', 'root', '192.0.2.7', 'sshd-session']);
  });
});

describe('repetitions', () => {
  const failed = 'Nov 22 02:27:01 web01 sshd[812]: Failed password for root from 192.0.2.7 port 4711 ssh2';

  it('says the last message of the host again', () => {
    const { events } = decode(failed, 'Nov 22 02:27:02 other tool: x', 'Nov 22 02:27:09 web01 last message repeated 3 times');
    expect(events.filter((event) => event.source_ip === '192.0.2.7').map((event) => [event.id, event.action, event.lines])).toEqual([
      ['f:0', 'login', [1]], ['f:200#1', 'login', [3]], ['f:200#2', 'login', [3]], ['f:200#3', 'login', [3]],
    ]);
  });

  it('says the bracketed message as often as told', () => {
    const { events } = decode('Nov 22 02:27:09 web01 sshd[812]: message repeated 2 times: [ Failed password for root from 192.0.2.7 port 4711 ssh2]');
    expect(events.map((event) => [event.action, event.source_ip, event.pid])).toEqual([['login', '192.0.2.7', 812], ['login', '192.0.2.7', 812]]);
  });

  it('stops at a thousand and counts the rest', () => {
    const events: Event[] = [];
    const decoder = syslog.open({ idPrefix: '', source: '', host: '', now: () => now, zoneOffset: () => 0 }, (event) => { events.push(event); });
    decoder.decode('Nov 22 02:27:09 web01 sshd[812]: message repeated 999999999 times: [ x]', { line: 1, position: 0 });
    expect(events.length).toBe(1000);
    expect((decoder as unknown as { repeatsDropped: number }).repeatsDropped).toBe(999_998_999);
  });

  it('is an ordinary message when nothing went before', () => {
    expect(decode('Nov 22 02:27:09 web01 last message repeated 3 times').events.length).toBe(1);
  });
});

describe('lines that are no syslog', () => {
  it('keeps their text, takes the time before and counts them', () => {
    const { events, unparsed } = decode('Nov 22 02:27:01 web01 tool: {', '   key = value', '', '0000-12-30 00:00:00 web01 sshd[1]: Failed password for root from 192.0.2.7 port 1 ssh2');
    expect(unparsed).toBe(1);
    expect(events.map((event) => [new Date(event.time).toISOString(), event.message, event.source_ip])).toEqual([
      ['2026-11-22T02:27:01.000Z', '{', undefined],
      ['2026-11-22T02:27:01.000Z', '   key = value', undefined],
      ['2026-11-22T02:27:01.000Z', 'Failed password for root from 192.0.2.7 port 1 ssh2', '192.0.2.7'],
    ]);
  });

  it('takes kernel ring buffer lines', () => {
    const event = one('[12345.678901] EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2');
    expect([event.kind, event.action, event.process_name]).toEqual(['kernel', 'filesystem-error', 'kernel']);
  });

  it('cuts very long lines', () => {
    expect(one(`Nov 22 02:27:01 web01 tool: ${'x'.repeat(1_000_000)}`).message!.length).toBeLessThan(65_536);
  });

  it('never throws', () => {
    const piece = fc.constantFrom('Nov 22 02:27:01 ', '<38>1 ', '<38>', '2026-11-22T02:27:01Z ', 'web01 ', 'sshd[12]: ', 'kernel: ', '[', ']', ': ', ' from ', ' port 22', ' ssh2', 'Failed password for ', 'Invalid user ', 'Connection closed by ', 'IN= OUT= SRC=', 'message repeated 2 times: [ ', '\u0000', '\n', '"', ' IN=eth0 OUT= SRC=192.0.2.1', 'pam_unix(sshd:auth): authentication failure; logname= ruser= rhost=', ' : TTY=x ; COMMAND=', 'sudo: ', '(root) CMD (');
    fc.assert(fc.property(fc.array(fc.oneof(piece, fc.string())), (pieces) => {
      const { events } = decode(pieces.join(''));
      expect(events.every((event) => Number.isFinite(event.time))).toBe(true);
    }), { numRuns: 2000 });
  });
});

describe('recognising', () => {
  it.each([
    ['Nov 22 02:27:01 web01 sshd[812]: x', 0.9, 1],
    ['<38>1 2026-11-22T02:27:01Z web01 sshd 812 - - x', 0.9, 1],
    ['2026-11-22T10:27:01.5+08:00 web01 sshd[812]: x', 0.9, 1],
    ['[    0.000000] Linux version 6.1.0', 0.5, 0.7],
    ['2026-11-22 02:27:01,123 INFO started', 0, 0.2],
    ['192.0.2.1 - - [22/Nov/2026:02:27:01 +0800] "GET / HTTP/1.1" 200 1', 0, 0.2],
    ['{"MESSAGE":"x"}', 0, 0],
    ['', 0, 0],
  ])('%s', (line, low, high) => {
    expect(syslog.sniff(line)).toBeGreaterThanOrEqual(low);
    expect(syslog.sniff(line)).toBeLessThanOrEqual(high);
  });
});
