import { describe, expect, it } from 'vitest';
import type { Event, LogDecoder } from '../../core/format.ts';
import { audit } from './format.ts';
import { decodeHex, parseRecord } from './record.ts';
import { readSockaddr } from './sockaddr.ts';

function open(): { decoder: LogDecoder; events: Event[]; line: (text: string) => void } {
  const events: Event[] = [];
  const decoder = audit.open({ idPrefix: 'f:', source: '/var/log/audit/audit.log', host: 'web1', now: () => 1795300000000, zoneOffset: () => 0 }, (e) => { events.push(e); });
  let at = 0;
  return { decoder, events, line: (text) => { at++; decoder.decode(text, { line: at, position: at * 100 }); } };
}
const read = (...lines: string[]): Event[] => {
  const o = open();
  for (const l of lines) o.line(l);
  o.decoder.flush();
  return o.events;
};
const hex = (text: string): string => Buffer.from(text).toString('hex').toUpperCase();
const head = (type: string, serial: number, seconds = '1795300000.250'): string => `type=${type} msg=audit(${seconds}:${serial}): `;
const syscall = (serial: number, more = '', name = 59, tail = 'key=(null)'): string =>
  `${head('SYSCALL', serial)}arch=c000003e syscall=${name} success=yes exit=0 a0=5581 a1=5582 a2=5583 a3=8 items=2 ppid=4100 pid=4101 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts1 ses=7 comm="curl" exe="/usr/bin/curl" subj=unconfined ${tail}${more}`;
const enriched = '\x1dARCH=x86_64 SYSCALL=execve AUID="chen" UID="root" GID="root" EUID="root"';
const execve = (serial: number): string => `${head('EXECVE', serial)}argc=3 a0="curl" a1="-s" a2=${hex('http://203.0.113.9/a b')}`;
const proctitle = (serial: number): string => `${head('PROCTITLE', serial)}proctitle=${hex('curl\0-s\0http://203.0.113.9/a b')}`;

describe('a started program', () => {
  const lines = [
    syscall(10, enriched), execve(10), `${head('CWD', 10)}cwd="/home/chen"`,
    `${head('PATH', 10)}item=0 name="/usr/bin/curl" inode=1 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`,
    `${head('PATH', 10)}item=1 name=${hex('notes 1.txt')} inode=2 dev=08:01 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=CREATE`,
    proctitle(10),
  ];

  it('is one event of all its records, and each record under the names of Sigma\'s auditd rules', () => {
    const o = open();
    for (const l of lines) o.line(l);
    // PROCTITLE is the last record: nothing is left waiting.
    expect(o.decoder.pending!()).toBeUndefined();
    const [started, ...records] = o.events;
    expect(started).toMatchObject({
      id: 'f:100:exec', kind: 'process_creation', time: 1795300000250, host: 'web1', category: 'process', action: 'process-start', outcome: 'success',
      pid: 4101, parent_pid: 4100, uid: 0, user: 'chen', terminal: 'pts1', process_path: '/usr/bin/curl', process_name: 'curl', process_cwd: '/home/chen',
      process_cmdline: 'curl -s http://203.0.113.9/a b', lines: [1, 2, 3, 4, 5, 6],
    });
    expect(records.map((e) => [e.kind, e.extra!.type])).toEqual([['auditd', 'SYSCALL'], ['auditd', 'EXECVE'], ['auditd', 'PATH'], ['auditd', 'PATH']]);
    expect(records[0]!.extra).toMatchObject({ SYSCALL: 'execve', comm: 'curl', exe: '/usr/bin/curl', euid: '0', a0: '5581' });
    expect(records[1]!.extra).toMatchObject({ a0: 'curl', a1: '-s', a2: 'http://203.0.113.9/a b', exe: '/usr/bin/curl', SYSCALL: 'execve' });
    expect(records[3]!).toMatchObject({ file_path: '/home/chen/notes 1.txt', action: 'file-create', extra: { name: 'notes 1.txt', nametype: 'CREATE' } });
    expect(new Set(o.events.map((e) => e.id)).size).toBe(5);
  });

  it('has its system call named without enrichment, and on other machines', () => {
    expect(read(syscall(11))[0]).toMatchObject({ kind: 'process_creation', user: undefined });
    expect(read(`${head('SYSCALL', 12)}arch=c00000b7 syscall=221 success=no exit=-13 ppid=1 pid=2 auid=4294967295 uid=33 euid=33 ses=4294967295 tty=(none) comm="sh" exe="/bin/dash" key="web"`))
      .toMatchObject([{ kind: 'process_creation', outcome: 'failure', uid: 33, session: undefined, terminal: undefined }, { extra: { SYSCALL: 'execve', key: 'web', euid: '33' } }]);
  });

  it('keeps interleaved serials apart', () => {
    const events = read(syscall(1, enriched), syscall(2, enriched), execve(2), execve(1), proctitle(2), proctitle(1));
    expect(events.filter((e) => e.kind === 'process_creation').map((e) => e.lines)).toEqual([[2, 3, 5], [1, 4, 6]]);
  });

  it('joins arguments that come in parts and in several records', () => {
    const events = read(syscall(3), `${head('EXECVE', 3)}argc=3 a0="sh" a1_len=12 a1[0]="abc" a1[1]=${hex('def g')}`, `${head('EXECVE', 3)}a2="-x"`, proctitle(3));
    expect(events[0]!.process_cmdline).toBe('sh abcdef g -x');
    expect(events.find((e) => e.extra?.type === 'EXECVE')!.extra!.a1).toBe('abcdef g');
  });
});

