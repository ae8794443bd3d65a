/** The whole of `moat up`: store, detection, sensors, control socket, reload. */
import { setMaxListeners } from 'node:events';
import { watch, type FSWatcher } from 'node:fs';
import type { Server } from 'node:net';
import { hostname } from 'node:os';
import { basename, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Event } from '../core/gen/event.ts';
import type { Detection } from '../core/alert.ts';
import type { Finding } from '../core/finding.ts';
import type { Batch, Knowledge, Learning, Log, Store } from '../core/ports.ts';
import { saidBy } from '../core/error.ts';
import type { ServiceCheck } from '../core/recovery.ts';
import type { Lang, Text } from '../core/text.ts';
import { ExceptionHits } from '../engine/exceptions.ts';
import type { Folded } from '../engine/fold.ts';
import { Health, type Part } from '../engine/health.ts';
import { seedsOf } from '../engine/incident/seeds.ts';
import { defaultBounds } from '../engine/origin/memory.ts';
import { Origins } from '../engine/origin/origins.ts';
import { Pipeline } from '../engine/pipeline.ts';
import { supervise } from '../engine/supervisor.ts';
import { openSqliteStore } from '../stores/sqlite/store.ts';
import { Vault } from '../actions/vault.ts';
import { alertWords } from './alert-words.ts';
import { Api } from './api.ts';
import { Capture } from './capture.ts';
import { loadConfig } from './config.ts';
import type { Config } from './config-schema.ts';
import type { BaselineStatus } from './baseline-status.ts';
import { BaselineWatch } from './baseline-watch.ts';
import { Cleanup } from './cleanup.ts';
import { type Handlers, serveControl } from './control.ts';
import { DenyBook } from './deny.ts';
import { exceptionsOf, openDetector, type OpenedDetector } from './detector.ts';
import { Evidence } from './evidence.ts';
import type { PolicyCheck } from './firewall-policy.ts';
import { openGeo, type Geo } from './geo.ts';
import type { ImportCounts } from './blocklists.ts';
import { lookByHand } from './hands.ts';
import { Incidents, type IncidentsStatus, type WholeIncident } from './incidents.ts';
import { openKnowledge, type OpenedKnowledge } from './knowledge.ts';
import { readLinkage } from './linkage.ts';
import { Notices } from './notices.ts';
import { originControl } from './origin-control.ts';
import { originHost } from './origin-host.ts';
import { OwnProcesses } from './own-processes.ts';
import { ownPaths } from './paths.ts';
import { readPlaybooks } from './playbooks.ts';
import { Recovery } from './recovery.ts';
import { RecoveryWatch } from './recovery-watch.ts';
import { ownerOf } from './response-files.ts';
import { Response, type ResponseStatus } from './response.ts';
import { Reviews } from './reviews.ts';
import { QuarantineKeep } from './quarantine-keep.ts';
import { mountChoiceOf } from './scan-mounts.ts';
import { portsOf } from './scan-ports.ts';
import { readHandedOver } from './scan-hand-over.ts';
import { ScanSchedule, type ScanStatus } from './scan-schedule.ts';
import { SettingsHere } from './settings-here.ts';
import { lookAtServices } from './service-look.ts';
import { Stories } from './stories.ts';
import { allSensors, kernelView, type SensorChoice } from './sensors.ts';
import { Views } from './views/views.ts';

export interface AgentOptions {
  configPath: string;
  /** The file was named by the user: not finding it is an error. */
  configMustExist: boolean;
  dataFolder: string;
  version: string;
  lang: Lang;
  log: Log;
  /** Alerts that are new or changed, after they are stored. */
  show: (folded: readonly Folded[]) => void;
  /** Answers of the API that do not fit its contract are faults: for tests. */
  strictAnswers?: boolean;
  /** A part became live, waiting or blind. */
  onHealth: (part: string, state: Part) => void;
}

