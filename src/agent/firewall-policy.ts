/** The wanted ports and zones of the configuration, kept in the packet filter while they are enforced. */
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError, reasonOf, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { holds, parseNetwork, type Network } from '../core/networks.ts';
import type { Ledger } from '../core/ports.ts';
import { type ChannelWorld, channelOf } from '../actions/channel.ts';
import { readPort, readRate } from '../actions/input.ts';
import type { AuditInput } from '../engine/response/audit.ts';
import type { Firewall } from '../linux/firewall/firewall.ts';
import type { Channel, Measure, WantedPort } from '../linux/firewall/measures.ts';
import type { Listener } from '../linux/reach.ts';
import type { Config } from './config-schema.ts';

export interface PolicyWorld extends ChannelWorld {
  firewall: () => Promise<Firewall>;
  settings: Pick<Ledger, 'setting' | 'setSetting'>;
  audit: (entry: AuditInput) => Promise<void>;
  /** From where administrators are logged on, or lately were. */
  operators: () => readonly Network[];
  now: () => number;
}

/** `for`: who reaches it by the ports that are wanted: anybody, some networks, the management channel only, nobody. */
export interface CheckRow extends Listener { for: 'any' | 'some' | 'channel' | 'nobody'; from: string[]; per_source?: string }
export interface PolicyCheck { enforced: boolean; rows: CheckRow[] }

type Judged = Pick<CheckRow, 'for' | 'from' | 'per_source'>;
/** `before`, `after`: who reaches it, as it is now and as it would be. */
export interface PreviewRow extends Listener { before: Judged; after: Judged }
/** One that members of a zone reach, or not. */
export interface ZoneRow extends Listener { zone: string }
/** `refused`: it would not be enforced, since nobody could log on any more. `why`: it could not be looked. `cut`, `opened`: what members of the zones reach no longer, and what they reach only then, once it is enforced. */
export interface PolicyPreview { enforced: boolean; refused?: Text; why?: Text; rows: PreviewRow[]; cut: ZoneRow[]; opened: ZoneRow[] }

/** Says that measures of an earlier run may stand, so that they are taken away when they are not wanted any more. */
const setting = 'firewall.policy';
const measureIds = ['ports', 'zones'] as const;

export class FirewallPolicy {
  private config: Config['firewall'];
  private readonly world: PolicyWorld;
  private last: Promise<void> = Promise.resolve();

  constructor(config: Config['firewall'], world: PolicyWorld) {
    this.config = config;
    this.world = world;
  }

  configure(config: Config['firewall']): Promise<void> {
    this.config = config;
    return this.apply();
  }

  /** Brings the packet filter to the configuration; touches nothing that is so already. */
  apply(): Promise<void> {
    const mine = this.last.then(() => this.bring());
    this.last = mine.catch(() => undefined);
    return mine;
  }

  /** What the wanted ports mean for what listens now, whether they are enforced or not. */
  async check(): Promise<PolicyCheck> {
    const channel = await channelOf(this.world);
    const wanted = this.config.ports.map(wantedPort);
    return { enforced: this.config.enforce && wanted.length > 0, rows: (await this.world.reach.listeners()).map((one) => judge(one, wanted, channel)) };
  }

  /** What other ports and zones would mean for what listens now. Touches nothing. */
  async preview(next: Config['firewall']): Promise<PolicyPreview> {
    const preview: PolicyPreview = { enforced: next.enforce, rows: [], cut: [], opened: [] };
    try {
      // Asked as if it were enforced: a draft that locks out is told before it is switched on.
      await this.measures({ ...next, enforce: true });
    } catch (error) {
      if ((error as MoatError).code !== 'refused') return { ...preview, why: reasonOf(error) };
      preview.refused = saidBy(error);
    }
    try {
      const channel = await channelOf(this.world);
      const judged = ({ enforce, ports }: Config['firewall'], one: Listener): Judged => {
        if (!enforce || ports.length === 0) return { for: 'any', from: [] };
        const { for: who, from, per_source } = judge(one, ports.map(wantedPort), channel);
        return { for: who, from, ...(per_source !== undefined && { per_source }) };
      };
      for (const one of await this.world.reach.listeners()) {
        preview.rows.push({ ...one, before: judged(this.config, one), after: judged(next, one) });
        for (const { name, networks } of next.zones) {
          const members = networksOf(networks);
          const before = !this.config.enforce || members.every((member) => letsIn(this.config, member, one));
          const after = letsIn(next, members[0], one);
          if (before !== after) preview[after ? 'opened' : 'cut'].push({ ...one, zone: name });
        }
      }
      return preview;
    } catch (error) { return { ...preview, why: reasonOf(error) }; }
  }

  private async bring(): Promise<void> {
    const { settings, firewall, audit, now } = this.world;
    const wanted = await this.measures(this.config);
    if (wanted.size === 0 && settings.setting(setting) !== 'on') return;
    const wall = await firewall();
    settings.setSetting(setting, 'on');
    const standing = new Set((await wall.standing()).map(({ id }) => id));
    for (const id of measureIds) {
      const measure = wanted.get(id);
      const entry = (operation: string, result: string): AuditInput => ({ time: now(), by: 'configuration', via: 'engine', operation, target: id, why: 'firewall.enforce', result });
      if (measure !== undefined && (await wall.check(id, measure)) !== 'whole') {
        await audit(entry('firewall-policy', 'being enforced'));
        await wall.put(id, measure);
      } else if (measure === undefined && standing.has(id)) {
        await audit(entry('undo firewall-policy', 'not enforced any more'));
        await wall.take(id);
      }
    }
    if (wanted.size === 0) settings.setSetting(setting, 'off');
  }

