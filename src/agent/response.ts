/** Actions and their receipts under `moat up`: what is blocked is put back after a start, what was cut off is settled, what has had its time ends. */
import { join } from 'node:path';
import type { BlockEntry, PlanStep, Receipt, Risk } from '../core/action.ts';
import type { Alert } from '../core/alert.ts';
import { MoatError } from '../core/error.ts';
import { maskTo, type Network, networkText, parseNetwork } from '../core/networks.ts';
import type { Log, Store } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import type { Health } from '../engine/health.ts';
import { verifyAudit } from '../engine/response/audit.ts';
import { Grants } from '../engine/response/grants.ts';
import { Journal } from '../engine/response/journal.ts';
import { allows, type BanTimes, type Link, type Mode } from '../engine/response/linkage.ts';
import type { Parsers } from '../engine/response/playbook.ts';
import { Responder, type ResponderSettings } from '../engine/response/responder.ts';
import { Runner } from '../engine/response/runner.ts';
import { allActions, withinService } from '../actions/catalogue.ts';
import { machineSysctl } from '../actions/change-setting/sysctl.ts';
import type { DenyPort } from '../actions/deny-file/action.ts';
import { FileProtection } from '../actions/file-protection.ts';
import type { FreezeState } from '../actions/freeze-tree/action.ts';
import type { IsolateState } from '../actions/isolate-host/action.ts';
import { ProcessProtection } from '../actions/process-protection.ts';
import { Protection } from '../actions/protection.ts';
import { UnitProtection } from '../actions/unit-protection.ts';
import { Vault } from '../actions/vault.ts';
import { engines } from '../linux/container-engine.ts';
import { openFileChanges, type FileChanges } from '../linux/file-change.ts';
import type { Blocked, Firewall } from '../linux/firewall/firewall.ts';
import { Originals } from '../linux/packages/original.ts';
import { Procfs } from '../linux/procfs.ts';
import { machineReach } from '../linux/reach.ts';
import { resolvers } from '../linux/resolvers.ts';
import { runner as programs } from '../linux/run.ts';
import { machineSshd } from '../linux/sshd.ts';
import { openSignals, type Signals } from '../linux/signals.ts';
import { Systemctl } from '../linux/systemctl.ts';
import { backupsOf } from './backups.ts';
import type { Config } from './config-schema.ts';
import { blocklistHandlers, lifted } from './blocklists.ts';
import type { Geo } from './geo.ts';
import { byHand } from './hands.ts';
import { type Linkage, readLinkage } from './linkage.ts';
import { fileHandlers, ownerOf, type Settling } from './response-files.ts';
import { grantHandlers } from './response-grants.ts';
import { stepHandlers } from './response-steps.ts';
import { systemHandlers } from './response-system.ts';
import type { Notices } from './notices.ts';
import { Playbooks } from './playbook-control.ts';
import { readPlaybooks } from './playbooks.ts';
import type { Handlers } from './control.ts';
import { firewallTexts, mustHaveFirewall, openFirewall } from './firewall.ts';
import { FirewallKeeper, passingOf, type Upset } from './firewall-keeper.ts';
import { FirewallPolicy, type PolicyPreview } from './firewall-policy.ts';
import { isolationOf, managementOf, networkActions, networkHandlers } from './response-network.ts';

/** `isShared`: whether many people come from an address. `policy`: wanted ports and zones. `ownPaths`: Moat's own files and folders. `deny`: programs that may not run. */
export interface ResponseOptions { policy: Config['firewall']; store: Store; health: Health; log: Log; now: () => number; dataFolder: string; ownPaths: readonly string[]; packages: Settling; deny: DenyPort; /** Where backups lie, as it is configured now. */ recovery?: () => Config['recovery']; /** Socket of the process that writes, where the agent may not. */ hands?: string | undefined; isShared?: ((address: string) => boolean) | undefined; /** Whether any of those lies in a network. */ sharesWith?: ((network: Network) => boolean) | undefined; ipv6: Config['ipv6'] }

