/** Ports that /proc/net does not show: asked of netlink, and by trying to take each port that neither shows. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Finding } from '../../core/finding.ts';
import { hexAddress } from '../../linux/proc-net.ts';
import type { Probes } from '../../linux/probes.ts';
import type { Procfs } from '../../linux/procfs.ts';
import type { Sweeps } from '../../linux/sweep.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck } from '../port.ts';
import { askerOf, machineOf } from '../processes.ts';
import { upTo } from '../look.ts';

export type Protocol = 'tcp' | 'udp';
/** Sockets of one protocol as one view tells them. `listening` by `address port`, `ports` of sockets in any state. */
export interface PortView { listening: Set<string>; ports: Set<number> }

const tableMax = 32 << 20;
const looks = 3;
const betweenMs = 60;
const findingsMax = 100;
const listenState = 10, unconnected = 7;
/** Sockets of IPv4 inside IPv6 stand in either table. */
const families = ['ipv4', 'ipv6'] as const;

export const hiddenPort: PlaceCheck = {
  id: 'hidden-port',
  title: { zh: '隐藏的端口', en: 'hidden ports' },
  blind: { zh: '其他网络命名空间（容器）里的端口，以及内核里直接收包的后门（不占端口）看不到', en: 'ports of other network namespaces (containers), and back doors that take packets inside the kernel without a port' },
  group: 'hiding',
  scope: 'machine',
  beside: true,
  everyMinutes: 60,
  async *run(context) {
    const { procfs, probes } = machineOf(context);
    if (!probes) {
      context.blind('netlink, bind', { zh: '缺少系统调用接口（koffi），无法换个途径核对', en: 'system calls cannot be made (koffi is missing): there is nothing to compare with' });
      return;
    }
    for (const protocol of ['tcp', 'udp'] as const) {
      let unlike = differences(procfs, probes, protocol);
      if (!unlike) {
        context.blind(`netlink ${protocol}`, { zh: '这个内核不经 netlink 报告套接字', en: 'this kernel does not tell sockets by netlink' });
      }
      for (let look = 1; unlike && look < looks && unlike.size > 0; look++) {
        await wait(betweenMs, undefined, { signal: context.signal });
        const again = differences(procfs, probes, protocol);
        unlike = new Map([...unlike].filter(([key]) => again?.has(key)));
      }
      for (const [key, seenBy] of upTo(context, [...unlike ?? []], findingsMax)) yield disagreement(protocol, key, seenBy);

      const { taken, unknown } = await trial(procfs, probes, protocol, askerOf(context), context.signal);
      if (unknown > 0) context.count(`${protocol} ports that could not be tried`, unknown);
      for (const port of upTo(context, taken, findingsMax)) {
        const accepts = protocol === 'tcp' && probes.accepts(port);
        yield silent(protocol, port, accepts);
      }
    }
  },
};

/** What /proc/net says; undefined where the table is not there. */
export function procView(procfs: Procfs, protocol: Protocol): PortView | undefined {
  const view: PortView = { listening: new Set(), ports: new Set() };
  let there = false;
  for (const name of [protocol, `${protocol}6`, ...(protocol === 'udp' ? ['udplite', 'udplite6'] : [])]) {
    const text = procfs.read(`net/${name}`, tableMax);
    if (text === undefined) continue;
    there = true;
    for (const [, ip, port, state] of text.matchAll(/^\s*\d+: ([0-9A-F]{8,32}):([0-9A-F]{4}) [0-9A-F]{8,32}:[0-9A-F]{4} ([0-9A-F]{2}) /gm)) {
      const number = Number.parseInt(port!, 16);
      view.ports.add(number);
      if (isListening(protocol, Number.parseInt(state!, 16))) view.listening.add(`${hexAddress(ip!)} ${number}`);
    }
  }
  return there ? view : undefined;
}

/** What netlink says. */
export function netlinkView(probes: Probes, protocol: Protocol): PortView | undefined {
  const view: PortView = { listening: new Set(), ports: new Set() };
  let there = false;
  for (const family of families) {
    for (const socket of probes.sockets(family, protocol) ?? []) {
      there = true;
      view.ports.add(socket.localPort);
      if (isListening(protocol, socket.state)) view.listening.add(`${socket.localIp} ${socket.localPort}`);
    }
  }
  // No sockets at all and no table look alike; the caller's own view settles it.
  return there || probes.sockets('ipv4', protocol) !== undefined ? view : undefined;
}

