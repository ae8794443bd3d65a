/** Drops new traffic to a port of this machine or of a container that publishes it. */
import type { Action } from '../../core/action.ts';
import type { Network } from '../../core/networks.ts';
import type { Port } from '../../linux/firewall/measures.ts';
import { type ChannelWorld, keepsChannel } from '../channel.ts';
import { badInput, fieldsOf, mustLieAhead, portText, readNetwork, readPort, readUntil, untilText } from '../input.ts';
import { type MeasureState, type MeasureWorld, measureSteps, mayBegin } from '../measure.ts';

export interface CloseInput { port: Port; except: readonly Network[]; until: number | undefined }
const exceptMost = 1000;
const targetOf = (port: Port): string => `port ${portText(port)}`;

export function closePort(world: MeasureWorld & ChannelWorld): Action<CloseInput, MeasureState> {
  return {
    ...measureSteps(world),
    id: 'close-port',
    title: { zh: '关闭端口', en: 'Close a port' },
    blind: { zh: '已建立的 TCP 连接继续；回环接口不受影响；端口按到达时的号码算（容器发布的端口即对外号码）。', en: 'TCP connections that stand go on, and so does loopback. The port is the one that packets arrive with: of a container the published one.' },
    automatic: 'strict',
    halfDone: 'finish',

    parse(input) {
      const { port, except = [], until } = fieldsOf(input);
      if (!Array.isArray(except) || except.length > exceptMost) throw badInput(`at most ${exceptMost} networks that may still come`, except);
      return { port: readPort(port), except: except.map(readNetwork), until: readUntil(until) };
    },

    target: ({ port }) => targetOf(port),

    async plan({ port, except, until }, { force, now }) {
      mustLieAhead(until, now);
      const name = portText(port);
      const target = targetOf(port);
      mayBegin(world, 'close-port', target);
      await keepsChannel(world, port, except, force);
      const but = except.map(({ text }) => text).join(', ');
      const ends = untilText(until);
      return {
        target, title: { zh: `关闭端口 ${name}`, en: `Close port ${name}` }, risk: 'medium', reversible: true,
        steps: [{ text: { zh: `丢弃到端口 ${name} 的新${port.protocol === 'tcp' ? '连接' : '数据包'}${but === '' ? '' : `，${but} 除外`}${ends.zh}`, en: `drop new ${port.protocol === 'tcp' ? 'connections' : 'packets'} to port ${name}${but === '' ? '' : `, except from ${but}`}${ends.en}` } }],
        state: { id: `close_${port.protocol}_${port.port}`, measure: { kind: 'closed', port, except }, ...(until !== undefined && { until }) },
      };
    },
  };
}
