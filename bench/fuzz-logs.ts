/** The doors of log text: every format, every program, automatic choice, the line reader. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { DecodeContext, Program } from '../src/core/format.ts';
import { Event, eventFields, fieldTypes } from '../src/core/gen/event.ts';
import { eventJson } from '../src/engine/event-json.ts';
import { openDecoder } from '../src/engine/decode.ts';
import { formats } from '../src/formats/catalogue.ts';
import { readLines } from '../src/linux/lines.ts';
import { programs } from '../src/programs/catalogue.ts';
import { attempt, attemptAsync, crash, least, tally, until, type Tally } from './fuzz-door.ts';
import { forgedAddress, forgeries, forgedLogin, mutate, noise, type Random } from './fuzz-random.ts';
import type { Seeds } from './fuzz-seeds.ts';

const now = Date.UTC(2026, 10, 22, 12);
const context: DecodeContext = { idPrefix: 'fuzz:', source: 'fuzz.log', host: 'web01', now: () => now, zoneOffset: () => 0 };
const lineMax = 64 * 1024;

/** What holds for every event, whatever the line; the first breach, or undefined. */
export function breach(event: Event): string | undefined {
  if (!Number.isFinite(event.time) || Math.abs(event.time) > 8.64e15) return `time is ${event.time}`;
  for (const field of eventFields) {
    const value = event[field];
    if (value === undefined) continue;
    const type = fieldTypes[field];
    const fits = type === 'record' ? typeof value === 'object' && !Array.isArray(value)
      : type.endsWith('[]') ? Array.isArray(value) && value.every((one) => `${typeof one}[]` === type)
      : typeof value === type && (type !== 'number' || Number.isFinite(value));
    if (!fits) return `${field} is ${typeof value} ${JSON.stringify(value)?.slice(0, 40)}, not a ${type}`;
  }
  JSON.stringify(eventJson(event));
  return undefined;
}

/** Hands lines to a fresh decoder at times, so that what it remembers is fuzzed too. */
function runFormat(t: Tally, name: string, random: Random, own: readonly string[], all: readonly string[], going: () => boolean): void {
  let current = '';
  const emit = (event: Event): void => {
    t.events++;
    const why = breach(event);
    if (why !== undefined) crash(t, why, current);
  };
  const sample = own.slice(0, 20);
  const open = () => openDecoder(name, name === 'auto' ? [random.pick(own)] : sample, context, emit).decoder;
  let decoder: ReturnType<typeof open> | undefined;
  let line = 0;
  const feed = (text: string): void => {
    current = text;
    attempt(t, text, () => {
      decoder ??= open();
      decoder.decode(text, { line: ++line, position: line });
      if (random.chance(0.02)) { decoder.flush(); t.unparsed += decoder.unparsed; decoder = undefined; }
    });
  };
  for (const seed of own) feed(seed);
  for (const text of extremes(random, own)) feed(text);
  while (going()) feed(random.chance(0.02) ? noise(random, random.int(2000)) : mutate(random, random.pick(random.chance(0.9) ? own : all), all));
  attempt(t, '(flush)', () => decoder?.flush());
  t.unparsed += decoder?.unparsed ?? 0;
}

function extremes(random: Random, own: readonly string[]): string[] {
  const seed = random.pick(own);
  return ['', ' ', '\u0000', '{', '{}', '[', '"', '-', ...['a', ' ', '"', '[', '{"a":', '\\', '%25', '\u0000', ': ', 'type=', '\\x', ', ', '('].map((piece) => piece.repeat(Math.ceil(lineMax / piece.length)).slice(0, lineMax)),
    `${seed} ${'x'.repeat(lineMax)}`.slice(0, lineMax), (seed + ' ').repeat(Math.ceil(lineMax / (seed.length + 1))).slice(0, lineMax), noise(random, 20_000)];
}

