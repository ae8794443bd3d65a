/** The way by which this machine is looked after: who comes in by which ports. */
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { holds, type Network } from '../core/networks.ts';
import type { Text } from '../core/text.ts';
import type { Channel, Port, Probe } from '../linux/firewall/measures.ts';
import type { Reach } from '../linux/reach.ts';

export interface ManagementSettings {
  /** Empty: the allow list, and whoever is logged on. */
  from: readonly Network[];
  /** Empty: where sshd listens. */
  ports: readonly number[];
  probes: readonly Probe[];
  allow: readonly Network[];
}

export interface ChannelWorld {
  reach: Reach;
  management: () => ManagementSettings;
  /** From where somebody is logged on now. */
  loggedOn: () => readonly Network[];
}

const usualPorts: readonly number[] = [22];

/** `own`: the connection of whoever asks; it is always part of it. */
export async function channelOf({ reach, management, loggedOn }: ChannelWorld, own?: { address: Network; port: number }): Promise<Channel[]> {
  const { from, ports: wanted, allow } = management();
  let ssh: Awaited<ReturnType<Reach['ssh']>> = { ports: [], sessions: [] };
  try {
    ssh = await reach.ssh();
  } catch (error) {
    // Who has said what the channel is needs nothing looked up.
    if ((error as MoatError).code !== 'no-program' || from.length === 0) throw error;
  }
  const ports = wanted.length > 0 ? wanted : ssh.ports.length > 0 ? ssh.ports : usualPorts;
  const here = loggedOn();
  const networks = from.length > 0 ? from : [...allow, ...ssh.sessions.flatMap(({ address }) => (here.some((one) => holds(one, address)) ? [address] : []))];
  const channel = [...new Map(networks.map((network) => [network.text, { network, ports }])).values()];
  const isIn = own !== undefined && channel.some((one) => holds(one.network, own.address) && one.ports.includes(own.port));
  return own === undefined || isIn ? channel : [...channel, { network: own.address, ports: [own.port] }];
}

/** Throws MoatError 'refused' when nobody of the channel could come in any more by a port that is part of it. */
export async function keepsChannel(world: ChannelWorld, { protocol, port }: Port, except: readonly Network[], force: boolean): Promise<void> {
  if (force || protocol !== 'tcp') return;
  const { from, ports } = world.management();
  const sshPorts = ports.length > 0 ? ports : (await world.reach.ssh()).ports;
  if (!sshPorts.includes(port) && !(sshPorts.length === 0 && usualPorts.includes(port))) return;
  const channel = await channelOf(world);
  if ((from.length > 0 || channel.length > 0) && channel.every(({ network }) => except.some((one) => holds(one, network)))) return;
  const why: Text = { zh: `${port}/tcp 是管理通道的端口：关闭或限速会把管理者挡在外面（确要如此请加 --force，或用 --except 放行管理者）`, en: `${port}/tcp is a port of the management channel: whoever looks after this machine would be kept out (use --force to do it all the same, or --except for those who may come)` };
  throw new MoatError<ActionErrorCode>('refused', why.en, { text: why, hint: '--force' });
}