const isListening = (protocol: Protocol, state: number): boolean => state === (protocol === 'tcp' ? listenState : unconnected);

/** Listening sockets that only one of both shows. */
function differences(procfs: Procfs, probes: Probes, protocol: Protocol): Map<string, 'netlink' | 'proc'> | undefined {
  const proc = procView(procfs, protocol);
  const netlink = netlinkView(probes, protocol);
  if (!proc || !netlink) return undefined;
  const found = new Map<string, 'netlink' | 'proc'>();
  for (const key of netlink.listening) if (!proc.listening.has(key)) found.set(key, 'netlink');
  for (const key of proc.listening) if (!netlink.listening.has(key)) found.set(key, 'proc');
  return found;
}

/** Ports that cannot be taken while no view shows a socket there. */
async function trial(procfs: Procfs, probes: Probes, protocol: Protocol, ask: Sweeps['ask'], signal: AbortSignal): Promise<{ taken: number[]; unknown: number }> {
  const used = (): Set<number> => new Set([...procView(procfs, protocol)?.ports ?? [], ...netlinkView(probes, protocol)?.ports ?? []]);
  const { found, untried: unknown } = await ask({ what: 'ports', protocol, known: [...used()] });
  signal.throwIfAborted();
  let taken = found;
  for (let look = 0; look < looks && taken.length > 0; look++) {
    const now = used();
    taken = taken.filter((port) => !now.has(port) && probes.port(protocol, port) === 'taken' && !used().has(port));
    if (taken.length > 0) await wait(betweenMs, undefined, { signal });
  }
  return { taken, unknown };
}

const means = { zh: '正常的系统里这几种途径说法一致。对不上，多半是有 rootkit 在改写 netstat、ss 或 /proc/net 的内容，替一个后门遮掩。', en: 'On a healthy system all ways agree. When they do not, a rootkit most likely edits what netstat, ss or /proc/net show, to cover a back door.' };
const fix = { text: { zh: '从别的机器扫描这个端口，断网留证，再从可信介质启动检查', en: 'scan the port from another machine, cut the network and keep evidence, then look at the machine from trusted media' }, commands: [] };
const refs = ['attack:T1014', 'attack:T1564', 'matrix:隐藏端口', 'dengbao:8.1.4.4'];

function disagreement(protocol: Protocol, key: string, seenBy: 'netlink' | 'proc'): Finding {
  const [address, port] = key.split(' ');
  return finding('hidden-port', `${protocol}\0${key}`, {
    kind: 'intrusion', level: 'critical', address: address!,
    title: seenBy === 'netlink'
      ? { zh: `${protocol} 端口 ${port}（${address}）在监听，/proc/net 却不显示它`, en: `${protocol} port ${port} (${address}) is listened on, and /proc/net does not show it` }
      : { zh: `${protocol} 端口 ${port}（${address}）在监听，netlink（ss）却不显示它`, en: `${protocol} port ${port} (${address}) is listened on, and netlink (ss) does not show it` },
    evidence: [fact({ zh: '看得到它的地方', en: 'seen by' }, seenBy === 'netlink' ? 'netlink sock_diag' : `/proc/net/${protocol}`), fact({ zh: '看不到它的地方', en: 'not seen in' }, seenBy === 'netlink' ? `/proc/net/${protocol}` : 'netlink sock_diag')],
    means, fix, refs,
  });
}

/** A TCP port may be taken and neither listen nor speak: such sockets are in no table, and no back door can be reached by them. */
function silent(protocol: Protocol, port: number, accepts: boolean): Finding {
  const certain = protocol === 'udp' || accepts;
  return finding('hidden-port', `${protocol}\0${port}`, {
    kind: certain ? 'intrusion' : 'notice', level: certain ? 'critical' : 'low',
    title: certain
      ? { zh: `${protocol} 端口 ${port} 被占用并在服务，/proc/net 和 netlink 都不显示它`, en: `${protocol} port ${port} is taken and serves, and neither /proc/net nor netlink shows it` }
      : { zh: `tcp 端口 ${port} 被占住但没有监听（有程序绑定了它而没有使用）`, en: `tcp port ${port} is held but not listened on (a program has bound it and does not use it)` },
    evidence: [fact({ zh: '试探', en: 'trial' }, `bind(${port}): EADDRINUSE${accepts ? `, connect(127.0.0.1 ${port}): accepted` : ''}`)],
    ...(certain ? { means, fix } : {}),
    refs: certain ? refs : [],
  });
}
