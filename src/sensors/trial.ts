/** Runs a sensor in tests as the engine does. */
import type { Event } from '../core/gen/event.ts';
import type { Sensor } from '../core/ports.ts';

export interface Trial {
  events: Event[];
  counts: Map<string, number>;
  health: Map<string, string>;
  positions: Map<string, string>;
  /** The first event, past or to come, that `wanted` holds for; throws with what came instead after `seconds` (90): a busy machine may need them. */
  until(wanted: (event: Event) => boolean, seconds?: number): Promise<Event>;
  /** Waits until the condition holds. */
  when(condition: () => boolean, seconds?: number): Promise<void>;
  stop(): Promise<void>;
}

export function start(sensor: Sensor, saved: Readonly<Record<string, string>> = {}, onEvent: (event: Event) => void = () => undefined): Trial {
  const abort = new AbortController();
  const events: Event[] = [];
  const counts = new Map<string, number>();
  const health = new Map<string, string>();
  const positions = new Map<string, string>();
  let failed: unknown;
  const nothing = (): void => undefined;
  const batches = sensor.open({
    signal: abort.signal, log: { debug: nothing, info: nothing, warn: nothing }, host: 'testhost', now: Date.now,
    position: (source) => saved[source],
    health: (part, state) => { health.set(part, state); },
    count: (what, n = 1) => { counts.set(what, (counts.get(what) ?? 0) + n); },
  });
  const done = (async () => {
    for await (const batch of batches) {
      for (const event of batch.events) { events.push(event); onEvent(event); }
      for (const position of batch.positions) positions.set(position.source, position.value);
    }
  })().catch((error: unknown) => { failed = error; });
  async function poll<T>(look: () => T | undefined, seconds: number): Promise<T> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
      if (failed !== undefined) throw failed;
      const found = look();
      if (found !== undefined) return found;
      await new Promise((resolve) => { setTimeout(resolve, 30); });
    }
    throw new Error(`not seen within ${seconds} s; came: ${events.slice(-30).map((e) => `${e.action} ${e.pid ?? ''} ${e.process_path ?? ''} ${e.metric ?? ''} ${e.value ?? ''} ${e.outcome ?? ''}`).join(' | ')}; counted: ${JSON.stringify([...counts])}; health: ${JSON.stringify([...health])}`);
  }
  return {
    events, counts, health, positions,
    until: (wanted, seconds = 90) => poll(() => events.find(wanted), seconds),
    async when(condition, seconds = 90) { await poll(() => condition() || undefined, seconds); },
    async stop() {
      abort.abort();
      await done;
      if (failed !== undefined) throw failed;
    },
  };
}