it('tells a file that is written or changed from one that is read', () => {
  const action = (serial: number, number: number, a1: string, a2: string, nametype = 'NORMAL'): string | undefined =>
    read(syscall(serial, '', number).replace('a1=5582', `a1=${a1}`).replace('a2=5583', `a2=${a2}`), `${head('PATH', serial)}item=0 name="/etc/shadow" inode=7 dev=08:01 mode=0100640 ouid=0 ogid=42 rdev=00:00 nametype=${nametype}`)
      .find((e) => e.extra?.type === 'PATH')!.action;
  expect(action(60, 257, '7ffe', '80241')).toBe('file-write'); // openat
  expect(action(61, 257, '7ff1', '80000')).toBe('file-access');
  expect(action(62, 2, '2', '1b6')).toBe('file-write'); // open
  expect(action(63, 2, '0', '1b1')).toBe('file-access');
  expect(action(64, 90, '1b6', '0')).toBe('file-change'); // chmod
  expect(action(65, 257, '7ffe', '80241', 'PARENT')).toBe('file-access');
  expect(action(66, 437, '7ffe', '80241')).toBe('file-access'); // openat2: its flags are not in the record
});

describe('waiting for the rest of a record', () => {
  it('says what it holds, gives it out by flush, by age, and when too many are open', () => {
    const o = open();
    o.line(syscall(20));
    o.line(syscall(21));
    expect(o.decoder.pending!()).toEqual({ line: 1, position: 100 });
    o.decoder.flush();
    expect(o.decoder.pending!()).toBeUndefined();
    expect(o.events).toHaveLength(4);
    o.line(syscall(22));
    o.line(`${head('USER_END', 23, '1795300009.000')}pid=9 uid=0 auid=0 ses=1 msg='op=PAM:session_close acct="root" exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success'`);
    expect(o.decoder.pending!()).toBeUndefined();
    for (let i = 100; i < 300; i++) o.line(syscall(i));
    expect(o.events.length).toBeGreaterThan(270);
    expect(o.decoder.pending!()!.line).toBeGreaterThan(130);
  });

  it('is bounded for one serial without end', () => {
    const o = open();
    for (let i = 0; i < 5000; i++) o.line(`${head('PATH', 30)}item=${i} name="/x${i}" nametype=NORMAL`);
    expect(o.events.length).toBeGreaterThan(4600);
  });
});

it('reads connections', () => {
  const inet = '02000050CB007109' + '0'.repeat(16);
  const events = read(syscall(40, '', 42).replace('exit=0', 'exit=-115').replace('success=yes', 'success=no'), `${head('SOCKADDR', 40)}saddr=${inet}`, proctitle(40));
  expect(events[0]).toMatchObject({ kind: 'network_connection', direction: 'outbound', destination_ip: '203.0.113.9', destination_port: 80, outcome: 'success', process_path: '/usr/bin/curl' });
  expect(read(syscall(41, '', 288), `${head('SOCKADDR', 41)}saddr=${inet}`)[0]).toMatchObject({ direction: 'inbound', source_ip: '203.0.113.9', source_port: 80 });
  expect(readSockaddr('0A0001BB0000000020010DB800000000000000000000000100000000')).toEqual({ family: 'inet', ip: '2001:db8::1', port: 443 });
  expect(readSockaddr('0A0001BB0000000000000000000000000000FFFFC000020100000000')).toEqual({ family: 'inet', ip: '192.0.2.1', port: 443 });
  expect(readSockaddr(`0100${hex('/run/x.sock')}00AB`)).toEqual({ family: 'unix', path: '/run/x.sock' });
  expect(readSockaddr('0100006162')).toEqual({ family: 'unix', path: '@ab' });
  for (const bad of ['', '0', 'zz', '0200', '10000000', undefined]) expect(readSockaddr(bad)).toBeUndefined();
});