/** As `moat status` shows it. */
export interface ResponseStatus {
  mode: Mode;
  pausedUntil: number | undefined;
  blocked: number;
  stuck: number;
  /** Playbooks that are under way, and what some of them are about. */
  running: number;
  runs: { id: string; playbook: string; name: Text; target: string; since: number; waiting: number }[];
  /** While this machine is cut off. `confirmBy`: taken back by itself then, unless a person confirms it. Unix ms. */
  isolation?: { since: number; by: string; why: string; until?: number; confirmBy?: number };
}

/** `fires`: in the mode that holds now; overrides of single rules may say otherwise. */
export interface LinkageView extends Pick<Linkage, 'waiting' | 'always'> { mode: Mode; links: (Link & { fires: boolean })[] }

/** What a control request may say of itself. */
interface Request { by?: unknown; why?: unknown; for_ms?: unknown; force?: unknown }

const listMax = 10_000;
/** Rows of one answer about what is blocked. */
export const blocklistPage = 100_000;
const defaultList = 200;
const whyMax = 1000;
const sweepMs = 5000;
const runsShown = 20;
/** How long a service has to read its settings anew and to answer. */
export const settingMs = 10_000;
const pidPattern = /^[1-9]\d{0,6}$/;

/** What `moat kill` and `moat freeze` would do. */
export interface ShownPlan { target: string; title: Text; steps: readonly PlanStep[]; risk: Risk; reversible: boolean; /** When its first process started, Unix ms: to do it to this one and no other. */ started: number }
const pauseSetting = 'response.paused';

/** `undone`: what was done to this very address or network. `lifted`: a block that came with a list, or whose receipt is gone. `within`: what is blocked yet around it. */
export interface Unblocked { network: string; undone: Receipt[]; lifted?: BlockEntry; within: BlockEntry[] }

/** One line of `moat blocklist`. Times are Unix ms; `packets` were dropped since it was blocked, both ways. */
export interface BlockRow { network: string; since: number; until?: number; why: string; by: string; list?: string; times: number; packets?: number; bytes?: number }

export class Response {
  private readonly options: ResponseOptions;
  /** The one writer of the audit log. */
  readonly journal: Journal;
  private readonly procfs = new Procfs();
  private config: Config['response'];
  private ipv6: Config['ipv6'];
  readonly runner: Runner;
  private readonly protection: Protection;
  private readonly vault: Vault;
  private readonly responder: Responder;
  private readonly grants: Grants;
  private readonly policy: FirewallPolicy;
  private readonly playbooks: Playbooks;
  /** The actions that there are, and how each reads its input. */
  readonly actions: Parsers;
  private wall: Promise<Firewall> | undefined;
  private readonly keeper: FirewallKeeper;
  /** The last trouble with it. */
  private told: string | undefined;
  /** The last look after it failed. */
  private isUnkept = false;
  private geo: Geo | undefined;
  private sweeping: NodeJS.Timeout | undefined;

