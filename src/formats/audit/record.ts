/** One audit record: `type=SYSCALL msg=audit(1763774821.123:456): key=value key="value" …` → its fields. */

export interface AuditRecord {
  type: string;
  /** Unix ms. */
  time: number;
  serial: string;
  node: string | undefined;
  /** Decoded values by the record's own names; enriched names (UID, SYSCALL …) beside the plain ones. */
  fields: Record<string, string>;
}

/** Types that the kernel's own log line writes as numbers (it has no table of names). */
const typeNames: Readonly<Record<string, string>> = {
  1100: 'USER_AUTH', 1101: 'USER_ACCT', 1102: 'USER_MGMT', 1103: 'CRED_ACQ', 1104: 'CRED_DISP', 1105: 'USER_START', 1106: 'USER_END', 1108: 'USER_CHAUTHTOK',
  1109: 'USER_ERR', 1110: 'CRED_REFR', 1111: 'USYS_CONFIG', 1112: 'USER_LOGIN', 1113: 'USER_LOGOUT', 1114: 'ADD_USER', 1115: 'DEL_USER', 1116: 'ADD_GROUP', 1117: 'DEL_GROUP',
  1123: 'USER_CMD', 1124: 'USER_TTY', 1130: 'SERVICE_START', 1131: 'SERVICE_STOP', 1127: 'SYSTEM_BOOT', 1128: 'SYSTEM_SHUTDOWN',
  1200: 'DAEMON_START', 1201: 'DAEMON_END', 1202: 'DAEMON_ABORT', 1300: 'SYSCALL', 1302: 'PATH', 1305: 'CONFIG_CHANGE', 1306: 'SOCKADDR', 1307: 'CWD', 1309: 'EXECVE',
  1319: 'TTY', 1320: 'EOE', 1325: 'NETFILTER_CFG', 1326: 'SECCOMP', 1327: 'PROCTITLE', 1330: 'KERN_MODULE', 1334: 'BPF', 1006: 'LOGIN',
  1400: 'AVC', 1700: 'ANOM_PROMISCUOUS', 1701: 'ANOM_ABEND', 1702: 'ANOM_LINK',
};

/** Fields that audit writes in hex when they hold anything but plain printable text. */
const encoded = new Set(['comm', 'exe', 'name', 'cwd', 'proctitle', 'acct', 'cmd', 'data', 'key', 'path', 'file', 'dir', 'ocomm', 'root_dir', 'watch', 'invalid_context']);
const maxFields = 600;
const maxValue = 16 * 1024;

/** Where the record begins in a line that may have a syslog head, a node or a kernel stamp before it; -1: none. */
export function recordStart(line: string): number {
  let at = line.indexOf('type=');
  while (at >= 0 && at < 400) {
    const mark = line.indexOf('audit(', at + 5);
    if (mark < 0 || mark - at > 60) return -1;
    if (at === 0 || line.charCodeAt(at - 1) === 32) return at;
    at = line.indexOf('type=', at + 5);
  }
  return -1;
}

/** Undefined when the line is no audit record. */
export function parseRecord(line: string): AuditRecord | undefined {
  const start = recordStart(line);
  if (start < 0) return undefined;
  const typeEnd = line.indexOf(' ', start);
  const open = line.indexOf('audit(', start);
  const close = line.indexOf('):', open);
  if (typeEnd < 0 || typeEnd > open || close < 0 || close - open > 60) return undefined;
  const colon = line.indexOf(':', open);
  const seconds = Number(line.slice(open + 6, colon));
  const serial = line.slice(colon + 1, close);
  // Up to the year 9999; JavaScript's dates end not far beyond the longest number that would fit here.
  if (!(seconds > 0 && seconds < 253_402_300_800) || !/^\d{1,20}$/.test(serial)) return undefined;
  const written = line.slice(start + 5, typeEnd);
  const type = typeNames[written] ?? /^UNKNOWN\[(\d{4})\]$/.exec(written)?.[1] ?? written;
  const node = nodeOf(line, start);
  const fields: Record<string, string> = {};
  readFields(line, close + 2, line.length, fields, type === 'EXECVE');
  return { type: typeNames[type] ?? type, time: Math.round(seconds * 1000), serial, node, fields };
}

