/** What listens, whose it is, and whether it may: against the configured list of ports, or by who ships the program. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { descriptors } from '../../linux/descriptors.ts';
import { firstEphemeralPort, readSockets, type Socket } from '../../linux/proc-net.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { inOpenFolder, isHiddenPath, isShipped, machineOf, ownerOf, processFacts, runningOne, startedAt, tellDenied, type Running } from '../processes.ts';
import { baseName, interpreters } from '../shell-words.ts';

export const listener: PlaceCheck = {
  id: 'listener',
  title: { zh: '监听的端口', en: 'listening ports' },
  blind: { zh: '容器等其他网络命名空间里的监听看不到', en: 'listeners of other network namespaces (containers)' },
  group: 'services',
  scope: 'machine',
  everyMinutes: 30,
  async *run(context) {
    const { procfs } = machineOf(context);
    const ephemeral = firstEphemeralPort(procfs);
    const sockets = new Map<string, Socket>();
    const { cut } = readSockets(procfs, (state, protocol, _key, parse) => {
      const open = state === 'listening' || (state === 'unconnected' && protocol === 'udp');
      if (!open) return;
      const socket = parse();
      // Clients that ask by UDP hold such a port for a moment.
      if (protocol === 'udp' && socket.localPort >= ephemeral) return;
      const key = `${protocol} ${socket.localPort} ${isLoopback(socket.localIp) ? 'local' : 'all'}`;
      if (!sockets.has(key)) sockets.set(key, socket);
    });
    if (cut) context.blind('/proc/net', { zh: '套接字表太长，没读完', en: 'a table of sockets is so long that it was read in part only' });
    const owners = descriptors(procfs);
    const allowed = rangesOf(context);
    for (const socket of sockets.values()) {
      const pid = owners.sockets.get(socket.inode)?.[0];
      const found = await judge(socket, pid, allowed, context);
      if (found) yield found;
    }
    tellDenied(context);
  },
};

export interface PortRange { from: number; to: number; protocol: string | undefined }

/** `22`, `443/tcp`, `8000-8010`; undefined for what is no port. */
export function parseRange(word: string): PortRange | undefined {
  const found = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp))?$/.exec(word.trim());
  if (!found) return undefined;
  const from = Number(found[1]), to = Number(found[2] ?? found[1]);
  return from < 1 || to > 65_535 || from > to ? undefined : { from, to, protocol: found[3] };
}

function rangesOf(context: ScanContext): PortRange[] {
  return context.ports.flatMap((word) => {
    const range = parseRange(word);
    if (!range) context.count('port white list entries that are no port');
    return range ?? [];
  });
}

const isLoopback = (ip: string): boolean => ip === '::1' || ip.startsWith('127.');

async function judge(socket: Socket, pid: number | undefined, allowed: readonly PortRange[], context: ScanContext): Promise<Finding | undefined> {
  const { procfs } = machineOf(context);
  const { protocol, localPort: port, localIp } = socket;
  const local = isLoopback(localIp);
  const listed = allowed.some(({ from, to, protocol: only }) => port >= from && port <= to && (only === undefined || only === protocol));
  const one: Running | undefined = pid === undefined ? undefined : runningOne(pid, context);
  if (pid !== undefined && !one) return undefined;
  const owner = one && await ownerOf(one, context);
  const odd = one?.exe !== undefined && (one.memfd || inOpenFolder(one.exe) || isHiddenPath(one.exe));
  const shell = one?.exe !== undefined && /^(?:sh|bash|dash|ash|zsh|ksh|nc|ncat|netcat|nc\.\w+|socat|telnetd|busybox)$/.test(baseName(one.exe));
  const off = allowed.length > 0 && !listed && !local;
  const unowned = one !== undefined && one.here && context.provenance.known && !isShipped(owner) && !interpreters.test(baseName(one.exe ?? ''));
  const worth: [FindingKind, Level] | undefined = odd ? ['intrusion', 'high']
    : shell && !listed ? ['intrusion', local ? 'low' : 'medium']
      : off ? ['weakness', 'medium']
        : unowned && !local && !listed ? ['notice', 'low'] : undefined;
  if (!worth) return undefined;
  const [kind, level] = worth;
  const name = one ? baseName(one.exe ?? one.stat.name) : '?';
  const time = one && startedAt(procfs, one.stat);
  return finding('listener', `${protocol}\0${port}\0${local}`, {
    kind, level, address: localIp, ...(pid !== undefined && { pid }), ...(one?.exe !== undefined && !one.memfd && { path: one.exe }),
    title: odd
      ? { zh: `${protocol} 端口 ${port} 由放在可疑位置的程序 ${one.exe} 监听`, en: `${protocol} port ${port} is listened on by ${one.exe}, a program in an odd place` }
      : shell
        ? { zh: `${protocol} 端口 ${port} 由 ${name} 监听：这是现成的远程 shell 工具`, en: `${protocol} port ${port} is listened on by ${name}, a ready-made tool for remote shells` }
        : off
          ? { zh: `${protocol} 端口 ${port}（${name}）不在端口白名单里`, en: `${protocol} port ${port} (${name}) is not on the white list of ports` }
          : { zh: `${protocol} 端口 ${port} 对外监听，程序 ${name} 不属于任何软件包`, en: `${protocol} port ${port} is open to others, and no package owns its program ${name}` },
    evidence: [fact({ zh: '监听', en: 'listens on' }, `${protocol} ${localIp} ${port}`), ...(one ? processFacts(one, context) : []), ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version} (${owner.state})`)] : [])],
    means: off && !odd && !shell
      ? { zh: '白名单之外的端口应当关掉，或者写进白名单。', en: 'A port outside the white list should be closed, or put on the list.' }
      : { zh: '每个对外的端口都是一扇门，应当知道是谁开的、给谁用。', en: 'Each open port is a door; one should know who opened it and for whom.' },
    fix: { text: { zh: '不需要就停掉服务；需要就在防火墙上限制来源，并写进端口白名单', en: 'stop the service when it is not needed; else limit who may reach it and put the port on the white list' }, commands: [] },
    refs: odd || shell ? ['attack:T1571', 'attack:T1059'] : ['dengbao:8.1.4.4', 'matrix:端口'],
    ...(time !== undefined && { time }),
  });
}