  constructor(config: Config['response'], options: ResponseOptions) {
    this.options = options;
    this.journal = new Journal(options.store.response);
    this.config = config;
    this.ipv6 = options.ipv6;
    const { store, log, now, health } = options;
    this.protection = new Protection({ allow: allowOf(config), countries: config.allow_countries, country: (address) => this.geo?.country(address), now });
    this.vault = new Vault(options.dataFolder);
    const { procfs } = this;
    let signals: Promise<Signals> | undefined;
    let changes: Promise<FileChanges> | undefined;
    const channel = { reach: machineReach(programs()), loggedOn: () => this.protection.loggedOn(), management: () => managementOf(this.config) };
    this.policy = new FirewallPolicy(options.policy, { ...channel, firewall: () => this.firewall(), settings: store.ledger, operators: () => this.protection.operators(), audit: (entry) => this.journal.write({ audit: [entry] }), now });
    const run = programs();
    const owner = (path: string): ReturnType<typeof ownerOf> => ownerOf(options.packages, path);
    const actions = allActions({
      ...channel,
      vault: this.vault, fileProtection: new FileProtection({ own: options.ownPaths, owner }), fileChanges: () => (changes ??= openFileChanges()),
      procfs, signals: () => (signals ??= openSignals(procfs)), processes: new ProcessProtection({ procfs, self: process.pid, now }), run,
      units: new UnitProtection({ owner, procfs, self: process.pid }), systemctl: new Systemctl(run), accountRoot: '/', moduleRoot: '/', owner, engines: () => engines('/', run), self: process.pid,
      denying: options.deny, originals: new Originals({ index: () => options.packages.index, run, folder: join(options.dataFolder, 'packages') }),
      sshd: machineSshd(run), sysctl: machineSysctl(), scratch: join(options.dataFolder, 'scratch'), settleMs: settingMs,
      ...backupsOf(options.recovery ?? (() => ({ repositories: [], watch_hours: 0 })), options.dataFolder),
      // Clouds are connected by a later version.
      connectors: () => [],
      firewall: () => this.firewall(), mustHaveFirewall: (wanted) => mustHaveFirewall(this.config.firewall, wanted), protection: this.protection,
      standing: (action, target) => store.response.receipts({ action, target, status: ['applied', 'stuck'], limit: 1 })[0],
      isolation: () => isolationOf(this.config, resolvers('/')),
      blocks: { get: (network) => store.response.block(network), put: (entry) => this.journal.write({ blocks: [entry] }) },
    });
    const { hands } = options;
    const done = hands === undefined ? actions : actions.map((action) => (withinService.has(action.id) ? action : byHand(action, hands, (path) => ownerOf(options.packages, path))));
    this.actions = new Map(actions.map((action) => [action.id, (input: unknown) => action.parse(input)]));
    this.runner = new Runner({ actions: done, store: store.response, journal: this.journal, log, now, count: (what, n) => health.count('response', what, n) });
    this.grants = new Grants({ runner: this.runner, store: store.response, log, now, count: (what, n) => health.count('response', what, n), pausedUntil: () => this.pausedUntil() });
    this.responder = new Responder({ runner: this.runner, store: store.response, log, now, count: (what, n) => health.count('response', what, n), pausedUntil: () => this.pausedUntil(), isShared: options.isShared, holdsOurs: (network) => this.protection.holdsOurs(network) || options.sharesWith?.(network) === true }, this.settingsOf(config));
    this.keeper = new FirewallKeeper({ wall: () => this.wall, passing: () => this.passing(), putBack: (wall, why) => this.putBack(wall, why), now, monotonic: () => performance.now() });
    this.playbooks = new Playbooks({
      runner: this.runner, journal: this.journal, store, log, now, count: (what, n) => health.count('response', what, n), pausedUntil: () => this.pausedUntil(),
      modeFor: (rule) => this.responder.modeFor(rule), ban: () => banOf(this.config), isShared: options.isShared,
    }, readPlaybooks(this.actions, config.playbooks));
  }

  /** Where questions of playbooks are put, and what they tell; which country an address is of. */
  connect(notices: Notices, geo: Geo): void {
    this.playbooks.connect(notices);
    this.geo = geo;
  }

  /** What other wanted ports and zones would mean. */
  firewallPreview(next: Config['firewall']): Promise<PolicyPreview> { return this.policy.preview(next); }

  /** A question was answered: whoever waits for it goes on. */
  answered(): void { this.playbooks.tick(); }

  /** Alerts that are new or have grown, after they are stored. */
  onAlerts(alerts: Iterable<Alert>): void {
    const several = [...alerts];
    this.grants.onAlerts(several);
    this.responder.onAlerts(several);
    this.playbooks.onAlerts(several);
  }

