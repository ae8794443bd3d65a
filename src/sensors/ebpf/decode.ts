/** Records of the ring become Events. One of these lives as long as the sensor is open. */
import { Event, type Kind } from '../../core/gen/event.ts';
import { addressText } from '../../linux/proc-net.ts';
import { questionName } from './dns.ts';
import { type Bytes, type CallRecord, type CredentialsRecord, type ExecRecord, type Head, type LocalRecord, readDns, readExec, readExit, readFile, readFlow, readFork, readLocal, readCall, readCredentials, readDenied, readHead, readSocket, recordSizes, recordTypes, type Slices } from './gen/records.ts';
import { callActions, callExtra, calls, pair } from './calls.ts';
import { runtimeSockets } from './file-maps.ts';
import { fileActions, fileExtra, isSymlink, tidyPath } from './files.ts';
import { outbound, RecentQuestions, socketActions, transportName } from './network.ts';
import { type Process, type Processes, userDevice } from './processes.ts';
import { tellProcess } from '../process-event.ts';

export interface DecoderOptions {
  host: string;
  /** Begins every event id; different in each run. */
  idPrefix: string;
  processes: Processes;
  /** Namespace numbers of the host itself, by name as in /proc/[pid]/ns. */
  hostNamespaces: Readonly<Record<string, number>>;
  count(what: string, n?: number): void;
  /** Each program that began, before its event goes on. */
  onExec?: ((event: Event) => void) | undefined;
}

/** In the head's flags: killed before its first instruction. */
const killed = 1;
const discarded = 0x4000_0000;
const lengthMask = 0x3fff_ffff;
const headerSize = 8;

/** By the number in the record; what is not here says nothing: a terminal, a file, the null device. `socket` is of another family. */
const streamKinds: readonly (string | undefined)[] = [undefined, 'pipe', ...Array.from({ length: 10 }, () => undefined), 'socket', 'inet', 'unix'];
const streamNames = ['stdin', 'stdout', 'stderr'] as const;

export class Decoder {
  readonly #options: DecoderOptions;
  readonly #questions = new RecentQuestions();
  #serial = 0;
  /** Unix ms = since boot + this. */
  #bootOffset = 0;
  #now = 0;

