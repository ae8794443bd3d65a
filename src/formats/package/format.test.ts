import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import type { Event } from '../../core/format.ts';
import { packageLog, readNevra } from './format.ts';

function read(text: string): { events: Event[]; unparsed: number } {
  const events: Event[] = [];
  const decoder = packageLog.open({ idPrefix: 'p:', source: '/var/log/x', host: 'web1', now: () => Date.UTC(2026, 10, 22, 12), zoneOffset: () => 480 }, (e) => { events.push(e); });
  text.split('\n').forEach((line, i) => { decoder.decode(line, { line: i + 1, position: i }); });
  decoder.flush();
  return { events, unparsed: decoder.unparsed };
}

it('dpkg.log', () => {
  const { events, unparsed } = read(`2026-11-22 10:00:01 startup archives unpack
2026-11-22 10:00:01 install netcat-demo:amd64 <none> 1.218-4
2026-11-22 10:00:01 status half-installed netcat-demo:amd64 1.218-4
2026-11-22 10:00:02 upgrade demo-lib:all 1.0-1 1.1-1
2026-11-22 10:00:03 configure netcat-demo:amd64 1.218-4 <none>
2026-11-22 10:00:04 purge old-demo:amd64 2.0-1 <none>
something else`);
  expect(events.map((e) => [e.action, e.package_name, e.package_version, e.lines])).toEqual([
    ['install', 'netcat-demo', '1.218-4', [2]], ['upgrade', 'demo-lib', '1.1-1', [4]], ['configure', 'netcat-demo', '1.218-4', [5]], ['remove', 'old-demo', '2.0-1', [6]],
  ]);
  expect(events[0]).toMatchObject({ kind: 'package', category: 'package', service: 'dpkg', outcome: 'success', time: Date.UTC(2026, 10, 22, 2, 0, 1) });
  expect(unparsed).toBe(1);
});

describe('apt history.log', () => {
  const stanza = `
Start-Date: 2026-11-22  10:00:01
Commandline: apt-get install -y xmr-demo
Requested-By: chen (1000)
Install: xmr-demo:amd64 (6.18-1), libxmr-demo:amd64 (0.9-2, automatic)
Upgrade: libdemo:amd64 (1.0, 1.2)
End-Date: 2026-11-22  10:00:09
`;
  it('gives each package with who asked for it and how', () => {
    const { events, unparsed } = read(stanza);
    expect(events.map((e) => [e.action, e.package_name, e.package_version])).toEqual([['install', 'xmr-demo', '6.18-1'], ['install', 'libxmr-demo', '0.9-2'], ['upgrade', 'libdemo', '1.2']]);
    for (const e of events) expect(e).toMatchObject({ user: 'chen', uid: 1000, process_cmdline: 'apt-get install -y xmr-demo', outcome: 'success', time: Date.UTC(2026, 10, 22, 2, 0, 1), lines: [2, 3, 4, 5, 6, 7] });
    expect(new Set(events.map((e) => e.id)).size).toBe(3);
    expect(unparsed).toBe(0);
  });

  it('waits for the end of the run, and tells of one that failed', () => {
    const events: Event[] = [];
    const decoder = packageLog.open({ idPrefix: '', source: '', host: '', now: () => 0, zoneOffset: () => 0 }, (e) => { events.push(e); });
    decoder.decode('Start-Date: 2026-11-22  10:00:01', { line: 0, position: 500 });
    decoder.decode('Commandline: apt install nosuch', { line: 0, position: 540 });
    expect(decoder.pending!()).toEqual({ line: 0, position: 500 });
    decoder.decode('Error: Sub-process /usr/bin/dpkg returned an error code (1)', { line: 0, position: 580 });
    decoder.decode('End-Date: 2026-11-22  10:00:02', { line: 0, position: 640 });
    expect(decoder.pending!()).toBeUndefined();
    expect(events).toMatchObject([{ action: 'command', outcome: 'failure', process_cmdline: 'apt install nosuch' }]);
  });

  it('bounds a forged stanza', () => {
    expect(read(`Start-Date: 2026-11-22  10:00:01\nInstall: ${'a (1), '.repeat(9000)}`).events).toHaveLength(2000);
    expect(read(`Start-Date: x\nInstall: ${'('.repeat(60_000)}\nRequested-By: ${'('.repeat(60_000)}`).events).toHaveLength(0);
  });
});

it('yum.log, dnf.rpm.log and dnf.log', () => {
  const { events, unparsed } = read(`Nov 22 10:00:01 Installed: xmr-demo-6.18-1.el7.x86_64
Nov 22 10:00:02 Updated: 1:demo-lib-1.2-3.el7.noarch
Nov 22 10:00:03 Erased: old-demo
2026-11-22T10:00:04+0800 SUBDEBUG Installed: demo-2:3.4-5.el9.x86_64
2026-11-22T10:00:04+0800 SUBDEBUG Upgraded: demo-2:3.3-1.el9.x86_64
2026-11-22T10:00:05+0800 DDEBUG Command: dnf install -y demo
2026-11-22T10:00:05+0800 DEBUG timer: config: 3 ms`);
  expect(events.map((e) => [e.service, e.action, e.package_name, e.package_version])).toEqual([
    ['yum', 'install', 'xmr-demo', '6.18-1.el7'], ['yum', 'upgrade', 'demo-lib', '1:1.2-3.el7'], ['yum', 'remove', 'old-demo', undefined],
    ['dnf', 'install', 'demo', '2:3.4-5.el9'], ['dnf', 'command', undefined, undefined],
  ]);
  expect(events[0]!.time).toBe(Date.UTC(2026, 10, 22, 2, 0, 1));
  expect(events[4]!.process_cmdline).toBe('dnf install -y demo');
  expect(unparsed).toBe(0);
  expect(readNevra('kernel-core-5.14.0-427.el9.x86_64')).toEqual({ name: 'kernel-core', version: '5.14.0-427.el9' });
});

it('knows its lines', () => {
  for (const line of ['2026-11-22 10:00:01 install a:all <none> 1', 'Start-Date: 2026-11-22  10:00:01', 'Nov  2 10:00:01 Installed: a-1-1.x86_64', '2026-11-22T10:00:04+0800 INFO x']) expect(packageLog.sniff(line)).toBe(1);
  for (const line of ['Nov 22 10:00:01 web1 sshd[1]: Installed: x', '2026-11-22 10:00:01 something', '']) expect(packageLog.sniff(line)).toBe(0);
});

describe.skipIf(lacks({ files: ['/var/log/dpkg.log'] }))('the dpkg.log of this machine', () => {
  it('is understood line by line', () => {
    const { events, unparsed } = read(readFileSync('/var/log/dpkg.log', 'utf8').slice(0, 1_000_000));
    expect(unparsed).toBeLessThanOrEqual(1);
    for (const e of events) expect(e.package_name).toBeTruthy();
  });
});