describe('records of programs', () => {
  const user = (type: string, message: string, tail = ''): Event => read(`${head(type, 50)}pid=812 uid=0 auid=4294967295 ses=4294967295 subj=x msg='${message}'${tail}`)[0]!;

  it('log-ons', () => {
    expect(user('USER_LOGIN', `op=login acct=${hex('(unknown)')} exe="/usr/sbin/sshd" hostname=? addr=203.0.113.7 terminal=ssh res=failed`))
      .toMatchObject({ kind: 'auditd', category: 'authentication', action: 'login', outcome: 'failure', source_ip: '203.0.113.7', user: '(unknown)', service: 'sshd', terminal: 'ssh', session: undefined, pid: 812 });
    expect(user('USER_AUTH', 'op=PAM:authentication grantors=pam_unix acct="chen" exe="/usr/sbin/sshd" hostname=::ffff:203.0.113.7 addr=::ffff:203.0.113.7 terminal=ssh res=success'))
      .toMatchObject({ action: 'login-detail', outcome: 'success', user: 'chen', source_ip: '203.0.113.7', method: 'pam' });
    expect(user('USER_LOGIN', 'op=login id=1000 exe="/usr/sbin/sshd" hostname=203.0.113.7 addr=203.0.113.7 terminal=/dev/pts/0 res=success', '\x1dUID="root" AUID="unset" ID="chen"')).toMatchObject({ user: 'chen', outcome: 'success' });
  });

  it('accounts, commands, services, the audit system itself', () => {
    expect(user('ADD_USER', 'op=adding user acct="eve" exe="/usr/sbin/useradd" hostname=web1 addr=? terminal=pts/1 res=success', '\x1dUID="root" AUID="chen"'))
      .toMatchObject({ category: 'account', action: 'user-add', user: 'chen', target_user: 'eve', service: 'useradd', source_ip: undefined, extra: { type: 'ADD_USER' } });
    expect(user('USER_CMD', `cwd="/root" cmd=${hex('cat /etc/shadow')} exe="/usr/bin/sudo" terminal=pts/0 res=success`, '\x1dUID="chen" AUID="chen"'))
      .toMatchObject({ category: 'privilege', action: 'command', process_cmdline: 'cat /etc/shadow', process_cwd: '/root', user: 'chen' });
    expect(user('SERVICE_STOP', 'unit=firewalld comm="systemd" exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success'))
      .toMatchObject({ category: 'service', action: 'service-stop', service: 'firewalld', extra: { type: 'SERVICE_STOP', unit: 'firewalld' } });
    expect(read(`${head('DAEMON_END', 60)}op=terminate auid=0 uid=0 ses=3 pid=4242 subj=x res=success`)[0]).toMatchObject({ category: 'audit', action: 'audit-stop', outcome: 'success' });
    expect(read(`${head('ANOM_PROMISCUOUS', 61)}dev=eth0 prom=256 old_prom=0 auid=1000 uid=0 gid=0 ses=3\x1dAUID="chen" UID="root"`)[0])
      .toMatchObject({ category: 'network', action: 'promiscuous', user: 'chen', extra: { dev: 'eth0', prom: '256' } });
  });

  it('cannot be replaced by what a program says about itself', () => {
    const event = user('USER_AUTH', 'op=x acct="a" pid=1 uid=5 exe="/tmp/x" addr=192.0.2.1 res=failed type=SYSCALL');
    expect(event).toMatchObject({ pid: 812, uid: 0, extra: { type: 'USER_AUTH' } });
    expect(event.action).toBe('login-detail');
  });
});