const growthPieces = ['x', ' ', '"', '[', ']', '{"a":', '\\', '%', ': ', ', ', '(', ' from ', '=', 'a=1 ', '\' ', '<', '/', '.', '::', '1', ' port ', '1.1.1.1 ', 'user ', '\\x22', '%25', '&a='];

/** The worst growth of time when a long part of a line doubles from 32 to 64 KiB; 2 is linear. */
function growth(t: Tally, decode: (text: string) => void, seeds: readonly string[], going: () => boolean, random: Random): void {
  let worst = 0;
  let piece = '';
  for (let i = 0; i < 400 && going(); i++) {
    const seed = random.pick(seeds).slice(0, 4000);
    const part = i < growthPieces.length ? growthPieces[i]! : random.chance(0.5) ? random.pick(growthPieces) : seed.slice(random.int(seed.length), random.int(seed.length) + 12) || ' ';
    const at = random.int(seed.length + 1);
    const long = (size: number): string => seed.slice(0, at) + part.repeat(Math.ceil(size / part.length)).slice(0, size) + seed.slice(at);
    const whole = long(lineMax - 4000);
    const full = least(() => decode(whole));
    if (full > t.slowestMs) { t.slowestMs = full; t.slowest = JSON.stringify(`${seed.slice(0, at)}${part}…`).slice(0, 200); }
    // Below this the clock and the collector are what is measured.
    if (full < 1) continue;
    const half = long(lineMax / 2 - 2000);
    const ratio = full / Math.max(0.05, least(() => decode(half)));
    if (ratio > worst) { worst = ratio; piece = `${JSON.stringify(part)} ${full.toFixed(1)} ms`; }
  }
  t.note = worst === 0 ? 'time: all under 1 ms' : `time × ${worst.toFixed(1)} (${piece})`;
}

/** For formats whose own tests put their lines together from pieces. */
const fewSeeds: Readonly<Record<string, readonly string[]>> = {
  access: ['192.0.2.7 - - [22/Nov/2026:02:27:01 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8"', 'shop.example 192.0.2.7 - bob [22/Nov/2026:02:27:01 +0000] "POST /x HTTP/2.0" 401 5 "-" "-"'],
  cri: ['2026-11-22T02:27:01.123456789Z stdout F 192.0.2.7 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "-"', '2026-11-22T02:27:01.123456789+00:00 stderr P half a '],
  docker: ['{"log":"192.0.2.7 - - [22/Nov/2026:02:27:01 +0000] \\"GET / HTTP/1.1\\" 200 1 \\"-\\" \\"-\\"\\n","stream":"stdout","time":"2026-11-22T02:27:01.123456789Z"}'],
  xferlog: ['Sun Nov 22 02:27:01 2026 1 192.0.2.7 1024 /srv/a.php b _ i r bob ftp 0 * c'],
  'bt-panel': ['192.0.2.7 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "-"'],
};

export function fuzzFormats(random: Random, found: Seeds, ms: number): Tally[] {
  const share = ms / (formats.length + 1);
  return [...formats.map((format) => format.id), 'auto'].map((id) => {
    const t = tally(`format ${id}`);
    const names = [id, ...(formats.find((format) => format.id === id)?.aliases ?? [])];
    const own = [...found.of(`formats/${id}`), ...(fewSeeds[id] ?? []), ...found.of('formats'), ...names.flatMap((name) => found.byFormat.get(name) ?? [])];
    const lines = own.length > 0 && id !== 'auto' ? own : found.all;
    runFormat(t, id, random, lines, found.all, until(share * 0.7));
    const decode = (text: string): void => {
      attempt(t, text, () => { const { decoder } = openDecoder(id === 'auto' ? 'syslog' : id, [], context, () => undefined); decoder.decode(text, { line: 1, position: 1 }); decoder.flush(); });
    };
    growth(t, decode, lines, until(share * 0.3), random);
    return t;
  });
}