  /** Throws MoatError 'refused' where sshd listens and nobody could log on any more. */
  private async mustLetIn(wanted: readonly WantedPort[]): Promise<void> {
    const { ports } = await this.world.reach.ssh();
    if (ports.length === 0 || wanted.some(({ protocol, port }) => protocol === 'tcp' && ports.includes(port))) return;
    throw new MoatError<ActionErrorCode>('refused', `firewall.ports is not enforced: nobody could log on to this machine (port ${ports.join(', ')})`, { zh: `端口白名单不予执行：谁也无法再登录本机（端口 ${ports.join('、')}）`, hint: 'add that port to firewall.ports, or set response.management.from' });
  }

  /** Throws MoatError 'refused' where an administrator comes from a zone that has no flow to sshd on this machine, and is not of the channel. */
  private async mustStayOpen({ zones, flows }: Config['firewall'], channel: readonly Channel[]): Promise<void> {
    const { ports } = await this.world.reach.ssh();
    if (ports.length === 0) return;
    for (const one of this.world.operators()) {
      const zone = zones.find(({ networks }) => networksOf(networks).some((network) => holds(network, one)));
      if (zone === undefined || channel.some((way) => holds(way.network, one) && way.ports.some((port) => ports.includes(port)))) continue;
      const opens = flows.filter(({ from, to }) => from === zone.name && to === 'host').some(({ ports: some }) => some === undefined || some.map(readPort).some(({ protocol, port }) => protocol === 'tcp' && ports.includes(port)));
      if (!opens) throw new MoatError<ActionErrorCode>('refused', `firewall.zones are not enforced: an administrator who logs on from ${one.text}, which lies in ${zone.name}, could not log on to this machine any more (port ${ports.join(', ')})`, { zh: `分区不予执行：管理员从 ${one.text}（属于 ${zone.name}）将无法再登录本机（端口 ${ports.join('、')}）`, hint: `add a flow { from: ${zone.name}, to: host, ports: [${ports[0]}/tcp] }, or set response.management.from` });
    }
  }

  private async measures(config: Config['firewall']): Promise<Map<string, Measure>> {
    const { enforce, ports, zones, flows } = config;
    const wanted = new Map<string, Measure>();
    if (!enforce || (ports.length === 0 && zones.length === 0)) return wanted;
    const channel = await channelOf(this.world);
    if (ports.length > 0) {
      const read = ports.map(wantedPort);
      if (channel.length === 0) await this.mustLetIn(read);
      wanted.set('ports', { kind: 'ports', channel, ports: read });
    }
    if (zones.length > 0) {
      await this.mustStayOpen(config, channel);
      wanted.set('zones', {
        kind: 'zones', channel, zones: zones.map(({ name, networks }) => ({ name, networks: networksOf(networks) })),
        flows: flows.map(({ from, to, ports: some }) => ({ from, to, ...(some && { ports: some.map(readPort) }) })),
      });
    }
    return wanted;
  }
}

const networksOf = (texts: readonly string[]): Network[] => texts.flatMap((text) => parseNetwork(text) ?? []);

/** Whether a member of a zone reaches what listens on this machine; what lies in no zone does. */
function letsIn({ zones, flows }: Config['firewall'], member: Network | undefined, { protocol, port }: Listener): boolean {
  const zone = member && zones.find(({ networks }) => networksOf(networks).some((network) => holds(network, member)));
  return zone === undefined || flows.some(({ from, to, ports }) => from === zone.name && to === 'host' && (ports === undefined || ports.map(readPort).some((one) => one.protocol === protocol && one.port === port)));
}

function wantedPort({ port, from, per_source: perSource }: Config['firewall']['ports'][number]): WantedPort {
  return { ...readPort(port), ...(from !== 'any' && { from: networksOf(from) }), ...(perSource !== undefined && { perSource: readRate(perSource) }) };
}

function judge(listener: Listener, wanted: readonly WantedPort[], channel: readonly Channel[]): CheckRow {
  const mine = wanted.filter(({ protocol, port }) => protocol === listener.protocol && port === listener.port);
  const rate = mine.find(({ perSource }) => perSource)?.perSource;
  const limited = rate && { per_source: `${rate.count}/${rate.per}` };
  const managers = listener.protocol === 'tcp' ? channel.filter(({ ports }) => ports.includes(listener.port)).map(({ network }) => network) : [];
  if (wanted.length === 0 || mine.some(({ from }) => from === undefined)) return { ...listener, for: 'any', from: [], ...limited };
  const from = mine.flatMap((one) => one.from ?? []);
  if (from.length > 0) return { ...listener, for: 'some', from: [...from, ...managers.filter((one) => !from.some((other) => holds(other, one)))].map(({ text }) => text), ...limited };
  return { ...listener, for: managers.length > 0 ? 'channel' : 'nobody', from: managers.map(({ text }) => text) };
}
