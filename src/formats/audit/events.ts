/** From the records of one serial to events. */
import { canonicalIp } from '../../core/address.ts';
import { Event } from '../../core/gen/event.ts';
import type { Kind } from '../../core/gen/event.ts';
import type { DecodeContext } from '../../core/format.ts';
import { readSockaddr } from './sockaddr.ts';
import { syscallName } from './syscalls.ts';
import { meaningOf } from './types.ts';
import type { AuditRecord } from './record.ts';

export interface Placed { record: AuditRecord; position: string | number; line: number; text: string }

const maxCmdline = 32 * 1024;
/** Joined into the others: as events of their own they say nothing that those do not. */
const silent = new Set(['EOE', 'CWD', 'PROCTITLE']);
/** What the SYSCALL record knows of the acting process, given to the records beside it. */
const shared = ['exe', 'comm', 'key', 'auid', 'uid', 'gid', 'euid', 'egid', 'suid', 'fsuid', 'pid', 'ppid', 'ses', 'tty', 'success', 'syscall', 'SYSCALL', 'AUID', 'UID', 'EUID'] as const;
const unset = '4294967295';

/** Emits the events of one serial: what it says as a whole, then record by record under Sigma's auditd names. */
export function emitGroup(group: readonly Placed[], context: DecodeContext, emit: (event: Event) => void): void {
  let call: AuditRecord | undefined;
  let execve: AuditRecord | undefined;
  let cwd: string | undefined;
  let title: string | undefined;
  let socket: AuditRecord | undefined;
  for (const { record } of group) {
    switch (record.type) {
      case 'SYSCALL': call ??= record; break;
      // Many arguments come as several records; the argument numbers go on.
      case 'EXECVE': if (execve) Object.assign(execve.fields, record.fields); else execve = record; break;
      case 'CWD': cwd ??= record.fields.cwd; break;
      case 'PROCTITLE': title ??= record.fields.proctitle; break;
      case 'SOCKADDR': socket ??= record; break;
      default: break;
    }
  }
  if (call) {
    const name = call.fields.SYSCALL ?? syscallName(call.fields.arch, call.fields.syscall);
    if (name !== undefined) call.fields.SYSCALL = name;
  }
  const first = group[0];
  if (!first) return;
  const lines = group.every((p) => p.line > 0) ? group.map((p) => p.line) : undefined;
  const cmdline = execve ? commandLine(execve.fields) : title;
  const make = (placed: Placed, suffix: string, kind: Kind): Event => {
    const event = new Event(`${context.idPrefix}${placed.position}${suffix}`, placed.record.time, kind);
    event.host = placed.record.node ?? context.host;
    event.source = context.source;
    if (call) fillProcess(event, call.fields);
    event.process_cwd = cwd;
    event.process_cmdline = cmdline;
    return event;
  };
  const name = call?.fields.SYSCALL;

  if (call && (execve || name === 'execve' || name === 'execveat')) {
    const event = make(first, ':exec', 'process_creation');
    event.category = 'process';
    event.action = 'process-start';
    event.service = 'auditd';
    event.lines = lines;
    event.extra = pick(call.fields, ['auid', 'euid', 'key', 'exit', 'AUID', 'EUID']);
    emit(event);
  }
  const peer = socket && readSockaddr(socket.fields.saddr);
  if (call && peer?.family === 'inet' && peer.port > 0 && (name === 'connect' || name === 'accept' || name === 'accept4')) {
    const event = make(first, ':net', 'network_connection');
    event.category = 'network';
    event.lines = lines;
    event.service = 'auditd';
    if (name === 'connect') {
      event.action = 'connect';
      event.direction = 'outbound';
      event.destination_ip = peer.ip;
      event.destination_port = peer.port;
      // EINPROGRESS: a socket that does not wait.
      if (call.fields.exit === '-115') event.outcome = 'success';
    } else {
      event.action = 'accept';
      event.direction = 'inbound';
      event.source_ip = peer.ip;
      event.source_port = peer.port;
    }
    event.extra = pick(call.fields, ['auid', 'euid', 'key', 'exit']);
    emit(event);
  }
  for (const placed of group) {
    const { record } = placed;
    if (silent.has(record.type)) continue;
    const event = make(placed, '', 'auditd');
    const meaning = meaningOf(record.type);
    event.category = meaning.category;
    event.action = meaning.action;
    event.service = 'auditd';
    event.message = placed.text;
    if (placed.line > 0) event.lines = [placed.line];
    fillRecord(event, record, cwd, call);
    // The record is not needed any more: its fields become the event's, without a copy.
    const extra = record.fields;
    if (call && record !== call) {
      const from = call.fields;
      for (const key of shared) if (extra[key] === undefined) { const value = from[key]; if (value !== undefined) extra[key] = value; }
    }
    // Last: a program may have written a type= of its own into its message.
    extra.type = record.type;
    event.extra = extra;
    emit(event);
  }
}

const number = (text: string | undefined): number | undefined => (text !== undefined && text !== unset && /^\d{1,10}$/.test(text) ? Number(text) : undefined);
/** A value that says something: not ?, (null), unset or (none). */
const known = (text: string | undefined): string | undefined => (text === undefined || text === '' || text === '?' || text === '(null)' || text === '(none)' || text === 'unset' || text === 'UNSET' ? undefined : text);
const baseName = (path: string | undefined): string | undefined => path?.slice(path.lastIndexOf('/') + 1);