describe('other forms', () => {
  it('syslog, kernel and node heads', () => {
    expect(audit.sniff(syscall(1))).toBe(1);
    expect(audit.sniff(`node=db2 ${syscall(1)}`)).toBe(1);
    expect(audit.sniff('Nov 22 10:00:00 web1 sshd[1]: error: type=x')).toBe(0);
    expect(read(`Nov 22 10:00:00 web1 audispd: node=db2 ${syscall(70)}`)[0]).toMatchObject({ host: 'db2', kind: 'process_creation' });
    expect(read('Nov 22 10:00:00 web1 kernel: [   12.3] audit: type=1400 audit(1795300000.123:77): apparmor="DENIED" operation="open" profile="/usr/sbin/mysqld" name="/etc/x" pid=88 comm="mysqld"')[0])
      .toMatchObject({ category: 'audit', action: 'access-denied', outcome: 'failure', pid: 88, file_path: '/etc/x', extra: { type: 'AVC', apparmor: 'DENIED' } });
  });

  it('laurel', () => {
    const line = JSON.stringify({
      ID: '1795300000.250:90', NODE: 'web3',
      SYSCALL: { arch: '0xc000003e', syscall: 59, success: 'yes', exit: 0, ppid: 4100, pid: 4101, auid: 1000, uid: 33, euid: 33, tty: '(none)', ses: 3, comm: 'sh', exe: '/bin/dash', key: 'web', SYSCALL: 'execve', UID: 'www-data' },
      EXECVE: { argc: 3, ARGV: ['sh', '-c', 'id; uname -a'] }, CWD: { cwd: '/var/www' }, PATH: [{ item: 0, name: '/bin/sh', nametype: 'NORMAL' }], PROCTITLE: { ARGV: ['sh', '-c', 'id'] },
    });
    expect(audit.sniff(line)).toBe(1);
    const events = read(line);
    expect(events[0]).toMatchObject({ kind: 'process_creation', host: 'web3', process_cmdline: 'sh -c id; uname -a', process_cwd: '/var/www', user: 'www-data' });
    expect(events.find((e) => e.extra?.type === 'EXECVE')!.extra).toMatchObject({ a1: '-c', a2: 'id; uname -a' });
    expect(new Set(events.map((e) => e.id)).size).toBe(events.length);
  });
});

describe('hostile input', () => {
  it('never throws, counts what it cannot read, stays quick', () => {
    const o = open();
    for (const l of ['type=SYSCALL', 'type=X msg=audit(', 'type=X msg=audit(1:2)', 'type=X msg=audit(a:b): ', '{"ID":"x"}', '{"ID":"1.2:3","SYSCALL":[[[1]]]}', '{', '\0', 'type= msg=audit(1.1:1):']) o.line(l);
    expect(o.decoder.unparsed).toBeGreaterThan(5);
    o.line(`${head('USER_AUTH', 5)}${'a=b '.repeat(20_000)}`);
    o.line(`${head('USER_AUTH', 6)}msg='${"msg='".repeat(5000)}`);
    o.line(`${head('USER_AUTH', 7)}__proto__=1 constructor=2 ${'='.repeat(60_000)}`);
    o.line(`${head('USER_AUTH', 8)}${'x'.repeat(60_000)}`);
    o.line(`${head('EXECVE', 9)}argc=3 a0=${'41'.repeat(30_000)}`);
    o.decoder.flush();
    expect(o.events.at(-1)!.process_cmdline!.length).toBeLessThan(33_000);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('decodes hex only where it is hex, and bad UTF-8 to U+FFFD', () => {
    expect(decodeHex('E799BBE5BD95')).toBe('登录');
    expect(decodeHex('FF41')).toBe('\ufffdA');
    expect(decodeHex('F0808080')).toBe('\ufffd'.repeat(4));
    expect(decodeHex('abc')).toBe('abc');
    expect(decodeHex('ABC')).toBe('ABC');
    expect(decodeHex(`${hex('a')}01${hex('b')}`, 'key')).toBe('a,b');
    expect(parseRecord(`${head('PATH', 1)}name=(null) key="DEAD"`)!.fields).toMatchObject({ name: '(null)', key: 'DEAD' });
  });
});

it('a time past the year 9999 is no record', () => {
  expect(parseRecord('type=EXECVE msg=audit(99999999999999.999:1): argc=1 a0="x"')).toBeUndefined();
  expect(parseRecord('type=EXECVE msg=audit(1795300000.123:1): argc=1 a0="x"')?.time).toBe(1_795_300_000_123);
});
