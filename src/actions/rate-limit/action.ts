/** Lets only so much through: of one address or network, or to one port. */
import { createHash } from 'node:crypto';
import type { Action } from '../../core/action.ts';
import type { Network } from '../../core/networks.ts';
import type { Measure, Port, Rate } from '../../linux/firewall/measures.ts';
import { badInput, fieldsOf, mustLieAhead, portText, rateText, readNetwork, readPort, readRate, readUntil, untilText } from '../input.ts';
import { type MeasureState, type MeasureWorld, measureSteps, mayBegin } from '../measure.ts';
import type { Protection } from '../protection.ts';
import { keepsChannel, type ChannelWorld } from '../channel.ts';

export interface LimitInput { of: { network: Network } | { port: Port; perSource: boolean }; what: 'packets' | 'connections'; rate: Rate; until: number | undefined }
export type LimitWorld = MeasureWorld & ChannelWorld & { protection: Protection };

const nameOf = (of: LimitInput['of']): string => ('network' in of ? of.network.text : portText(of.port));

export function rateLimit(world: LimitWorld): Action<LimitInput, MeasureState> {
  return {
    ...measureSteps(world),
    id: 'rate-limit',
    title: { zh: '限速', en: 'Limit the rate' },
    blind: { zh: '只限制进入本机与容器的流量；回环接口不受影响；伪造来源地址的洪水会占满按来源计数的表（65,535 个来源），表满后新来源不受限。', en: 'Only what comes in is limited, to this machine and to its containers; loopback is not. A flood with invented addresses fills the table that counts by source (65,535 of them); further sources are then not limited.' },
    automatic: 'guard',
    halfDone: 'finish',

    parse(input) {
      const { address, port, rate, of: what = 'connections', per_source: perSource = true, until } = fieldsOf(input);
      if ((address === undefined) === (port === undefined)) throw badInput('either an address or a port', address ?? port);
      if (what !== 'packets' && what !== 'connections') throw badInput('packets or connections', what);
      if (typeof perSource !== 'boolean') throw badInput('true or false for per_source', perSource);
      return { of: address === undefined ? { port: readPort(port), perSource } : { network: readNetwork(address) }, what, rate: readRate(rate), until: readUntil(until) };
    },

    target: ({ of }) => `limit ${nameOf(of)}`,

    async plan({ of, what, rate, until }, { force, now }) {
      mustLieAhead(until, now);
      const name = nameOf(of);
      const target = `limit ${name}`;
      mayBegin(world, 'rate-limit', target);
      if ('network' in of) world.protection.mayCutOff(of.network, force);
      else await keepsChannel(world, of.port, [], force);
      const measure: Measure = { kind: 'limit', of, what, rate };
      const each = 'port' in of && of.perSource;
      const ends = untilText(until);
      const most = rateText(rate);
      const text = 'network' in of
        ? { zh: `来自 ${name} 的${what === 'packets' ? '数据包' : '新连接'}最多 ${most}，超出的丢弃${ends.zh}`, en: `let at most ${most} ${what === 'packets' ? 'packets' : 'new TCP connections'} from ${name} through, drop the rest${ends.en}` }
        : { zh: `到端口 ${name} 的${what === 'packets' ? '数据包' : '新连接'}${each ? '每个来源' : '合计'}最多 ${most}，超出的丢弃${ends.zh}`, en: `let at most ${most} ${what === 'packets' ? 'packets' : 'new connections'} ${each ? 'of each source' : 'in all'} to port ${name} through, drop the rest${ends.en}` };
      return {
        target, title: { zh: `限速 ${name}：${most}`, en: `Limit ${name} to ${most}` }, steps: [{ text }], risk: 'low', reversible: true,
        state: { id: `limit_${createHash('sha256').update(name).digest('hex').slice(0, 12)}`, measure, ...(until !== undefined && { until }) },
      };
    },
  };
}
