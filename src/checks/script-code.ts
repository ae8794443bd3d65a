/** What code of other languages than the shell says: shells handed to the network, code fetched and run, packed code. */
import type { Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import { inflateSync, gunzipSync } from 'node:zlib';
import type { Language } from './shell-words.ts';

export interface CodeSign { level: Level; text: Text; value: string; attack: readonly string[] }
export interface CodeRead {
  signs: CodeSign[];
  /** Lines that the code hands to a shell or starts as a program. */
  commands: string[];
  /** Code that stood packed in it; to be read in turn. */
  packed: string[];
  /** There was more of either. */
  cut: boolean;
}

const commandsMax = 5000;
const packedMax = 200;
const packedBytes = 256 * 1024;

const shell = /\/bin\/(?:ba|da|z|k)?sh\b|['"](?:ba|da|z)?sh['"]|cmd\.exe/;
/** All of a language's must be there. */
const connects: Readonly<Partial<Record<Language, readonly RegExp[]>>> = {
  python: [/\bsocket\b|\basyncio\b/, /\.connect(?:_ex)?\s{0,9}\(|\b(?:create|open)_connection\s{0,9}\(/],
  perl: [/IO::Socket|\buse\s{1,9}Socket\b|\bSocket->import|\bsockaddr_in\b/],
  php: [/\b(?:fsockopen|pfsockopen|stream_socket_client|socket_connect)\s{0,9}\(/],
  ruby: [/TCPSocket\b/],
  node: [/['"](?:node:)?net['"]/, /\.connect\b|\.createConnection\b|\.Socket\b/],
  lua: [/\bsocket\b/, /\bconnect\b/],
  awk: [/\/inet[46]?\/(?:tcp|udp)\//],
};
const hands: Readonly<Partial<Record<Language, RegExp>>> = {
  python: /\bdup2\s*\(|\bpty\.spawn\s*\(|\bstd(?:in|out)\s*=\s*\w+(?:\.fileno\s*\(|\.makefile\s*\(|\s*[,)])/,
  perl: /\bexec\s*[({]?\s*["'{]|->\s*fdopen\b|open\s*\(?\s*STDIN\s*,\s*["'][<>&]*/,
  php: /\b(?:exec|shell_exec|proc_open|popen|passthru|system)\s*\(/,
  ruby: /\bexec\b|IO\.popen|\$stdin\.reopen|spawn\b/,
  node: /child_process/,
  lua: /io\.popen|os\.execute/,
  awk: /\|&?\s*getline|system\s*\(/,
};
/** What comes from a connection, by the name it is kept under. */
const received = /([$@]?[A-Za-z_]\w{0,40})\s{0,9}=\s{0,9}[^\n;]{0,80}?(?:\.recv(?:from|_into)?\s{0,9}\(|\.gets\b|\bfgets\s{0,9}\(|\bfread\s{0,9}\(|\bsocket_read\s{0,9}\(|\bstream_get_contents\s{0,9}\(|\.receive\s{0,9}\(|\.readline\s{0,9}\(|<\$\w{1,40}>)|\.on\(\s{0,9}['"]data['"]\s{0,9},\s{0,9}(?:async\s{1,9})?(?:function\s{0,9}\w{0,40}\(\s{0,9}(\w{1,40})|\(?\s{0,9}(\w{1,40}))/g;
const receivedMax = 50;
/** perl keeps what it reads in `$_`. */
const perlObeys = /<\$?\w{0,40}>[^}]{0,300}?(?:`[^`\n]{0,60}\$_|\b(?:system|exec|eval)\s{0,9}\(?\s{0,9}["']?\$_|\bqx\W\s{0,9}\$_)/s;
/** A program that never lay on a disk. */
const fromMemory = /\bmemfd_create\b|syscall\s{0,9}\(?\s{0,9}319\b/;
/** Both ends in one statement, in whichever language. */
const fetched = /\b(?:exec|eval|system|assert|include|require_once|loadstring)\b\s*\(?[^\n;]{0,200}?(?:urlopen|urllib|requests\.get|file_get_contents\s*\(\s*['"]https?:|curl_exec|https?\.get|LWP::Simple|open-uri|URI\.open|`(?:curl|wget))/;
const unpacks = /\b(?:exec|eval|assert|create_function|loadstring|Function|instance_eval)\b\s*\(?[^\n]{0,120}?(?:b64decode|b32decode|b85decode|a85decode|decode_base64|base64_decode|gzinflate|gzuncompress|str_rot13|hex2bin|fromhex|unhexlify|marshal\.loads|codecs\.decode|decompress|unpack\s*\(|Base64\.decode64|atob\s*\(|Buffer\.from\s*\()/;
/** A call that starts something, and its first text. */
const starts = /\b(?:os\.(?:system|popen|exec\w*|spawn\w*)|subprocess\.\w+|(?:\w+\.)?(?:Popen|check_call|check_output)|commands\.getoutput|pty\.spawn|system|exec|popen|shell_exec|passthru|proc_open|execSync|spawnSync|execFileSync|execFile|spawn|os\.execute|io\.popen|IO\.popen|qx)\s*[({[\s]{0,4}(?:(?:os\.P_\w{1,20}|\d)\s{0,5},\s{0,5})?(["'`])((?:\\.|(?!\1)[^\\]){1,2000})\1/gs;
const backticks = /`([^`\n]{3,2000})`/g;
const literal = /["'`]([A-Za-z0-9+/=_-]{24,200000})["'`]/g;
const hexLiteral = /^(?:[0-9a-fA-F]{2}){12,}$/;

export function readCode(language: Language, text: string): CodeRead {
  const signs: CodeSign[] = [];
  const around = (found: RegExpExecArray): string => text.slice(Math.max(0, found.index - 60), found.index + 240).replaceAll(/\s*\n\s*/g, ' ');
  const connect = connects[language]?.every((one) => one.test(text)) === true;
  const hand = hands[language]?.exec(text);
  if (connect && hand && (language === 'awk' || shell.test(text) || /pty\.spawn|->fdopen\b[^\n]{0,200}\bsystem\b/.test(text))) signs.push({ level: 'critical', text: { zh: '代码把一个 shell 交给网络连接', en: 'the code hands a shell to a connection' }, value: around(hand), attack: ['T1059', 'T1095'] });
  const obeys = connect ? obedience(language, text) : undefined;
  if (obeys) signs.push({ level: 'critical', text: { zh: '代码把网络连接发来的内容当命令运行', en: 'the code runs what a connection tells it' }, value: around(obeys), attack: ['T1059', 'T1071'] });
  const memory = language === 'other' ? null : fromMemory.exec(text);
  if (memory && /\bexec|\/proc\/(?:self|\$\$|\d+)\/fd\//.test(text)) signs.push({ level: 'high', text: { zh: '代码把程序放进内存直接运行，不落盘', en: 'the code runs a program from memory that never lies on a disk' }, value: around(memory), attack: ['T1620'] });
  const fetch = fetched.exec(text);
  if (fetch && language !== 'other') signs.push({ level: 'high', text: { zh: '代码下载内容后直接执行', en: 'the code fetches other code and runs it' }, value: around(fetch), attack: ['T1059', 'T1105'] });
  const unpack = unpacks.exec(text);
  const packed: string[] = [];
  let cut = false;
  if (unpack) {
    for (const [, value = ''] of text.matchAll(literal)) {
      if (packed.length >= packedMax) { cut = true; break; }
      const inside = unpacked(value);
      if (inside !== undefined) packed.push(inside);
    }
    signs.push({ level: 'medium', text: { zh: '代码把藏起来的内容解开后执行', en: 'the code unpacks hidden code and runs it' }, value: around(unpack), attack: ['T1027.010', 'T1140'] });
  }
  const commands: string[] = [];
  for (const found of text.matchAll(starts)) { if (commands.length >= commandsMax) { cut = true; break; } commands.push(withArguments(text, found)); }
  if (language === 'perl' || language === 'php' || language === 'ruby') for (const found of text.matchAll(backticks)) { if (commands.length >= commandsMax) { cut = true; break; } commands.push(found[1]!); }
  return { signs, commands, packed, cut };
}

const argument = /\s{0,20},\s{0,20}(["'])((?:\\.|(?!\1)[^\\]){0,2000})\1/sy;
const argumentsMax = 20;

/** The program of a call and the texts that stand behind it, as one line for a shell; `execl` names the program a second time. */
function withArguments(text: string, found: RegExpExecArray): string {
  const first = plainText(found[2]!);
  const rest: string[] = [];
  argument.lastIndex = found.index + found[0].length;
  for (let next = argument.exec(text); next && rest.length < argumentsMax; next = argument.exec(text)) rest.push(plainText(next[2]!));
  if (/^os\.exec|^os\.spawn/.test(found[0])) rest.shift();
  return [first, ...rest.map((one) => (/^[\w./:=@%+-]+$/.test(one) ? one : `'${one.replaceAll("'", String.raw`'\''`)}'`))].join(' ');
}

/** Where something that came over a connection is handed to a shell, an interpreter or a program. */
function obedience(language: Language, text: string): RegExpExecArray | undefined {
  if (language === 'perl') { const found = perlObeys.exec(text); if (found) return found; }
  let left = receivedMax;
  for (const found of text.matchAll(received)) {
    if (left-- <= 0) return undefined;
    const name = (found[1] ?? found[2] ?? found[3] ?? '').replaceAll(/[$@]/g, '\\$&');
    const used = new RegExp(`(?:\\b(?:system|exec|eval|qx|popen|shell_exec|passthru|proc_open|execSync|spawn|os\\.execute|io\\.popen|IO\\.popen|subprocess\\.\\w+|getoutput|assert|loadstring)\\s{0,9}\\(?\\s{0,9}\\[?\\s{0,9}["'f\`#{$]{0,4}|\`)${name}(?![\\w])`).exec(text.slice(found.index));
    if (used) { used.index += found.index; return used; }
  }
  return undefined;
}

const plainText = (text: string): string => text.replaceAll(/\\(["'`\\])/g, '$1');

/** Text behind base64 or hex, packed by zlib or not; undefined when it is no text. */
function unpacked(value: string): string | undefined {
  const bytes = hexLiteral.test(value) ? Buffer.from(value, 'hex') : Buffer.from(value, 'base64');
  for (const open of [(): Buffer => bytes, (): Buffer => inflateSync(bytes, { maxOutputLength: packedBytes }), (): Buffer => gunzipSync(bytes, { maxOutputLength: packedBytes })]) {
    let plain: Buffer;
    try { plain = open(); } catch { continue; /* not packed so */ }
    const text = plain.toString('utf8');
    if (looksLikeText(text)) return text;
  }
  return undefined;
}

/** Mostly letters that people write: what decoding chance words gives is not. */
export function looksLikeText(text: string): boolean {
  if (text.length < 4) return false;
  const head = text.slice(0, 2000);
  let odd = 0;
  for (const letter of head) { const code = letter.codePointAt(0)!; if ((code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 127 || code === 0xfffd) odd++; }
  return odd * 20 <= head.length;
}