  constructor(options: DecoderOptions) { this.#options = options; }

  /** Events of one piece of the ring; `bootOffset` is Unix ms at boot as the clock has it now. */
  decode(buffer: ArrayBuffer, bootOffset: number, now: number): Event[] {
    const bytes: Bytes = { u8: new Uint8Array(buffer), u16: new Uint16Array(buffer), u32: new Uint32Array(buffer), buffer: Buffer.from(buffer) as unknown as Slices };
    this.#bootOffset = bootOffset;
    this.#now = now;
    const events: Event[] = [];
    for (let at = 0; at + headerSize <= buffer.byteLength;) {
      const header = bytes.u32[at >> 2] ?? 0;
      const length = header & lengthMask;
      const record = at + headerSize;
      at = record + ((length + 7) & ~7);
      if (header & discarded) continue;
      const size = recordSizes[bytes.u8[record] ?? 0];
      if (size === undefined || length < size || at > buffer.byteLength) { this.#options.count('records that are not understood'); continue; }
      const event = this.#event(bytes, record, record + length);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #event(bytes: Bytes, at: number, end: number): Event | undefined {
    const head = readHead(bytes, at);
    switch (bytes.u8[at]) {
      case recordTypes.exec: return this.#exec(head, readExec(bytes, at, end));
      case recordTypes.fork: return this.#fork(head, readFork(bytes, at).childPid, readFork(bytes, at).childStarted);
      case recordTypes.exit: return this.#exit(head, readExit(bytes, at).code);
      case recordTypes.socket: return this.#socket(head, bytes, at);
      case recordTypes.file: return this.#file(head, bytes, at, end);
      case recordTypes.call: return this.#call(head, readCall(bytes, at, end));
      case recordTypes.denied: {
        const record = readDenied(bytes, at, end);
        const event = this.#make(head, 'process_creation', 'process-start', 'process', this.#options.processes.of(head, this.#now));
        event.outcome = 'failure';
        // The process stays what it was: the file it was refused stands as the file.
        event.file_path = record.path;
        event.file_inode = record.inode;
        event.file_device = userDevice(record.device);
        event.extra = { denied: 'refused' };
        return event;
      }
      case recordTypes.credentials: return this.#credentials(head, readCredentials(bytes, at));
      case recordTypes.local: return this.#local(head, readLocal(bytes, at, end));
      case recordTypes.flow: return this.#flow(head, bytes, at, end);
      case recordTypes.dns: {
        const { remote, remotePort, payload } = readDns(bytes, at, end);
        return this.#question(head, payload, addressText(bytes.u8, remote), remotePort, 'udp');
      }
      default: return undefined;
    }
  }

  #exec(head: Head, record: ExecRecord): Event {
    const process = this.#options.processes.exec(head, record, this.#now);
    const event = this.#make(head, 'process_creation', 'process-start', 'process', process);
    event.file_inode = record.inode;
    event.file_device = userDevice(record.device);
    event.extra = this.#extra(head, record);
    if (head.flags & killed) {
      event.outcome = 'failure';
      event.extra = { ...event.extra, denied: 'killed' };
    }
    this.#options.onExec?.(event);
    return event;
  }

  /** Only what says something: most programs start without any of it. */
  #extra(head: Head, record: ExecRecord): Record<string, string> | undefined {
    let extra: Record<string, string> | undefined;
    const say = (name: string, value: string): void => { (extra ??= {})[name] = value; };
    if (record.links === 0) say(record.path.startsWith('/memfd:') ? 'memfd' : 'deleted', 'true');
    if (record.euid !== head.uid) say('euid', String(record.euid));
    if (record.env !== '') {
      for (const variable of record.env.split('\0')) {
        const equals = variable.indexOf('=');
        if (equals > 0) say(variable.slice(0, equals), variable.slice(equals + 1));
      }
    }
    for (const [index, name] of streamNames.entries()) {
      const kind = streamKinds[(record.streams >> (index * 4)) & 15];
      if (kind !== undefined) say(name, kind);
    }
    const { hostNamespaces } = this.#options;
    if (record.pidNs !== hostNamespaces['pid']) say('pid_ns', String(record.pidNs));
    if (record.mntNs !== hostNamespaces['mnt']) say('mnt_ns', String(record.mntNs));
    if (record.netNs !== hostNamespaces['net']) say('net_ns', String(record.netNs));
    if (record.userNs !== hostNamespaces['user']) say('user_ns', String(record.userNs));
    return extra;
  }

  #fork(head: Head, childPid: number, childStarted: number): Event {
    const child = this.#options.processes.fork(head, childPid, childStarted, this.#now);
    return this.#make(head, 'process_fork', 'fork', 'process', child);
  }

  #exit(head: Head, code: number): Event | undefined {
    const process = this.#options.processes.of(head, this.#now);
    if (!this.#options.processes.exit(head)) return undefined;
    const event = this.#make(head, 'process_termination', 'process-end', 'process', process);
    const signal = code & 0x7f;
    // As a shell tells it.
    event.exit_code = signal === 0 ? (code >> 8) & 0xff : 128 + signal;
    return event;
  }

  #socket(head: Head, bytes: Bytes, at: number): Event | undefined {
    const { local, remote, localPort, remotePort, protocol, event: what } = readSocket(bytes, at);
    const action = socketActions[what];
    if (action === undefined) { this.#options.count('records that are not understood'); return undefined; }
    const process = this.#options.processes.of(head, this.#now);
    const event = this.#make(head, action.kind, action.action, 'network', process);
    event.outcome = action.outcome;
    event.protocol = transportName(protocol);
    event.direction = action.direction;
    event.extra = action.extra;
    if (action.direction === 'outbound') {
      event.destination_ip = addressText(bytes.u8, remote);
      event.destination_port = remotePort;
      return event;
    }
    event.destination_ip = addressText(bytes.u8, local);
    event.destination_port = localPort;
    if (action.direction === 'inbound') {
      event.source_ip = addressText(bytes.u8, remote);
      event.source_port = remotePort;
    }
    return event;
  }

