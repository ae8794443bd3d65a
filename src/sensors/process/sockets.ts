/** The sockets known so far, and which are new since the last look. */
import type { Procfs } from '../../linux/procfs.ts';
import type { Socket } from '../../linux/proc-net.ts';
import { firstEphemeralPort, ownerSearch, readSockets, socketStamp } from '../../linux/proc-net.ts';

export interface SocketLimits {
  /** Connections remembered; when more are open at once the rest are counted and not watched. */
  connections: number;
  listeners: number;
  /** New connections told in one look, for each direction so that a flood from outside hides no call outwards; more are counted. */
  newPerLook: number;
  /** Descriptors looked at in one look to find holders. */
  descriptors: number;
}

const socketLimits: SocketLimits = { connections: 50_000, listeners: 5000, newPerLook: 500, descriptors: 3000 };

export type NewSocket = { type: 'listener' | 'inbound' | 'outbound'; socket: Socket; pid: number | undefined };

/** The tables are read at least this often, also when the counters say that nothing changed. */
const fullLookMs = 30_000;

export class SocketTable {
  readonly #procfs: Procfs;
  readonly #limits: SocketLimits;
  readonly #firstEphemeral: number;
  #connections = new Set<string>();
  /** Inodes that serve a listening address: a set, because workers may share a port. */
  #listeners = new Map<string, Set<number>>();
  #ports = new Set<string>();
  #stamp: string | undefined;
  #looked = Number.NEGATIVE_INFINITY;
  #first = true;
  /** Processes that were found to hold sockets: looked at first the next time. */
  readonly #holders = new Set<number>();

  constructor(procfs: Procfs, bounds: SocketLimits = socketLimits) {
    this.#procfs = procfs;
    this.#limits = bounds;
    this.#firstEphemeral = firstEphemeralPort(procfs);
  }

  /** Listeners and connections that were not there in the last look; connections only from the second look on. A generator, so that the search for their processes can be spread. */
  *look(now: number, pids: () => readonly number[], count: (what: string, n: number) => void): Generator<undefined, NewSocket[]> {
    const stamp = socketStamp(this.#procfs);
    if (stamp !== undefined && stamp === this.#stamp && now - this.#looked < fullLookMs && now >= this.#looked) return [];
    this.#stamp = stamp;
    this.#looked = now;
    const found = this.#diff(count);
    yield* this.#findHolders(found, pids, count);
    this.#first = false;
    return found;
  }

  #diff(count: (what: string, n: number) => void): NewSocket[] {
    const connections = new Set<string>();
    const listeners = new Map<string, Set<number>>();
    const ports = new Set<string>();
    const fresh = { inbound: [] as Socket[], outbound: [] as Socket[] };
    const found: NewSocket[] = [];
    let unwatched = 0, untold = 0;
    const { cut } = readSockets(this.#procfs, (state, protocol, key, parse) => {
      if (state === 'established' || state === 'connecting') {
        // UDP sockets with a fixed far end are mostly name look-ups: told like connections.
        const full = `${protocol} ${key}`;
        if (connections.size >= this.#limits.connections) { unwatched++; return; }
        connections.add(full);
        if (this.#first || this.#connections.has(full)) return;
        const list = fresh[this.#ports.has(portOf(protocol, key)) ? 'inbound' : 'outbound'];
        if (list.length < this.#limits.newPerLook) list.push(parse());
        else untold++;
        return;
      }
      const socket = parse();
      // A UDP socket bound to a port that the kernel chose is a client, not a service.
      if (protocol === 'udp' && socket.localPort >= this.#firstEphemeral) return;
      ports.add(portOf(protocol, key));
      const full = `${protocol} ${socket.localIp} ${socket.localPort}`;
      const inodes = listeners.get(full);
      if (inodes !== undefined) { inodes.add(socket.inode); return; }
      if (listeners.size >= this.#limits.listeners) { unwatched++; return; }
      listeners.set(full, new Set([socket.inode]));
      found.push({ type: 'listener', socket, pid: undefined });
    });
    if (cut) count('socket table longer than what is read of it', 1);
    if (untold > 0) count('new connections beyond the limit of one look, not told', untold);
    if (unwatched > 0) count('sockets beyond the limit, not watched', unwatched);
    const before = this.#listeners;
    this.#connections = connections;
    this.#listeners = listeners;
    const news = found.filter(({ socket }) => {
      const full = `${socket.protocol} ${socket.localIp} ${socket.localPort}`;
      const old = before.get(full);
      // A service that was started anew may be another program: only a socket that lived on is known.
      return old === undefined || ![...(listeners.get(full) ?? [])].some((inode) => old.has(inode));
    });
    for (const socket of [...fresh.outbound, ...fresh.inbound]) {
      const inbound = ports.has(portOf(socket.protocol, socket.key));
      // Both ends of a connection to oneself stand in the table; the one who calls is told.
      if (inbound && isLoopback(socket.remoteIp)) continue;
      news.push({ type: inbound ? 'inbound' : 'outbound', socket, pid: undefined });
    }
    this.#ports = ports;
    return news;
  }

  *#findHolders(found: readonly NewSocket[], pids: () => readonly number[], count: (what: string, n: number) => void): Generator<undefined, void> {
    if (found.length === 0) return;
    const wanted = new Set(found.map((f) => f.socket.inode).filter((inode) => inode > 0));
    const all = pids();
    const alive = new Set(all);
    for (const pid of this.#holders) if (!alive.has(pid)) this.#holders.delete(pid);
    // Who held one before, and who is new, are the likeliest.
    const sequence = new Set([...all.slice(0, 64), ...this.#holders, ...all]);
    const { owners } = yield* ownerSearch(this.#procfs, wanted, sequence, this.#first ? this.#limits.descriptors * 10 : this.#limits.descriptors);
    let unknown = 0;
    for (const one of found) {
      one.pid = owners.get(one.socket.inode);
      if (one.pid === undefined) unknown++;
      else if (this.#holders.size < 1000) this.#holders.add(one.pid);
    }
    if (unknown > 0) count('sockets whose process was not found', unknown);
  }
}

/** The local port within a key of the kernel's table, such as "tcp 0016". */
function portOf(protocol: string, key: string): string {
  const colon = key.indexOf(':') + 1;
  return `${protocol} ${key.slice(colon, colon + 4)}`;
}

const isLoopback = (ip: string): boolean => ip === '::1' || ip.startsWith('127.');