function nodeOf(line: string, start: number): string | undefined {
  const at = line.lastIndexOf('node=', start);
  if (at < 0 || (at > 0 && line.charCodeAt(at - 1) !== 32)) return undefined;
  const end = line.indexOf(' ', at);
  return end > at + 5 && end < start && end - at < 260 ? line.slice(at + 5, end) : undefined;
}

/**
 * key=value pairs between blanks, commas or the \x1d that comes before enriched fields. The first of two equal
 * keys stands: what a program put into its own message cannot replace what the kernel wrote before it.
 */
function readFields(text: string, from: number, to: number, out: Record<string, string>, args: boolean): void {
  let at = from;
  for (let count = 0; count < maxFields && at < to; count++) {
    while (at < to && isGap(text.charCodeAt(at))) at++;
    const equals = text.indexOf('=', at);
    if (equals < 0 || equals >= to) return;
    // Words without = (`avc:  denied  { read } for`) stand before the key.
    let key = equals;
    while (key > at && !isGap(text.charCodeAt(key - 1))) key--;
    const name = text.slice(key, equals);
    const quote = text.charCodeAt(equals + 1);
    let end: number;
    let value: string;
    if (quote === 34 || quote === 39) {
      end = text.indexOf(quote === 34 ? '"' : "'", equals + 2);
      if (end < 0 || end > to) end = to;
      if (quote === 39 && name === 'msg') readFields(text, equals + 2, end, out, false);
      value = text.slice(equals + 2, Math.min(end, equals + 2 + maxValue));
      end++;
    } else if (quote === 123) {
      // SADDR={ saddr_fam=inet laddr=192.0.2.1 lport=22 }
      end = text.indexOf('}', equals);
      if (end < 0 || end >= to) end = to - 1;
      value = text.slice(equals + 1, end + 1);
      end++;
    } else {
      end = equals + 1;
      while (end < to && !isGap(text.charCodeAt(end))) end++;
      const raw = text.slice(equals + 1, Math.min(end, equals + 1 + 2 * maxValue));
      value = encoded.has(name) || (args && isArgument(name)) ? decodeHex(raw, name) : raw;
    }
    if (name !== '' && name !== '__proto__' && name !== 'msg' && out[name] === undefined) out[name] = value;
    at = end;
  }
}

const isGap = (code: number): boolean => code === 32 || code === 29 || code === 44 || code === 10;

/** a0, a12, and a1[0] of arguments that are written in parts. */
const isArgument = (name: string): boolean => /^a\d{1,5}(?:\[\d{1,5}\])?$/.test(name);

/** Text that audit wrote in hex; what is no hex stays. NUL between arguments becomes a blank. */
export function decodeHex(text: string, name = ''): string {
  if (text.length < 2 || text.length % 2 !== 0 || !/^[0-9A-F]+$/.test(text)) return text;
  const bytes = hexBytes(text);
  // Several rule keys of one record are joined by \x01.
  const joint = name === 'key' ? ',' : ' ';
  return decodeUtf8(bytes).replace(/[\0\x01]/g, (c) => (c === '\0' ? ' ' : joint)).trimEnd();
}

export function hexBytes(text: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i + 1 < text.length && bytes.length < maxValue; i += 2) bytes.push(Number.parseInt(text.slice(i, i + 2), 16));
  return bytes;
}

/** Strict enough UTF-8; a bad byte becomes U+FFFD. Core formats have no Node and no TextDecoder types. */
function decodeUtf8(bytes: readonly number[]): string {
  let out = '';
  for (let i = 0; i < bytes.length;) {
    const b = bytes[i]!;
    const more = b < 0x80 ? 0 : b >= 0xc2 && b < 0xe0 ? 1 : b >= 0xe0 && b < 0xf0 ? 2 : b >= 0xf0 && b < 0xf5 ? 3 : -1;
    let code = more === 0 ? b : more === 1 ? b & 0x1f : more === 2 ? b & 0x0f : b & 0x07;
    let good = more >= 0;
    for (let k = 1; good && k <= more; k++) {
      const next = bytes[i + k];
      if (next === undefined || (next & 0xc0) !== 0x80) good = false;
      else code = (code << 6) | (next & 0x3f);
    }
    const least = more === 2 ? 0x800 : more === 3 ? 0x10000 : 0;
    if (!good || code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) { out += '\ufffd'; i++; continue; }
    out += String.fromCodePoint(code);
    i += more + 1;
  }
  return out;
}
