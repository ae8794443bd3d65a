/**
 * How many kernel events a second go through all of detection: real ones, recorded from programs, files and connections, then
 * handed to the pipeline (origin graph, rules, behaviours, store on disk) as fast as it takes them. Nothing is lost here:
 * the pipeline answers when it has judged a batch.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../src/agent/config.ts';
import { openDetector } from '../src/agent/detector.ts';
import { originHost } from '../src/agent/origin-host.ts';
import { Event, eventFields } from '../src/core/gen/event.ts';
import { noKnowledge } from '../src/core/lineage.ts';
import { Health } from '../src/engine/health.ts';
import { Origins } from '../src/engine/origin/origins.ts';
import { Pipeline } from '../src/engine/pipeline.ts';
import { openStage } from '../src/sensors/ebpf/testing.ts';
import { openSqliteStore } from '../src/stores/sqlite/store.ts';
import { row, type Row } from './report.ts';

const batchEvents = 512;
const least = 200_000;

/** Programs that start and end, files written, connections made: what a busy server does, by Perl. */
const load = `use Socket; my $d = $ARGV[0];
socket(my $l, PF_INET, SOCK_STREAM, 0) or die; bind($l, sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($l, 128); my $at = getsockname $l;
for my $i (1..400) {
  my $p = fork; if (!$p) { exec "/bin/true" or exit 1 } waitpid $p, 0;
  for my $n (1..8) { open(my $f, ">", "$d/f$n") or die $!; print $f "x"; close $f }
  socket(my $s, PF_INET, SOCK_STREAM, 0) or die; connect($s, $at) or die $!; accept(my $c, $l); close $c; close $s;
}`;

async function record(folder: string): Promise<Event[]> {
  const stage = await openStage();
  // The sensor's own timers hold no process, and it is waited for.
  const held = setInterval(() => undefined, 60_000);
  try {
    const trial = await stage.live();
    spawnSync('/usr/bin/perl', ['-e', load, folder], { stdio: 'inherit' });
    await sleep(1500);
    return [...trial.events];
  } finally {
    await stage.clear();
    stage.remove();
    clearInterval(held);
  }
}

/** The same event as another one, at another time. */
function again(event: Event, serial: number, later: number): Event {
  const copy = new Event(`${event.id}:${serial}`, event.time + later, event.kind);
  for (const field of eventFields) if (field !== 'id' && field !== 'time' && field !== 'kind') (copy as unknown as Record<string, unknown>)[field] = event[field];
  if (copy.process_started !== undefined) copy.process_started += later;
  return copy;
}

export async function benchDetection(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-detection-'));
  try {
    const events = await record(folder);
    const health = new Health(Date.now);
    const store = openSqliteStore({ dir: join(folder, 'data') });
    const origins = new Origins({ host: originHost(() => undefined), lang: 'en', now: Date.now });
    const { detector } = openDetector({ config: loadConfig('/nonexistent', { mustExist: false }), knowledge: { ...noKnowledge, lineage: origins.graph }, warn: () => undefined });
    const nothing = (): void => undefined;
    const pipeline = new Pipeline({
      store, detect: detector, health, origins, show: nothing, now: Date.now, exceptions: () => [], country: () => undefined,
      log: { debug: nothing, info: nothing, warn: nothing }, fold: { host: 'bench', lang: 'en', gap: 3_600_000 },
    });
    const span = (events.at(-1)?.time ?? 0) - (events[0]?.time ?? 0) + 1000;
    let done = 0;
    let busy = 0;
    for (let round = 0; done < least; round++) {
      for (let at = 0; at < events.length; at += batchEvents) {
        const batch = events.slice(at, at + batchEvents).map((event) => again(event, round, round * span));
        const began = performance.now();
        await pipeline.push({ events: batch, positions: [] });
        busy += performance.now() - began;
        done += batch.length;
      }
      const began = performance.now();
      pipeline.tick(Date.now());
      pipeline.commit();
      busy += performance.now() - began;
    }
    pipeline.finish();
    store.close();
    const kinds = new Map<string, number>();
    for (const { kind } of events) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const mix = [...kinds].sort(([, a], [, b]) => b - a).slice(0, 4).map(([kind, n]) => `${kind} ${((n / events.length) * 100).toFixed(0)} %`).join(', ');
    return [row('kernel events through origin graph, rules, behaviours and store, one core', done / (busy / 1000), 'ev/s', { budget: 100_000, detail: mix })];
  } finally { rmSync(folder, { recursive: true, force: true }); }
}
