/** Cuts this machine off from all but the channel by which it is looked after. */
import type { Action, ActionContext, ActionErrorCode } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import type { Network } from '../../core/networks.ts';
import type { Text } from '../../core/text.ts';
import type { Connection } from '../../linux/firewall/measures.ts';
import { type ChannelWorld, channelOf } from '../channel.ts';
import { badInput, fieldsOf, mustLieAhead, readNetwork, readUntil, untilText } from '../input.ts';
import { type MeasureState, type MeasureWorld, mayBegin, verifyMeasure } from '../measure.ts';

export interface IsolateInput {
  why: string;
  until: number | undefined;
  /** It is taken back by itself unless a person confirms it within so many seconds. */
  confirmWithin: number | undefined;
  /** The connection of whoever asks: kept, and watched. */
  over: Connection | undefined;
}

/** `trial`: how long it may hold before the channel is known to work, ms; undefined when it does. */
export interface IsolateState extends MeasureState { confirmBy?: number | undefined; trial?: number | undefined }

export interface IsolateSettings { resolvers: readonly Network[]; /** How long the channel has to show that it works, ms. */ testMs: number }
export type IsolateWorld = MeasureWorld & ChannelWorld & { isolation: () => IsolateSettings };

const isolationTarget = 'host';
const measureId = 'isolation';
/** The kernel ends it that much after the test should be over, should Moat be killed meanwhile. */
const marginMs = 5000;
const betweenMs = 200;
const confirmMost = 86_400;

export function isolateHost(world: IsolateWorld): Action<IsolateInput, IsolateState> {
  return {
    id: 'isolate-host',
    title: { zh: '隔离主机', en: 'Isolate this machine' },
    blind: { zh: '不经本机协议栈的流量（直通网卡、macvlan 容器、原始套接字读取）不在控制之内；本机上的 root 可以撤掉规则。没有探测地址、操作者也不在 SSH 上时，管理通道不作测试。', en: 'What does not pass the network stack of this machine (devices handed through, macvlan containers, packet sockets) is not in its hands, and root on this machine can take the rules away. Without an address to probe, and when nobody asks over SSH, the channel is not tested.' },
    automatic: 'strict',
    halfDone: 'undo',

    parse(input) {
      const { why, until, confirm_within: confirmWithin, over } = fieldsOf(input);
      if (typeof why !== 'string') throw badInput('a reason', why);
      if (confirmWithin !== undefined && (typeof confirmWithin !== 'number' || !(confirmWithin >= 1 && confirmWithin <= confirmMost))) throw badInput(`1 to ${confirmMost} seconds to confirm`, confirmWithin);
      return { why, until: readUntil(until), confirmWithin, over: over === undefined ? undefined : readConnection(over) };
    },

    target: () => isolationTarget,

    async plan({ until, confirmWithin, over }, { force, now }) {
      mustLieAhead(until, now);
      mayBegin(world, 'isolate-host', isolationTarget, 'moat release');
      const { probes } = world.management();
      const { resolvers, testMs } = world.isolation();
      const channel = await channelOf(world, over);
      if (channel.length === 0 && !force) {
        const why: Text = { zh: '没有管理通道：隔离后只能从控制台进入。请设置 response.management.from，或加 --force', en: 'there is no management channel: once isolated this machine could only be entered by its console. Set response.management.from, or use --force' };
        throw new MoatError<ActionErrorCode>('refused', why.en, { text: why, hint: '--force' });
      }
      const confirmBy = confirmWithin === undefined ? undefined : now + confirmWithin * 1000;
      const isTested = probes.length > 0 || over !== undefined;
      const through = channel.map(({ network, ports }) => `${network.text} → ${ports.join(', ')}/tcp`).join('; ');
      const ends = untilText(until);
      const steps: Text[] = [
        { zh: `丢弃进、出与转发的全部流量，已建立的连接也切断${ends.zh}`, en: `drop all traffic to, from and through this machine, connections that stand too${ends.en}` },
        { zh: `仍放行：回环、DHCP、IPv6 邻居发现${through === '' ? '' : `、管理通道 ${through}`}${resolvers.length === 0 ? '' : `、DNS ${resolvers.map(({ text }) => text).join(', ')}`}`, en: `still let through: loopback, DHCP, neighbour discovery${through === '' ? '' : `, the management channel ${through}`}${resolvers.length === 0 ? '' : `, DNS to ${resolvers.map(({ text }) => text).join(', ')}`}` },
        isTested
          ? { zh: `测试管理通道（${Math.ceil(testMs / 1000)} 秒内），不通则自动撤销`, en: `test the management channel for ${Math.ceil(testMs / 1000)} s, and take all back when it does not work` }
          : { zh: '管理通道不作测试（没有 response.management.probe，也不是经 SSH 操作）', en: 'the management channel is not tested (no response.management.probe, and not asked over SSH)' },
        ...(confirmBy === undefined ? [] : [{ zh: `${new Date(confirmBy).toISOString()} 之前无人确认（moat isolate --confirm）则自动撤销`, en: `take all back by itself unless it is confirmed (moat isolate --confirm) before ${new Date(confirmBy).toISOString()}` }]),
      ];
      return {
        target: isolationTarget, title: { zh: '隔离本机', en: 'Isolate this machine' }, steps: steps.map((text) => ({ text })), risk: 'high', reversible: true,
        ...(confirmBy !== undefined && { until: confirmBy }),
        state: {
          id: measureId, measure: { kind: 'isolation', channel, probes, resolvers, ...(over && { watched: over }) },
          ...(until !== undefined && { until }), ...(confirmBy !== undefined && { confirmBy }), ...(isTested && { trial: testMs }),
        },
      };
    },

    async apply(state, context) {
      const wall = await world.firewall();
      const ends = earlier(state.until, state.confirmBy);
      if (state.trial !== undefined) {
        await wall.put(state.id, state.measure, earlier(context.now() + state.trial + marginMs, ends));
        await testChannel(world, state, state.trial, context);
        const { trial: _, ...passed } = state;
        await context.save(passed);
      }
      await wall.put(state.id, state.measure, ends);
    },

    verify: verifyMeasure(world),
    async undo({ id }) { await (await world.firewall()).take(id); },

    confirmed(state) {
      const { confirmBy: _, ...kept } = state;
      return { state: kept, until: kept.until };
    },
  };
}