export interface AgentStatus {
  version: string;
  pid: number;
  since: number;
  rss: number;
  cpuPercent: number;
  rules: number;
  ruleErrors: string[];
  behaviours: number;
  openAlerts: number;
  country: string | undefined;
  parts: Record<string, Part>;
  counters: Record<string, number>;
  events: Record<string, number>;
  learning: (Learning & { id: string })[];
  /** Undefined when scans are switched off. */
  scan: ScanStatus | undefined;
  response: ResponseStatus;
  incidents: IncidentsStatus;
  /** Undefined when the baseline is not watched. */
  baseline: BaselineStatus | undefined;
}

export interface Agent {
  status(): AgentStatus;
  /** Ends everything in order; what was read is stored. */
  stop(): Promise<void>;
}

/** What outlives a configuration: what was learned of processes is not given up for a new rule. */
interface Lasting { store: Store; health: Health; excused: ExceptionHits; origins: Origins; deny: DenyBook; response: Response; incidents: Incidents; stories: Stories; watch: RecoveryWatch; capture: Capture; ownProcesses: OwnProcesses; api: Api; /** What may be asked, filled once all of it is there. */ operations: Record<string, Handlers[string]>; knowledge: Knowledge; known: Omit<OpenedKnowledge, 'knowledge'> }

/** What lives from one configuration to the next, or until the disk was full. */
interface Generation { exceptions: { now: OpenedDetector['exceptions'] }; sensors: readonly SensorChoice[]; config: Config; opened: OpenedDetector; geo: Geo; pipeline: Pipeline; scans: ScanSchedule; baseline: BaselineWatch; notices: Notices; abort: AbortController; done: Promise<unknown> }

/** What the kernel tells all the time: the first of them is not to wait until rules are picked for it. */
const kernelKinds = ['process_creation', 'process_fork', 'process_termination', 'network_connection', 'file_event', 'flow', 'dns_query'] as const;

const tickMs = 1000;
/** Of one write. */
const toldMax = 100;
/** Of the origin graph, on the largest machines. */
const processesMax = 50_000;
const pruneMs = 60_000;
const pruneAgainMs = 200;
const fullRetryMs = 5000;
const reloadQuietMs = 300;
/** Windows that were open when the process ended: at most so far back. Longer ones begin anew. */
const warmUpMs = 24 * 3_600_000;