  status(): ResponseStatus {
    const { response } = this.options.store;
    const paused = this.pausedUntil();
    const isolation = isolationStatus(response.receipts({ action: 'isolate-host', status: ['applied', 'applying', 'undoing', 'stuck'], limit: 1 })[0]);
    return {
      mode: this.config.mode, pausedUntil: paused > this.options.now() ? paused : undefined, blocked: response.countBlocks(), stuck: response.receipts({ status: ['stuck'] }).length,
      running: this.playbooks.running, runs: this.playbooks.underWay(runsShown), ...(isolation && { isolation }),
    };
  }

  /** Puts back what is blocked and settles what was cut off. Trouble is told as health, and tried again when something is to be done. */
  async start(): Promise<void> {
    try {
      await this.restore();
      const settled = await this.runner.recover();
      for (const { receipt, error } of await this.runner.restore(networkActions)) this.trouble(new Error(`${receipt.title.en}: ${error.message}`, { cause: error }));
      for (const { action, target, status } of settled) this.options.log.info(`${action} ${target}: ${status} after the last run was cut off`);
    } catch (error) { this.trouble(error); }
    await this.policy.apply().catch((error: unknown) => this.trouble(error));
    this.playbooks.start();
    this.sweeping = setInterval(() => {
      void this.runner.tick();
      this.playbooks.tick();
      if (!this.keeper.isLooking) void this.lookAfter();
    }, sweepMs);
  }

  /** A new configuration holds for what is done from now on. */
  configure({ response: config, firewall: policy, ipv6 }: Config): void {
    this.config = config;
    this.ipv6 = ipv6;
    void this.policy.configure(policy).catch((error: unknown) => this.trouble(error));
    this.protection.configure(allowOf(config), config.allow_countries);
    this.responder.configure(this.settingsOf(config));
    this.playbooks.configure(readPlaybooks(this.actions, config.playbooks));
    void this.lookAfter();
  }

  async stop(): Promise<void> {
    clearInterval(this.sweeping);
    await this.grants.settled();
    await this.responder.settled();
    await this.playbooks.stop();
    await this.runner.close();
    (await this.wall?.catch(() => undefined))?.close();
  }

  handlers(): Handlers {
    const { response } = this.options.store;
    return {
      ...fileHandlers({ runner: this.runner, store: response, vault: this.vault, asked: (argument) => asked(objectOf(argument)) }),
      ...systemHandlers({ runner: this.runner, now: this.options.now }),
      ...stepHandlers({ runner: this.runner, asked: (argument) => asked(objectOf(argument)) }),
      ...this.playbooks.handlers(),
      ...grantHandlers({ runner: this.runner, store: response, grants: this.grants, now: this.options.now, asked: (argument) => asked(objectOf(argument)) }),
      'block': (argument) => this.block(argument),
      'unblock': (argument) => this.unblock(argument),
      'blocklist': (argument) => this.blocklist((argument as { after?: unknown } | null | undefined)?.after),
      ...blocklistHandlers({ store: response, journal: this.journal, firewall: () => this.firewall(), protection: this.protection, now: this.options.now, asked: (argument) => asked(objectOf(argument)) }),
      'kill': (argument) => this.onTree('kill-tree', argument),
      'freeze': (argument) => this.onTree('freeze-tree', argument),
      'thaw': (argument) => this.thaw(argument),
      'pause': (argument) => this.pause(argument),
      'actions': (argument) => response.receipts({ limit: Math.min(listMax, numberOf((argument as { limit?: unknown } | null)?.limit) ?? defaultList) }),
      'action': (argument) => (typeof argument === 'string' ? response.receipt(argument) : undefined),
      'undo': (argument) => this.undo(argument),
      'linkage': (): LinkageView => {
        const { links, waiting, always } = readLinkage(this.actions, this.config.linkage);
        return { mode: this.config.mode, waiting, always, links: links.map((link) => ({ ...link, fires: allows(this.config.mode, link.mode) })) };
      },
      'firewall-check': () => this.policy.check(),
      ...networkHandlers({ runner: this.runner, store: response, now: this.options.now, firewall: () => this.firewall(), audit: (entry) => this.journal.write({ audit: [entry] }) }),
      'audit': (argument) => [...response.audit(Math.max(1, (response.lastAudit()?.seq ?? 0) - Math.min(listMax, numberOf((argument as { limit?: unknown } | null)?.limit) ?? defaultList) + 1))],
      'audit-verify': (argument) => verifyAudit(response.audit(1), typeof argument === 'string' ? argument : undefined),
    };
  }

