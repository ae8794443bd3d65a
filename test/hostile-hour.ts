/** An hour in which ever new addresses attack, one alert each, evenly spread: driven through responder, runner, store and nft in the network namespace of this name, with a clock of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blockAddress } from '../src/actions/block-address/action.ts';
import { Protection } from '../src/actions/protection.ts';
import type { Alert } from '../src/core/alert.ts';
import { Responder } from '../src/engine/response/responder.ts';
import { NftFirewall } from '../src/linux/firewall/nft.ts';
import { runner } from '../src/linux/run.ts';
import { readLinkage } from '../src/agent/linkage.ts';
import { parsers } from './action-parsers.ts';
import { openResponse } from './actions.ts';

const hourMs = 3_600_000, banMs = 600_000;

/**
 * `missed`: never blocked, or not as they should be. `standing`: in the kernel at the end, `wanted` of them by the ledger; `most`: the most
 * that stood at a time. `remembered`: what the responder holds; `heapMb`: grown from the first tenth to the end, garbage aside where it can be.
 */
export interface HostileHour { missed: string[]; standing: number; wanted: number; most: number; remembered: number; counted: Record<string, number>; heapMb: number }

export async function hostileHour(namespace: string, addresses: number, { batch = 100 } = {}): Promise<HostileHour> {
  let now = Date.now();
  const dir = mkdtempSync(join(tmpdir(), 'moat-hour-'));
  const wall = new NftFirewall(runner(['ip', 'netns', 'exec', namespace]), { namespace: `/run/netns/${namespace}`, now: () => now });
  await wall.ensure();
  const protection = new Protection({ root: '/nonexistent', allow: [], own: () => [], now: () => now });
  const response = openResponse(dir, ({ store, journal }) => [blockAddress({ firewall: () => Promise.resolve(wall), protection, blocks: { get: (network) => store.response.block(network), put: (entry) => journal.write({ blocks: [entry] }) } })], () => now);
  const counted: Record<string, number> = {};
  const { response: store } = response.store;
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const responder = new Responder({ runner: response.runner, store, log, now: () => now, count: (what, n = 1) => { counted[what] = (counted[what] ?? 0) + n; }, pausedUntil: () => 0 }, { mode: 'guard', overrides: [], links: readLinkage(parsers).links, ban: { first: banMs, factor: 6, most: 30 * 86_400_000 } });
  const addressOf = (i: number): string => `198.${18 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
  const alertOf = (i: number): Alert => ({ id: `h${i}`, time: now, last_time: now, level: 'high', rule_id: 'sshd_bruteforce', rule_name: 'guessing', title: { zh: '爆破', en: 'guessing' }, host: 'web1', summary: `${addressOf(i)} guesses`, count: 12, attack: ['T1110.001'], matrix: [], key: `ip ${addressOf(i)}`, status: 'open', source_ip: addressOf(i), evidence: [] });
  const missed: string[] = [];
  const heap = (): number => { (globalThis as { gc?: () => void }).gc?.(); return process.memoryUsage().heapUsed; };
  let most = 0, early = 0;
  try {
    for (let at = 0; at < addresses; at += batch) {
      const here = Array.from({ length: Math.min(batch, addresses - at) }, (_, i) => at + i);
      // Each is told again while it goes on, as an alert that grows is.
      for (let times = 0; times < 2; times++) responder.onAlerts(here.map(alertOf));
      await responder.settled();
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
    return { missed, standing: listed.size, wanted: wanted.length, most, remembered: responder.size, counted, heapMb: (heap() - early) / 2 ** 20 };
  } finally {
    await response.close();
    wall.close();
    rmSync(dir, { recursive: true });
  }
}