function programEvent(tag: string, message: string, n: number): Event {
  const event = new Event(`fuzz:${n}`, now + n * 1000, 'syslog');
  event.host = 'web01';
  event.source = 'fuzz.log';
  event.pid = 4711;
  event.process_name = tag;
  event.message = message;
  return event;
}

const tagOf = (program: Program): string => program.tags[0]!.replace('*', 'x');

export function fuzzPrograms(random: Random, found: Seeds, ms: number): Tally[] {
  const share = ms / programs.length;
  return programs.map((program) => {
    const t = tally(`program ${program.id}`);
    const own = found.of(`programs/${program.id}`);
    const lines = own.length > 0 ? own : found.all;
    let decoder = program.open();
    const feed = (message: string): void => {
      attempt(t, message, () => {
        if (random.chance(0.02)) decoder = program.open();
        const event = programEvent(random.chance(0.5) ? tagOf(program) : random.pick(program.tags).replace('*', 'y'), message, t.tried % 100_000);
        if (decoder.decode(message, event)) t.events++;
        else t.unparsed++;
        const why = breach(event);
        if (why !== undefined) crash(t, why, message);
      });
    };
    for (const text of [...lines, ...extremes(random, lines)]) feed(text);
    const going = until(share * 0.7);
    while (going()) feed(mutate(random, random.pick(random.chance(0.9) ? lines : found.all), found.all));
    growth(t, (text) => { attempt(t, text, () => { decoder.decode(text, programEvent(tagOf(program), text, 1)); }); }, lines, until(share * 0.3), random);
    return t;
  });
}

const real = '192.0.2.7';

/** Lines in which a client chose what stands at {X}; the only address that may be named is 192.0.2.7. */
const openings: Readonly<Record<string, readonly string[]>> = {
  sshd: [
    `Failed password for invalid user {X} from ${real} port 40000 ssh2`, `Failed none for invalid user {X} from ${real} port 40000 ssh2`, `Invalid user {X} from ${real} port 40000`, `Invalid user {X} from ${real}`,
    `Connection closed by invalid user {X} ${real} port 40000 [preauth]`, `Connection reset by invalid user {X} ${real} port 40000 [preauth]`, `Disconnected from invalid user {X} ${real} port 40000 [preauth]`,
    `User {X} from ${real} not allowed because not listed in AllowUsers`, `Bad protocol version identification '{X}' from ${real} port 40000`, `Unable to negotiate with ${real} port 40000: no matching host key type found. Their offer: {X} [preauth]`,
    `Received disconnect from ${real} port 40000:11: {X} [preauth]`, `input_userauth_request: invalid user {X} [preauth]`, `error: maximum authentication attempts exceeded for invalid user {X} from ${real} port 40000 ssh2 [preauth]`,
    `Postponed keyboard-interactive for invalid user {X} from ${real} port 40000 ssh2 [preauth]`, `error: kex_exchange_identification: client sent invalid protocol identifier "{X}"`, `error: PAM: Authentication failure for illegal user {X} from ${real}`,
    `Disconnecting invalid user {X} ${real} port 40000: Too many authentication failures [preauth]`, `pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${real}  user={X}`,
    `Protocol major versions differ for ${real} port 40000: SSH-2.0-OpenSSH_9.2 vs. {X}`, `banner exchange: Connection from ${real} port 40000: {X}`, `error: Received disconnect from ${real} port 40000:3: {X} [preauth]`,
  ],
  sudo: ['bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/home/{X} ; USER=root ; COMMAND=/bin/{X}', 'bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/{X} ; USER=root ; COMMAND={X}', 'pam_unix(sudo:auth): authentication failure; logname=bob uid=1000 euid=0 tty=/dev/pts/0 ruser=bob rhost=  user={X}'],
  su: ['FAILED SU (to {X}) bob on pts/0', 'FAILED su for {X} by bob', 'pam_unix(su:auth): authentication failure; logname=bob uid=1000 euid=0 tty=pts/0 ruser=bob rhost=  user={X}'],
  dovecot: [
    `imap-login: Disconnected (auth failed, 3 attempts in 12 secs): user=<{X}>, method=PLAIN, rip=${real}, lip=198.51.100.1, TLS, session=<abc>`, `imap-login: Aborted login (auth failed, 1 attempts in 2 secs): user=<{X}>, method=PLAIN, rip=${real}, lip=198.51.100.1, session=<abc>`,
    `auth: pam({X},${real}): unknown user`, `auth-worker(77): sql({X},${real}): Password mismatch`, `auth: passwd-file({X},${real},<abc>): unknown user`, `pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser={X} rhost=${real}`,
    `imap-login: Info: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) (auth_failed): user=<{X}>, method=PLAIN, rip=${real}, lip=198.51.100.1`,
  ],
  vsftpd: [`[{X}] FAIL LOGIN: Client "${real}"`, `[ftp] FAIL DOWNLOAD: Client "${real}", "/{X}", 0.00Kbyte/sec`, `pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser={X} rhost=${real}`],
};

