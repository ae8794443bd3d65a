/** Which commands fetch something from the network, from where, and into which file. */
import type { Level } from '../core/level.ts';
import { baseName, startsOf, type Words } from './shell-words.ts';

/** `level`: what it is worth when the fetched is run. */
export interface Fetch { level: Level; address: string }

const fetchers = /^(?:curl|wget|wget2|fetch|aria2c|axel|lwp-request|GET|lynx|links|w3m|http|https|xh|ftp|tftp|nc|ncat|netcat|nc\.traditional|nc\.openbsd|socat|rsync|scp)$/;
const web = /^(?:curl|wget|wget2|fetch|aria2c|axel|lwp-request|GET|lynx|links|w3m|http|https|xh)$/;
const address = /\b(?:https?|ftps?|tftp):\/\/[^\s'"]{1,500}|^(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\/\S*|^[\w-]+(?:\.[\w-]+)+(?::\d+)?\/\S*/i;
/** What asks the name service: an answer that is run is a command of whoever owns the name. */
const names = /^(?:dig|host|nslookup|drill|kdig|delv|doggo|dog|resolvectl|systemd-resolve)$/;
/** Places where anybody leaves text under no name. */
const dumps = /(?:^|[/.])(?:pastebin\.com|paste\.\w+|transfer\.sh|termbin\.com|ix\.io|0x0\.st|file\.io|anonfiles\.com|catbox\.moe|gofile\.io|temp\.sh|bashupload\.com|oshi\.at|[\w-]+\.onion(?:\.\w+)?|tor2web\.\w+|ngrok(?:-free)?\.\w+|[\w-]+\.trycloudflare\.com|discordapp\.com|duckdns\.org|hopto\.org)(?:[/:]|$)/i;
const loopback = /^(?:https?:\/\/)?(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?:[:/]|$)/i;

/** The first of these commands that fetches; undefined when none does, or from this machine only. */
export function fetchOf(commands: readonly Words[]): Fetch | undefined {
  for (const words of commands) {
    const name = baseName(startsOf(words).programs[0] ?? '');
    if (names.test(name) && words.length > 1) return { level: 'high', address: words.join(' ') };
    if (!fetchers.test(name)) continue;
    const from = words.find((word, i) => i > 0 && address.test(word));
    if (from === undefined) { if (web.test(name) && words.length > 1) return { level: 'medium', address: words.join(' ') }; if (/^(?:nc|ncat|netcat|nc\..*|socat)$/.test(name) && words.length > 2) return { level: 'high', address: words.join(' ') }; continue; }
    if (loopback.test(from)) continue;
    return { level: worth(from), address: words.join(' ') };
  }
  return undefined;
}

const inside = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|169\.254\.)/;

function worth(from: string): Level {
  const host = from.replace(/^\w+:\/\//, '').replace(/^[^@/]*@/, '');
  if (inside.test(host)) return 'medium';
  if (/^(?:\d{1,3}\.){3}\d{1,3}(?:[:/]|$)|^0x[0-9a-f]+(?:[:/]|$)|^\d{8,10}(?:[:/]|$)|^\[[0-9a-f:]+\]/i.test(host)) return 'high';
  return dumps.test(host) || /^(?:http|ftp|tftp):/i.test(from) ? 'high' : 'medium';
}

/** Files that this command writes what it fetches into. */
export function fetchedFiles(words: Words, to: readonly string[], cwd: string | undefined): [string, Fetch][] {
  const source = fetchOf([words]);
  if (!source) return [];
  const files = [...to];
  for (const [i, word] of words.entries()) {
    if (/^-(?:[a-zA-Z]*[oO]|-output|-output-document)$/.test(word) && words[i + 1] !== undefined && !words[i + 1]!.startsWith('-')) files.push(words[i + 1]!);
    const attached = /^(?:--output(?:-document)?=|-[oO])(\/\S+)$/.exec(word);
    if (attached) files.push(attached[1]!);
  }
  const named = words.find((word) => /^(?:https?|ftp):\/\//i.test(word));
  if (files.length === 0 && named) files.push(baseName(named.replace(/[?#].*$/, '')));
  return files.filter((file) => file !== '' && file !== '-' && file !== '/dev/null').flatMap((file): [string, Fetch][] => [[file.startsWith('/') || cwd === undefined ? file : `${cwd}/${file}`, source], ...(file.startsWith('/') ? [] : [[baseName(file), source] as [string, Fetch]])]);
}

const readers = /^(?:cat|tac|head|tail|sed|awk|gawk|mawk|grep|egrep|cut|dd|tr|rev|base64|base32|xxd|strings|zcat|bzcat|xzcat|zstdcat|gunzip|gzip|xz|bzip2|openssl)$/;

/** Files whose content the first of these commands passes on: what an interpreter behind them runs stands there. */
export function filesReadBy(commands: readonly Words[]): string[] {
  const [first = []] = commands;
  const [program = '', ...rest] = first[0] === 'busybox' ? first.slice(1) : first;
  if (!readers.test(baseName(program))) return [];
  return rest.map((word) => word.replace(/^if=/, '')).filter((word) => /^(?:\/|~\/)[^*?$`]+$/.test(word) && !/^\/(?:dev\/(?:null|u?random|zero|stdin)|proc|sys)\b/.test(word)).slice(0, 5);
}
