/**
 * A shell that somebody elsewhere types into. Four signs, any of which is enough:
 *   its standard streams are a connection;
 *   the process itself, or the one above, is a relay (nc, socat …) or an interpreter that has just connected;
 *   a relay stands beside it in the same pipe;
 *   a shell or awk that connected by itself hands its connection to the commands it starts.
 */
import type { Event } from '../../core/gen/event.ts';
import type { PeerTouch, ProcessNode } from '../../core/lineage.ts';
import type { Level } from '../../core/level.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { Lru } from '../lru.ts';
import { oddPlace } from '../places.ts';
import { programOf, short } from '../process.ts';
import { baseName, isOneLiner, kindOf, plainName, shellUse } from '../program-kind.ts';
import { isTrusted, provenanceOf } from '../provenance.ts';
import { list, number } from '../settings.ts';
import { isNetwork, streamsOf, type Streams } from '../streams.ts';
import { Told } from '../told.ts';
import { chainOf, isErrand, isExposed, isGate, isPersonal, keyOfNode, labelOf, originGroup, outbound, peerText, programAt } from '../tree.ts';

export const reverseShell: Behaviour = {
  id: 'reverse-shell',
  title: { zh: '反弹 shell', en: 'Reverse shell' },
  means: { zh: 'shell 的输入输出接到了远端：有人正在这台机器上敲命令', en: 'A shell is wired to a far end: somebody types commands on this machine' },
  advice: { zh: '立即冻结进程树并封锁对端地址，再打开所属事件看他怎么进来的。', en: 'Freeze the tree and block the far address at once, then open the incident and look how he came in.' },
  blind: {
    zh: '改了名的 shell 若标准流不是网络连接则认不出；自带解释器的木马（不启动 shell）、经 DNS 或 ICMP 的控制通道看不到；没有内核传感器时不知道标准流，也看不到短命进程。',
    en: 'A renamed shell is known only by streams that are connections. Implants that interpret commands themselves and channels over DNS or ICMP are not seen. Without the kernel sensor streams are not known and short-lived processes are missed; without the origin graph only streams count.',
  },
  kinds: ['process_creation', 'network_connection'],
  settings: {
    seconds: { default: 60, min: 1, max: 86_400, text: { zh: '解释器外连后多少秒内启动 shell 才算', en: 'seconds after an interpreter connected within which a shell counts' } },
    trusted: {
      default: ['gitlab-runner', 'Runner.Listener', 'Runner.Worker', 'tailscaled', 'teleport', 'cockpit-bridge', 'ttyd', 'gotty', 'wetty', 'shellinaboxd', 'code-server', 'jupyter-lab', 'jupyter-notebook', 'jupyterhub-singleuser', 'amazon-ssm-agent', 'ssm-session-worker', 'ssm-agent-worker', 'aliyun-service', 'tat_agent', 'check_mk_agent', 'xinetd', 'inetd', 'inetutils-inetd', 'in.rshd', 'sshd'],
      text: { zh: '允许为远端启动 shell 的程序名（位于系统目录时生效）', en: 'names of programs that may start shells for others far away, when they lie in a system folder' },
    },
  },
  open,
};

/** Runtimes whose pipes to their children are sockets; the kernel sensor tells those from connections. */
const makesSockets = new Set(['node', 'nodejs', 'bun', 'deno']);

interface Shell { event: Event; streams: Streams }
interface Found { level: Level; how: Text; by: ProcessNode | undefined; peer: string }

