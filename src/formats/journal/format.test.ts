import { describe, expect, it } from 'vitest';
import type { Event } from '../../core/format.ts';
import { journal } from './format.ts';

type Fields = Record<string, unknown>;

function decode(...lines: (Fields | string)[]): { events: Event[]; unparsed: number } {
  const events: Event[] = [];
  const decoder = journal.open({ idPrefix: 'j:', source: 'journal', host: 'local', now: () => 42, zoneOffset: () => 0 }, (event) => { events.push(event); });
  for (const [index, line] of lines.entries()) decoder.decode(typeof line === 'string' ? line : JSON.stringify(line), { line: 0, position: `cursor${index}` });
  decoder.flush();
  return { events, unparsed: decoder.unparsed };
}

const record = (over: Fields): Fields => ({
  __CURSOR: 's=1;i=2', __REALTIME_TIMESTAMP: '1795314421123456', _BOOT_ID: 'b', _TRANSPORT: 'syslog', _HOSTNAME: 'web01',
  _UID: '0', _PID: '812', _COMM: 'sshd', _EXE: '/usr/sbin/sshd', SYSLOG_IDENTIFIER: 'sshd', PRIORITY: '6', MESSAGE: 'Failed password for root from 192.0.2.7 port 4711 ssh2', ...over,
});
const one = (over: Fields): Event => decode(record(over)).events[0]!;

describe('records of the journal', () => {
  it('become events of the program that wrote them', () => {
    expect(one({ _SYSTEMD_UNIT: 'ssh.service' })).toMatchObject({
      id: 'j:cursor0', time: 1795314421123, kind: 'sshd', host: 'web01', action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7',
      pid: 812, uid: undefined, process_path: '/usr/sbin/sshd', severity: 'info', session: '812', source: 'journal', extra: { unit: 'ssh.service' }, lines: undefined,
    });
  });

  it('prefer the time at the source', () => {
    expect(one({ _SOURCE_REALTIME_TIMESTAMP: '1795314420000000' }).time).toBe(1795314420000);
    expect(decode(record({}), record({ __REALTIME_TIMESTAMP: 'x' })).events[1]!.time).toBe(1795314421123);
  });

  it('read messages that are bytes, several or too long to print', () => {
    expect(one({ SYSLOG_IDENTIFIER: 'tool', MESSAGE: [228, 189, 160, 255] }).message).toBe('你\uFFFD');
    expect(one({ SYSLOG_IDENTIFIER: 'tool', MESSAGE: ['first', 'second'] }).message).toBe('first');
    expect(one({ SYSLOG_IDENTIFIER: 'tool', MESSAGE: [[104, 105], 'second'] }).message).toBe('hi');
    expect(decode(`{"MESSAGE":${'['.repeat(100_000)}${']'.repeat(100_000)}}`).events[0]?.message).toBe('');
    expect(one({ SYSLOG_IDENTIFIER: 'tool', MESSAGE: null }).message).toBe('');
  });

  it('take kernel messages whatever their tag', () => {
    const event = one({ _TRANSPORT: 'kernel', _UID: undefined, SYSLOG_IDENTIFIER: 'kernel', MESSAGE: 'device eth0 entered promiscuous mode' });
    expect([event.kind, event.action]).toEqual(['kernel', 'promiscuous-mode']);
  });

  it('name the container', () => {
    const event = one({ SYSLOG_IDENTIFIER: 'app', CONTAINER_ID: 'abc', CONTAINER_ID_FULL: 'abcdef', CONTAINER_NAME: 'shop' });
    expect([event.container_id, event.extra]).toEqual(['abcdef', { unit: undefined, container_name: 'shop' }]);
  });

  it('are counted when they are broken', () => {
    const { events, unparsed } = decode('{"MESSAGE":"x"', 'plain text', '[1,2]', '', `{"MESSAGE":"${'x'.repeat(3_000_000)}"}`, '{}');
    expect(unparsed).toBe(4);
    expect(events.map((event) => [event.time, event.host, event.message])).toEqual([[42, 'local', '']]);
  });

  it('are recognised', () => {
    expect(journal.sniff(JSON.stringify(record({})))).toBe(1);
    expect(journal.sniff('{"log":"x","stream":"stdout"}')).toBe(0);
  });
});

describe('who speaks under a trusted name', () => {
  const forged = { _UID: '1000', _COMM: 'logger', _EXE: '/usr/bin/logger', MESSAGE: 'Accepted password for root from 203.0.113.9 port 1 ssh2' };

  it.each(['sshd', 'SSHD', 'sshd-session', 'sshd(pam_unix)', 'sudo', 'su', 'login', 'useradd', 'cron', 'kernel', 'systemd-logind', 'dropbear'])('an ordinary program under the tag %s is a forgery', (tag) => {
    expect(one({ ...forged, SYSLOG_IDENTIFIER: tag })).toMatchObject({ kind: 'syslog', category: 'log', action: 'forged-identity', user: '1000', uid: 1000, source_ip: undefined });
  });

  it('believes neither a chosen process name nor a copy in a home folder', () => {
    expect(one({ ...forged, _COMM: 'sshd' }).action).toBe('forged-identity');
    expect(one({ ...forged, _COMM: 'sshd', _EXE: '/home/eve/sshd' }).action).toBe('forged-identity');
    expect(one({ ...forged, _COMM: 'sshd', _EXE: '/tmp/usr/sbin/sshd' }).action).toBe('forged-identity');
  });

  it('neither accuses nor believes when the executable was gone before the journal could look', () => {
    const unseen = one({ ...forged, _COMM: undefined, _EXE: undefined });
    expect([unseen.kind, unseen.action, unseen.source_ip]).toEqual(['syslog', 'unproven-identity', undefined]);
    expect(one({ ...forged, _COMM: 'sshd', _EXE: undefined }).action).toBe('unproven-identity');
  });

  it('believes root, the programs themselves, and records without a sender', () => {
    expect(one({ _COMM: 'logger', _EXE: '/usr/bin/logger' }).kind).toBe('sshd');
    expect(one({ _UID: undefined, _COMM: undefined, _EXE: undefined }).kind).toBe('sshd');
    expect(one({ _UID: '1000', _COMM: 'sshd-session', _EXE: '/usr/lib/openssh/sshd-session' }).kind).toBe('sshd');
    expect(one({ _UID: '1000', _COMM: 'sshd', _EXE: '/usr/sbin/sshd (deleted)' }).kind).toBe('sshd');
    expect(one({ _UID: '1000', SYSLOG_IDENTIFIER: 'sudo', _COMM: 'sudo', _EXE: '/usr/bin/sudo', MESSAGE: 'bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls' }).kind).toBe('sudo');
  });

  it('leaves other tags alone', () => {
    expect(one({ ...forged, SYSLOG_IDENTIFIER: 'backup' }).action).toBeUndefined();
  });
});