/** Throws MoatError for a faulty configuration and StoreError for a store that cannot be opened. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { log, dataFolder } = options;
  const since = Date.now();
  const health = new Health(Date.now);
  // The record of what watches is opened with the store.
  let watched: Lasting | undefined;
  health.onChange = (part, state) => { watched?.stories.state(part, state.state); watched?.api.tell('health', [part]); options.onHealth(part, state); };
  const here = new SettingsHere(resolve(dataFolder));
  const fromFile = (): Config => loadConfig(options.configPath, { mustExist: options.configMustExist });
  let file = fromFile();
  let config = here.over(file);
  const store = openSqliteStore({
    dir: dataFolder,
    maxAgeMs: config.history.days * 86_400_000,
    maxBytes: config.history.max_mb * 2 ** 20,
    alertMs: config.alerts.keep_days * 86_400_000,
    maxAlerts: config.alerts.max,
    count: (what, n) => health.count('store', what, n),
  });
  health.state('store', 'live');
  let generation: Generation;
  let lasting: Lasting;
  try {
    // Only later asked: by then there is a generation.
    lasting = openLasting(config, () => config, store, health, options, (alerts) => generation.pipeline.closed(alerts));
    watched = lasting;
  } catch (error) { store.close(); throw error; }
  try {
    generation = await begin(config, lasting, options);
  } catch (error) { await lasting.known.close(); store.close(); throw error; }

  const restart = async (next: Config, force = false): Promise<void> => {
    const old = generation;
    const whole = force || needsWhole(config, next);
    if (whole) await end(old);
    config = next;
    if (whole) lasting.known.configure(next);
    lasting.response.configure(next);
    lasting.incidents.configure(next);
    await lasting.api.configure(next.server);
    await lasting.capture.configure(next);
    if (whole) { generation = await begin(next, lasting, options); return; }
    // What does not reach the sensors and rules changes without a gap.
    generation.exceptions.now = exceptionsOf(next);
    generation = { ...generation, config: next };
  };
  let restarting: Promise<void> | undefined;
  /** What is wrong with the new one, which then does not hold. `force`: also when the configuration is the same and what it names changed. */
  const reload = async (force = false): Promise<Text | undefined> => {
    let next: Config;
    try {
      const read = fromFile();
      next = here.over(read);
      // Whatever can be wrong in it must show before the old one is given up.
      if (force || needsWhole(config, next)) {
        openDetector({ config: next, warn: () => undefined });
        openGeo(next.geo.country);
      }
      readLinkage(lasting.response.actions, next.response.linkage);
      readPlaybooks(lasting.response.actions, next.response.playbooks);
      file = read;
    } catch (error) {
      health.state('configuration', 'blind', { zh: `新配置有误，仍用旧的：${(error as Error).message}`, en: `the new one has a fault, the old one stays: ${(error as Error).message}` });
      log.warn((error as Error).message);
      return saidBy(error);
    }
    if (!force && JSON.stringify(next) === JSON.stringify(config)) return undefined;
    health.state('configuration', 'live');
    log.info('configuration read again');
    await restart(next, force);
    return undefined;
  };
  /** One at a time. */
  const exclusively = (work: () => Promise<unknown>): Promise<void> => {
    const before = restarting;
    const mine = (async (): Promise<void> => {
      await before;
      try { await work(); } catch (error) { log.warn(String(error)); }
    })();
    restarting = mine;
    return mine;
  };
  const reloaded = async (force: boolean): Promise<Text | undefined> => {
    let fault: Text | undefined = { zh: '重新读取配置时出错，详情见日志', en: 'the configuration could not be read again; the log says why' };
    await exclusively(async () => { fault = await reload(force); });
    return fault;
  };

  const tick = setInterval(() => generation.pipeline.tick(Date.now()), tickMs);
  const ended = new AbortController();
  const prune = setInterval(() => pruneAll(store, log, ended.signal), pruneMs);
  const full = setInterval(() => {
    if (!generation.pipeline.lostGround || !hasRoom(store)) return;
    health.state('store', 'live');
    log.info('the store has room again; reading on from where it stopped');
    void exclusively(() => restart(config, true));
  }, fullRetryMs);
  const watcher = watchFile(options.configPath, () => { void exclusively(reload); }, log);
  const onHup = (): void => { void exclusively(reload); };
  process.on('SIGHUP', onHup);

  const cpu = cpuMeter();
  const status = (): AgentStatus => ({
    version: options.version, pid: process.pid, since, rss: process.memoryUsage.rss(), cpuPercent: cpu(),
    rules: generation.opened.rules.all.length,
    ruleErrors: generation.opened.rules.errors.map((fault) => `${fault.file}:${fault.line}: ${fault.message}`),
    behaviours: generation.opened.behaviours,
    openAlerts: store.ledger.openCount(),
    country: generation.geo.table,
    ...health.report(),
    learning: generation.opened.detector.learning(),
    scan: config.scan.enabled ? generation.scans.status() : undefined,
    response: lasting.response.status(),
    incidents: lasting.incidents.status(),
    baseline: config.baseline.enabled ? generation.baseline.status() : undefined,
  });
  const setOpen = (id: unknown, open: boolean): boolean => {
    const changed = typeof id === 'string' && store.ledger.close(id, open);
    if (changed && typeof id === 'string') generation.pipeline.closed(new Set([id]));
    return changed;
  };
  const cleanup = new Cleanup({ store, response: lasting.response, graph: lasting.origins.graph, packages: lasting.known.packages, config: () => config, dataFolder: resolve(dataFolder), log, now: Date.now, incident: (id) => lasting.incidents.seeds(id), story: (id, seeds, asker) => lasting.stories.tell(id, seeds, asker) });
  // The service may make no namespaces; the hands may.
  const hands = process.env['MOAT_HANDS'];
  const recovery = new Recovery({
    store, response: lasting.response, incidents: lasting.incidents, graph: lasting.origins.graph, packages: lasting.known.packages, config: () => config, dataFolder: resolve(dataFolder), now: Date.now,
    tell: (id, seeds, asker) => lasting.stories.tell(id, seeds, asker), scan: (checks) => cleanup.scan(checks),
    services: async (files, signal) => (hands === undefined ? await lookAtServices(files, { dataFolder: resolve(dataFolder), signal }) : (await lookByHand(hands, 'services', { files }, signal)) as ServiceCheck[]),
  });
  const blocklists = lasting.response.handlers();
  const reviews = new Reviews({
    store, story: (id, seeds, asker) => lasting.stories.tell(id, seeds, asker), packages: lasting.known.packages, journal: lasting.response.journal, dataFolder: resolve(dataFolder), log, now: Date.now, incident: (id) => lasting.incidents.seeds(id),
    blocklist: { import: (argument) => blocklists['blocklist-import']!(argument) as Promise<ImportCounts>, drop: (argument) => blocklists['blocklist-drop']!(argument) as Promise<{ lifted: number }> }, listsChanged: () => lasting.known.configure(config),
  });
  const evidence = new Evidence({ store, journal: lasting.response.journal, story: (id, seeds, asker) => lasting.stories.tell(id, seeds, asker), health, log, config: () => config, dataFolder: resolve(dataFolder), now: Date.now, incident: (id) => lasting.incidents.seeds(id), begins: (pid) => lasting.ownProcesses.begins(pid) });
  const quarantine = new QuarantineKeep({ vault: new Vault(resolve(dataFolder)), journal: lasting.response.journal, health, log, config: () => config, now: Date.now });
  const incidentHandlers = lasting.incidents.handlers();
  const operations = lasting.operations;
  const views = new Views({
    store, graph: lasting.origins.graph, journal: lasting.response.journal, config: () => config, file: () => file, here, status, now: Date.now, host: config.host ?? hostname(), lang: options.lang, version: options.version,
    dataFolder: resolve(dataFolder), configPath: resolve(options.configPath), configNamed: options.configMustExist, rules: () => generation.opened.rules, scans: () => generation.scans, sensors: () => generation.sensors, packages: () => lasting.known.packages.index,
    policy: () => operations['firewall-check']!(undefined) as Promise<PolicyCheck>, country: (address) => generation.geo.country(address), lists: () => lasting.known.lists(), pausedUntil: () => lasting.response.status().pausedUntil,
    firewall: (next) => lasting.response.firewallPreview(next),
    reload: () => reloaded(false), reloadRules: () => reloaded(true), server: () => lasting.api.state(), operations, excused: lasting.excused, jobChanged: (id) => { lasting.api.tell('job', [id]); },
  });
  let control: Server;
  try {
    control = await serveControl(dataFolder, Object.assign(lasting.operations, {
      ...originControl(lasting.origins.graph), ...lasting.deny.handlers(), ...lasting.response.handlers(), ...incidentHandlers, ...lasting.stories.handlers(), ...cleanup.handlers(), ...recovery.handlers(), ...reviews.handlers(), ...evidence.handlers(), ...lasting.capture.handlers(), status, close: (id) => setOpen(id, false), reopen: (id) => setOpen(id, true),
      reload: () => { void exclusively(reload); return true; }, ...lasting.known.handlers(),
      'incident-change': (argument) => {
        const whole = incidentHandlers['incident-change']!(argument) as WholeIncident;
        reviews.changed(whole.id);
        return whole;
      },
      answer: (argument) => {
        const answered = generation.notices.answer(argument);
        lasting.response.answered();
        return answered;
      },
      answered: () => { lasting.response.answered(); },
      'approval-look': (argument) => generation.notices.look(argument),
      requests: () => generation.notices.requests(),
      'scan-report': async () => {
        const report = readHandedOver(resolve(dataFolder));
        return { findings: report.findings.length, raised: await generation.scans.handed(report) };
      },
      ...lasting.api.handlers(), ...views.handlers(),
    } satisfies Handlers));
  } catch (error) {
    await end(generation);
    await lasting.known.close();
    store.close();
    throw error;
  }

  await lasting.response.start();
  lasting.incidents.start();
  lasting.watch.start();
  lasting.stories.start();
  reviews.start();
  evidence.start();
  quarantine.start();
  await lasting.capture.configure(config);
  await lasting.api.configure(config.server);

  return {
    status,
    async stop() {
      clearInterval(tick);
      clearInterval(prune);
      ended.abort();
      clearInterval(full);
      watcher?.close();
      process.off('SIGHUP', onHup);
      control.close();
      views.end();
      await lasting.api.stop();
      await restarting;
      await end(generation);
      lasting.deny.close();
      lasting.watch.stop();
      reviews.stop();
      lasting.incidents.stop();
      await lasting.stories.stop();
      evidence.stop();
      quarantine.stop();
      await lasting.capture.stop();
      await lasting.response.stop();
      await lasting.known.close();
      store.close();
    },
  };
}