  private settingsOf({ mode, overrides, linkage, ban }: Config['response']): ResponderSettings {
    const { prefix, block_after: after, within_hours: hours } = this.ipv6;
    return { mode, overrides, links: readLinkage(this.actions, linkage).links, ban: banOf({ ban }), widening: { prefix, after, withinMs: hours * 3_600_000 } };
  }

  private pausedUntil(): number { return Number(this.options.store.ledger.setting(pauseSetting) ?? 0); }

  /** Nothing is done by itself for so long; 0 goes on at once. What stands stays. */
  private async pause(argument: unknown): Promise<{ pausedUntil: number | undefined }> {
    const request = objectOf(argument) as Request;
    const { by, why } = asked(request);
    const ms = numberOf(request.for_ms) ?? 0;
    const until = ms === 0 ? 0 : this.options.now() + ms;
    await this.journal.write({ audit: [{ time: this.options.now(), by, via: 'control', operation: ms === 0 ? 'resume' : 'pause', target: 'response', why, result: ms === 0 ? 'automatic response goes on' : `no automatic response until ${new Date(until).toISOString()}` }] });
    this.options.store.ledger.setSetting(pauseSetting, String(until));
    return { pausedUntil: until === 0 ? undefined : until };
  }

  /** Made when something is first blocked: a machine that blocks nothing gets no table. */
  private firewall(): Promise<Firewall> {
    this.wall ??= this.openWall().catch((error: unknown) => {
      this.wall = undefined;
      throw error;
    });
    return this.wall;
  }

  private async openWall(): Promise<Firewall> {
    const wall = await openFirewall(programs(), this.config.firewall, { now: this.options.now });
    await this.letPass(wall);
    this.options.health.state('firewall', 'live', firewallTexts[wall.id]);
    return wall;
  }

  private async lookAfter(): Promise<void> {
    try {
      await this.keeper.look();
      if (!this.isUnkept) return;
      const wall = await this.wall;
      if (wall !== undefined) this.options.health.state('firewall', 'live', firewallTexts[wall.id]);
      this.isUnkept = false;
      this.told = undefined;
    } catch (error) {
      this.isUnkept = true;
      this.trouble(error);
    }
  }

  private async letPass(wall: Firewall): Promise<void> {
    const passing = this.passing();
    await wall.allow(passing);
    this.keeper.wrote(passing);
  }

  private passing(): Network[] {
    const allowed = allowOf(this.config);
    const texts = new Set(allowed.map(({ text }) => text));
    return passingOf(allowed, this.protection.letThrough().filter(({ text }) => !texts.has(text)), (network) => this.options.store.response.block(network), this.options.now());
  }

  /** Somebody emptied the packet filter, or its timers and the clock went apart. */
  private async putBack(wall: Firewall, why: Upset): Promise<void> {
    const { log, health, now } = this.options;
    health.count('response', why === 'emptied' ? 'packet filter put back' : 'packet filter set by the clock');
    if (why === 'emptied') {
      log.warn("somebody emptied Moat's table of the packet filter: it is put back");
      await this.journal.write({ audit: [{ time: now(), by: 'engine', via: 'engine', operation: 'restore firewall', target: wall.id, why: 'somebody emptied it', result: 'blocks and measures are put back' }] });
      await wall.ensure();
      await this.letPass(wall);
    }
    await wall.replace(this.standingBlocks());
    for (const { receipt, error } of await this.runner.restore(networkActions)) this.trouble(new Error(`${receipt.title.en}: ${error.message}`, { cause: error }));
    await this.policy.apply();
    health.state('firewall', 'live', firewallTexts[wall.id]);
  }

