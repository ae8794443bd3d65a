/** This machine as it is now: what it is, who listens, who may log on, what is installed. What cannot be looked at says why; an empty list means that there is none. */
import { arch, cpus, freemem, hostname, loadavg, networkInterfaces, release, totalmem } from 'node:os';
import { reasonOf } from '../../core/error.ts';
import type { Store } from '../../core/ports.ts';
import { hasShell, readAccounts } from '../../linux/accounts.ts';
import { runningContainers } from '../../linux/containers.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { logons } from '../../linux/logons.ts';
import type { PackageIndex } from '../../linux/packages/index.ts';
import { uptime } from '../../linux/proc-host.ts';
import { Procfs } from '../../linux/procfs.ts';
import { readFileSync } from 'node:fs';
import type { AgentStatus } from '../agent.ts';
import type { PolicyCheck } from '../firewall-policy.ts';
import { readChanges } from '../baseline-known.ts';
import type { Config } from '../config-schema.ts';
import type { SensorChoice } from '../sensors.ts';

export interface HostViewOptions { store: Store; config: () => Config; status: () => AgentStatus; now: () => number; packages: () => PackageIndex | undefined; policy: () => Promise<PolicyCheck>; sensors: () => readonly SensorChoice[] }

const day = 86_400_000;
const usersMax = 5000, pageMost = 500;

export class HostView {
  private readonly options: HostViewOptions;
  private readonly procfs = new Procfs();

  constructor(options: HostViewOptions) { this.options = options; }

  get(): object {
    const { config, status } = this.options;
    const { version, since, response: { isolation } } = status();
    const { server: { group, environment }, host } = config();
    return {
      name: host ?? hostname(), ...(group !== undefined && { group }), ...(environment !== undefined && { environment }), ...systemName(), kernel: release(), arch: arch(), cpus: cpus().length, memory_bytes: totalmem(), memory_free_bytes: freemem(), load: loadavg(),
      uptime: uptime(this.procfs), addresses: Object.values(networkInterfaces()).flatMap((all = []) => all.flatMap(({ address, internal }) => (internal ? [] : [address]))), time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone, version, since,
      ...(isolation && { isolated: { since: isolation.since, by: isolation.by, why: isolation.why, ...(isolation.until !== undefined && { until: isolation.until }), ...(isolation.confirmBy !== undefined && { confirm_by: isolation.confirmBy }) } }),
    };
  }

  async listeners(): Promise<object> {
    try {
      const { enforced, rows } = await this.options.policy();
      return { enforced, items: rows.map(({ program, ...row }) => ({ ...row, ...(program !== undefined && { program }) })) };
    } catch (error) { return { enforced: false, items: [], why: reasonOf(error) }; }
  }

  users(): object {
    const { now } = this.options;
    try {
      const items = (readAccounts(new DiskTree('/', undefined)) ?? []).slice(0, usersMax).map((one) => ({ name: one.name, uid: one.uid, gid: one.gid, comment: one.comment, home: one.home, shell: one.shell, can_log_on: hasShell(one) }));
      const sessions = logons('/', now() - day).filter(({ until }) => until === undefined).map(({ user, source_ip, terminal, pid, since }) => ({ ...(user !== undefined && { user }), ...(source_ip !== undefined && { source_ip }), ...(terminal !== undefined && { terminal }), ...(pid !== undefined && { pid }), since }));
      return { items, sessions };
    } catch (error) { return { items: [], sessions: [], why: reasonOf(error) }; }
  }

  packages({ text, after = '', limit = 50 }: { text?: string; after?: string; limit?: number }): object {
    const index = this.options.packages();
    if (index === undefined) return { items: [], total: 0, why: { zh: '软件包数据库还在读，或本机没有', en: 'the package databases are still being read, or there are none' } };
    const wanted = text?.toLowerCase();
    const all = index.packages.filter(({ name }) => wanted === undefined || name.toLowerCase().includes(wanted)).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const from = after === '' ? 0 : all.findIndex((one) => keyOf(one) > after);
    const items = from < 0 ? [] : all.slice(from, from + Math.min(pageMost, limit));
    const last = items.at(-1);
    return { items: items.map(({ name, version, manager, arch: of }) => ({ name, version, manager, ...(of !== '' && { arch: of }) })), total: all.length, ...(last && from + items.length < all.length && { next: keyOf(last) }) };
  }

  containers(): object {
    try {
      return { items: runningContainers(this.procfs) };
    } catch (error) { return { items: [], why: reasonOf(error) }; }
  }

  sensors(): object {
    const { status, sensors } = this.options;
    const { parts, events, counters } = status();
    const all = Object.entries(parts);
    return {
      items: sensors().map(({ sensor: { id, title, blind }, enabled, why }) => ({ id, title, enabled, ...(why && { why }), blind, parts: all.filter(([part]) => part === id || part.startsWith(`${id} `) || part.startsWith(`${id}:`)).map(([part, { state, since, detail }]) => ({ part, state, since, ...(detail && { detail }) })) })),
      events, counters,
    };
  }

  integrity({ after = '', limit = 50 }: { after?: string; limit?: number }): object {
    const { store, status } = this.options;
    const { baseline } = status();
    const changes = readChanges(store.ledger.setting('baseline'))?.changes ?? {};
    const all = Object.keys(changes).sort();
    const from = after === '' ? 0 : all.findIndex((path) => path > after);
    const paths = from < 0 ? [] : all.slice(from, from + Math.min(pageMost, limit));
    const last = paths.at(-1);
    return { baseline: baseline ?? null, items: paths.map((path) => ({ path, level: changes[path]!.level, sign: changes[path]!.sign, since: changes[path]!.since })), total: all.length, ...(last !== undefined && from + paths.length < all.length && { next: last }) };
  }
}

const keyOf = ({ name, manager, arch: of, version }: { name: string; manager: string; arch: string; version: string }): string => `${name} ${manager} ${of} ${version}`;

/** PRETTY_NAME of os-release. */
function systemName(): { system?: string } {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      const name = /^PRETTY_NAME="?([^"\n]{1,200})/m.exec(readFileSync(path, 'utf8').slice(0, 20_000))?.[1];
      if (name !== undefined) return { system: name };
    } catch { /* the other place */ }
  }
  return {};
}
