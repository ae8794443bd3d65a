/** How a polling sensor waits. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits; false when the signal ended it. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Processor time that this program has used, ms. What a look costs is measured by it: on a busy machine most of the clock's time belongs to others. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Wait until the next look so that looking takes at most about one part in `share` of the time, but never
 * more than `most` times the interval: a machine made busy on purpose must not blind the sensor for long.
 */
export function nextWait(intervalMs: number, tookMs: number, share = 200, most = 5): number {
  return Math.max(intervalMs, Math.min(intervalMs * most, tookMs * share)) - Math.min(tookMs, intervalMs);
}
