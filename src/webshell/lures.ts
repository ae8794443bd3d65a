/** What pages do to their readers that needs no following: steal what they type, talk them into running a program, send them away. Patterns are bounded. */
import { hostOf, isAddress, unusual } from './page.ts';
import type { Level } from '../core/level.ts';

/** `at`: where in the script. */
export interface Lure { at: number; text: string; level: Level }

const longest = 200_000;
/** A call that hands something to another host, whose address is the first group. */
const sends = String.raw`(?:\.src\s{0,3}=\s{0,3}|sendBeacon\s{0,3}\(\s{0,3}|fetch\s{0,3}\(\s{0,3}|\.open\s{0,3}\(\s{0,3}['"\`]\w{3,4}['"\`]\s{0,3},\s{0,3})['"\`]((?:https?:)?\/\/[^'"\`\s]{3,200})`;
const cookies = new RegExp(`${sends}['"\`]\\s{0,3}\\+[^;]{0,200}document\\.cookie`, 'i');
const anySend = new RegExp(sends, 'i');
const chain = /['"`]eth_call['"`]/;
const program = /\.(?:exe|msi|zip|iso|scr|apk|hta|vbs|js|dmg|pkg|bat)(?:[?#]|$)/i;

const strangerOf = (address: string | null | undefined): string | undefined => { const host = hostOf(address ?? ''); return host !== undefined && unusual(host) ? host : undefined; };

export function scriptLures(script: string): Lure[] {
  if (script.length > longest) return [];
  const out: Lure[] = [];
  const add = (found: RegExpExecArray, level: Level): void => { out.push({ at: found.index, text: found[0].slice(0, 300), level }); };
  // All cookies of the site go to another one.
  const stolen = script.includes('document.cookie') ? cookies.exec(script) : null;
  const thief = strangerOf(stolen?.[1]);
  if (stolen && thief !== undefined) add(stolen, isAddress(thief) ? 'high' : 'medium');
  // Code that lies in a block chain, where nobody can take it down.
  const call = chain.exec(script);
  if (call && /\beval\s{0,3}\(|\bnew\s{1,3}Function\s{0,3}\(|createElement\s{0,3}\(\s{0,3}['"`]script/.test(script.slice(call.index, call.index + 2500))) add(call, 'high');
  // A worker of the page answers for the site with another one.
  const away = /respondWith\s{0,3}\([^;]{0,80}Response\.redirect\s{0,3}\(\s{0,3}['"`]((?:https?:)?\/\/[^'"`\s]{3,200})/i.exec(script);
  if (away && strangerOf(away[1]) !== undefined) add(away, 'high');
  // A password goes to a bare address beside the form's own way.
  if (/\b(?:submit|keyup|keydown|change|blur|click)\b/.test(script) && /\b(?:pass(?:word|wd)?|pwd)\b[^;]{0,20}\.value|type\s{0,2}=\s{0,2}\\?["']?password/i.test(script)) {
    const sent = anySend.exec(script);
    const host = strangerOf(sent?.[1]);
    if (sent && host !== undefined && isAddress(host)) add(sent, 'high');
  }
  return out;
}

const runDialog = /\bwin(?:dows)?(?:\s?key)?\s{0,3}\+\s{0,3}(?:R|X)\b|run dialog|\bterminal\b|运行(?:框|窗口|对话框)|终端/i;
const proofOfHuman = /not a robot|are (?:a )?human|human verification|verify you|cloudflare|captcha|人机(?:身份)?验证|不是机器人|验证(?:您|你)是/i;
const typed = /(?:writeText|setData|execCommand|\.value\s{0,3}=|textContent\s{0,3}=)[^;]{0,300}(?:powershell|mshta|\bcmd(?:\.exe)?\s{1,3}\/c|msiexec|\biwr\b|\|\s{0,3}iex\b|curl\s[^;"'`]{0,200}\|\s{0,3}(?:ba|z)?sh\b|osascript)/i;
const oldBrowser = /(?:update|upgrade)\s{1,3}(?:your\s{1,3})?(?:browser|chrome|firefox|edge|flash)|(?:browser|chrome|firefox|edge|flash(?: player)?)\b[^<]{0,40}(?:out of date|outdated|update required)|(?:浏览器|Flash)[^<]{0,20}(?:过期|过低|更新|升级)/i;

/** `page`: the whole page, UTF-8 as a binary string; `links`: addresses of its links. */
export function pageLures(page: string, links: readonly { at: number; address: string }[]): Lure[] {
  const out: Lure[] = [];
  const text = page.slice(0, longest);
  const clip = typed.exec(text);
  if (clip) { const words = Buffer.from(text, 'latin1').toString('utf8'); if (runDialog.test(words) && proofOfHuman.test(words)) out.push({ at: clip.index, text: clip[0], level: 'high' }); }
  const download = links.find(({ address }) => program.test(address) && strangerOf(address) !== undefined);
  if (download && /\.click\s{0,3}\(|z-index\s{0,3}:\s{0,3}\d{4,}|setTimeout/i.test(text) && oldBrowser.test(Buffer.from(text, 'latin1').toString('utf8'))) out.push({ at: download.at, text: download.address.slice(0, 300), level: 'high' });
  return out;
}
