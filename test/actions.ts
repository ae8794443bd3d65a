/**
 * What every action must do (`actionContract`), and what is left of it when its process is killed at any moment (`crashContract`):
 * the former state or the finished one, never between.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Action, Receipt } from '../src/core/action.ts';
import { Journal } from '../src/engine/response/journal.ts';
import { Runner } from '../src/engine/response/runner.ts';
import { openSqliteStore, type SqliteStore } from '../src/stores/sqlite/store.ts';

/** A runner with a store of its own in a folder of its own. */
export interface Response { store: SqliteStore; journal: Journal; runner: Runner; close(): Promise<void> }

export function openResponse(dir: string, actions: (parts: { store: SqliteStore; journal: Journal }) => Action[], now: () => number = Date.now, actionMs?: number): Response {
  const store = openSqliteStore({ dir });
  const journal = new Journal(store.response);
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const runner = new Runner({ actions: actions({ store, journal }), store: store.response, journal, log, now, count: () => undefined, ...(actionMs !== undefined && { actionMs }) });
  return { store, journal, runner, async close() { await runner.close(); store.close(); } };
}

/** One way to use an action in a world that the test made. */
export interface Scene {
  actions(parts: { store: SqliteStore; journal: Journal }): Action[];
  action: string;
  input: unknown;
  /** All that the action may change, as it is now: compared before, after, and when it was taken back. */
  look(): Promise<unknown>;
  /** What `look` says when it is done. */
  done(before: unknown, after: unknown): void;
  close?(): Promise<void>;
}

export function actionContract(open: () => Promise<Scene>): void {
  let scene: Scene;
  let dir: string;
  let response: Response;
  beforeAll(async () => {
    scene = await open();
    dir = mkdtempSync(join(tmpdir(), 'moat-action-'));
    response = openResponse(dir, (parts) => scene.actions(parts));
  });
  afterAll(async () => {
    await response.close();
    await scene.close?.();
    rmSync(dir, { recursive: true });
  });
  const run = (): Promise<Receipt> => response.runner.run({ action: scene.action, input: scene.input, by: 'operator:test', why: 'a test', via: 'test' });
  const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: 'a test' });

  it('only looks when it plans', async () => {
    const before = await scene.look();
    const { plan } = await response.runner.plan(scene.action, scene.input);
    expect(plan.steps.length).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(plan.state))).toEqual(plan.state);
    expect(await scene.look()).toEqual(before);
  });

  it('does what it says, sees that it is done, and takes it back whole; as often as one likes', async () => {
    const before = await scene.look();
    for (let round = 0; round < 2; round++) {
      const receipt = await run();
      expect(receipt.status).toBe('applied');
      scene.done(before, await scene.look());
      expect((await response.runner.verify(receipt.id)).is).toBe('finished');
      const back = await undo(receipt.id);
      expect(back.status).toBe('undone');
      expect(await scene.look()).toEqual(before);
      expect((await response.runner.verify(receipt.id)).is).toBe('former');
      // Taking back what is taken back changes nothing.
      expect((await undo(receipt.id)).status).toBe('undone');
      expect(await scene.look()).toEqual(before);
    }
  });

  it('comes to the same end when each step is done again', async () => {
    const before = await scene.look();
    const { action, plan } = await response.runner.plan(scene.action, scene.input);
    let { state } = plan;
    const context = { signal: AbortSignal.timeout(60_000), now: Date.now, save: (next: unknown) => { state = next; return Promise.resolve(); } };
    for (let i = 0; i < 2; i++) await action.apply(state, context);
    scene.done(before, await scene.look());
    expect((await action.verify(state, context)).is).toBe('finished');
    for (let i = 0; i < 2; i++) await action.undo(state, context);
    expect(await scene.look()).toEqual(before);
    expect((await action.verify(state, context)).is).toBe('former');
  });

  it('leaves an entry in the audit log for each', async () => {
    const operations = [...response.store.response.audit(1)].map(({ operation }) => operation);
    expect(operations).toEqual([scene.action, `undo ${scene.action}`, scene.action, `undo ${scene.action}`]);
  });

  it('refuses bad input with a reason', async () => {
    for (const input of [undefined, null, 7, 'x', {}, [], { address: {} }, { path: 7 }, { pid: 'x' }]) await expect(response.runner.run({ action: scene.action, input, by: 'operator:test', why: '', via: 'test' })).rejects.toMatchObject({ code: 'bad-input' });
  });
}

const cache = join(import.meta.dirname, '../.cache');

/** How many times each action is cut off: as many as the suite has time for, or MOAT_CUTS in all (`npm run cuts`). */
export const cutsOf = (usual: number): number => Math.max(usual, Math.min(100_000, Math.trunc(Number(process.env['MOAT_CUTS'] ?? 0)) || 0));
/** The time of a test that cuts off so often. */
export const cutsTime = (cuts: number): number => 60_000 + cuts * 30_000;

export interface Crash {
  /** Module that exports `scene(argument): Promise<Scene>`; it runs in the process that is killed as well as here. */
  module: string;
  /** Handed to it: text that names the world. */
  argument: string;
  open(argument: string): Promise<Scene>;
  /** How many times each of doing and taking back is cut off; more with MOAT_CUTS. */
  cuts: number;
}

