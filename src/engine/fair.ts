/** Turns of the one thread that all share: whoever works through a flood gives way between two pieces of it. */
import { setImmediate as turn } from 'node:timers/promises';

/** What held the thread for less keeps nobody waiting. */
const shortMs = 2;
const mostMs = 25;
/** A turn in which there was nothing to do takes some hundredths of a millisecond, hardly less than one that takes in a connection. */
const idleMs = 0.1;
const turnsLeast = 16;

/**
 * Resolves when nobody else has anything to do, or the others had as long as the piece of work before it (`heldMs`). Several turns, not
 * one: a turn takes in one new connection only, so hundreds of people who come at once would wait for hundreds of pieces of the flood.
 */
export async function giveWay(heldMs: number): Promise<void> {
  if (heldMs < shortMs) return;
  const until = performance.now() + Math.min(heldMs, mostMs);
  for (let turns = 0, idle = 0, before = performance.now(); turns < turnsLeast || idle < 2; turns++) {
    await turn();
    const now = performance.now();
    if (now >= until) return;
    idle = now - before < idleMs ? idle + 1 : 0;
    before = now;
  }
}
