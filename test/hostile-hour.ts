/**
 * An hour in which ever new addresses guess passwords, evenly spread: lines of sshd replayed through decoder, rules, pipeline, responder,
 * runner, store and nft in the network namespace of this name, with a clock of their own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { blockAddress } from '../src/actions/block-address/action.ts';
import { Protection } from '../src/actions/protection.ts';
import type { Event } from '../src/core/gen/event.ts';
import { configSchema } from '../src/agent/config-schema.ts';
import { openDetector } from '../src/agent/detector.ts';
import { openDecoder } from '../src/engine/decode.ts';
import { Health } from '../src/engine/health.ts';
import { Pipeline } from '../src/engine/pipeline.ts';
import { Responder } from '../src/engine/response/responder.ts';
import { NftFirewall } from '../src/linux/firewall/nft.ts';
import { runner } from '../src/linux/run.ts';
import { readLinkage } from '../src/agent/linkage.ts';
import { parsers } from './action-parsers.ts';
import { openResponse } from './actions.ts';

const hourMs = 3_600_000, banMs = 600_000;
/** Failures of each address, a little more than a rule needs. */
const failures = 6;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * `missed`: never blocked, or not as they should be. `standing`: in the kernel at the end, `wanted` of them by the ledger; `most`: the most
 * that stood at a time. `remembered`: what the responder holds; `heapMb`: grown from the first tenth to the end, garbage aside. `lines`: that were read; `alerts`: of guessing passwords.
 */
export interface HostileHour { missed: string[]; standing: number; wanted: number; most: number; remembered: number; counted: Record<string, number>; heapMb: number; lines: number; alerts: number }

export async function hostileHour(namespace: string, addresses: number, { batch = 100 } = {}): Promise<HostileHour> {
  let now = Date.now();
  const dir = mkdtempSync(join(tmpdir(), 'moat-hour-'));
  const wall = new NftFirewall(runner(['ip', 'netns', 'exec', namespace]), { namespace: `/run/netns/${namespace}`, now: () => now });
  await wall.ensure();
  const protection = new Protection({ root: '/nonexistent', allow: [], own: () => [], now: () => now });
  const response = openResponse(dir, ({ store, journal }) => [blockAddress({ firewall: () => Promise.resolve(wall), mustHaveFirewall: () => undefined, protection, blocks: { get: (network) => store.response.block(network), put: (entry) => journal.write({ blocks: [entry] }) } })], () => now);
  const counted: Record<string, number> = {};
  const { response: store } = response.store;
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const responder = new Responder({ runner: response.runner, store, log, now: () => now, count: (what, n = 1) => { counted[what] = (counted[what] ?? 0) + n; }, pausedUntil: () => 0 }, { mode: 'guard', overrides: [], links: readLinkage(parsers).links, ban: { first: banMs, factor: 6, most: 30 * 86_400_000 } });
  const addressOf = (i: number): string => `198.${18 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
  const { detector } = openDetector({ config: configSchema.parse({}), warn: (text) => { throw new Error(text); } });
  const told = new Set<string>();
  const pipeline = new Pipeline({
    store: response.store, detect: detector, health: new Health(() => now), log, now: () => now, exceptions: () => [], country: () => undefined, fold: { host: 'web-1', lang: 'en', gap: hourMs },
    show: (folded) => {
      for (const { alert } of folded) if (alert.rule_id === 'ssh_brute_force') told.add(alert.id);
      responder.onAlerts(folded.map(({ alert }) => alert));
    },
  });
  let events: Event[] = [], lines = 0;
  const lineOf = (i: number, n: number): string => `${new Date(now).toISOString().slice(0, 19)}+00:00 web-1 sshd[${4000 + n}]: Failed password for root from ${addressOf(i)} port ${20_000 + n} ssh2`;
  const { decoder } = openDecoder('auth', [lineOf(0, 0)], { idPrefix: 'hour:', source: 'auth.log', host: 'web-1', now: () => now, zoneOffset: () => 0 }, (event) => { events.push(event); });
  const missed: string[] = [];
  const heap = (): number => { collect(); return process.memoryUsage().heapUsed; };
  let most = 0, early = 0;
  try {
    for (let at = 0; at < addresses; at += batch) {
      const here = Array.from({ length: Math.min(batch, addresses - at) }, (_, i) => at + i);
      // Twice, the second time past what a rule needs: an alert that grows is told again.
      for (let round = 0; round < 2; round++) {
        for (const i of here) for (let n = 0; n < failures; n++) decoder.decode(lineOf(i, n), { line: ++lines, position: lines });
        decoder.flush();
        const batch = events;
        events = [];
        await pipeline.push({ events: batch, positions: [{ source: 'auth.log', value: String(lines) }] });
        pipeline.commit();
        await responder.settled();
      }
      const networks = here.map((i) => store.block(addressOf(i))).flatMap((entry, i) => {
        if (entry?.active === true && entry.times === 1 && entry.until === now + banMs) return [];
        return [addressOf(here[i]!)];
      });
      missed.push(...networks);
      now += (hourMs * here.length) / addresses;
      await response.runner.tick();
      most = Math.max(most, store.countBlocks());
      if (early === 0 && at * 10 >= addresses) early = heap();
    }
    // The ledger and the kernel say the same; what was let go of is gone from both.
    const listed = new Set((await wall.list()).map(({ network }) => network.text));
    const wanted = [...store.blocks()].filter(({ until }) => until === undefined || until > now).map(({ network }) => network);
    missed.push(...wanted.filter((network) => !listed.has(network)));
    return { missed, standing: listed.size, wanted: wanted.length, most, remembered: responder.size, counted, heapMb: (heap() - early) / 2 ** 20, lines, alerts: told.size };
  } finally {
    await response.close();
    wall.close();
    rmSync(dir, { recursive: true });
  }
}