/** Throws MoatError 'failed' when nothing shows within its time that the channel works both ways. */
async function testChannel({ firewall, reach }: IsolateWorld, { id, measure }: IsolateState, testMs: number, { signal, now }: ActionContext): Promise<void> {
  if (measure.kind !== 'isolation') return;
  const { probes, watched } = measure;
  const wall = await firewall();
  const end = now() + testMs;
  for (;;) {
    const passes = probes.length > 0
      ? (await Promise.all(probes.map(({ address, port }) => reach.answers(address.text, port, Math.max(betweenMs, Math.min(2000, end - now())))))).some(Boolean)
      : (await wall.standing()).some((one) => one.id === id && one.watched.in > 0 && one.watched.out > 0);
    if (passes) return;
    if (now() >= end || signal.aborted) break;
    await new Promise((resolve) => { setTimeout(resolve, betweenMs); });
  }
  const what = probes.length > 0 ? probes.map(({ address, port }) => `${address.text} ${port}/tcp`).join(', ') : `${watched?.address.text ?? ''} → ${watched?.port ?? ''}/tcp`;
  throw new MoatError<ActionErrorCode>('failed', `the management channel did not work while this machine was isolated (${what}): all is as before`, { hint: 'see response.management in the configuration' });
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined => (a === undefined || b === undefined ? a ?? b : Math.min(a, b));

function readConnection(value: unknown): Connection {
  const { address, remote_port: remotePort, port } = fieldsOf(value);
  const isPort = (number: unknown): number is number => Number.isInteger(number) && (number as number) > 0 && (number as number) < 65_536;
  if (!isPort(remotePort) || !isPort(port)) throw badInput('the ports of a connection', value);
  return { address: readNetwork(address), remotePort, port };
}
