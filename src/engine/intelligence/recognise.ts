/** What one value of a list is: address, network, range, host name, URL, hash or wallet. */
import type { IndicatorKind } from '../../core/lineage.ts';
import { maskTo, networksOfRange, parseAddress } from '../../core/networks.ts';
import type { ListBuilder } from './list.ts';

const words = new Uint32Array(4);
const valueMax = 2048;
/** Networks wider than this would judge a part of the whole internet. */
const narrowestV4 = 8;
const narrowestV6 = 16;
const rangeMax = 2 ** 24;

const isHash = (text: string): boolean => (text.length === 32 || text.length === 40 || text.length === 64) && /^[0-9a-fA-F]+$/.test(text);

/** Shapes of Bitcoin, Monero, Ethereum, Tron, Litecoin, Dogecoin, Zcash and Ravencoin addresses. */
const walletShape = /^(?:bc1[a-z0-9]{11,87}|ltc1[a-z0-9]{11,87}|[13LMD][1-9A-HJ-NP-Za-km-z]{25,34}|[48][0-9A-Za-z]{94}|4[0-9A-Za-z]{105}|0x[0-9a-fA-F]{40}|[TR][1-9A-HJ-NP-Za-km-z]{33}|t[13][1-9A-HJ-NP-Za-km-z]{33})$/;
const anyWallet = /^[0-9A-Za-z:_.-]{16,200}$/;

/** Hosts where anybody puts a page: a listed page there says nothing of the host. */
const sharedHosts: ReadonlySet<string> = new Set([
  'github.com', 'raw.githubusercontent.com', 'gist.githubusercontent.com', 'objects.githubusercontent.com', 'gist.github.com', 'codeload.github.com', 'github.io', 'gitlab.com', 'gitee.com', 'bitbucket.org', 'sourceforge.net',
  'pastebin.com', 'paste.ee', 'transfer.sh', 'docs.google.com', 'drive.google.com', 'drive.usercontent.google.com', 'storage.googleapis.com', 'sites.google.com', 'dropbox.com', 'www.dropbox.com', 'dl.dropboxusercontent.com',
  'onedrive.live.com', '1drv.ms', 's3.amazonaws.com', 'cdn.discordapp.com', 'discord.com', 't.me', 'telegra.ph', 'api.telegram.org', 'archive.org', 'ipfs.io', 'bit.ly', 'tinyurl.com', 'pan.baidu.com', 'www.baidu.com', 'www.google.com', 'google.com', 'youtube.com', 'www.youtube.com',
  'npmjs.com', 'registry.npmjs.org', 'pypi.org', 'files.pythonhosted.org', 'hub.docker.com', 'huggingface.co', 'vercel.app', 'netlify.app', 'pages.dev', 'workers.dev', 'web.app', 'blogspot.com', 'wordpress.com', 'weebly.com', 'notion.so',
]);

/**
 * Adds one value of a list. `kind` is what the list holds; without it the shape tells. Anything that is not
 * added is counted in the list. Returns whether the value was understood, added or not.
 */
export function addValue(into: ListBuilder, text: string, kind: IndicatorKind | undefined, what?: string, expires?: number): boolean {
  const value = refang(text.trim());
  if (value === '' || value.length > valueMax) { into.refuse('not understood'); return false; }
  const note = into.note(what, expires);
  if (note === undefined) return true;
  if ((kind === undefined || kind === 'hash') && isHash(value)) { into.hash(value, note); return true; }
  if ((kind === undefined && walletShape.test(value)) || (kind === 'wallet' && anyWallet.test(value))) { into.wallet(walletKey(value), note); return true; }
  if (kind === undefined || kind === 'address' || kind === 'domain') {
    const url = value.indexOf('://');
    if (url > 0 && url < 12) return addUrl(into, value.slice(url + 3), kind, note);
    if (kind !== 'domain' && addAddress(into, value, note)) return true;
    if (kind !== 'address' && addDomain(into, value, note)) return true;
  }
  into.refuse('not understood');
  return false;
}

/** Ethereum's addresses are numbers: large and small letters are the same. */
export const walletKey = (text: string): string => (text.startsWith('0x') ? text.toLowerCase() : text);

/** Undoes what reports do so that nobody clicks: hxxp, [.], (.) */
function refang(text: string): string {
  if (!text.includes('[') && !text.includes('(') && !text.startsWith('hxxp')) return text;
  const plain = text.replaceAll('[.]', '.').replaceAll('(.)', '.').replaceAll('[:]', ':').replaceAll('[://]', '://');
  return plain.startsWith('hxxp') ? `http${plain.slice(4)}` : plain;
}

