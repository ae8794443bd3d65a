/** What one request leaves in a store and the next one takes out of it: shared memory, caches, options. */
import type { Run } from './run.ts';
import { from, merge, templateOf, unknown, type Value } from './value.ts';

const keptMax = 100;

/** Functions that keep a value, and those that give it back: where its name stands, and the value. */
const keeps: Readonly<Record<string, readonly [number, number]>> = { apcu_store: [0, 1], apc_store: [0, 1], apcu_add: [0, 1], shm_put_var: [1, 2], shmop_write: [0, 1], update_option: [0, 1], add_option: [0, 1], set_transient: [0, 1], wp_cache_set: [0, 1], memcache_set: [1, 2], msg_send: [0, 2] };
const gives: Readonly<Record<string, number>> = { apcu_fetch: 0, apc_fetch: 0, shm_get_var: 1, shmop_read: 0, get_option: 0, get_transient: 0, wp_cache_get: 0, memcache_get: 1 };

/** A visitor's data, as they came. */
export function keep(run: Run, name: Value | undefined, value: Value | undefined): void {
  if (!value || !from(value, 'request') || run.kept.size >= keptMax) return;
  const key = templateOf(name ?? unknown);
  run.kept.set(key, merge(run.kept.get(key), value)!);
}

export const keptAt = (run: Run, name: Value | undefined): Value | undefined => run.kept.get(templateOf(name ?? unknown));

/** Undefined: it is none of these, or nothing of a visitor's is kept there. */
export function keptBy(run: Run, name: string, args: readonly Value[]): Value | undefined {
  const at = Object.hasOwn(keeps, name) ? keeps[name] : undefined;
  if (at) { keep(run, args[at[0]], args[at[1]]); return undefined; }
  return run.kept.size > 0 && Object.hasOwn(gives, name) ? keptAt(run, args[gives[name]!]) : undefined;
}
