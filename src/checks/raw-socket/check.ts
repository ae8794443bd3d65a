/** Programs that read every packet: raw and packet sockets with their owners, and interfaces in promiscuous mode. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { descriptors } from '../../linux/descriptors.ts';
import { textOf } from '../../linux/tree.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { inOpenFolder, isShipped, machineOf, ownerOf, processFacts, runningOne, startedAt, tellDenied } from '../processes.ts';
import { baseName } from '../shell-words.ts';

const tableMax = 1 << 20;
const promiscuousFlag = 0x100;

export const rawSocket: PlaceCheck = {
  id: 'raw-socket',
  title: { zh: '嗅探：原始套接字与混杂模式', en: 'listening in: raw sockets and promiscuous interfaces' },
  blind: { zh: '其他网络命名空间（容器）里的套接字，以及用 eBPF 收包的后门看不到（后者见 bpf-program）', en: 'sockets of other network namespaces (containers), and back doors that take packets by eBPF (see bpf-program)' },
  group: 'hiding',
  scope: 'machine',
  everyMinutes: 30,
  async *run(context) {
    yield* sockets(context);
    yield* interfaces(context);
    tellDenied(context);
  },
};

interface RawSocket { inode: number; what: string; filter: number }

/** Packet and raw sockets of this network namespace, by /proc/net and by netlink. */
function rawSockets(context: ScanContext): RawSocket[] {
  const { procfs, probes } = machineOf(context);
  const found = new Map<number, RawSocket>();
  for (const line of (procfs.read('net/packet', tableMax) ?? '').split('\n').slice(1)) {
    const words = line.trim().split(/ +/);
    const inode = Number(words[8]);
    if (words.length >= 9 && Number.isInteger(inode)) found.set(inode, { inode, what: `packet, ethernet protocol 0x${words[3]}, interface ${words[4]}`, filter: 0 });
  }
  for (const { inode, protocol, interface: at, filter } of probes?.packets() ?? []) found.set(inode, { inode, what: `packet, ethernet protocol 0x${protocol.toString(16).padStart(4, '0')}, interface ${at}`, filter });
  for (const name of ['raw', 'raw6']) {
    for (const line of (procfs.read(`net/${name}`, tableMax) ?? '').split('\n').slice(1)) {
      const words = line.trim().split(/ +/);
      const inode = Number(words[9]);
      if (words.length >= 10 && Number.isInteger(inode)) found.set(inode, { inode, what: `${name}, IP protocol ${Number.parseInt(words[1]!.split(':')[1] ?? '', 16)}`, filter: 0 });
    }
  }
  return [...found.values()];
}

