/**
 * The process that `crashContract` kills: `DIR ARGUMENT`. It is started ahead, while the one before it is still at work: nothing of the
 * store is touched until it is told what to do (`run` or `undo ID`), and nothing is done until the line after that.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Journal } from '../src/engine/response/journal.ts';
import { Runner } from '../src/engine/response/runner.ts';
import { openSqliteStore } from '../src/stores/sqlite/store.ts';
import type { Scene } from './actions.ts';

export async function crashChild(open: (argument: string) => Promise<Scene>): Promise<void> {
  const [dir = '', argument = ''] = process.argv.slice(2);
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => { const line = await lines.next(); return line.done === true ? process.exit(0) : line.value; };
  const scene = await open(argument);
  writeSync(1, 'ready\n');
  const [what, id = ''] = (await next()).split(' ');
  const store = openSqliteStore({ dir });
  const journal = new Journal(store.response);
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const runner = new Runner({ actions: scene.actions({ store, journal }), store: store.response, journal, log, now: Date.now, count: () => undefined });
  writeSync(1, 'open\n');
  await next();
  const began = performance.now();
  if (what === 'run') await runner.run({ action: scene.action, input: scene.input, by: 'operator:test', why: 'a test', via: 'test' });
  else await runner.undo(id, { by: 'operator:test', via: 'test', why: 'a test' });
  writeSync(1, `took ${performance.now() - began}\n`);
  await new Promise((resolve) => { setTimeout(resolve, 60_000); });
}