  private async restore(): Promise<void> {
    const entries = this.standingBlocks();
    if (entries.length === 0) return;
    await (await this.firewall()).replace(entries);
  }

  private standingBlocks(): Blocked[] {
    const now = this.options.now();
    return [...this.options.store.response.blocks()].filter(({ until }) => until === undefined || until > now).flatMap(({ network, until }) => {
      const read = parseNetwork(network);
      return read === undefined ? [] : [{ network: read, until }];
    });
  }

  private trouble(error: unknown): void {
    const { message, hint } = error as MoatError;
    const detail = hint === undefined ? message : `${message} (${hint})`;
    this.options.health.state('firewall', 'blind', { zh: detail, en: detail });
    // It is looked at every few seconds.
    if (detail !== this.told) this.options.log.warn(detail);
    this.told = detail;
  }

  private async block(argument: unknown): Promise<Receipt> {
    const { address, ...request } = objectOf(argument) as Request & { address?: unknown };
    const { by, why, force } = asked(request);
    const forMs = numberOf(request.for_ms);
    const until = forMs === undefined ? undefined : this.options.now() + forMs;
    const receipt = await this.runner.run({ action: 'block-address', input: { address, until, why, by }, by, why, force, via: 'control', ...(until !== undefined && { until }) });
    // Whoever is logged on is let through, unless a person insists.
    if (force) await this.lookAfter();
    return receipt;
  }

  /** Takes back every block of this address, newest first, and says what each was for. */
  private async unblock(argument: unknown): Promise<Unblocked> {
    const { address, ...request } = objectOf(argument) as Request & { address?: unknown };
    const network: Network | undefined = typeof address === 'string' ? parseNetwork(address.trim()) : undefined;
    if (network === undefined) throw new MoatError('bad-input', `expected an address or network, got ${JSON.stringify(address)?.slice(0, 100) ?? 'none'}`);
    const { by, why } = asked(request);
    const undone: Receipt[] = [];
    for (const { id } of this.options.store.response.receipts({ action: 'block-address', target: network.text, status: ['applied', 'stuck'], limit: listMax })) undone.push(await this.runner.undo(id, { by, why, via: 'control' }));
    const left = this.options.store.response.block(network.text);
    const now = this.options.now();
    const within = this.blockedAround(network, now);
    if (left?.active !== true || (left.until !== undefined && left.until <= now)) return { network: network.text, undone, within };
    await this.journal.write({ blocks: [lifted(left, now)], audit: [{ time: now, by, via: 'control', operation: 'unblock', target: network.text, why, result: `let through again; it was blocked by ${left.list === undefined ? left.by : `the list ${left.list}`}` }] });
    await (await this.firewall()).unblock([network]);
    return { network: network.text, undone, lifted: left, within };
  }

  /** What is blocked yet and holds all of a network. */
  private blockedAround(network: Network, now: number): BlockEntry[] {
    return Array.from({ length: network.bits }, (_, bits) => bits).flatMap((bits) => {
      const words = Uint32Array.from(network.words);
      maskTo(words, network.version, bits);
      const entry = this.options.store.response.block(networkText(words, network.version, bits));
      return entry?.active === true && (entry.until === undefined || entry.until > now) ? [entry] : [];
    });
  }

  /** As many as an answer holds, behind a network when one is named: whoever gets that many asks on. */
  private async blocklist(after: unknown): Promise<BlockRow[]> {
    const now = this.options.now();
    const active: BlockEntry[] = [];
    for (const entry of this.options.store.response.blocks(undefined, typeof after === 'string' ? after : '')) {
      if (entry.until !== undefined && entry.until <= now) continue;
      if (active.push(entry) >= blocklistPage) break;
    }
    const counted = new Map(this.wall === undefined ? [] : (await (await this.wall).list()).map((row) => [row.network.text, row]));
    return active.map((entry): BlockRow => {
      const { packets, bytes } = counted.get(entry.network) ?? {};
      const { network, since, until, why, by, list, times } = entry;
      return { network, since, ...(until !== undefined && { until }), why, by, ...(list !== undefined && { list }), times, ...(packets !== undefined && { packets }), ...(bytes !== undefined && { bytes }) };
    });
  }

