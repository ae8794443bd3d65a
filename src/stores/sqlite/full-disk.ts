/**
 * The program that full-disk.test.ts runs in a mount namespace of its own: `full-disk DIR`. Mounts a small
 * tmpfs on DIR, fills it again and again under a working store, and prints one JSON object: what happened.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Event } from '../../core/gen/event.ts';
import type { Commit } from '../../core/ports.ts';
import { StoreError } from '../error.ts';
import { openSqliteStore, type SqliteStore } from './store.ts';

const [dir = ''] = process.argv.slice(2);
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m,mode=700', 'moat-test', dir]);
const data = join(dir, 'data');
const filler = join(dir, 'filler');
const padding = 'x'.repeat(700);

function batch(n: number): Commit {
  const events = Array.from({ length: 100 }, (_, index) => {
    const event = new Event(`batch-${n}-${index}`, 1000 + n, 'sshd');
    event.session = String(n);
    event.message = padding;
    return event;
  });
  return { events, alerts: [], positions: [{ source: 'stream', value: String(n) }] };
}

/** Takes all space but `leave` bytes. */
function fill(leave: number): void {
  const file = openSync(filler, 'w');
  const chunk = Buffer.alloc(64 * 1024);
  try {
    for (;;) writeSync(file, chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  const { blocks, bsize } = statfsSync(dir);
  ftruncateSync(file, Math.max(0, sizeOfFiller() - Math.min(leave, blocks * bsize)));
  closeSync(file);
}

function sizeOfFiller(): number {
  return Number(execFileSync('stat', ['-c', '%s', filler], { encoding: 'utf8' }));
}

/** The code of the StoreError that `work` throws; undefined when it throws none. */
function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof StoreError ? error.code : String(error);
  }
}

/** Batch numbers in the database, each with its number of events. */
function held(store: SqliteStore): Record<string, number> {
  const found: Record<string, number> = {};
  for (const event of store.events.range(0, 1e15)) found[event.session!] = (found[event.session!] ?? 0) + 1;
  return found;
}

const rounds: unknown[] = [];
let store = openSqliteStore({ dir: data });
let acknowledged = 0;
for (let n = 0; n < 5; n++) store.commit(batch(++acknowledged));

for (const leave of [3_000_000, 1_000_000, 200_000, 20_000, 4_096, 0]) {
  fill(leave);
  let code: string | undefined;
  const before = acknowledged;
  while (code === undefined && acknowledged < before + 200) {
    code = codeOf(() => store.commit(batch(acknowledged + 1)));
    if (code === undefined) acknowledged++;
  }
  const again = codeOf(() => store.commit(batch(acknowledged + 1)));
  const small = codeOf(() => store.ledger.setSetting('while-full', String(leave)));
  const whileFull = { position: store.ledger.position('stream'), held: held(store), reopened: '' as string | undefined };
  if (leave === 0) {
    // A start on a disk that is already full says so too, and takes nothing away.
    store.close();
    fill(0);
    whileFull.reopened = codeOf(() => openSqliteStore({ dir: data }).close());
    rmSync(filler);
    store = openSqliteStore({ dir: data });
  }
  rmSync(filler, { force: true });
  const after = codeOf(() => store.commit(batch(acknowledged + 1)));
  if (after === undefined) acknowledged++;
  rounds.push({ leave, code, again, small, after, acknowledged, whileFull, held: held(store), check: store.check() });
  // Room for the next round.
  while (store.events.prune(1000 + acknowledged + 30 * 86_400_000) > 0);
}
store.close();
process.stdout.write(JSON.stringify(rounds));
