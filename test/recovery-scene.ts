/** A machine whose data folder a stand-in spoils (XOR of test data), with what it takes to recover it: real files, a real backup, a store; only the kernel's events are told by the test. */
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quarantineFile } from '../src/actions/quarantine-file/action.ts';
import { restoreFile } from '../src/actions/restore-file/action.ts';
import { restoreSet } from '../src/actions/restore-set/action.ts';
import { parseConfig } from '../src/agent/config.ts';
import { Incidents } from '../src/agent/incidents.ts';
import { Recovery } from '../src/agent/recovery.ts';
import { RecoveryWatch } from '../src/agent/recovery-watch.ts';
import { storyWorld } from '../src/agent/story-world.ts';
import type { Action } from '../src/core/action.ts';
import type { Finding } from '../src/core/finding.ts';
import type { ServiceCheck } from '../src/core/recovery.ts';
import { Health } from '../src/engine/health.ts';
import { seedsOf } from '../src/engine/incident/seeds.ts';
import { tellStory } from '../src/engine/incident/story.ts';
import type { Originals } from '../src/linux/packages/original.ts';
import type { BackupSettings } from '../src/linux/backup/repository.ts';
import { MoatError } from '../src/core/error.ts';
import { openResponse } from './actions.ts';
import { alertOf, attacker, logOn } from './story-scenes.ts';
import { setWorld } from './scenes/restore-set.ts';
import { clock, Machine } from './told-machine.ts';

export const names = Array.from({ length: 60 }, (_, i) => `${['accounts', 'orders/2026', 'mail'][i % 3]}/record-${i}.txt`);
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const spoilt = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0xa5));

/** Before the stand-in: sixty records, one more that is left alone. */
export function fill(data: string): void {
  for (const [i, name] of names.entries()) {
    mkdirSync(join(data, name, '..'), { recursive: true });
    writeFileSync(join(data, name), `record ${i}\n`.repeat(100 + i), { mode: i % 2 === 0 ? 0o640 : 0o600 });
    utimesSync(join(data, name), 1_700_000_000 + i, 1_700_000_000 + i);
  }
  writeFileSync(join(data, 'mail/other.txt'), 'not touched\n');
  utimesSync(join(data, 'mail/other.txt'), 1_700_000_000, 1_700_000_000);
}

/** Fifty-eight are overwritten, two removed, and one that no backup has is overwritten too. */
export function spoil(data: string): void {
  for (const name of names.slice(0, 58)) writeFileSync(join(data, name), spoilt(readFileSync(join(data, name))));
  for (const name of names.slice(58)) rmSync(join(data, name));
  writeFileSync(join(data, 'mail/never-saved.txt'), spoilt(readFileSync(join(data, 'mail/never-saved.txt'))));
}

/** Made after the snapshot and before the intruder came. */
export function saveLate(data: string): void { writeFileSync(join(data, 'mail/never-saved.txt'), 'made an hour before'); }

/** Path, content, rights and time of change of all files. */
export function allOf(data: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) { walk(path); continue; }
      const { mode, uid, gid, mtimeNs } = statSync(path, { bigint: true });
      found[path.slice(data.length + 1)] = `${mode} ${uid} ${gid} ${mtimeNs} ${readFileSync(path).toString('base64')}`;
    }
  };
  walk(data);
  return found;
}

export const serviceSays = (name: string, state: ServiceCheck['state']): ServiceCheck => ({ id: name, name, state, said: { zh: '', en: '' }, proves: { zh: '', en: '' } });

export interface RecoveryScene {
  ask: (op: string, argument?: object) => Promise<unknown>;
  incidents: Incidents;
  watch: RecoveryWatch;
  store: ReturnType<typeof openResponse>['store'];
  runner: ReturnType<typeof openResponse>['runner'];
  machine: Machine;
  /** The stand-in. */
  locker: number;
  /** Of the alarm, once it is formed. */
  incident: () => Promise<string>;
  time: { now: number };
  /** Files that a package put where they are. */
  shipped: Set<string>;
  /** What services say when they are asked. */
  services: { said: ServiceCheck[] };
  close: () => Promise<void>;
}