function fillProcess(event: Event, f: Record<string, string>): void {
  event.pid = number(f.pid);
  event.parent_pid = number(f.ppid);
  event.uid = number(f.uid);
  // Who logged in, also behind sudo and su; the effective account when nobody did (a daemon).
  event.user = known(f.AUID) ?? known(f.UID);
  event.process_name = known(f.comm);
  event.process_path = known(f.exe);
  event.terminal = known(f.tty ?? f.terminal);
  event.session = f.ses === unset ? undefined : f.ses;
  event.outcome = f.success === undefined ? undefined : f.success === 'yes' ? 'success' : 'failure';
}

function fillRecord(event: Event, record: AuditRecord, cwd: string | undefined, call: AuditRecord | undefined): void {
  const f = record.fields;
  const result = f.res ?? f.result;
  if (result !== undefined) event.outcome = result === 'success' || result === 'yes' || result === '1' ? 'success' : 'failure';
  switch (record.type) {
    case 'SYSCALL': case 'EXECVE': return;
    case 'PATH': {
      const name = known(f.name);
      event.file_path = name === undefined || name.startsWith('/') || cwd === undefined ? name : `${cwd.replace(/\/$/, '')}/${name.replace(/^\.\//, '')}`;
      if (f.nametype === 'CREATE') event.action = 'file-create';
      else if (f.nametype === 'DELETE') event.action = 'file-delete';
      else if (f.nametype === 'NORMAL' && call) event.action = changeBy(call.fields) ?? event.action;
      return;
    }
    case 'SOCKADDR': {
      const peer = readSockaddr(f.saddr);
      if (peer?.family === 'unix') event.file_path = peer.path;
      else if (peer) { event.destination_ip = peer.ip; event.destination_port = peer.port; }
      return;
    }
    case 'AVC': case 'USER_AVC': {
      if (event.message?.includes('denied') || event.message?.includes('apparmor="DENIED"')) event.outcome = 'failure';
      event.pid ??= number(f.pid);
      event.process_name ??= known(f.comm);
      event.file_path = known(f.path ?? f.name);
      return;
    }
    default: break;
  }
  // Records of programs: pid, uid and exe are those of the daemon, acct is who it is about.
  event.pid ??= number(f.pid);
  event.uid ??= number(f.uid);
  event.process_path ??= known(f.exe);
  event.process_name ??= known(f.comm) ?? baseName(event.process_path);
  event.terminal ??= known(f.terminal ?? f.tty);
  event.session ??= f.ses === unset ? undefined : f.ses;
  // hostname= is the remote end for log-ons, as a name or an address, and this machine itself for the rest.
  const address = known(f.addr) ?? (f.hostname === undefined ? undefined : canonicalIp(f.hostname));
  if (address !== undefined) event.source_ip = canonicalIp(address) ?? address;
  const account = known(f.acct);
  switch (event.category) {
    case 'authentication': case 'session':
      // (unknown), (invalid user) and (unknown user) are what sshd tells of accounts that do not exist.
      event.user = account ?? known(f.ID) ?? known(f.AUID) ?? known(f.UID);
      event.service = baseName(event.process_path) ?? 'auditd';
      if (record.type === 'USER_AUTH') event.method = f.op?.startsWith('PAM:') ? 'pam' : f.op;
      return;
    case 'account':
      event.user = known(f.AUID) ?? known(f.UID);
      event.target_user = account ?? known(f.ID);
      event.service = event.process_name ?? 'auditd';
      return;
    case 'privilege':
      event.user = account ?? known(f.AUID) ?? known(f.UID);
      event.process_cmdline = known(f.cmd);
      event.process_cwd = known(f.cwd);
      event.service = event.process_name ?? 'auditd';
      return;
    case 'service':
      if (record.type.startsWith('SERVICE_')) event.service = known(f.unit) ?? 'auditd';
      return;
    default:
      event.user ??= account ?? known(f.AUID) ?? known(f.UID);
  }
}

/** What a system call does to the file that a PATH record beside it names; undefined when it only reads it, or when that is not to be seen. */
function changeBy(call: Record<string, string>): string | undefined {
  switch (call.SYSCALL) {
    // The lowest two bits of the flags, written in hex: 1 is O_WRONLY, 2 is O_RDWR. Those of openat2 stand in memory.
    case 'open': return opensToWrite(call.a1) ? 'file-write' : undefined;
    case 'openat': return opensToWrite(call.a2) ? 'file-write' : undefined;
    case 'creat': case 'truncate': case 'ftruncate': return 'file-write';
    case 'chmod': case 'fchmod': case 'fchmodat': case 'chown': case 'fchown': case 'lchown': case 'fchownat': case 'setxattr': case 'lsetxattr': case 'fsetxattr': return 'file-change';
    default: return undefined;
  }
}
const opensToWrite = (flags: string | undefined): boolean => (flags === undefined ? false : (Number.parseInt(flags.slice(-1), 16) & 3) !== 0);

/** Arguments in order; long ones come in parts: a1[0], a1[1]. Such parts are joined in place, so a rule sees a1. */
function commandLine(f: Record<string, string>): string {
  const parts = new Map<number, string>();
  for (const [key, value] of Object.entries(f)) {
    const found = /^a(\d{1,5})(?:\[(\d{1,5})\])?$/.exec(key);
    if (!found) continue;
    const at = Number(found[1]);
    if (found[2] !== undefined) {
      f[`a${at}`] = (parts.get(at) ?? '') + value;
      parts.set(at, f[`a${at}`]!);
      delete f[key];
      delete f[`a${at}_len`];
    } else if (!parts.has(at)) {
      parts.set(at, value);
    }
  }
  return [...parts].sort(([a], [b]) => a - b).map(([, v]) => v).join(' ').slice(0, maxCmdline);
}

function pick(f: Record<string, string>, names: readonly string[]): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const name of names) if (f[name] !== undefined) out[name] = f[name];
  return out;
}
