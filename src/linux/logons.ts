/** Who is and was logged on: utmp and wtmp, and the sessions of logind. */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalIp } from '../core/address.ts';
import type { Logon } from '../core/lineage.ts';

/** The newest records of a wtmp that are looked at. */
const wtmpBytes = 4 * 2 ** 20;
const logonsMax = 5000;
const bootRecord = 2, userProcess = 7, deadProcess = 8;

/** struct utmp: on arm64 its session and times are 64 bits wide. */
interface Layout { size: number; seconds: number; wide: boolean; address: number }
const narrow: Layout = { size: 384, seconds: 340, wide: false, address: 348 };
const wide: Layout = { size: 400, seconds: 344, wide: true, address: 360 };

/** Log-ons since a moment, oldest first. A file that is not there says nothing; one that cannot be read throws. */
export function logons(root: string, sinceMs: number, arch: string = process.arch): Logon[] {
  const layout = arch === 'arm64' ? wide : narrow;
  const found = parseUtmp(tail(join(root, 'var/log/wtmp'), wtmpBytes, layout.size), layout);
  const now = parseUtmp(tail(join(root, 'run/utmp'), wtmpBytes, layout.size), layout);
  // Both tell of a session that lasts; utmp alone where wtmp is not kept.
  const known = new Set(found.map((one) => `${one.terminal} ${one.since}`));
  return [...found, ...now.filter((one) => !known.has(`${one.terminal} ${one.since}`))]
    .filter((one) => one.until === undefined || one.until >= sinceMs)
    .sort((a, b) => a.since - b.since)
    .slice(-logonsMax);
}

function parseUtmp(bytes: Buffer, layout: { size: number; seconds: number; wide: boolean; address: number } = narrow): Logon[] {
  const out: Logon[] = [];
  const open = new Map<string, Logon>();
  for (let at = 0; at + layout.size <= bytes.length; at += layout.size) {
    const type = bytes.readInt16LE(at);
    const time = (layout.wide ? Number(bytes.readBigInt64LE(at + layout.seconds)) : bytes.readUInt32LE(at + layout.seconds)) * 1000;
    const terminal = textAt(bytes, at + 8, 32);
    switch (type) {
      case userProcess: {
        const logon: Logon = { user: textAt(bytes, at + 44, 32) || undefined, source_ip: addressAt(bytes, at + layout.address) ?? canonicalIp(textAt(bytes, at + 76, 256)), terminal: terminal || undefined, pid: bytes.readInt32LE(at + 4) || undefined, since: time, until: undefined };
        const before = open.get(terminal);
        if (before) before.until ??= time;
        open.set(terminal, logon);
        out.push(logon);
        break;
      }
      case deadProcess: {
        const logon = open.get(terminal);
        if (logon) { logon.until = time; open.delete(terminal); }
        break;
      }
      case bootRecord:
        for (const logon of open.values()) logon.until ??= time;
        open.clear();
        break;
      default: break;
    }
  }
  return out;
}

function addressAt(bytes: Buffer, at: number): string | undefined {
  const words = [0, 4, 8, 12].map((offset) => bytes.readUInt32LE(at + offset));
  if (words.every((word) => word === 0)) return undefined;
  if (words[1] === 0 && words[2] === 0 && words[3] === 0) return [...bytes.subarray(at, at + 4)].join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + i * 2).toString(16));
  return canonicalIp(groups.join(':'));
}

function textAt(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, end < 0 || end > at + length ? at + length : end);
}

/** The end of a file in whole records; empty when it is not there. */
function tail(path: string, max: number, record: number): Buffer {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const whole = size - (size % record);
    const length = Math.min(whole, max - (max % record));
    const bytes = Buffer.alloc(length);
    const got = readSync(file, bytes, 0, length, whole - length);
    return bytes.subarray(0, got);
  } finally {
    closeSync(file);
  }
}

/** A session by its id from /run/systemd/sessions; undefined when logind has none. */
export function logindSession(root: string, id: string): Logon | undefined {
  const fields = sessionFields(root, id);
  return fields && logonOf(fields);
}

function sessionFields(root: string, id: string): Map<string, string> | undefined {
  if (!/^[A-Za-z0-9]{1,16}$/.test(id)) return undefined;
  const path = join(root, 'run/systemd/sessions', id);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > 64 * 1024) return undefined;
  const fields = new Map<string, string>();
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1));
  }
  return fields;
}

const sessionsMax = 1000;

/** The sessions that logind has and that are not just ending; also those without a terminal, which utmp does not tell. One that cannot be read is left out. */
export function logindSessions(root: string): Logon[] {
  let ids: string[];
  try {
    ids = readdirSync(join(root, 'run/systemd/sessions')).slice(0, sessionsMax);
  } catch { return []; /* no logind on this machine */ }
  return ids.flatMap((id) => {
    try {
      const fields = sessionFields(root, id);
      // One that is closing was left: what it started goes on without anybody.
      return fields === undefined || fields.get('STATE') === 'closing' ? [] : logonOf(fields);
    } catch { return []; /* it ended between the two looks */ }
  });
}

function logonOf(fields: ReadonlyMap<string, string>): Logon {
  const number = (name: string): number | undefined => {
    const value = Number(fields.get(name));
    return Number.isSafeInteger(value) && value > 0 ? value : undefined;
  };
  return {
    user: fields.get('USER') || undefined,
    source_ip: canonicalIp(fields.get('REMOTE_HOST') ?? ''),
    terminal: fields.get('TTY') || undefined,
    pid: number('LEADER'),
    since: Math.floor((number('REALTIME') ?? 0) / 1000),
    until: undefined,
  };
}