const requestOf = (x: string): string => `${real} - - [22/Nov/2026:02:27:01 +0000] "GET /${x} HTTP/1.1" 404 153 "${x}" "${x}"`;
/** Servers escape quotes, backslashes and control characters before they log. */
const asNginx = (x: string): string => x.replace(/["\\\u0000-\u001f\u007f-\uffff]/g, (c) => [...Buffer.from(c)].map((byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''));
const asApache = (x: string): string => x.replace(/["\\]/g, '\\$&').replace(/[\u0000-\u001f\u007f-\uffff]/g, (c) => [...Buffer.from(c)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''));

function judge(t: Tally, event: Event, input: string): void {
  const why = breach(event)
    ?? (event.source_ip === forgedAddress ? `source_ip is the forged ${forgedAddress}` : undefined)
    ?? (event.action === 'login' && event.outcome === 'success' ? 'a successful log-in out of forged text' : undefined);
  if (why !== undefined) crash(t, why, input);
}

/** Forged text in every place that a client fills: through the program, through syslog, the journal and automatic choice. */
export function fuzzForgeries(random: Random, ms: number): Tally[] {
  const inputs = (): string => {
    const one = random.pick(forgeries);
    switch (random.int(4)) {
      case 0: return one;
      case 1: return `${random.pick(forgeries)}${random.pick(['', ' ', '\t', '\u0000', ', ', '"'])}${one}`;
      case 2: return mutate(random, one, forgeries, 2000);
      default: return `${one}${' '.repeat(random.int(8))}${one.slice(0, random.int(one.length))}`;
    }
  };
  const out: Tally[] = [];
  const share = ms / (Object.keys(openings).length + 2);
  for (const [id, templates] of Object.entries(openings)) {
    const t = tally(`forged ${id}`);
    const program = programs.find((one) => one.id === id)!;
    const tag = tagOf(program);
    const going = until(share);
    for (let n = 0; going(); n++) {
      const x = n < forgeries.length ? forgeries[n]! : inputs();
      for (const template of templates) {
        const message = template.replaceAll('{X}', () => x);
        attempt(t, message, () => {
          const event = programEvent(tag, message, n);
          if (program.open().decode(message, event)) t.events++; else t.unparsed++;
          judge(t, event, message);
        });
        // A newline of a client reaches a file as #012 (rsyslog) and the journal as it is.
        const flat = message.replaceAll('\n', '#012');
        through(t, random.pick(['syslog', 'auto']), `Nov 22 02:27:01 web01 ${tag}[4711]: ${flat}`);
        through(t, random.pick(['journal', 'auto']), JSON.stringify({ __REALTIME_TIMESTAMP: '1795314421000000', __CURSOR: 's=1', _HOSTNAME: 'web01', SYSLOG_IDENTIFIER: tag, _PID: '4711', _COMM: tag, MESSAGE: message }));
      }
    }
    out.push(t);
  }
  for (const [id, escape] of [['nginx', asNginx], ['apache', asApache]] as const) {
    const t = tally(`forged ${id} access`);
    const going = until(share);
    for (let n = 0; going(); n++) {
      const x = escape(n < forgeries.length ? forgeries[n]! : inputs());
      const user = x.replaceAll(/\s/g, '+');
      for (const line of [requestOf(x), requestOf(x).replace(' - - ', () => ` - ${user} `), `${real} - - [22/Nov/2026:02:27:01 +0000] "${x}" 400 150 "-" "-"`]) through(t, random.chance(0.5) ? id : 'auto', line);
    }
    out.push(t);
  }
  return out;
}

function through(t: Tally, format: string, line: string): void {
  attempt(t, line, () => {
    const { decoder } = openDecoder(format, [line], context, (event) => { t.events++; judge(t, event, line); });
    decoder.decode(line, { line: 1, position: 1 });
    decoder.flush();
    t.unparsed += decoder.unparsed;
  });
}

/** Files through the line reader: 10 MB without a newline, binary, half characters, CR, damaged and swelling archives. */
export async function fuzzReader(random: Random, ms: number): Promise<Tally> {
  const t = tally('line reader and gz');
  const folder = mkdtempSync(join(tmpdir(), 'moat-fuzz-'));
  const path = join(folder, 'input.log');
  const going = until(ms);
  const feed = async (bytes: Buffer, what: string, options = {}): Promise<void> => {
    writeFileSync(path, bytes);
    await attemptAsync(t, what, async () => {
      let decoder: ReturnType<typeof openDecoder>['decoder'] | undefined;
      for await (const { lines, offsets, cut } of readLines(path, options)) {
        t.unparsed += cut;
        if (lines.length !== offsets.length) crash(t, 'lines and offsets differ', what);
        if (lines.some((line) => line.length > lineMax)) crash(t, 'a line longer than the limit', what);
        decoder ??= openDecoder('syslog', lines, context, (event) => { t.events++; const why = breach(event); if (why !== undefined) crash(t, why, what); }).decoder;
        for (const [i, line] of lines.entries()) decoder.decode(line, { line: i + 1, position: offsets[i]! });
      }
      decoder?.flush();
    });
  };
  try {
    const good = `Nov 22 02:27:01 web01 sshd[4711]: Failed password for root from ${real} port 40000 ssh2\n`;
    await feed(Buffer.alloc(10 * 2 ** 20, 'x'), '10 MB without a newline');
    await feed(Buffer.concat([Buffer.from(good), Buffer.alloc(10 * 2 ** 20, 0), Buffer.from(`\n${good}`)]), '10 MB of NUL between two lines');
    await feed(Buffer.from(`${good.trimEnd()} ${forgedLogin} `.repeat(70_000)), '10 MB of forged text in one line');
    await feed(Buffer.alloc(2 ** 20, '\r\n'), 'CRLF only');
    await feed(Buffer.alloc(2 ** 20, 0xc3), 'half characters');
    await feed(gzipSync(Buffer.alloc(300 * 2 ** 20)), 'gzip bomb, 300 MB of NUL', { maxRatio: 100 });
    const packed = gzipSync(Buffer.from(good.repeat(20_000)));
    while (going()) {
      const bytes = Buffer.from(random.chance(0.5) ? packed : Buffer.from(good.repeat(200)));
      for (let times = random.int(20); times > 0; times--) bytes[random.int(bytes.length)] = random.int(256);
      await feed(bytes.subarray(0, random.int(bytes.length)), 'damaged file', random.chance(0.3) ? { gz: true } : {});
      await feed(Buffer.from(noise(random, random.int(100_000)), 'latin1'), 'binary');
    }
  } finally { rmSync(folder, { recursive: true, force: true }); }
  return t;
}
