/** Records of log-ons as they stand in wtmp, btmp and lastlog of a tree, one by one: for those who look whether some were taken out. */
import type { Tree } from './tree.ts';

export type UtmpType = 'empty' | 'runlevel' | 'boot' | 'new-time' | 'old-time' | 'init' | 'login' | 'user' | 'dead' | 'other';

export interface UtmpRecord {
  /** Which record of the file, from 0. */
  index: number;
  type: UtmpType;
  pid: number;
  terminal: string;
  user: string;
  host: string;
  /** Unix ms. */
  time: number;
  /** Nothing but zeros. */
  blank: boolean;
}

const types: readonly UtmpType[] = ['empty', 'runlevel', 'boot', 'new-time', 'old-time', 'init', 'login', 'user', 'dead'];
/** struct utmp: 384 bytes where time keeps 32 bits (x86 too), 400 where it has 64. */
const layouts = [{ size: 384, seconds: 340, wide: false }, { size: 400, seconds: 344, wide: true }] as const;
const bytesMax = 16 << 20;

export interface UtmpFile {
  size: number;
  /** Bytes behind the last whole record. */
  rest: number;
  /** The newest, when the file is larger than 16 MiB. */
  cut: boolean;
  records: UtmpRecord[];
}

/** Records of a file, oldest first; undefined when it is not there. Throws TreeError. */
export function readUtmp(tree: Tree, path: string): UtmpFile | undefined {
  const real = tree.real(path);
  const file = real === undefined ? undefined : tree.open(real);
  if (!file) return undefined;
  try {
    const { size } = file;
    const layout = layoutOf(size, (at) => { const two = Buffer.alloc(400); return file.read(two, at) === 400 ? two : undefined; });
    const whole = size - (size % layout.size);
    const length = Math.min(whole, bytesMax - (bytesMax % layout.size));
    const bytes = Buffer.alloc(length);
    let got = 0;
    while (got < length) {
      const more = file.read(bytes.subarray(got), whole - length + got);
      if (more === 0) break;
      got += more;
    }
    const records: UtmpRecord[] = [];
    for (let at = 0; at + layout.size <= got; at += layout.size) {
      const type = bytes.readInt16LE(at);
      const seconds = layout.wide ? Number(bytes.readBigInt64LE(at + layout.seconds)) : bytes.readUInt32LE(at + layout.seconds);
      records.push({
        index: (whole - length + at) / layout.size, type: types[type] ?? 'other', pid: bytes.readInt32LE(at + 4), terminal: textAt(bytes, at + 8, 32), user: textAt(bytes, at + 44, 32), host: textAt(bytes, at + 76, 256), time: seconds * 1000,
        blank: isBlank(bytes, at, layout.size),
      });
    }
    return { size, rest: size % layout.size, cut: whole > length, records };
  } finally { file.close(); }
}

/** The layout that the size fits; where both do, the one whose second record has a type that exists. */
function layoutOf(size: number, peek: (at: number) => Buffer | undefined): typeof layouts[number] {
  const fits = layouts.filter((layout) => size % layout.size === 0);
  const candidates = fits.length > 0 ? fits : layouts;
  return candidates.find((layout) => {
    const second = peek(layout.size);
    if (!second) return false;
    const type = second.readInt16LE(0);
    const seconds = layout.wide ? Number(second.readBigInt64LE(layout.seconds)) : second.readUInt32LE(layout.seconds);
    return type >= 0 && type < types.length && (seconds === 0 || (seconds > 500_000_000 && seconds < 5_000_000_000));
  }) ?? candidates[0] ?? layouts[0];
}

export interface LastLog { /** Unix ms; 0 for never. */ time: number; terminal: string; host: string }

/** Last log-ons of these accounts; undefined when there is no lastlog. Throws TreeError. The file is sparse and indexed by UID: only their places are read. */
export function lastLogs(tree: Tree, uids: readonly number[]): Map<number, LastLog> | undefined {
  const real = tree.real('/var/log/lastlog');
  const file = real === undefined ? undefined : tree.open(real);
  if (!file) return undefined;
  try {
    // time_t keeps 32 bits in 292 bytes, or 64 in 296: the size tells, since the file ends with somebody's record.
    const size = file.size % 292 === 0 ? 292 : 296;
    const start = size - 288;
    const out = new Map<number, LastLog>();
    const record = Buffer.alloc(size);
    for (const uid of uids) {
      if (file.read(record, uid * size) < size) continue;
      const seconds = start === 4 ? record.readUInt32LE(0) : Number(record.readBigInt64LE(0));
      if (seconds !== 0) out.set(uid, { time: seconds * 1000, terminal: textAt(record, start, 32), host: textAt(record, start + 32, 256) });
    }
    return out;
  } finally { file.close(); }
}

function textAt(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, end < 0 || end > at + length ? at + length : end);
}

function isBlank(bytes: Buffer, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (bytes[i] !== 0) return false;
  return true;
}