function openLasting(config: Config, current: () => Config, store: Store, health: Health, options: AgentOptions, closed: (alerts: ReadonlySet<string>) => void): Lasting {
  const count = (what: string, n?: number): void => health.count('origin', what, n);
  const { knowledge, ...known } = openKnowledge({ config, dataFolder: options.dataFolder, version: options.version, health });
  const machine = originHost(count);
  const own = ownPaths(resolve(options.configPath), resolve(options.dataFolder));
  // Room for all that runs and as many that have ended.
  const processes = Math.min(Math.max(defaultBounds.processes, 2 * (machine.pids()?.length ?? 0)), processesMax);
  const origins = new Origins({ host: machine, bounds: { processes }, packages: knowledge.packages, count, lang: options.lang, now: Date.now, saved: store.lineage() });
  const deny = new DenyBook(store.ledger, known.packages, resolve(options.dataFolder));
  const response: Response = new Response(config.response, { recovery: () => current().recovery, deny: deny.port(), policy: config.firewall, store, health, log: options.log, now: Date.now, dataFolder: resolve(options.dataFolder), ownPaths: own, packages: known.packages, hands: process.env['MOAT_HANDS'], isShared: (address) => incidents.isShared(address), sharesWith: (network) => incidents.sharesWith(network), ipv6: config.ipv6 });
  const incidents: Incidents = new Incidents(config, { store, journal: response.journal, graph: origins.graph, health, log: options.log, now: Date.now, closed });
  const stories = new Stories({ store, graph: origins.graph, packages: knowledge.packages, config: current, health, log: options.log, now: Date.now, incident: (id) => incidents.seeds(id) });
  const watch = new RecoveryWatch({
    store, health, log: options.log, now: Date.now, hours: () => current().recovery.watch_hours, tell: (id) => stories.tell(id, seedsOf({ incidents: store.incidents, ledger: store.ledger }, id), undefined), isShared: (address) => incidents.isShared(address),
    isShipped: async (path) => { const owner = await ownerOf(known.packages, path); return typeof owner === 'object' && owner.intact === true; },
    returned: (id, what, back) => incidents.returned(id, what, back), over: (id, back) => incidents.watchOver(id, back),
  });
  incidents.watchBy({ begin: (record) => watch.begin(record), all: () => watch.all() });
  const operations: Record<string, Handlers[string]> = {};
  const capture = new Capture({ health, log: options.log, now: Date.now, dataFolder: resolve(options.dataFolder), tool: `moat ${options.version}` });
  const api = new Api({ store, journal: response.journal, health, log: options.log, lang: options.lang, now: Date.now, dataFolder: resolve(options.dataFolder), version: options.version, handlers: operations, strict: options.strictAnswers === true });
  response.journal.onSaved = ({ receipts, blocks, runs, incidents: formed }) => {
    // A list of a hundred thousand addresses must not push all else out of the stream.
    api.tell('action', new Set([...receipts.slice(0, toldMax).map(({ id }) => id), ...blocks.slice(0, toldMax).map(({ network }) => network), ...runs.map(({ id }) => id)]));
    api.tell('request', new Set(runs.map(({ id }) => id)));
    api.tell('incident', new Set(formed?.incidents?.map(({ record }) => record.id)));
  };
  return { store, health, excused: new ExceptionHits(), origins, known, deny, response, incidents, stories, watch, capture, ownProcesses: new OwnProcesses({ lineage: origins.graph, pid: process.pid, now: Date.now }), api, operations, knowledge: { ...knowledge, lineage: origins.graph, self: { pid: process.pid, paths: own } } };
}