/** The program of the child that is killed, built before the tests of a suite and removed after them. */
export function crashBundle(module: string): string {
  const bundle = join(cache, `crash-action-${process.pid}-${module.replaceAll(/\W+/g, '-').slice(-60)}.mjs`);
  beforeAll(() => build({
    stdin: { contents: `import { scene } from ${JSON.stringify(module)}; import { crashChild } from ${JSON.stringify(join(import.meta.dirname, 'crash-child.ts'))}; await crashChild(scene);`, resolveDir: import.meta.dirname, loader: 'ts' },
    outfile: bundle, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['@photostructure/sqlite', 'koffi', 'vitest', 'esbuild'],
    banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
  }));
  afterAll(() => rmSync(bundle, { force: true }));
  return bundle;
}

/**
 * Moments in [0, 1) of what lasts, each as far from those before as can be: golden steps from a start that is diced. A dozen leave no
 * larger part of it untried than twice as many dice would.
 */
export function moments(): () => number {
  let at = Math.random();
  return () => { at = (at + 0.618_033_988_749_895) % 1; return at; };
}

/** `child` runs one operation each time it is told to, and is killed in the middle of it. */
export function crashContract(crash: Crash): void {
  const bundle = crashBundle(crash.module);

  const cuts = cutsOf(2 * crash.cuts);
  it(`killed at any of ${cuts} moments, it is undone or done, never between`, { timeout: cutsTime(cuts) }, async () => {
    const scene = await crash.open(crash.argument);
    const dir = mkdtempSync(join(tmpdir(), 'moat-crash-'));
    const before = await scene.look();
    let duration = 0;
    const seen = { former: 0, finished: 0 };
    let standing: string | undefined;
    const next = { run: moments(), undo: moments() };
    let child = startChild(bundle, dir, crash.argument);
    for (let cut = 0; cut < cuts; cut++) {
      const what = standing === undefined ? 'run' : `undo ${standing}`;
      // Done and undone whole once: so it is known how long that takes, and the cuts fall all over it.
      const isWhole = cut < 2;
      const took = await child.cutOff(what, isWhole ? undefined : next[standing === undefined ? 'run' : 'undo']() * duration * 1.1, () => { child = startChild(bundle, dir, crash.argument); });
      duration = isWhole ? Math.max(duration, took ?? 0) : took === undefined ? duration * 1.1 : (duration * 3 + took) / 4;
      const response = openResponse(dir, (parts) => scene.actions(parts));
      try {
        for (const { status, error } of await response.runner.recover()) expect(['applied', 'failed', 'undone'], error).toContain(status);
        const [newest] = response.store.response.receipts({ limit: 1 });
        if (newest?.status === 'applied') {
          scene.done(before, await scene.look());
          seen.finished++;
          standing = newest.id;
        } else {
          expect(await scene.look()).toEqual(before);
          seen.former++;
          standing = undefined;
        }
      } finally { await response.close(); }
    }
    await child.end();
    // The first was done, the second undone.
    expect(seen.former).toBeGreaterThan(0);
    expect(seen.finished).toBeGreaterThan(0);
    // What comes after finds it as it was.
    if (standing !== undefined) {
      const response = openResponse(dir, (parts) => scene.actions(parts));
      try {
        await response.runner.undo(standing, { by: 'operator:test', via: 'test', why: 'a test' });
      } finally { await response.close(); }
      expect(await scene.look()).toEqual(before);
    }
    rmSync(dir, { recursive: true });
    await scene.close?.();
  });
}

export interface CrashChild {
  /** Has it do this, and kills it so many ms after it began, or when it is done; `onKill` right after the signal. How long it took when it was done before. */
  cutOff(what: string, afterMs: number | undefined, onKill?: () => void): Promise<number | undefined>;
  /** One that was not told anything. */
  end(): Promise<void>;
}

function startChild(bundle: string, dir: string, argument: string): CrashChild {
  const child: ChildProcess = spawn(process.execPath, [bundle, dir, argument], { stdio: ['pipe', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  let out = '', err = '';
  const waiting = new Set<() => void>();
  const told = (): void => { for (const look of waiting) look(); };
  child.stdout!.on('data', (chunk: Buffer) => { out += chunk.toString(); told(); });
  child.stderr!.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  child.once('close', told);
  const says = (word: string): Promise<void> => new Promise((resolve, reject) => {
    const look = (): void => {
      // A line that is whole.
      if (new RegExp(`^${word}\\b.*\\n`, 'm').test(out)) resolve();
      else if (child.exitCode !== null || child.signalCode !== null) reject(new Error(`the child ended at once: ${err}`));
      else return;
      waiting.delete(look);
    };
    waiting.add(look);
    look();
  });
  return {
    async cutOff(what, afterMs, onKill) {
      await says('ready');
      child.stdin!.write(`${what}\n`);
      await says('open');
      child.stdin!.write('go\n');
      if (afterMs === undefined) await says('took'); else await new Promise((resolve) => { setTimeout(resolve, afterMs); });
      child.kill('SIGKILL');
      onKill?.();
      await closed;
      const took = /took (\d+(?:\.\d+)?)/.exec(out)?.[1];
      if (existsSync(join(dir, 'moat.db')) || took === undefined) return took === undefined ? undefined : Number(took);
      throw new Error('nothing was stored');
    },
    async end() {
      child.stdin!.end();
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/** One that is started now. */
export const cutOff = (bundle: string, dir: string, argument: string, what: string, afterMs: number): Promise<number | undefined> => startChild(bundle, dir, argument).cutOff(what, afterMs);