function addUrl(into: ListBuilder, rest: string, kind: IndicatorKind | undefined, note: number): boolean {
  const slash = rest.search(/[/?#]/);
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const name = host.replace(/:\d{1,5}$/, '');
  if (slash >= 0 && rest.length > slash + 1 && sharedHosts.has(name.toLowerCase())) { into.refuse('page on a shared host'); return true; }
  if (kind !== 'domain' && addAddress(into, host, note)) return true;
  if (kind !== 'address' && addDomain(into, name, note)) return true;
  into.refuse('not understood');
  return false;
}

/** An address, perhaps with a port; a network in CIDR form; a range `first-last` (IPv4). False when it is none of them. */
function addAddress(into: ListBuilder, text: string, note: number): boolean {
  const slash = text.indexOf('/');
  if (slash > 0) {
    const bits = Number(text.slice(slash + 1));
    const version = /^\d{1,3}$/.test(text.slice(slash + 1)) ? parseAddress(text, 0, slash, words) : 0;
    if (version === 0 || bits > (version === 4 ? 32 : 128)) return false;
    maskTo(words, version, bits);
    addNetwork(into, version, bits, note);
    return true;
  }
  const dash = text.indexOf('-');
  if (dash > 0 && dash < 17) return addRange(into, text, dash, note);
  let end = text.length;
  let start = 0;
  if (text.charCodeAt(0) === 91) { // [v6] or [v6]:port
    start = 1;
    end = text.indexOf(']');
  } else {
    const colon = text.indexOf(':');
    if (colon > 0 && colon === text.lastIndexOf(':') && /^\d{1,5}$/.test(text.slice(colon + 1))) end = colon;
  }
  const version = end > start ? parseAddress(text, start, end, words) : 0;
  if (version === 0) return false;
  addNetwork(into, version, version === 4 ? 32 : 128, note);
  return true;
}

function addRange(into: ListBuilder, text: string, dash: number, note: number): boolean {
  const trimmed = text.slice(dash + 1).trim();
  const first = text.slice(0, dash).trim();
  if (parseAddress(first, 0, first.length, words) !== 4) return false;
  const from = words[0]!;
  if (parseAddress(trimmed, 0, trimmed.length, words) !== 4) return false;
  const to = words[0]!;
  if (to < from) return false;
  if (to - from >= rangeMax) { into.refuse('too broad'); return true; }
  for (const part of networksOfRange(from, to)) {
    words[0] = part.from;
    addNetwork(into, 4, part.bits, note);
  }
  return true;
}

function addNetwork(into: ListBuilder, version: 4 | 6, bits: number, note: number): void {
  const single = bits === (version === 4 ? 32 : 128);
  if (bits < (version === 4 ? narrowestV4 : narrowestV6)) into.refuse('too broad');
  else if (single ? isNowhere(version) || (!into.head.own && isLoopback(version)) : isLocal(version)) into.refuse('private or local network');
  else into.network(words, version, bits, note);
}

const isNowhere = (version: 4 | 6): boolean => (version === 4 ? words[0] === 0 || words[0] === 0xffffffff : words.every((word) => word === 0));
const isLoopback = (version: 4 | 6): boolean => (version === 4 ? words[0]! >>> 24 === 127 : words[0] === 0 && words[1] === 0 && words[2] === 0 && words[3] === 1);

/** Networks that lists name as never routed: matching them would judge the machine's own neighbours. */
function isLocal(version: 4 | 6): boolean {
  const word = words[0]!;
  if (version === 6) return word >>> 25 === 0x7e || word >>> 22 === 0x3fa || word >>> 24 === 0xff || word === 0;
  const first = word >>> 24;
  return first === 0 || first === 10 || first === 127 || first >= 224 || word >>> 20 === 0xac1 || word >>> 16 === 0xc0a8 || word >>> 16 === 0xa9fe || word >>> 22 === 0x191;
}

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** A host name of two labels at least; `*.`, a leading dot and the marks of ad blockers' lists around it are taken off. */
function addDomain(into: ListBuilder, text: string, note: number): boolean {
  let name = text;
  if (name.startsWith('||')) name = name.slice(2).replace(/\^.*$/, '');
  if (name.startsWith('*.')) name = name.slice(2);
  if (name.startsWith('.')) name = name.slice(1);
  if (name.endsWith('.')) name = name.slice(0, -1);
  if (name.length > 253 || !name.includes('.')) return false;
  if (/[^ -~]/.test(name)) name = asciiName(name);
  const labels = name.split('.');
  if (labels.length < 2 || /^\d+$/.test(labels.at(-1) ?? '') || !labels.every((part) => label.test(part))) return false;
  into.domain(name, note);
  return true;
}

function asciiName(name: string): string {
  try { return new URL(`http://${name}`).hostname; } catch { return ''; /* no name that DNS could hold */ }
}