function open(context: BehaviourContext): BehaviourRun {
  const windowMs = number(context, 'seconds') * 1000;
  const trusted = new Set(list(context, 'trusted'));
  const told = new Told(4000, () => { context.count('reverse shells told and forgotten'); });
  /** Shells that wait for words on a pipe: the relay beside them may connect later. */
  const waiting = new Lru<Shell>(4000, () => { context.count('piped shells forgotten'); });
  /** Shells that connected by themselves, and what their commands were given. */
  const ownLines = new Lru<{ reads: boolean; writes: boolean }>(2000, () => { context.count('connected shells forgotten'); });

  const isAllowed = (node: ProcessNode): boolean => {
    const path = node.path ?? '';
    return trusted.has(baseName(path)) && /^\/(?:usr|opt|s?bin|lib|snap)\//.test(path);
  };

  function tell(event: Event, node: ProcessNode | undefined, found: Found): void {
    const key = found.by ? keyOfNode(found.by) : node ? keyOfNode(node) : `${event.pid ?? 0}:${event.process_started ?? 0}`;
    if (told.lately(key, event.time, 60_000, found.level)) return;
    context.emit({
      ruleId: 'behaviour.reverse-shell', title: reverseShell.title, level: found.level,
      summary: {
        zh: `{program}（PID {shell_pid}）被远端 {peer} 操控：${found.how.zh}；来自{origin_zh}；命令：{command}`,
        en: `{program} (pid {shell_pid}) is steered from {peer}: ${found.how.en}; begun by {origin_en}; command: {command}`,
      },
      attack: ['T1059.004', 'T1095'], matrix: ['利用远程代码执行漏洞执行', '利用后门文件执行'], key, time: event.time, events: [event], count: 1,
      group: {
        ...originGroup(node, event), program: short(programOf(event), 160), shell_pid: String(event.pid ?? '?'), peer: found.peer,
        by: found.by ? labelOf(found.by) : '?', command: short(event.process_cmdline ?? ''),
      },
    });
  }

  /** The process in the chain that connected, when it is one that hands its connection on. */
  function connector(node: ProcessNode, time: number, anyPort = false): { node: ProcessNode; peer: PeerTouch; program: { path: string | undefined; cmdline: string | undefined } } | undefined {
    for (const [depth, at] of chainOf(node, 4).entries()) {
      if (depth > 0 && isGate(at)) return undefined;
      const peer = anyPort ? at.spoke.findLast((touch) => touch.direction === 'outbound' && touch.port !== 0) : outbound(at, 0, true);
      if (peer === undefined) continue;
      let program = programAt(at, peer.first);
      // Connected between fork and exec: by the program of its parent.
      if (depth === 0 && program === at && at.was.length === 0 && at.parent !== undefined) program = at.parent;
      const kind = kindOf(program.path, program.cmdline);
      const isStrange = oddPlace(program.path) !== undefined;
      if (kind === 'relay' || kind === 'shell' || isStrange) return { node: at, peer, program };
      const isFresh = time - peer.last <= windowMs || (peer.last - time <= 1000 && peer.last > time);
      if (isFresh && (kind === 'interpreter' || kind === 'awk' || kind === 'web' || (kind === undefined && !isTrusted(provenanceOf(context, program.path, at.container)) && context.packages.ready))) return { node: at, peer, program };
    }
    return undefined;
  }

  /** A relay that is this process before it became a shell, or stands above it. */
  function relayAbove(node: ProcessNode): ProcessNode | undefined {
    const before = node.was.at(-1);
    if (before !== undefined && kindOf(before.path, before.cmdline) === 'relay') return node;
    for (const [depth, at] of chainOf(node.parent, 3).entries()) {
      if (isGate(at)) return undefined;
      const kind = kindOf(at.path, at.cmdline);
      if (kind === 'relay') return at;
      // nc -c 'bash -i' puts a shell between; anything else ends the search.
      if (depth < 2 && kind === 'shell' && shellUse(at.cmdline).use === 'command') continue;
      return undefined;
    }
    return undefined;
  }

  /** A relay in the same pipe: started by the same shell at the same time, and it has a connection or is about to. */
  function relayBeside(node: ProcessNode): ProcessNode | undefined {
    const { parent } = node;
    if (parent === undefined || isGate(parent)) return undefined;
    let left = 32;
    for (const other of parent.children) {
      if (left-- <= 0) return undefined;
      if (other === node || Math.abs(other.started - node.started) > 3000) continue;
      if (kindOf(other.path, other.cmdline) === 'relay' && other.spoke.some((touch) => !isErrand(touch.port) || touch.direction === 'inbound')) return other;
    }
    return undefined;
  }

  const peerOf = (node: ProcessNode | undefined): string => peerText(node?.spoke.findLast((touch) => touch.direction === 'inbound' || !isErrand(touch.port)));

  function judgeShell(event: Event, node: ProcessNode | undefined, streams: Streams): Found | undefined {
    const { use, isAsked } = shellUse(event.process_cmdline);
    const onNetwork = isNetwork(streams.stdin) && isNetwork(streams.stdout);
    if (use === 'interactive' && node !== undefined && streams.stdin !== 'other') waiting.set(keyOfNode(node), { event, streams });
    if (onNetwork && use !== 'script') {
      const line = node && connector(node, event.time, true);
      const sure = streams.stdin === 'inet' && streams.stdout === 'inet';
      // Node gives every child sockets of its own making.
      if (!sure && node !== undefined && line !== undefined && makesSockets.has(plainName(line.program.path))) return use === 'interactive' ? byConnector(event, node, streams, isAsked) : undefined;
      if (line === undefined && node && chainOf(node, 3).some(isAllowed)) return undefined;
      if (use === 'interactive' && (sure || line !== undefined)) return { level: 'critical', how: { zh: '标准输入输出是网络连接', en: 'its standard streams are a connection' }, by: line?.node, peer: line ? peerText(line.peer) : peerOf(node) };
      if (use === 'command' && line !== undefined && (sure || kindOf(line.program.path, line.program.cmdline) !== 'web')) return { level: 'high', how: { zh: '命令的标准输入输出是网络连接', en: 'the streams of its command are a connection' }, by: line.node, peer: peerText(line.peer) };
    }
    if (use !== 'interactive' || node === undefined) return undefined;
    const relay = relayAbove(node);
    if (relay !== undefined) return { level: 'critical', how: { zh: `由 {by} 启动，收发都转交给它`, en: 'started by {by}, which passes the connection on to it' }, by: relay, peer: peerOf(relay) };
    if (streams.stdin === 'pipe' || streams.stdin === 'unix' || streams.stdin === 'unknown') {
      const beside = relayBeside(node);
      if (beside !== undefined) return piped(beside);
    }
    return byConnector(event, node, streams, isAsked);
  }

  const piped = (relay: ProcessNode): Found => ({ level: 'critical', how: { zh: '经管道与 {by} 相连', en: 'tied by a pipe to {by}' }, by: relay, peer: peerOf(relay) });

  /** An interpreter or unknown program that connected and then opens a shell to be typed into. */
  function byConnector(event: Event, node: ProcessNode, streams: Streams, isAsked: boolean): Found | undefined {
    const line = connector(node, event.time);
    if (line === undefined || isAllowed(line.node) || node.origin.kind === 'cloud') return undefined;
    const { program } = line;
    const kind = kindOf(program.path, program.cmdline);
    const oneLiner = isOneLiner(program.path, program.cmdline);
    // A terminal made for the shell by the program (pty), or the person's own.
    const onTerminal = streams.stdin === 'other';
    const odd = oddPlace(program.path) !== undefined;
    if (onTerminal && isPersonal(node.origin) && !oneLiner && !odd) return undefined;
    if (kind === 'shell' && line.node !== node && onTerminal) return undefined;
    const sure = oneLiner || odd || isExposed(node.origin) || node.origin.kind === 'cron' || node.origin.kind === 'package' || (isAsked && !onTerminal) || line.node === node;
    return { level: sure ? 'critical' : 'high', how: { zh: '{by} 连上远端后随即打开它', en: '{by} connected and then opened it' }, by: line.node, peer: peerText(line.peer) };
  }

  /** A command of a shell or awk that holds a connection: told when words come in and answers go out by it. */
  function command(event: Event, node: ProcessNode, streams: Streams): void {
    const holder = chainOf(node.parent, 3).find((at) => ownLines.get(keyOfNode(at)) !== undefined);
    if (holder === undefined) return;
    const line = ownLines.get(keyOfNode(holder));
    if (line === undefined) return;
    if (isNetwork(streams.stdin)) line.reads = true;
    if (isNetwork(streams.stdout) && isNetwork(streams.stderr)) line.writes = true;
    const isAwk = kindOf(holder.path, holder.cmdline) === 'awk';
    if (!(line.reads && line.writes) && !isAwk) return;
    tell(event, node, { level: 'critical', how: { zh: '{by} 自己连出，命令由该连接而来，结果由它送回', en: '{by} connected by itself, takes commands from the connection and sends back what they say' }, by: holder, peer: peerOf(holder) });
  }

  function started(event: Event): void {
    const kind = kindOf(event.process_path, event.process_cmdline);
    const said = event.extra !== undefined && (event.extra['stdin'] !== undefined || event.extra['stdout'] !== undefined);
    if (kind !== 'shell' && !said && ownLines.size === 0) return;
    const node = context.lineage.of(event);
    const streams = streamsOf(event);
    if (node !== undefined && ownLines.size > 0) command(event, node, streams);
    if (kind === 'shell') {
      const found = judgeShell(event, node, streams);
      if (found) tell(event, node, found);
      return;
    }
    if (!said || !isNetwork(streams.stdin) || !isNetwork(streams.stdout) || !isNetwork(streams.stderr)) return;
    // A shell by another name, or one that is none: everything of it goes over a connection that its tree made.
    const odd = oddPlace(event.process_path) !== undefined;
    const line = node && connector(node, event.time);
    if (line === undefined || (!odd && (streams.stdin !== 'inet' || kind !== 'interpreter')) || isAllowed(line.node)) return;
    tell(event, node, { level: odd ? 'critical' : 'high', how: { zh: '标准输入输出是网络连接', en: 'its standard streams are a connection' }, by: line.node, peer: peerText(line.peer) });
  }

  function connected(event: Event): void {
    if (event.action === 'connect-attempt') return;
    const kind = kindOf(event.process_path, event.process_cmdline);
    const isInbound = event.direction === 'inbound';
    if (isInbound ? kind !== 'relay' : isErrand(event.destination_port)) return;
    if (kind !== 'relay' && kind !== 'interpreter' && kind !== 'shell' && kind !== 'awk') return;
    const node = context.lineage.of(event);
    if (node === undefined) return;
    if (kind === 'shell' || kind === 'awk') { ownLines.take(keyOfNode(node), () => ({ reads: false, writes: false })); return; }
    if (waiting.size === 0) return;
    if (kind === 'interpreter') {
      // node makes the shell first and connects then.
      let left = 16;
      for (const child of node.children) {
        if (left-- <= 0) return;
        const shell = event.time - child.started < windowMs ? waiting.get(keyOfNode(child)) : undefined;
        if (shell === undefined) continue;
        const found = byConnector(event, child, shell.streams, shellUse(child.cmdline).isAsked);
        if (found) tell(shell.event, child, found);
      }
      return;
    }
    for (const side of [node.parent?.children ?? [], node.children]) {
      let left = 32;
      for (const other of side) {
        if (left-- <= 0) break;
        const shell = Math.abs(other.started - node.started) <= 3000 ? waiting.get(keyOfNode(other)) : undefined;
        if (shell !== undefined) tell(shell.event, other, piped(node));
      }
    }
  }

  return {
    observe(event) {
      if (event.kind === 'network_connection') connected(event);
      else if (event.action !== 'process-seen') started(event);
    },
    size: () => told.size + waiting.size + ownLines.size,
  };
}
