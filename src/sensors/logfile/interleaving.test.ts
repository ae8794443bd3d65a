/**
 * A writer that rotates, holds old files open, compresses and copies before and after any system call of the reader, which is
 * killed after any commit and begun anew: each line comes once. `MOAT_SEEDS=1-500 npx vitest run src/sensors/logfile/interleaving.test.ts`
 * tries so many more (4 s each); what a failing seed did is in the message.
 */
import { appendFileSync, closeSync, copyFileSync, existsSync, openSync, readFileSync, renameSync, statSync, truncateSync, unlinkSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import type * as FilePromises from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { double, infiniteStream, sample } from 'fast-check';
import { expect, it, vi } from 'vitest';
import { dir, log, numbered } from './testing-scene.ts';

const writer = vi.hoisted(() => ({ turn: (_where: string): void => { /* set by each test */ } }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FilePromises>();
  const around = <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
    writer.turn(`before ${name}`);
    const result = await call(...args);
    writer.turn(`after ${name}`);
    return result;
  };
  const open = async (...args: Parameters<typeof real.open>): Promise<FilePromises.FileHandle> => {
    const handle = await around('open', real.open)(...args);
    return Object.assign(handle, { read: around('read', handle.read.bind(handle)), stat: around('fstat', handle.stat.bind(handle)) });
  };
  const out = { ...real, open, stat: around('stat', real.stat), lstat: around('lstat', real.lstat), readdir: around('readdir', real.readdir), realpath: around('realpath', real.realpath) };
  return { ...out, default: out };
});
const { Recorder, difference, whereAre } = await import('./testing.ts');

type Rotation = 'rename' | 'compress' | 'copytruncate';
const runs = 6;
const deedsMost = 120;
const holdMs = 200;

/** Deeds of a program that logs and of what rotates its log, by chance; `random` gives 0 to 1. */
class Writer {
  written = 0;
  active = false;
  readonly told: string[] = [];
  readonly #random: () => number;
  readonly #deeds: (() => void)[];
  #rotations = 0;
  #left = deedsMost;
  #held: { fd: number; until: number } | undefined;
  readonly #rotated = new Set<string>();

  constructor(random: () => number, rotation: Rotation) {
    this.#random = random;
    this.#deeds = [() => this.append(1 + Math.floor(random() * 4)), rotation === 'copytruncate' ? () => this.#copyTruncate() : () => this.#rename()];
    if (rotation === 'compress') this.#deeds.push(() => this.#compress());
  }

  get isDone(): boolean { return this.#left <= 0; }

  append(lines: number): void { this.told.push(`append ${lines}`); appendFileSync(log, this.#lines(lines)); }

  /** Perhaps something, now that the reader is between two system calls. */
  turn(where: string): void {
    if (!this.active || this.isDone || this.#random() > 0.06) return;
    this.#left--;
    this.told.push(where);
    if (this.#held) {
      if (Date.now() > this.#held.until) this.letGo();
      else if (this.#random() < 0.5) writeSync(this.#held.fd, this.#lines(1));
    }
    this.act(this.#random() < 0.2 ? 3 : 1);
    // The reader stands still meanwhile, as on a busy machine.
    if (this.#random() < 0.15) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60 + this.#random() * 60);
  }

  act(times: number): void { for (let i = 0; i < times; i++) this.#deeds[Math.floor(this.#random() * this.#deeds.length)]!(); }

  letGo(): void { if (this.#held) closeSync(this.#held.fd); this.#held = undefined; }

  #lines(n: number): string { this.written += n; return numbered(this.written - n, this.written); }

  #rename(): void {
    if (!existsSync(log)) return;
    if (!this.#held && this.#random() < 0.3) this.#held = { fd: openSync(log, 'a'), until: Date.now() + holdMs };
    const rotated = `${log}.${++this.#rotations}`;
    this.told.push(`rename to .${this.#rotations}${this.#held ? ', one writer keeps it' : ''}`);
    renameSync(log, rotated);
    this.#rotated.add(rotated);
    if (this.#random() < 0.7) this.append(1);
  }

  #compress(): void {
    const [path] = this.#rotated;
    if (path === undefined || this.#held || this.#random() < 0.5) return;
    this.told.push(`compress ${path.slice(log.length)}`);
    const { atime, mtime } = statSync(path);
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    utimesSync(`${path}.gz`, atime, mtime);
    unlinkSync(path);
    this.#rotated.delete(path);
  }

  #copyTruncate(): void {
    if (!existsSync(log) || statSync(log).size === 0) return;
    this.told.push(`copy to .${this.#rotations + 1} and truncate`);
    copyFileSync(log, `${log}.${++this.#rotations}`);
    truncateSync(log);
    this.append(1 + Math.floor(this.#random() * 6));
  }
}

async function tryOnce(seed: number, rotation: Rotation): Promise<void> {
  const [chance] = sample(infiniteStream(double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), { seed, numRuns: 1 });
  const random = (): number => chance!.next().value;
  const other = new Writer(random, rotation);
  writer.turn = (where) => other.turn(where);
  other.append(5);
  const stored: string[] = [];
  const positions = new Map<string, string>();
  const options = { globs: [`${dir}/*.log`], rescanMs: 30, rotatedWaitMs: 400, rotatedKeepMs: 400, flushMs: 20 };
  const now = (): number => { other.turn('before the clock'); return Date.now(); };
  for (let run = 0; run < runs && !other.isDone; run++) {
    const end = new AbortController();
    let killed = false, commitsLeft = run === 0 ? Infinity : 1 + Math.floor(random() * 20);
    const reader = new Recorder({ ...options, maxEvents: 5, now }, new Map(positions), (batch) => {
      // What is read after the kill was never stored.
      if (killed) return;
      stored.push(...batch.events.map((event) => event.message!));
      for (const { source, value } of batch.positions) positions.set(source, value);
      other.told.push(`stored ${batch.events.map((event) => event.message!.split(' ')[1]).join()} ${batch.positions.find(({ source }) => source.endsWith('.log'))?.value ?? ''}`);
      killed = --commitsLeft <= 0;
      if (!killed) return;
      other.told.push(`killed after ${stored.length} lines`);
      end.abort();
    });
    // What was rotated away before the very first look is not asked for.
    if (run === 0) { await reader.until(() => reader.lines.length >= 5); commitsLeft = 1 + Math.floor(random() * 20); }
    other.active = true;
    other.append(1);
    await sleep(500, undefined, { signal: end.signal }).catch(() => undefined);
    killed = true;
    other.active = false;
    await reader.stop();
    other.told.push('down');
    other.act(3);
  }
  other.letGo();
  other.append(1);
  const last = new Recorder(options, positions);
  await last.until(() => stored.length + last.lines.length >= other.written).catch(() => undefined);
  await last.quiet(100);
  await last.stop();
  const found = difference([...stored, ...last.lines], numbered(0, other.written).trimEnd().split('\n'));
  const said = found.missing.length + found.extra.length === 0 ? '' : `seed ${seed}, ${rotation}\n${whereAre(dir, [...found.missing, ...found.extra])}\n${other.told.join('\n')}\n${JSON.stringify([...last.counts])}`;
  expect(found, said).toEqual({ missing: [], extra: [] });
}

const [first, last] = (process.env['MOAT_SEEDS'] ?? '1').split('-').map(Number) as [number, number | undefined];
for (const rotation of ['rename', 'compress', 'copytruncate'] as const) {
  for (let seed = first; seed <= (last ?? first); seed++) it(`${rotation}: each line once (seed ${seed})`, () => tryOnce(seed, rotation));
}