async function begin(config: Config, lasting: Lasting, options: AgentOptions): Promise<Generation> {
  const { store, health, origins, knowledge, response, incidents, capture, ownProcesses, api } = lasting;
  const host = config.host ?? hostname();
  const geo = openGeo(config.geo.country);
  const opened = openDetector({ config, knowledge, learned: (id) => store.ledger.learned(id), warn: (text) => options.log.warn(text), count: (what, n) => health.count('behaviours', what, n) });
  const exceptions = { now: opened.exceptions };
  const notices = new Notices({ url: config.server.enabled ? config.server.url : undefined, config: config.notices, dataFolder: resolve(options.dataFolder), store, health, lang: options.lang, host, words: (id) => alertWords(id, opened.rules.all), now: Date.now });
  response.connect(notices, geo);
  incidents.connect(notices);
  lasting.stories.connect(geo);
  const { tap } = notices;
  const pipeline = new Pipeline({
    store, detect: opened.detector, health, log: options.log, show: (folded) => {
      // Before anybody is told: what is to be cut off is cut off first.
      const alerts = folded.map(({ alert }) => alert);
      response.onAlerts(alerts);
      incidents.onAlerts(alerts);
      capture.onAlerts(alerts);
      options.show(folded);
      api.tell('alert', alerts.map(({ id }) => id));
    }, now: Date.now,
    fold: { host, lang: options.lang, gap: config.alerts.fold_hours * 3_600_000 },
    exceptions: () => exceptions.now,
    excused: (exception, { count, time }) => { lasting.excused.count(exception, count, time); },
    quiet: (detection) => ownProcesses.excuse(detection) ?? incidents.excuse(detection),
    country: (address) => geo.country(address),
    origins,
    ...(tap && { notices: tap }),
  });
  for (const kind of kernelKinds) opened.rules.engine.prepare(new Event('', 0, kind));
  const now = Date.now();
  const warmed = pipeline.warmUp(now - warmUpMs, now);
  if (warmed > 0) options.log.debug(`${warmed} stored events looked at again`);
  const abort = new AbortController();
  // Each sensor, and each wait of one, listens: more than the ten that Node takes for a leak.
  setMaxListeners(100, abort.signal);
  const view = kernelView(config);
  const judge = {
    store, health, log: options.log, lang: options.lang, host, now: Date.now, dataFolder: options.dataFolder,
    push: (batch: Batch) => pipeline.push(batch), found: (findings: readonly Finding[]) => incidents.found(findings), raise: (detection: Detection) => pipeline.raise(detection), settle: () => { pipeline.commit(); return !pipeline.lostGround; },
  };
  const baseline = new BaselineWatch({ ...judge, config: config.baseline, mounts: mountChoiceOf(config.scan), lineage: knowledge.lineage, packages: lasting.known.packages, view });
  const push = (batch: Batch): Promise<void> => {
    const stored = pipeline.push(batch);
    lasting.watch.observe(batch.events);
    baseline.observe(batch.events);
    return stored;
  };
  const sensors = await allSensors(config, { deny: lasting.deny.open(config), view, onLoss: () => { baseline.lost(); } });
  lasting.stories.sensors(new Set(sensors.flatMap(({ enabled, sensor }) => (enabled ? [sensor.id] : []))));
  const running = sensors.filter(({ enabled }) => enabled).map(({ sensor }) => supervise(sensor, { signal: abort.signal, store, health, log: options.log, host, now: Date.now, push, judgedMs: () => pipeline.judgedMs }));
  const scans = new ScanSchedule({ ...judge, changed: (what) => { api.tell('scan', [what]); }, config: config.scan, ports: portsOf(config), elsewhere: config.baseline.enabled ? ['integrity'] : [] });
  return { config, exceptions, sensors, opened, geo, pipeline, scans, baseline, notices, abort, done: Promise.all([...running, scans.run(abort.signal), baseline.run(abort.signal), notices.run(abort.signal)]) };
}

