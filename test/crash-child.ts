/** The process that `crashContract` kills: `DIR ARGUMENT`. Opens its world when it reads `run` or `undo ID`, does it when it reads another line, then waits for its end. */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { Journal } from '../src/engine/response/journal.ts';
import { Runner } from '../src/engine/response/runner.ts';
import { openSqliteStore } from '../src/stores/sqlite/store.ts';
import type { Scene } from './actions.ts';

export async function crashChild(open: (argument: string) => Promise<Scene>): Promise<void> {
  const [dir = '', argument = ''] = process.argv.slice(2);
  // Started while the one before it was still looked at: nothing may be opened before it is asked for.
  const [what, id = ''] = String((await once(process.stdin, 'data') as [Buffer])[0]).trim().split(' ');
  const scene = await open(argument);
  const store = openSqliteStore({ dir });
  const journal = new Journal(store.response);
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const runner = new Runner({ actions: scene.actions({ store, journal }), store: store.response, journal, log, now: Date.now, count: () => undefined });
  writeSync(1, 'ready\n');
  await once(process.stdin, 'data');
  const began = performance.now();
  if (what === 'run') await runner.run({ action: scene.action, input: scene.input, by: 'operator:test', why: 'a test', via: 'test' });
  else await runner.undo(id, { by: 'operator:test', via: 'test', why: 'a test' });
  writeSync(1, `took ${performance.now() - began}\n`);
  await new Promise((resolve) => { setTimeout(resolve, 60_000); });
}