async function* sockets(context: ScanContext): AsyncIterable<Finding> {
  const { procfs } = machineOf(context);
  const all = rawSockets(context);
  if (all.length === 0) return;
  const owners = descriptors(procfs, procfs.root === '/');
  const byProcess = new Map<number, RawSocket[]>();
  for (const socket of all) {
    const pids = owners.sockets.get(socket.inode);
    if (pids) { for (const pid of pids) byProcess.set(pid, [...byProcess.get(pid) ?? [], socket]); continue; }
    if (owners.denied > 0) { context.count('raw sockets whose owner may not be seen'); continue; }
    yield finding('raw-socket', `orphan\0${socket.what}`, {
      kind: 'intrusion', level: 'medium',
      title: { zh: `一个原始套接字没有任何看得到的进程持有`, en: 'no process in sight holds a raw socket' },
      evidence: [fact({ zh: '套接字', en: 'socket' }, `${socket.what}, inode ${socket.inode}, filter of ${socket.filter} instructions`)],
      means: { zh: '能读到所有数据包的套接字总有主人。看不到主人，要么进程被藏起来了，要么是内核自己的。', en: 'A socket that reads all packets has an owner. When none is in sight the process is hidden, or it is the kernel’s own.' },
      refs: ['attack:T1040', 'attack:T1014'],
    });
  }
  for (const [pid, own] of byProcess) {
    const one = runningOne(pid, context);
    if (!one || isShipped(await ownerOf(one, context))) continue;
    const name = one.exe ?? one.stat.name;
    const odd = one.memfd || (one.deleted && !one.here) || (one.exe !== undefined && (inOpenFolder(one.exe) || (one.deleted && context.tree.stat(one.exe) === undefined)));
    const filtered = own.some(({ filter }) => filter > 0);
    const [kind, level]: [FindingKind, Level] = odd ? ['intrusion', 'high'] : !one.here ? ['notice', 'low'] : ['notice', 'medium'];
    const time = startedAt(procfs, one.stat);
    yield finding('raw-socket', `process\0${pid}\0${one.stat.startTicks}`, {
      kind, level, pid, ...(one.exe !== undefined && !one.memfd && { path: one.exe }),
      title: { zh: `${name}（进程 ${pid}）读取整台机器的数据包，而它不属于任何软件包`, en: `${name} (process ${pid}) reads packets of the whole machine, and no package owns it` },
      evidence: [...own.slice(0, 8).map(({ what, filter }) => fact({ zh: '套接字', en: 'socket' }, `${what}${filter > 0 ? `, filter of ${filter} instructions` : ''}`)), ...processFacts(one, context)],
      means: filtered
        ? { zh: '带过滤程序的原始套接字正是 BPFDoor 一类后门的样子：不开端口，等一个暗号数据包。抓包和 DHCP 程序也这样用。', en: 'A raw socket with a filter is what back doors like BPFDoor look like: no port is open, and they wait for a magic packet. Tools that capture packets and DHCP clients do so too.' }
        : { zh: '这样的程序能读到明文密码，也能不开端口就收命令。抓包和 DHCP 程序也这样用。', en: 'Such a program reads passwords sent in the clear, and can take orders without an open port. Tools that capture packets and DHCP clients do so too.' },
      fix: { text: { zh: '不认识就先留样本再冻结它', en: 'when nobody knows it, keep a copy and freeze it' }, commands: [['cp', `/proc/${pid}/exe`, `/root/evidence-${pid}`], ['kill', '-STOP', String(pid)]] },
      refs: ['attack:T1040', 'attack:T1205.002'],
      ...(time !== undefined && { time }),
    });
  }
}

async function* interfaces(context: ScanContext): AsyncIterable<Finding> {
  const { tree } = context;
  for (const name of tree.list('/sys/class/net') ?? []) {
    const folder = `/sys/class/net/${name}`;
    const flags = Number(textOf(tree, `${folder}/flags`, 64)?.trim());
    if (!Number.isInteger(flags) || (flags & promiscuousFlag) === 0) continue;
    // Bridges, bonds and switches put their members into that mode by themselves.
    const member = tree.real(`${folder}/master`) !== undefined || tree.real(`${folder}/brport`) !== undefined || /^(?:veth|tap|tun|vnet|docker|br-|virbr|cali|cni|flannel|ovs|lxc)/.test(name);
    if (member) { context.count('promiscuous interfaces of bridges, passed over'); continue; }
    yield finding('raw-socket', `promiscuous\0${name}`, {
      kind: 'notice', level: 'medium',
      title: { zh: `网卡 ${baseName(name)} 处于混杂模式：有程序在收不属于本机的数据包`, en: `the interface ${baseName(name)} is promiscuous: something takes packets that are not for this machine` },
      evidence: [fact({ zh: '标志', en: 'flags' }, `0x${flags.toString(16)}`)],
      means: { zh: '抓包时会进入这种模式；没有人在抓包，就可能是嗅探密码的程序。', en: 'Capturing packets sets this mode. When nobody does, it may be a program that collects passwords.' },
      fix: { text: { zh: '找出是谁打开的，再关掉', en: 'find out who set it, then switch it off' }, commands: [['ip', 'link', 'set', name, 'promisc', 'off']] },
      refs: ['attack:T1040'],
    });
  }
}