/** `began`: when the intruder came, Unix ms: after the snapshot. `findings`: what the checks of the story still find. */
export function openScene(dir: string, settings: readonly BackupSettings[], began: number, findings: () => readonly Finding[] = () => []): RecoveryScene {
  const data = join(dir, 'srv/data');
  const time = { now: began + 60_000 };
  clock.now = began;
  const machine = new Machine();
  const { shell } = logOn(machine, 'deploy', attacker);
  const locker = machine.run(shell, '/tmp/.x/locker', '/tmp/.x/locker /srv/data');
  const told = machine.tell('file_event', locker, { action: 'write', file_path: join(data, names[0]!) });
  for (const name of names.slice(1, 58)) machine.tell('file_event', locker, { action: 'write', file_path: join(data, name) });
  for (const name of names.slice(58)) machine.tell('file_event', locker, { action: 'delete', file_path: join(data, name) });
  machine.tell('file_event', locker, { action: 'write', file_path: join(data, 'mail/never-saved.txt') });
  const alert = alertOf(told, { id: 'locker', level: 'critical', attack: ['T1486'], host: 'web1' });

  const config = parseConfig(JSON.stringify({ incidents: { importance: 'core' }, recovery: { repositories: settings } }), 'moat.yml');
  const world = setWorld(dir, settings);
  const noPackage = (): never => { throw new MoatError('not-packaged', 'no package has it'); };
  const originals = { find: noPackage, write: noPackage, read: noPackage } as unknown as Originals;
  const { store, journal, runner } = openResponse(join(dir, 'data'), () => [restoreFile({ ...world, originals }), restoreSet(world), quarantineFile({ ...world, run: () => Promise.reject(new Error('none')) } as never)] as Action[], () => time.now);
  const health = new Health(() => time.now);
  const now = (): number => time.now;
  const packages = { ready: true, building: false, index: undefined, owner: () => undefined, settle: () => Promise.resolve(undefined) };
  const tell = (seeds: ReturnType<typeof seedsOf>): ReturnType<typeof tellStory> => tellStory(seeds, storyWorld({ graph: machine.graph, packages, events: store.events, now }));
  const shipped = new Set<string>();
  const incidents = new Incidents(config, { store, journal, graph: machine.graph, health, log, now, closed: () => undefined });
  const watch = new RecoveryWatch({
    store, health, log, now, hours: () => config.recovery.watch_hours, tell: (id) => tell(seedsOf({ incidents: store.incidents, ledger: store.ledger }, id)), isShared: (address) => incidents.isShared(address),
    isShipped: (path) => Promise.resolve(shipped.has(path)), returned: (id, what, back) => incidents.returned(id, what, back), over: (id, back) => incidents.watchOver(id, back),
  });
  incidents.watchBy({ begin: (record) => watch.begin(record), all: () => watch.all() });
  const recovery = new Recovery({ store, response: { runner }, incidents, graph: machine.graph, packages, config: () => config, dataFolder: join(dir, 'data'), now, tell: (_id, seeds) => tell(seeds as ReturnType<typeof seedsOf>), scan: () => Promise.resolve({ findings: [...findings()], blind: [] }), services: () => Promise.resolve([...services.said]) });
  const services: RecoveryScene['services'] = { said: [serviceSays('nginx', 'ok')] };
  const handlers = { ...recovery.handlers(), ...incidents.handlers() };
  incidents.start();
  return {
    ask: async (op, argument = {}) => await handlers[op]!({ by: 'operator:test', ...argument }), incidents, watch, store, runner, machine, locker, time, shipped, services,
    async incident() {
      if (store.ledger.alert(alert.id) === undefined) { store.commit({ events: [], alerts: [alert], positions: [] }); incidents.onAlerts([alert]); }
      for (let i = 0; i < 500; i++) {
        const [one] = store.incidents.incidents({});
        if (one) return one.id;
        await new Promise((resolve) => { setTimeout(resolve, 20); });
      }
      throw new Error('expected the incident to form');
    },
    async close() { incidents.stop(); watch.stop(); await runner.close(); store.close(); },
  };
}