  /** A call to a socket of this machine; those refused are told by the kernel whatever they asked for. */
  #local(head: Head, { path, result }: LocalRecord): Event | undefined {
    if (result !== 0 && !runtimeSockets.includes(path.slice(path.lastIndexOf('/') + 1))) return undefined;
    const event = this.#make(head, 'network_connection', result === 0 ? 'connect' : 'connect-attempt', 'network', this.#options.processes.of(head, this.#now));
    if (result !== 0) event.outcome = 'failure';
    event.protocol = 'unix';
    event.direction = 'outbound';
    event.file_path = tidyPath(path);
    event.extra = outbound;
    return event;
  }

  /** The first bytes to port 53 are a question behind its length: told as such. */
  #flow(head: Head, bytes: Bytes, at: number, end: number): Event | undefined {
    const { remote, remotePort, payload } = readFlow(bytes, at, end);
    const address = addressText(bytes.u8, remote);
    if (remotePort === 53) return this.#question(head, payload.slice(2), address, remotePort, 'tcp');
    const event = this.#make(head, 'flow', 'first-bytes', 'network', this.#options.processes.of(head, this.#now));
    event.protocol = 'tcp';
    event.direction = 'outbound';
    event.destination_ip = address;
    event.destination_port = remotePort;
    event.payload = payload;
    return event;
  }

  #file(head: Head, bytes: Bytes, at: number, end: number): Event | undefined {
    const record = readFile(bytes, at, end);
    const action = fileActions[record.action];
    if (action === undefined) { this.#options.count('records that are not understood'); return undefined; }
    const event = this.#make(head, 'file_event', action, 'file', this.#options.processes.of(head, this.#now));
    event.file_path = tidyPath(record.path);
    if (action === 'rename' || (action === 'link' && !isSymlink(record.action))) event.file_from = tidyPath(record.from);
    if (record.inode !== 0) {
      event.file_inode = record.inode;
      event.file_device = userDevice(record.device);
    }
    event.extra = fileExtra(record);
    return event;
  }

  #call(head: Head, record: CallRecord): Event | undefined {
    const action = callActions[record.call];
    if (action === undefined) { this.#options.count('records that are not understood'); return undefined; }
    const { processes, hostNamespaces } = this.#options;
    const event = this.#make(head, action.kind, action.action, action.category, processes.of(head, this.#now));
    event.outcome = record.result < 0 ? 'failure' : 'success';
    event.extra = callExtra(record, (pid) => processes.nameOf(pid), hostNamespaces);
    if (record.call === calls.memfd) event.file_path = `/memfd:${record.source}`;
    else if (record.call === calls.pivotRoot) event.file_path = tidyPath(record.source);
    else if (record.path !== '') event.file_path = tidyPath(record.path);
    return event;
  }

  /** What changed, the account before the group before the rights: one event, for one call changes one of them. */
  #credentials(head: Head, record: CredentialsRecord): Event | undefined {
    const { processes } = this.#options;
    const before = { ...processes.credentials(head.pid, head.started) };
    const process = processes.of(head, this.#now);
    const { euid, gid, egid, capabilities } = record;
    processes.setCredentials(process, { uid: head.uid, euid, gid, egid, capabilities });
    const changes: [string, string | undefined, string][] = [];
    if (before.uid !== head.uid || (before.euid ?? euid) !== euid) changes.push(['setuid', before.uid === undefined ? undefined : pair(before.uid, before.euid ?? before.uid), pair(head.uid, euid)]);
    if (before.gid !== gid || before.egid !== egid) changes.push(['setgid', before.gid === undefined ? undefined : pair(before.gid, before.egid ?? before.gid), pair(gid, egid)]);
    if (before.capabilities !== undefined && before.capabilities !== capabilities) changes.push(['capset', before.capabilities.toString(16), capabilities.toString(16)]);
    const change = changes[0];
    if (change === undefined) return undefined;
    const [action, from, to] = change;
    const event = this.#make(head, 'privilege', action, 'privilege', process);
    event.extra = { ...(from !== undefined && { from }), to };
    return event;
  }

  #question(head: Head, message: string, server: string, port: number, protocol: string): Event | undefined {
    const name = questionName(message);
    if (name === undefined) { this.#options.count('DNS messages that are no question'); return undefined; }
    // Each name is asked for twice, for IPv4 and for IPv6.
    if (!this.#questions.isNew(`${head.pid} ${server} ${name}`, head.time / 1e6)) return undefined;
    const event = this.#make(head, 'dns_query', 'query', 'network', this.#options.processes.of(head, this.#now));
    event.protocol = protocol;
    event.direction = 'outbound';
    event.destination_ip = server;
    event.destination_port = port;
    event.destination_host = name;
    return event;
  }

  #make(head: Head, kind: Kind, action: string, category: string, process: Process): Event {
    const event = new Event(this.#options.idPrefix + (this.#serial++).toString(36), Math.round(this.#bootOffset + head.time / 1e6), kind);
    event.host = this.#options.host;
    event.source = 'ebpf';
    event.category = category;
    event.action = action;
    event.outcome = 'success';
    tellProcess(event, process);
    return event;
  }
}
