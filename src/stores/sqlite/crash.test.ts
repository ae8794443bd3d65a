import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { openDatabase } from './driver.ts';
import { openSqliteStore } from './store.ts';

const cache = join(import.meta.dirname, '../../../.cache');
const writer = join(cache, `crash-writer-${process.pid}.mjs`);
const large = 2 ** 30;

beforeAll(() => build({ entryPoints: [join(import.meta.dirname, 'crash-writer.ts')], outfile: writer, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['@photostructure/sqlite'] }));
afterAll(() => rmSync(writer));

/** Runs the writer until it is killed; returns the last batch whose commit it had announced. */
async function runAndKill(dir: string, size: number, maxBytes: number, when: { afterStart: number } | { afterFirst: number }): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, [writer, dir, String(size), String(maxBytes)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let complaint = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => { out += text; });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { complaint += text; });
  const closed = once(child, 'close');
  if ('afterFirst' in when) {
    await Promise.race([once(child.stdout!, 'data'), closed]);
    await sleep(when.afterFirst);
  } else {
    await sleep(when.afterStart);
  }
  child.kill('SIGKILL');
  await closed;
  expect(complaint).toBe('');
  expect(child.signalCode).toBe('SIGKILL');
  // A number cut short by the kill does not count as announced.
  return Number(out.slice(0, out.lastIndexOf('\n') + 1).trim().split('\n').at(-1));
}

/** Everything the database says it holds, read without the store. */
function inspect(dir: string): { last: number; sound: boolean; batches: Map<number, number>; alerts: number[]; running: number; learned: number } {
  const store = openSqliteStore({ dir, maxBytes: large });
  try {
    const db = openDatabase(join(dir, 'moat.db'), { readOnly: true });
    const batches = new Map(db.prepare('SELECT CAST(session AS INTEGER) AS batch, count(*) AS n FROM event GROUP BY batch').all().map((row) => [Number(row['batch']), Number(row['n'])]));
    const alerts = db.prepare("SELECT count FROM alert WHERE id LIKE 'of-%' ORDER BY count").all().map((row) => Number(row['count']));
    db.close();
    return {
      sound: store.check().length === 0, last: Number(store.ledger.position('stream') ?? 0), batches, alerts,
      running: store.ledger.alert('running')?.count ?? 0, learned: Number(store.ledger.learned('learned') ?? 0),
    };
  } finally {
    store.close();
  }
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);

// A killed process shows nothing of what a power cut takes: that needs a look at the system calls.
describe.skipIf(lacks({ files: ['/usr/bin/strace'], why: 'sees when the log is synced to disk' }))('a power cut', () => {
  it('finds every announced batch on disk: the log is synced before commit returns', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'moat-crash-'));
    const trace = join(dir, 'trace');
    const child = spawn('/usr/bin/strace', ['-f', '-y', '-qq', '-e', 'trace=fsync,fdatasync,write', '-e', 'signal=none', '-o', trace, process.execPath, writer, join(dir, 'data'), '5', String(large)], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
    const closed = once(child, 'close');
    while (out.split('\n').length < 40 && child.exitCode === null) await sleep(20);
    process.kill(-child.pid!, 'SIGKILL'); // strace and what it runs: a group of our own
    await closed;
    let isSynced = false;
    let announced = 0;
    for (const line of readFileSync(trace, 'utf8').split('\n')) {
      if (/ f(?:data)?sync\(\d+<.*moat\.db-wal>\) += 0/.test(line)) isSynced = true;
      if (!/ write\(1<.*>, "\d+\\n", /.test(line)) continue;
      announced++;
      expect(isSynced, line).toBe(true);
      isSynced = false;
    }
    expect(announced).toBeGreaterThan(30);
    rmSync(dir, { recursive: true });
  });
});

describe('kill -9', () => {
  it('at any moment loses nothing announced, keeps nothing in halves, and the next run goes on', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'moat-crash-'));
    let before = 0;
    for (let round = 0; round < 30; round++) {
      const when = round % 4 === 0 ? { afterStart: Math.random() * 250 } : { afterFirst: Math.random() * 60 };
      const announced = await runAndKill(dir, 37, large, when);
      if (!existsSync(join(dir, 'moat.db')) && announced === 0) continue;
      const found = inspect(dir);
      expect(found.sound).toBe(true);
      expect(found.last).toBeGreaterThanOrEqual(Math.max(announced, before));
      // At most the one commit that was under way is there without having been announced.
      if (announced > 0) expect(found.last).toBeLessThanOrEqual(announced + 1);
      expect([...found.batches].sort(([a], [b]) => a - b)).toEqual(upTo(found.last).map((batch) => [batch, 37]));
      expect(found.alerts).toEqual(upTo(found.last));
      expect([found.running, found.learned]).toEqual([found.last, found.last]);
      before = found.last;
    }
    expect(before).toBeGreaterThan(30);
    rmSync(dir, { recursive: true });
  });

  it('while the ring is being pruned leaves a sound database with the newest batches whole', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'moat-crash-'));
    for (let round = 0; round < 8; round++) {
      const announced = await runAndKill(dir, 2_000, 16 * 2 ** 20, { afterFirst: 300 + Math.random() * 300 });
      const found = inspect(dir);
      expect(found.sound).toBe(true);
      expect([announced, announced + 1]).toContain(found.last);
      expect(found.alerts).toEqual(upTo(found.last));
      const kept = [...found.batches.keys()].sort((a, b) => a - b);
      expect(kept.at(-1)).toBe(found.last);
      // Without gaps, and only the oldest may be there in part: the ring has eaten into it.
      expect(kept).toEqual(upTo(kept.length).map((n) => found.last - kept.length + n));
      for (const batch of kept.slice(1)) expect(found.batches.get(batch)).toBe(2_000);
    }
    expect(inspect(dir).batches.has(1)).toBe(false);
    rmSync(dir, { recursive: true });
  });
});