/** Keys whose change reaches neither sensors nor rules, notices or scans. */
const light = new Set<keyof Config>(['exceptions', 'response', 'firewall', 'incidents', 'report', 'evidence', 'recovery']);
const needsWhole = (before: Config, next: Config): boolean => (Object.keys({ ...before, ...next }) as (keyof Config)[]).some((key) => !light.has(key) && JSON.stringify(before[key]) !== JSON.stringify(next[key]));

/** A call drops some thousand rows at most; between two of them events go first. */
function pruneAll(store: Store, log: Log, ended: AbortSignal): void {
  if (ended.aborted) return;
  try {
    if (store.events.prune(Date.now()) > 0) setTimeout(() => pruneAll(store, log, ended), pruneAgainMs).unref();
  } catch (error) { log.warn(`prune: ${(error as Error).message}`); }
}

const endMs = 5000;

async function end(generation: Generation): Promise<void> {
  generation.abort.abort();
  // A sensor that does not let go must not keep the rest from being stored.
  // The timer holds the process: without it, it would end by itself where a sensor waits for what comes no more.
  const done = new AbortController();
  await Promise.race([generation.done, sleep(endMs, undefined, { signal: done.signal }).catch(() => undefined)]);
  done.abort();
  generation.pipeline.finish();
}

function hasRoom(store: Store): boolean {
  try {
    // As large as what a busy second brings, so that room for one small row is not taken for room.
    store.ledger.setSetting('room-probe', 'x'.repeat(1 << 20));
    store.ledger.setSetting('room-probe', '');
    return true;
  } catch { return false; /* still full: asked again in a while */ }
}

/** The folder is watched, since editors replace the file. */
function watchFile(path: string, changed: () => void, log: Log): FSWatcher | undefined {
  let timer: NodeJS.Timeout | undefined;
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
      if (name !== null && name !== basename(path)) return;
      clearTimeout(timer);
      timer = setTimeout(changed, reloadQuietMs);
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch (error) {
    log.debug(`changes of ${path} are not watched (${(error as Error).message}); send SIGHUP or use moat reload`);
    return undefined;
  }
}

/** Percent of one core since the last call, or since the start. */
function cpuMeter(): () => number {
  let at = process.hrtime.bigint();
  let used = process.cpuUsage();
  return () => {
    const now = process.hrtime.bigint();
    const spent = process.cpuUsage(used);
    const percent = ((spent.user + spent.system) * 100_000) / Math.max(1, Number(now - at));
    at = now;
    used = process.cpuUsage();
    return percent;
  };
}
