/** Keeps sensors running: only here is anything retried. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch, Log, Sensor, Store } from '../core/ports.ts';
import { giveWay } from './fair.ts';
import type { Health } from './health.ts';

export interface SuperviseOptions {
  signal: AbortSignal;
  store: Store;
  health: Health;
  log: Log;
  host: string;
  now: () => number;
  push(batch: Batch): Promise<void>;
  /** How long judging the last batch took, ms. */
  judgedMs?(): number;
}

const firstDelayMs = 1000;
const longestDelayMs = 60_000;
/** A sensor that ran this long before it failed begins again with the shortest delay. */
const steadyMs = 5 * 60_000;

/** Runs one sensor until the signal; a failure is shown, then tried again ever more slowly. */
export async function supervise(sensor: Sensor, options: SuperviseOptions): Promise<void> {
  const { signal, health, log } = options;
  let delay = firstDelayMs;
  let judgedMs = 0;
  while (!signal.aborted) {
    const began = options.now();
    let reason = 'it ended';
    try {
      health.state(sensor.id, 'live');
      const stream = sensor.open({
        signal, log, host: options.host, now: options.now,
        position: (source) => options.store.ledger.position(source),
        health: (part, state, detail) => health.state(part === sensor.id ? part : `${sensor.id} ${part}`, state, detail),
        count: (what, n) => health.count(sensor.id, what, n),
        judgedMs: () => judgedMs,
      });
      for await (const batch of stream) {
        const from = performance.now();
        const durable = options.push(batch);
        const heldMs = performance.now() - from;
        judgedMs = options.judgedMs?.() ?? heldMs;
        await durable;
        await giveWay(heldMs);
      }
    } catch (error) {
      reason = (error as Error).message;
    }
    if (signal.aborted) return;
    if (options.now() - began > steadyMs) delay = firstDelayMs;
    health.state(sensor.id, 'blind', { zh: `${reason}；${Math.round(delay / 1000)} 秒后重试`, en: `${reason}; trying again in ${Math.round(delay / 1000)} s` });
    log.warn(`${sensor.id}: ${reason}`);
    await sleep(delay, undefined, { signal }).catch(() => undefined);
    delay = Math.min(delay * 2, longestDelayMs);
  }
}
