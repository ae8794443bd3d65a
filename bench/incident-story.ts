/** How long a story takes: with a large history in the store, and one of many nodes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storyJson } from '../src/cli/story-json.ts';
import { storyLines } from '../src/cli/story-text.ts';
import { pastOf } from '../src/agent/stories.ts';
import { storyWorld } from '../src/agent/story-world.ts';
import { Event } from '../src/core/gen/event.ts';
import { noKnowledge, type ProcessNode } from '../src/core/lineage.ts';
import { tellStory } from '../src/engine/incident/story.ts';
import { withEchoes } from '../src/engine/incident/story-echoes.ts';
import { reachOf } from '../src/engine/incident/story-reach.ts';
import { OriginGraph } from '../src/engine/origin/graph.ts';
import { openSqliteStore } from '../src/stores/sqlite/store.ts';
import { alertOf, attacker, connect, logOn } from '../test/story-scenes.ts';
import { clock, Machine } from '../test/told-machine.ts';
import { row, type Row } from './report.ts';

const events = 1_000_000, batch = 5000, looks = 60, nodes = 50_000, day = 86_400_000;

/** p99 of an alert to the whole story, with a million events of a day in the store; then a story of 50,000 nodes. */
export async function benchIncidentStory(): Promise<Row[]> {
  return [...await withHistory(), ...large()];
}

async function withHistory(): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'moat-bench-story-'));
  const store = openSqliteStore({ dir, maxBytes: 4 * 2 ** 30, maxAgeMs: 400 * day });
  try {
    const now = Date.now();
    clock.now = now - 10_000;
    for (let at = 0; at < events; at += batch) {
      store.commit({ events: Array.from({ length: batch }, (_, i) => ordinary(at + i, now - day + (at + i) * (day / events))), alerts: [], positions: [] });
    }
    const machine = new Machine();
    for (let i = 0; i < 5000; i++) machine.end(machine.run(1, '/usr/bin/true', `true ${i}`));
    clock.now = Date.now() - 10_000;
    const { shell } = logOn(machine, 'root', attacker);
    const sh = machine.run(shell, '/bin/sh', 'sh -c /tmp/.x/m');
    const told = connect(machine, machine.run(sh, '/tmp/.x/m', '/tmp/.x/m'), '198.51.100.7', 3333);
    const alert = alertOf(told);
    const times: number[] = [];
    for (let i = 0; i < looks; i++) {
      const began = performance.now();
      const world = { ...storyWorld({ graph: machine.graph, packages: noKnowledge.packages, events: store.events, now: Date.now }), apart: new Set<ProcessNode>() };
      const story = tellStory({ alerts: [alert], findings: [] }, world);
      const { past } = await pastOf(story, { store, watched: { since: 0, alive: Date.now(), spans: [] }, from: story.began - day, to: Date.now(), now: Date.now });
      const whole = withEchoes(story, past);
      storyLines({ ...whole, reached: reachOf(whole, []) }, { lang: 'en', columns: 100, full: false, timeline: true, tree: true });
      times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    return [
      row('alert to story, 1 M events of history, p99', times[Math.ceil(times.length * 0.99) - 1], 'ms', { budget: 1000, lowerIsBetter: true, detail: `median ${times[times.length >> 1]!.toFixed(0)} ms of ${looks}` }),
    ];
  } finally {
    store.close();
    rmSync(dir, { recursive: true });
  }
}

/** A day of a server: programs and connections, a log-on now and then, web requests. */
function ordinary(n: number, time: number): Event {
  const at = Math.floor(time);
  if (n % 50 === 0) return Object.assign(new Event(`b${n}`, at, 'sshd'), { action: 'login', outcome: 'failure', user: 'root', source_ip: `198.51.100.${(n / 50) % 250}`, service: 'sshd', host: 'web1' });
  if (n % 3 === 0) return Object.assign(new Event(`b${n}`, at, 'access'), { source_ip: `192.0.2.${n % 250}`, http_method: 'GET', url_path: `/p/${n % 1000}`, http_status: 200, host: 'web1' });
  return Object.assign(new Event(`b${n}`, at, 'process_creation'), { action: 'process-start', pid: 10_000 + (n % 20_000), process_started: at, process_path: '/usr/bin/true', process_cmdline: `true ${n % 500}`, host: 'web1' });
}

/** A process that starts others, each of which writes a file and speaks to an address. */
function large(): Row[] {
  clock.now = Date.now() - day / 2;
  const graph = new OriginGraph({ bounds: { processes: 60_000 } });
  const machine = new Machine();
  Object.assign(machine, { graph });
  machine.seen(1, 0, '/usr/lib/systemd/systemd', '/sbin/init');
  const { shell } = logOn(machine, 'root', attacker);
  const top = machine.run(shell, '/tmp/.x/m', '/tmp/.x/m');
  const each = nodes / 2;
  let parent = top;
  for (let i = 0; i < each; i++) {
    const pid = machine.fork(parent);
    machine.exec(pid, '/tmp/.x/w', `/tmp/.x/w ${i}`);
    machine.tell('file_event', pid, { action: 'create', file_path: `/srv/data/${i}.locked` });
    if (i % 8 === 7) parent = pid;
    if (i % 64 === 63) parent = top;
  }
  const alert = alertOf(connect(machine, top, '198.51.100.7', 3333));
  // Pids are invented: that of this program may be among them.
  const world = { ...storyWorld({ graph, packages: noKnowledge.packages, events: { range: () => [] }, now: Date.now }), apart: new Set<ProcessNode>() };
  const heapBefore = process.memoryUsage().heapUsed;
  const began = process.cpuUsage();
  const story = tellStory({ alerts: [alert], findings: [] }, world);
  const told = ms(began);
  const heap = process.memoryUsage().heapUsed - heapBefore;
  const page = process.cpuUsage();
  const lines = storyLines({ ...story, reached: reachOf(story, []) }, { lang: 'en', columns: 100, full: false, timeline: true, tree: true });
  const shown = ms(page);
  const json = process.cpuUsage();
  const text = JSON.stringify(storyJson(story));
  return [
    row(`story of ${story.nodes.length.toLocaleString('en-US')} nodes told`, told, 'ms', { lowerIsBetter: true, detail: `${(heap / 2 ** 20).toFixed(0)} MiB more heap, ${story.edges.length} edges, ${story.left} left out` }),
    row('its page', shown, 'ms', { lowerIsBetter: true, detail: `${lines.length} lines, ${(lines.join('\n').length / 1024).toFixed(0)} KiB` }),
    row('its JSON', ms(json), 'ms', { lowerIsBetter: true, detail: `${(text.length / 2 ** 20).toFixed(1)} MiB` }),
  ];
}

function ms(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}
