/** Sockets of this machine, with the processes that hold them: `listeners` and `connections`. */
import { MoatError } from '../../core/error.ts';
import { readSockets, type Socket, socketOwners } from '../../linux/proc-net.ts';
import { Users } from '../../linux/users.ts';
import { type LiveTable, type Look, number, type Row, rowsMost, tellDenied, text } from '../table.ts';

/** Descriptors that are looked through for the owners. */
const descriptorsMost = 2_000_000;
const blind = { zh: '其他网络命名空间的套接字，如容器自己的网络', en: 'sockets of other network namespaces, such as those of containers' };

interface Held { socket: Socket; pid: number | undefined }

function held(look: Look, wanted: (socket: Socket) => boolean): Held[] {
  const { procfs } = look;
  if (procfs.read('net/tcp', 64) === undefined) throw new MoatError('blind', 'expected /proc/net/tcp, it cannot be read', { zh: '读不了 /proc/net/tcp' });
  const sockets: Socket[] = [];
  const { cut } = readSockets(procfs, (_state, _protocol, _key, parse) => { if (sockets.length <= rowsMost) { const socket = parse(); if (wanted(socket)) sockets.push(socket); } });
  if (cut) look.blind('/proc/net', { zh: '套接字太多，只看了一部分', en: 'there are so many sockets that only some were looked at' });
  const inodes = new Set(sockets.map(({ inode }) => inode).filter((inode) => inode > 0));
  const { owners, looked } = socketOwners(procfs, inodes, procfs.pids(), descriptorsMost);
  if (looked >= descriptorsMost) look.blind('pid', { zh: `${inodes.size - owners.size} 个套接字没有找到持有它的进程：打开的文件太多`, en: `the processes of ${inodes.size - owners.size} sockets were not found: too many files are open` });
  tellDenied(look);
  return sockets.map((socket) => ({ socket, pid: owners.get(socket.inode) }));
}

function holder(look: Look): (one: Held) => Row {
  const { procfs } = look;
  const users = new Users(look.root);
  const programs = new Map<number, Row>();
  const programOf = (pid: number): Row => {
    const row = programs.get(pid) ?? { pid, name: procfs.stat(pid)?.name, path: procfs.exe(pid)?.replace(/ \(deleted\)$/, '') };
    programs.set(pid, row);
    return row;
  };
  return ({ socket: { uid }, pid }) => ({ ...(pid !== undefined && programOf(pid)), uid, user: users.name(uid, look.now()) });
}

const whose = {
  pid: number('持有它的进程；可与 processes 连接', 'process that holds it: join it with processes'), name: text('进程名', 'name of that process'), path: text('程序文件', 'file of its program'),
  uid: number('打开者的 UID', 'number of the account that opened it'), user: text('打开者的账号', 'account that opened it'),
};

/** UDP has no listeners: what takes from anybody counts. */
const listens = ({ state, protocol }: Socket): boolean => state === 'listening' || (protocol === 'udp' && state === 'unconnected');

export const listeners: LiveTable = {
  name: 'listeners',
  title: { zh: '监听的端口', en: 'ports that are listened on' },
  blind,
  columns: { protocol: text('tcp 或 udp', 'tcp or udp'), address: text('监听的本机地址；0.0.0.0 与 :: 表示全部', 'address of this machine; 0.0.0.0 and :: are all of them'), port: number('端口', 'port'), ...whose },
  read(look) {
    const who = holder(look);
    return held(look, listens).map((one) => ({ protocol: one.socket.protocol, address: one.socket.localIp, port: one.socket.localPort, ...who(one) }));
  },
};

export const connections: LiveTable = {
  name: 'connections',
  title: { zh: '当前的网络连接', en: 'connections as they stand' },
  blind: { zh: `${blind.zh}；正在关闭的连接`, en: `${blind.en}; connections that are closing` },
  columns: {
    protocol: text('tcp 或 udp', 'tcp or udp'), state: text('established 或 connecting', 'established or connecting'), direction: text('inbound：对方连进来；outbound：本机连出去', 'inbound: to a port that is listened on here; outbound: from here'),
    local_ip: text('本机地址', 'address here'), local_port: number('本机端口', 'port here'), remote_ip: text('对方地址；可与 events.source_ip、alerts.source_ip 连接', 'address of the far end: join it with events.source_ip or alerts.source_ip'), remote_port: number('对方端口', 'port of the far end'), ...whose,
  },
  read(look) {
    const who = holder(look);
    const all = held(look, ({ state, remotePort }) => state === 'listening' || (state !== 'unconnected' && remotePort > 0));
    const ports = new Set(all.flatMap(({ socket }) => (socket.state === 'listening' ? [socket.localPort] : [])));
    return all.filter(({ socket }) => socket.state !== 'listening').map((one) => {
      const { protocol, state, localIp, localPort, remoteIp, remotePort } = one.socket;
      return { protocol, state, direction: protocol === 'tcp' && ports.has(localPort) ? 'inbound' : 'outbound', local_ip: localIp, local_port: localPort, remote_ip: remoteIp, remote_port: remotePort, ...who(one) };
    });
  },
};
