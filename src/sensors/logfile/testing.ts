/** For tests: runs the sensor as the engine would and keeps what it gives, events and positions together. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Event } from '../../core/gen/event.ts';
import type { DecodeContext, LogDecoder } from '../../core/format.ts';
import type { Batch, SensorContext } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { logfileSensor } from './sensor.ts';
import type { LogfileOptions } from './sensor.ts';

/** Every line an event. */
export function rawOpen(_path: string, _sample: readonly string[], context: DecodeContext, emit: (event: Event) => void): LogDecoder {
  return {
    unparsed: 0,
    flush() { /* nothing is held back */ },
    decode(line, place) {
      const event = new Event(context.idPrefix + place.position, context.now(), 'syslog');
      event.message = line;
      emit(event);
    },
  };
}

/** Joins `x1` with a later `x!`, other lines between them. */
function pairOpen(_path: string, _sample: readonly string[], context: DecodeContext, emit: (event: Event) => void): LogDecoder {
  const open = new Map<string, { line: string; position: number | string }>();
  const give = (position: number | string, message: string): void => {
    const event = new Event(context.idPrefix + position, context.now(), 'syslog');
    event.message = message;
    emit(event);
  };
  return {
    unparsed: 0,
    decode(line, place) {
      const held = open.get(line[0]!);
      if (!line.endsWith('!') || !held) { open.set(line[0]!, { line, position: place.position }); return; }
      open.delete(line[0]!);
      give(held.position, `${held.line}+${line}`);
    },
    flush() {
      for (const { line, position } of open.values()) give(position, line);
      open.clear();
    },
    pending() {
      const [first] = open.values();
      return first && { line: 0, position: first.position };
    },
  };
}

/** What is missing and what came more than once: both empty when `got` is `wanted` in any order. */
export function difference(got: readonly string[], wanted: readonly string[]): { missing: string[]; extra: string[] } {
  const left = new Map<string, number>();
  for (const w of wanted) left.set(w, (left.get(w) ?? 0) + 1);
  const extra: string[] = [];
  for (const g of got) {
    const n = left.get(g) ?? 0;
    if (n > 0) left.set(g, n - 1); else extra.push(g);
  }
  return { missing: [...left].filter(([, n]) => n > 0).map(([w]) => w), extra };
}

/** For a failure: in which files of the folder these lines are (the name, the inode, how many), and at which byte the first of them begins. */
export function whereAre(folder: string, lines: readonly string[]): string {
  const wanted = new Set(lines);
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const text = statSync(path).isFile() && !name.startsWith('store') ? readFileSync(path, 'latin1') : '';
    const here = text.split('\n').filter((line) => wanted.has(line));
    return here.length === 0 ? [] : [`${name} inode ${statSync(path).ino} of ${text.length} bytes has ${here.length}, from byte ${text.indexOf(`${here[0]!}\n`)}: ${here[0]!} … ${here.at(-1)!}`];
  }).join('\n');
}

export type RecorderOptions = Partial<LogfileOptions> & { globs: readonly string[]; pairs?: boolean; now?: () => number };

export class Recorder {
  readonly lines: string[] = [];
  readonly ids: string[] = [];
  readonly positions: Map<string, string>;
  readonly counts = new Map<string, number>();
  readonly health = new Map<string, { state: string; detail: Text | undefined }>();
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #held: Promise<void> | undefined;
  #release: () => void = () => { /* not held */ };
  #failure: unknown;

  constructor(options: RecorderOptions, before?: ReadonlyMap<string, string>, store?: (batch: Batch) => void) {
    const positions = new Map(before);
    this.positions = positions;
    const context: SensorContext = {
      signal: this.#abort.signal,
      log: { debug() { /* quiet */ }, info() { /* quiet */ }, warn: (m) => { this.counts.set(m, 1); } },
      host: 'web1',
      now: options.now ?? Date.now,
      position: (source) => positions.get(source),
      health: (part, state, detail) => { this.health.set(part, { state, detail }); },
      count: (what, n = 1) => { this.counts.set(what, (this.counts.get(what) ?? 0) + n); },
    };
    const sensor = logfileSensor({ open: options.pairs ? pairOpen : rawOpen, zoneOffset: () => 0, ...options });
    this.#done = (async () => {
      for await (const batch of sensor.open(context)) {
        await this.#held;
        store?.(batch);
        for (const e of batch.events) { this.lines.push(e.message!); this.ids.push(e.id); }
        for (const p of batch.positions) positions.set(p.source, p.value);
      }
    })().catch((e: unknown) => { this.#failure = e; });
  }

  /** From now on no further batch is asked for, until `release`. */
  hold(): void { this.#held = new Promise((resolve) => { this.#release = resolve; }); }
  release(): void { this.#held = undefined; this.#release(); }

  /** Waits until something holds; fails loudly when it does not within a minute and a half, which a busy machine may need. */
  async until(holds: () => boolean): Promise<void> {
    for (const end = Date.now() + 90_000; Date.now() < end;) {
      if (this.#failure) throw this.#failure;
      if (holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`it did not come to hold: ${this.lines.length} lines, last ${JSON.stringify(this.lines.at(-1)?.slice(0, 200))}, ${JSON.stringify([...this.counts])}, ${JSON.stringify([...this.health])}`);
  }

  /** Time in which lines that must not come could come. */
  async quiet(ms = 400): Promise<void> { await new Promise((resolve) => setTimeout(resolve, ms)); }

  async stop(): Promise<void> {
    this.release();
    this.#abort.abort();
    await this.#done;
    if (this.#failure) throw this.#failure;
  }

  /** What a child that was killed had stored: whole records only, as a store with transactions keeps them. */
  static stored(path: string): { lines: string[]; positions: Map<string, string> } {
    const lines: string[] = [];
    const positions = new Map<string, string>();
    if (!existsSync(path)) return { lines, positions };
    for (const record of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
      let value: { l: string[]; p: [string, string][] };
      // A record that a kill cut off was not stored; the next run has put a newline behind it.
      try { value = JSON.parse(record) as typeof value; } catch { continue; }
      lines.push(...value.l);
      for (const [source, position] of value.p) positions.set(source, position);
    }
    return { lines, positions };
  }
}
