/** Hostile floods against every behaviour: memory and saved state stay bounded, nothing throws, every text is filled. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Event, type Kind } from '../core/gen/event.ts';
import { noKnowledge } from '../core/lineage.ts';
import { behaviours } from './catalogue.ts';
import { maxSaved } from './saved.ts';
import { tryOut, unfilled } from './testing.ts';

/** No behaviour holds more entities than this, whatever comes. */
const mostEntities = 18_000;
/** What is kept of each would be more than that. */
const flooded = 66_000;
const began = Date.UTC(2026, 2, 1, 12);

const text = fc.oneof(
  fc.constantFrom('root', '192.0.2.7', '2001:db8::1', '::', ':', '/tmp/x', '/usr/bin/y (deleted)', '/usr/bin/bash', '/usr/sbin/nginx', 'bash -i', 'sh -c curl x | sh', '/etc/cron.d/x', '/memfd:x', '__proto__', 'constructor', '{count}', '\u001b[31m', '\ud800', '"', 'x'.repeat(5000)),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const paths = fc.constantFrom('/etc/shadow', '/root/.ssh/id_rsa', '/root/.ssh/authorized_keys', '/etc/cron.d/x', '/host/etc/ld.so.preload', '/proc/1/environ', '/proc//mem', '/tmp/release_agent', '/.ssh/', '/.git/hooks/', '/home/', '/srv/a.docx', '/srv/a.docx.locked', '/var/log/wtmp', '/root/.bash_history', '/proc/sys/vm/nr_hugepages', '/srv/HOW_TO_DECRYPT.txt', '/proc/812', '/usr/local/aegis/x');
const addresses = fc.constantFrom('100.100.100.200', '169.254.169.254', 'fd00:ec2::254', '127.0.0.1', '198.51.100.7', '203.0.113.9');
const names = fc.constantFrom('x.onion', 'metadata.google.internal', '.', '..', `${'a'.repeat(63)}.b.example`, 'onion');
const value = fc.oneof(fc.double({ noNaN: false }), fc.constantFrom(0, 1, -1, 50, 96, 100, 1e12, Number.NaN, Number.POSITIVE_INFINITY));
const time = fc.oneof(fc.integer({ min: began, max: began + 86_400_000 * 40 }), fc.constantFrom(0, -1, -86_400_000, began, began + 1, 8.64e15));

/** An event of a kind that the behaviour wants, every field of it hostile. */
const hostile = (kinds: readonly Kind[]): fc.Arbitrary<Event> => fc.record({
  kind: fc.constantFrom(...kinds), time,
  action: fc.constantFrom('login', 'connect', 'accept', 'write', 'create', 'rename', 'chmod', 'read', 'request', 'query', 'mount', 'setns', 'unshare', 'setuid', 'capset', 'ptrace', 'vm-write', 'signal', 'delete', 'link', 'bpf-load', 'health', 'service-restart', 'process-start', 'process-end', 'listener-start', 'sample', undefined),
  direction: fc.constantFrom('outbound', 'inbound', undefined), uid: fc.constantFrom(0, 33, 1000, undefined),
  outcome: fc.constantFrom('success', 'failure', 'unknown', undefined), category: fc.constantFrom('authentication', 'web', undefined),
  metric: fc.constantFrom('process-cpu', 'process-memory', 'process-write', 'host-cpu', 'disk-write', 'disk-space', 'disk-inodes', undefined),
  value: fc.option(value, { nil: undefined }), pid: fc.option(fc.integer(), { nil: undefined }), process_started: fc.option(value, { nil: undefined }),
  strings: fc.record({
    user: text, source_ip: text, source_country: text, source: text, service: text, process_path: text, process_name: text, process_cmdline: text,
    parent_path: text, file_path: fc.oneof(text, paths), file_from: fc.oneof(text, paths), destination_ip: fc.oneof(text, addresses), container_id: text, cgroup: text, destination_host: fc.oneof(text, names), payload: text,
    url_decoded: text, destination_country: fc.constantFrom('NL', 'ZZ', '', '\ud800'), protocol: text, message: text, host: text,
  }, { requiredKeys: [] }),
  destination_port: fc.option(fc.integer({ min: -1, max: 70_000 }), { nil: undefined }),
  extra: fc.option(fc.dictionary(fc.constantFrom('stdin', 'stdout', 'stderr', 'LD_PRELOAD', 'LD_AUDIT', 'LD_LIBRARY_PATH', 'mode', 'memfd', 'deleted', 'type', 'flags', 'source', 'from', 'to', 'target_pid', 'euid', 'pid_ns', 'owner', '__proto__'), fc.oneof(text, fc.constantFrom('inet', 'socket', 'pipe', '755', '0', '1000', '0x10020000', 'cap_sys_admin', '04755', 'cgroup')), { maxKeys: 5, noNullPrototype: true }), { nil: undefined }),
}).map(({ kind, time, strings, ...rest }) => Object.assign(new Event('x', time, kind), rest, strings));

/** What fills the memory of behaviours that look only at certain programs, by id. */
const shapes: Readonly<Record<string, (event: Event, i: number) => void>> = {
  'odd-exec-place': (event) => { event.action = 'process-start'; },
  'preload-exec': (event) => { event.action = 'process-start'; event.extra = { LD_PRELOAD: `/tmp/${event.process_name ?? ''}.so` }; },
  'server-shell': (event) => { Object.assign(event, { action: 'process-start', parent_path: '/usr/sbin/nginx', process_path: '/usr/bin/dash', process_cmdline: `sh -c ${event.process_name ?? ''}` }); },
  'reverse-shell': (event) => { Object.assign(event, { action: 'process-start', source: 'ebpf', process_path: '/usr/bin/bash', process_cmdline: 'bash -i', extra: { stdin: 'inet', stdout: 'inet' } }); },
};

/** What a behaviour needs to be told so that it keeps something of each. */
const deeds: Record<string, (i: number, name: string) => Partial<Event>> = {
  'privilege-jump': (i) => ({ action: 'process-start', uid: 1000, process_path: '/tmp/x', pid: i, extra: { euid: i % 2 ? '0' : '1000' } }),
  'persistence-write': (i) => ({ action: 'write', file_path: '/etc/ld.so.preload', process_path: '/tmp/x', pid: i }),
  'credential-read': (i) => ({ action: 'read', file_path: '/etc/shadow', process_path: '/tmp/x', pid: i }),
  'bad-peer': (i) => ({ direction: 'outbound', action: 'connect', process_path: '/tmp/x', destination_ip: `203.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`, destination_port: 9001, pid: i }),
  'scan-fan-out': (i) => ({ direction: 'outbound', action: 'connect', process_path: i % 2 ? '/usr/bin/ssh' : '/usr/bin/nc', destination_ip: `198.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`, destination_port: 22, pid: i }),
  'metadata-access': (i) => ({ destination_ip: '100.100.100.200', direction: 'outbound', process_path: '/tmp/x', pid: i }),
  'tidal-load': (_i, name) => ({ process_path: `/opt/${name}` }),
  'mass-change': (i, name) => ({ action: 'delete', file_path: `/srv/${name}.txt`, pid: i }),
  'log-tampering': (i, name) => ({ action: 'delete', file_path: `/home/${name}/.bash_history`, pid: i }),
  blinding: (i, name) => ({ action: 'delete', file_path: `/usr/local/aegis/${name}`, pid: i }),
  'container-escape': (i, name) => ({ action: 'write', file_path: '/proc/sys/kernel/core_pattern', container_id: name, pid: i }),
};

describe.each(behaviours.map((b) => [b.id, b] as const))('%s', (_id, behaviour) => {
  it('stays whole under events made of anything', () => {
    fc.assert(fc.property(fc.array(hostile(behaviour.kinds), { maxLength: 60 }), fc.boolean(), (events, restart) => {
      let trial = tryOut(behaviour);
      for (const [i, event] of events.entries()) {
        trial.run.observe(event);
        trial.run.tick?.(event.time);
        if (restart && i === 30) trial = tryOut(behaviour, {}, trial.run.save?.());
        // What it wrote itself it takes back.
        expect(trial.counts.get('saved state refused, learning begins anew')).toBeUndefined();
      }
      for (const detection of trial.found) {
        expect(detection.ruleId).toBe(`behaviour.${behaviour.id}`);
        expect(unfilled(detection)).toEqual([]);
        expect(detection.events.length).toBeGreaterThan(0);
      }
    }), { numRuns: 120 });
  });

  it('refuses a damaged state with a count, and begins anew', () => {
    if (behaviour.open({ ...noKnowledge, emit: () => undefined, count: () => undefined, settings: Object.fromEntries(Object.entries(behaviour.settings).map(([n, s]) => [n, s.default])), state: undefined }).save === undefined) return;
    const nested = fc.json({ maxDepth: 4 });
    const rows = fc.array(fc.array(fc.oneof(fc.string(), fc.double(), fc.constant(null), fc.array(fc.double()))));
    const shaped = fc.record({ v: fc.constant(1), since: fc.oneof(fc.nat(), fc.constant(null)), samples: fc.nat(), head: fc.array(fc.nat(), { maxLength: 3 }), rows }).map((s) => JSON.stringify(s));
    fc.assert(fc.property(fc.oneof(fc.string(), nested, shaped), (state) => {
      const { run, counts } = tryOut(behaviour, {}, state);
      const refused = counts.get('saved state refused, learning begins anew') ?? 0;
      if (refused > 0) expect([run.learning?.().samples ?? 0, run.learning?.().since]).toEqual([0, undefined]);
      expect(() => JSON.parse(run.save?.() ?? '{}') as unknown).not.toThrow();
    }), { numRuns: 200 });
    for (const broken of ['', '{', 'null', '[]', '{"v":2}', '{"v":1,"since":null,"samples":0,"head":[],"rows":[["a","b"]]}', `{"v":1,"since":null,"samples":-1,"head":[],"rows":[]}`]) {
      expect(tryOut(behaviour, {}, broken).counts.get('saved state refused, learning begins anew'), broken).toBe(1);
    }
  });

  it('holds no more than it may under 20,000 users, addresses, processes, paths and sources', () => {
    const { run, counts } = tryOut(behaviour);
    const kind = behaviour.kinds[0] ?? 'metric';
    for (let i = 0; i < flooded; i++) {
      const event = new Event(String(i), began + i * 10, kind);
      const name = `${i.toString(36)}-${'n'.repeat(60)}`;
      event.user = name;
      event.source_ip = i % 2 ? `2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1` : `198.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
      event.source_country = 'NL';
      // Sites and logs are many at first, then one that is flooded.
      event.source = i < flooded / 2 ? `/var/log/${name}` : '/var/log/one';
      event.service = behaviour.id === 'health-down' ? `http://${name}/` : name;
      event.host = name;
      event.process_path = `/tmp/${name}`;
      event.process_name = name;
      event.process_cmdline = name.repeat(20);
      event.parent_path = '/usr/bin/supervisord';
      event.file_path = `/mnt/${name}`;
      event.destination_port = i % 65_536;
      event.destination_ip = '0.0.0.0';
      event.pid = i;
      event.process_started = i;
      event.value = 99;
      event.category = 'authentication';
      event.outcome = behaviour.id === 'health-down' ? 'failure' : 'success';
      event.action = { 'health-down': 'health', 'service-restart-loop': i % 2 ? 'service-restart' : 'process-start' }[behaviour.id] ?? 'login';
      event.metric = ({ 'process-memory': 'process-memory', 'disk-writes': i % 2 ? 'process-write' : 'disk-write', 'disk-full-soon': i % 2 ? 'disk-space' : 'disk-inodes', 'host-cpu': i % 2 ? 'process-cpu' : 'host-cpu' } as Record<string, string>)[behaviour.id] ?? 'process-cpu';
      if (behaviour.id === 'disk-writes') event.value = 9e9;
      shapes[behaviour.id]?.(event, i);
      Object.assign(event, deeds[behaviour.id]?.(i, name));
      run.observe(event);
      if (i % 1000 === 0) run.tick?.(event.time);
    }
    expect(run.size?.() ?? 0).toBeLessThan(mostEntities);
    // What was let go was counted. Those that judge by the origin graph alone hold nothing here: it knows nobody.
    if ((run.size?.() ?? 0) > 0) expect([...counts.values()].reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0);
    const state = run.save?.();
    if (state === undefined) return;
    expect(state.length).toBeLessThan(maxSaved + 10_000);
    const again = tryOut(behaviour, {}, state);
    expect(again.counts.get('saved state refused, learning begins anew')).toBeUndefined();
  });
});
