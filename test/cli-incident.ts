/** One incident in a store of its own, whose agent answers on a control socket, and the command line that asks it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { parseConfig } from '../src/agent/config.ts';
import { type Handlers, serveControl } from '../src/agent/control.ts';
import { Incidents } from '../src/agent/incidents.ts';
import type { Alert } from '../src/core/alert.ts';
import type { Log } from '../src/core/ports.ts';
import { Health } from '../src/engine/health.ts';
import { OriginGraph } from '../src/engine/origin/graph.ts';
import { Journal } from '../src/engine/response/journal.ts';
import { openSqliteStore, type SqliteStore } from '../src/stores/sqlite/store.ts';

export const moatBin = fileURLToPath(new URL('../bin/moat', import.meta.url));
const quiet: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined };

export interface Said { status: number; out: string; err: string }
export interface CliWorld { dir: string; store: SqliteStore; journal: Journal; graph: OriginGraph; health: Health; incidents: Incidents; log: Log }
export interface CliIncident extends CliWorld { id: string; moat: (...args: string[]) => Promise<Said>; /** Nobody answers any more. */ stopAgent: () => void; close: () => void }

/** `alerts` are taken in once the socket answers; `handlers` beside those of the incidents. */
export async function openCliIncident(name: string, alerts: readonly Alert[], handlers: (world: CliWorld) => Handlers): Promise<CliIncident> {
  const dir = mkdtempSync(join(tmpdir(), `moat-cli-${name}-`));
  const store = openSqliteStore({ dir });
  const journal = new Journal(store.response), graph = new OriginGraph(), health = new Health(Date.now);
  const incidents = new Incidents(parseConfig('incidents: { importance: core }', 'moat.yml'), { store, journal, graph, health, log: quiet, now: Date.now, closed: () => undefined });
  const world: CliWorld = { dir, store, journal, graph, health, incidents, log: quiet };
  incidents.start();
  const server = await serveControl(dir, { ...incidents.handlers(), ...handlers(world) });
  store.commit({ events: [], alerts: [...alerts], positions: [] });
  incidents.onAlerts(alerts);
  // Stored a moment later, together with what comes in that moment.
  const id = await vi.waitFor(() => store.incidents.incidents({})[0]!.id, 10_000);
  return {
    ...world, id, moat: (...args) => runMoat(['--data', dir, ...args]),
    stopAgent: () => { server.close(); },
    close() {
      server.close();
      incidents.stop();
      store.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** The command line as a person runs it, in English. `within`: what it is run by. */
export async function runMoat(args: readonly string[], within: readonly string[] = []): Promise<Said> {
  const [first = process.execPath, ...rest] = [...within, process.execPath, moatBin, ...args];
  const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LANG: 'C.UTF-8', LC_ALL: '', FORCE_COLOR: '', TZ: 'UTC' } });
  let out = '', err = '';
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  const [status] = await once(child, 'close') as [number];
  return { status, out, err };
}