  /** With `plan` it is shown only. */
  private async onTree(action: 'kill-tree' | 'freeze-tree', argument: unknown): Promise<Receipt | ShownPlan> {
    const { pid, started, asker, plan: only, ...request } = objectOf(argument) as Request & { pid?: unknown; started?: unknown; asker?: unknown; plan?: unknown };
    const { by, why, force } = asked(request);
    const input = { pid, ...(started !== undefined && { started }), asker };
    if (only === true) {
      const { plan: { state, ...plan } } = await this.runner.plan(action, input, { force });
      return { ...plan, started: startOf(state) };
    }
    const forMs = numberOf(request.for_ms);
    return await this.runner.run({ action, input, by, why, force, via: 'control', ...(forMs !== undefined && action === 'freeze-tree' && { until: this.options.now() + forMs }) });
  }

  /** Lets a frozen tree go on: by the receipt, or by the pid of any process that was frozen. */
  private async thaw(argument: unknown): Promise<Receipt[]> {
    const { what, ...request } = objectOf(argument) as Request & { what?: unknown };
    if (typeof what !== 'string') throw new MoatError('bad-input', 'expected the number of a process or the id of a receipt');
    const { by, why } = asked(request);
    const { response } = this.options.store;
    const named = response.receipt(what);
    if (named !== undefined && named.action !== 'freeze-tree') throw new MoatError('bad-input', `expected the receipt of a frozen tree, got one of ${named.action}`, { hint: `moat undo ${what.slice(0, 100)}` });
    const pid = pidPattern.test(what) ? Number(what) : undefined;
    const frozen = named !== undefined ? [named] : pid === undefined ? [] : response.receipts({ action: 'freeze-tree', status: ['applied', 'stuck'], limit: listMax }).filter(({ state }) => isFrozenBy(state, pid, this.procfs.stat(pid)?.startTicks));
    const undone: Receipt[] = [];
    for (const { id } of frozen) undone.push(await this.runner.undo(id, { by, why, via: 'control' }));
    return undone;
  }

  private async undo(argument: unknown): Promise<Receipt> {
    const { id, ...request } = objectOf(argument) as Request & { id?: unknown };
    if (typeof id !== 'string') throw new MoatError('bad-input', 'expected the id of something that was done');
    const { by, why } = asked(request);
    return await this.runner.undo(id, { by, why, via: 'control' });
  }
}

/** Networks that are never blocked. */
export const allowOf = ({ allow }: Config['response']): Network[] => allow.flatMap((text) => parseNetwork(text) ?? []);
const banOf = ({ ban }: Pick<Config['response'], 'ban'>): BanTimes => ({ first: ban.first_minutes * 60_000, factor: ban.factor, most: ban.most_days * 86_400_000 });

function isolationStatus(receipt: Receipt | undefined): ResponseStatus['isolation'] {
  if (receipt === undefined) return undefined;
  const { created, by, why, state } = receipt;
  const { until, confirmBy } = state as IsolateState;
  return { since: created, by, why, ...(until !== undefined && { until }), ...(confirmBy !== undefined && { confirmBy }) };
}

const objectOf = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined);
const startOf = (state: unknown): number => (state as FreezeState).ran[0]?.started ?? 0;
const isFrozenBy = (state: unknown, pid: number, ticks: number | undefined): boolean => (state as FreezeState).processes.some((one) => one.pid === pid && one.ticks === ticks);
const asked = ({ by, why, force }: Request): { by: string; why: string; force: boolean } => ({ by: typeof by === 'string' ? by.slice(0, 200) : 'operator', why: typeof why === 'string' ? why.slice(0, whyMax) : '', force: force === true });
