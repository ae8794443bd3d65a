/** What is put into pages: hidden frames, spam links, miners, redirects for some visitors only, scripts after the end. Tags are read one by one; no pattern spans the page. */
import { htmlEntities } from './decode.ts';
import { Lines, type Sign } from './sign.ts';
import { titles } from './titles.ts';

/** `attributes` are read when asked for: of most tags nobody does. */
export interface Tag { name: string; close: boolean; readonly attributes: ReadonlyMap<string, string>; at: number; end: number }
const tagsMax = 60_000;
const attributesMax = 60;
const blockMax = 200_000;

const rawText = new Set(['script', 'style', 'textarea', 'title', 'noscript-raw']);

const [blankClass, nameClass] = [1, 2];
/** What \s and [\w:-] take of the bytes. */
const classes = Uint8Array.from({ length: 256 }, (_, code) => (/\s/.test(String.fromCharCode(code)) ? blankClass : /[\w:-]/.test(String.fromCharCode(code)) ? nameClass : 0));
const [slash, equals, greater, quotes, apostrophe] = [47, 61, 62, 34, 39];

class ReadTag implements Tag {
  readonly name: string;
  readonly close: boolean;
  readonly at: number;
  readonly end: number;
  readonly #source: string;
  readonly #from: number;
  #attributes: Map<string, string> | undefined;

  constructor(source: string, name: string, close: boolean, at: number, from: number) {
    this.name = name;
    this.close = close;
    this.at = at;
    this.#source = source;
    this.#from = from;
    this.end = Math.min(attributesOf(source, from, undefined) + 1, source.length);
  }

  get attributes(): ReadonlyMap<string, string> {
    if (!this.#attributes) attributesOf(this.#source, this.#from, this.#attributes = new Map());
    return this.#attributes;
  }
}

/** Where the tag's `>` is, or the source's end. Attributes are put into `into` if there is one. */
function attributesOf(source: string, from: number, into: Map<string, string> | undefined): number {
  const { length } = source;
  let i = from;
  while (i < length) {
    const char = source.charCodeAt(i);
    if (char === greater) break;
    if (classes[char] === blankClass || char === slash || char === quotes || char === apostrophe || char === equals) { i++; continue; }
    const key = i;
    for (; i < length; i++) { const one = source.charCodeAt(i); if (classes[one] === blankClass || one === equals || one === greater || one === slash) break; }
    const keyEnd = i;
    let value = i;
    let valueEnd = i;
    let j = i;
    while (j < length && j < i + 20 && classes[source.charCodeAt(j)] === blankClass) j++;
    if (source.charCodeAt(j) === equals) {
      j++;
      while (j < length && classes[source.charCodeAt(j)] === blankClass) j++;
      const quote = source.charCodeAt(j);
      if (quote === quotes || quote === apostrophe) {
        const end = source.indexOf(quote === quotes ? '"' : "'", j + 1);
        value = j + 1;
        valueEnd = end < 0 ? length : end;
        i = valueEnd + 1;
      } else {
        value = j;
        for (; j < length; j++) { const one = source.charCodeAt(j); if (classes[one] === blankClass || one === greater) break; }
        valueEnd = i = j;
      }
    }
    if (into && into.size < attributesMax) {
      const name = source.slice(key, keyEnd).toLowerCase();
      if (!into.has(name)) into.set(name, source.slice(value, Math.min(valueEnd, value + 4000)));
    }
  }
  return i;
}

/** Tags of a page in order; the text within scripts and styles is passed over. `source` is a binary string. */
export function tagsOf(source: string): Tag[] {
  const out: Tag[] = [];
  const names = new Map<string, string>();
  let lower: string | undefined;
  let at = source.indexOf('<');
  while (at >= 0 && out.length < tagsMax) {
    const next = source.charCodeAt(at + 1);
    if (next === 33 && source.startsWith('<!--', at)) { const end = source.indexOf('-->', at + 4); if (end < 0) break; at = source.indexOf('<', end + 3); continue; }
    const close = next === slash;
    const start = at + (close ? 2 : 1);
    let i = start;
    while (i < source.length && classes[source.charCodeAt(i)] === nameClass) i++;
    if (i === start) { at = source.indexOf('<', at + 1); continue; }
    const written = source.slice(start, i);
    let name = names.get(written);
    if (name === undefined) { name = written.toLowerCase(); if (names.size < 1000) names.set(written, name); }
    const tag = new ReadTag(source, name, close, at, i);
    out.push(tag);
    if (!close && rawText.has(name)) { const end = (lower ??= source.toLowerCase()).indexOf(`</${name}`, tag.end); at = end < 0 ? -1 : end; } else at = source.indexOf('<', tag.end);
  }
  return out;
}

/** Of services that pages use so with their owner's knowledge. */
const usual = /(?:^|\.)(?:google(?:tagmanager|-analytics|apis|syndication|usercontent)?\.(?:com|[a-z]{2})|gstatic\.com|doubleclick\.net|youtube(?:-nocookie)?\.com|facebook\.(?:com|net)|twitter\.com|linkedin\.com|bing\.com|clarity\.ms|hotjar\.com|cloudflare(?:insights)?\.com|jsdelivr\.net|unpkg\.com|baidu\.com|bdstatic\.com|cnzz\.com|umeng\.com|51\.la|qq\.com|gtimg\.c(?:n|om)|weibo\.com|sina\.com\.cn|aliyun\.com|alicdn\.com|taobao\.com|cookiebot\.com|onetrust\.com|cookielaw\.org|consensu\.org|trustarc\.com|quantcast\.com|hcaptcha\.com|recaptcha\.net|stripe\.com|paypal\.com|microsoft(?:online)?\.com|live\.com|github(?:usercontent)?\.(?:com|io)|jquery\.com|bootstrapcdn\.com|addthis\.com|sharethis\.com|disqus\.com|vimeo\.com|w3\.org|matomo\.cloud|sentry(?:-cdn)?\.(?:io|com)|intercom\.io|zendesk\.com|adobe\.com|adobedtm\.com|demdex\.net|criteo\.(?:com|net)|gravatar\.com|wp\.com|wordpress\.(?:com|org)|amazon-adsystem\.com|yandex\.(?:ru|com)|mathjax\.org|readthedocs\.(?:io|org)|rtfd\.io|debian\.org)$/i;

export function hostOf(address: string): string | undefined {
  const match = /^\s*(?:https?:)?\/\/(?:[^/@?#\s]*@)?([\w.-]+|\[[0-9a-f:]+\])(?::\d+)?(?:[/?#\s]|$)/i.exec(htmlEntities(address));
  return match?.[1]?.toLowerCase();
}
export const unusual = (host: string): boolean => !usual.test(host) && !/^(?:localhost|127\.|0\.0\.0\.0|\[::1\]|example\.(?:com|org|net)|.*\.example|.*\.local(?:host)?|.*\.test)/i.test(host);

const hiddenStyle = /display\s*:\s*none|visibility\s*:\s*hidden|(?:left|top|right|bottom|margin-left|margin-top|text-indent)\s*:\s*-\s*\d{3,}|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$|!)|font-size\s*:\s*[01](?:px|pt|em)?\s*(?:;|$|!)|(?:height|width)\s*:\s*[012](?:px)?\s*(?:;|$|!)|clip\s*:\s*rect\(\s*0|clip-path\s*:\s*(?:inset\(\s*(?:[5-9]\d|100)(?:\.\d+)?%|circle\(\s*0|polygon\(\s*0\s*0\s*,\s*0\s*0)|transform\s*:\s*(?:scale[XY]?\(\s*0\s*[,)]|translate[XY]?\(\s*-\d{4,})|z-index\s*:\s*-\s*\d{2,}|(?:^|[;\s])color\s*:\s*transparent|opacity\s*:\s*0?\.0\d/i;
const small = (value: string | undefined): boolean => value !== undefined && /^\s*[0-2](?:px)?\s*$/.test(value);
const isHidden = ({ attributes }: Tag): boolean => hiddenStyle.test(attributes.get('style') ?? '') || attributes.has('hidden');
const isTiny = (tag: Tag): boolean => small(tag.attributes.get('width')) || small(tag.attributes.get('height'));

const spamWords = /viagra|cialis|levitra|casino|slot\s?(?:gacor|online)|togel|judi\s|poker|payday\s?loan|replica\s(?:watch|bag)|louis\svuitton|博彩|六合彩|百家乐|时时彩|北京赛车|赌场|赌博|澳门(?:新)?葡京|彩票|开户|私服|成人(?:网|电影)|无码|棋牌|娱乐(?:城|场)|投注|葡京|外围(?:投|盘|赌)|时时乐|六合|刻章|办证|迷药|裸聊|约炮|老虎机|亚博|代孕|发票/i;
const minerHosts = /(?:^|\.)(?:coinhive\.com|coin-hive\.com|authedmine\.com|crypto-?loot\.(?:com|pro)|cryptaloot\.pro|coinimp\.com|hashing\.win|jsecoin\.com|webmine(?:pool)?\.(?:com|pro|cz)|minero\.(?:cc|pw)|monerominer\.rocks|deepminer\.\w+|coinhave\.com|webminerpool\.com|browsermine\.com|mineralt\.io)$/i;

export const say = (text: string, lines: Lines, at: number, level: Sign['level'], decoded?: string): Sign => ({ kind: 'injection', level, title: titles.injection, sink: { ...lines.at(at), ...(text !== '' && { text: text.slice(0, 300) }) }, ...(decoded !== undefined && { decoded: decoded.slice(0, 300) }) });

/** Elements in which links are hidden. */
const blocks = new Set(['div', 'span', 'p', 'ul', 'font', 'marquee', 'section', 'table', 'td', 'u', 'center', 'i', 'b', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'li', 'em', 'strong', 'aside', 'footer', 'nav', 'noindex']);

/** Signs in markup; `source` is a binary string, `tags` what `tagsOf` says of it. `decoded`: it was hidden before a script wrote it. */
export function pageSigns(source: string, layer = 0, tags: readonly Tag[] = tagsOf(source), decoded = false): Sign[] {
  if (tags.length === 0) return [];
  const lines = new Lines(source, layer);
  const signs: Sign[] = [];
  const shown = (tag: Tag): string => source.slice(tag.at, Math.min(tag.end, tag.at + 300));
  let ended = -1;
  const lastEnd = source.toLowerCase().lastIndexOf('</html');
  /** `.name` and `#name` that its style sheet hides. */
  const rules = hiddenByScript(source);
  /** The hidden block we are in. */
  let block: { tag: Tag; /** Begun by a script, and what a script ends it with. */ end?: RegExp; depth: number; hosts: Set<string>; links: number; /** By a rule of its style sheet, as menus are too. */ soft: boolean } | undefined;
  const closeBlock = (until: number): void => {
    if (!block) return;
    const { tag, hosts, links, soft } = block;
    block = undefined;
    const words = spamWords.test(utf(source.slice(tag.end, Math.min(until, tag.end + blockMax))));
    if ((hosts.size >= 5 && !soft) || (links >= 2 && hosts.size >= 1 && words)) signs.push(say(shown(tag), lines, tag.at, hosts.size >= 8 || words ? 'high' : 'medium', [...hosts].slice(0, 8).join(' ')));
  };
  for (const tag of tags) {
    if (signs.length >= 20) break;
    if (tag.close) {
      if (tag.name === 'html' && tag.at === lastEnd) ended = tag.at;
      if (block && !block.end && tag.name === block.tag.name && --block.depth === 0) closeBlock(tag.at);
      continue;
    }
    const { name } = tag;
    if (block) {
      if (name === block.tag.name && !block.end) block.depth++;
      if (name === 'a') { const host = hostOf(tag.attributes.get('href') ?? ''); if (host && unusual(host)) { block.hosts.add(host); block.links++; } }
    } else if (blocks.has(name) && ((name === 'marquee' && isTiny(tag)) || (/style/i.test(source.slice(tag.at, tag.end)) && tag.attributes.has('style') && isHidden(tag)))) block = { tag, depth: 1, hosts: new Set(), links: 0, soft: false };
    else if (rules.size > 0 && blocks.has(name) && isNamed(tag, rules)) block = { tag, depth: 1, hosts: new Set(), links: 0, soft: true };
    if (name === 'style') {
      const sheet = source.slice(tag.end, tag.end + blockMax).split('</style')[0]!;
      hidingRules(sheet, rules);
      const asked = lettersAsked(sheet);
      if (asked) signs.push(say(asked.text, lines, tag.end + asked.at, 'high', asked.host));
    }
    if (name === 'iframe' || name === 'frame' || name === 'embed' || name === 'object') {
      const host = hostOf(tag.attributes.get('src') ?? tag.attributes.get('data') ?? '');
      if (host && unusual(host) && name === 'iframe' && (isTiny(tag) || isHidden(tag))) signs.push(say(shown(tag), lines, tag.at, 'high', host));
      else if (host && unusual(host) && ended >= 0) signs.push(say(shown(tag), lines, tag.at, 'high', host));
    }
    if (name === 'script') {
      const host = hostOf(tag.attributes.get('src') ?? '');
      if (host && minerHosts.test(host)) signs.push(say(shown(tag), lines, tag.at, 'high', host));
      else if (host && ended >= 0 && unusual(host)) signs.push(say(shown(tag), lines, tag.at, 'high', host));
      // Counters of visitors are written so too, but by a name.
      else if (host && decoded && unusual(host)) signs.push(say(shown(tag), lines, tag.at, isAddress(host) ? 'high' : 'medium', host));
      const written = block ? undefined : /document\.write(?:ln)?\s{0,3}\(\s{0,3}(["'`])\s{0,3}(<[a-z][^>]{0,300}>)\s{0,3}\1/i.exec(source.slice(tag.end, tag.end + 600).split('</script')[0]!);
      if (written) {
        const [opened] = tagsOf(written[2]!.replace(/\\(['"])/g, '$1'));
        if (opened && blocks.has(opened.name) && isHidden(opened)) block = { tag, end: /document\.write(?:ln)?\s{0,3}\(\s{0,3}["'`]\s{0,3}<\\?\//i, depth: 1, hosts: new Set(), links: 0, soft: false };
      } else if (block?.end?.test(source.slice(tag.end, tag.end + 300).split('</script')[0]!)) closeBlock(tag.at);
    }
    if (name === 'meta' && /refresh/i.test(tag.attributes.get('http-equiv') ?? '')) {
      const [, seconds, url = ''] = /^\s*(\d{1,6})?[^u]{0,8}url\s*=\s*['"]?([^'"]*)/i.exec(tag.attributes.get('content') ?? '') ?? [];
      const host = hostOf(url);
      // A page that has moved says so and holds nothing else.
      if (host && unusual(host) && (ended >= 0 || (Number(seconds ?? 0) <= 3 && hasContent(tags)))) signs.push(say(shown(tag), lines, tag.at, ended >= 0 ? 'high' : 'medium', host));
    }
    if (name === 'title') {
      const raw = source.slice(tag.end, Math.min(source.length, tag.end + 600)).split('</')[0]!;
      const title = htmlEntities(raw);
      // The page's own words written as numbers so that its owner does not see them.
      if (/(?:&#x?[0-9a-f]{3,6};){4}/i.test(raw) && spamWords.test(utf(title))) signs.push(say(raw.slice(0, 200), lines, tag.at, 'high', utf(title)));
    }
  }
  closeBlock(source.length);
  return signs;
}

export const isAddress = (host: string): boolean => /^\d{1,3}(?:\.\d{1,3}){3}$|^\[/.test(host);
const frame = new Set(['html', 'head', 'body', 'meta', 'link', 'script', 'style', 'title', 'noscript', 'br']);
const hasContent = (tags: readonly Tag[]): boolean => tags.filter(({ name, close }) => !close && !frame.has(name)).length >= 6;

const rulesMax = 500;
/** Elements that a script of the page hides by name, one by one. */
function hiddenByScript(source: string): Set<string> {
  const out = new Set<string>();
  if (!/getElementById|querySelector|\$\(\s{0,3}['"]/.test(source)) return out;
  for (const [, id, selector, key, value] of source.matchAll(/(?:getElementById\(\s{0,3}['"]([\w-]{1,60})['"]|(?:querySelector(?:All)?|\$|jQuery)\(\s{0,3}['"]([.#][\w-]{1,60})['"])\s{0,3}\)\s{0,3}(?:\.style\.(\w{3,20})\s{0,3}=\s{0,3}['"]([^'"]{1,200})['"]|\.(?:hide\(\)|css\(\s{0,3}['"](?:display|visibility)['"]\s{0,3},\s{0,3}['"](?:none|hidden)|remove\(\)))/g)) {
    const style = key === undefined ? 'display:none' : key === 'cssText' ? value! : `${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}:${value!}`;
    if (out.size < rulesMax && hiddenStyle.test(style)) out.add(id === undefined ? selector! : `#${id}`);
  }
  return out;
}

/** A style sheet that asks a stranger for another picture for each letter that a field begins with. */
function lettersAsked(sheet: string): { at: number; text: string; host: string } | undefined {
  const seen = new Map<string, number>();
  for (const match of sheet.matchAll(/\[\s{0,3}[\w-]{1,40}\s{0,3}[\^$*]=\s{0,3}["']?[^\]"'{}]{1,40}["']?\s{0,3}\][^{}]{0,200}\{[^{}]{0,300}?url\(\s{0,3}["']?((?:https?:)?\/\/[^)"'\s]{3,200})/gi)) {
    const host = hostOf(match[1]!);
    if (host === undefined || !unusual(host)) continue;
    const times = (seen.get(host) ?? 0) + 1;
    seen.set(host, times);
    if (times === 3) return { at: match.index, text: match[0], host };
  }
  return undefined;
}

/** Puts the classes and ids that a style sheet hides into `into`: one simple name each. */
function hidingRules(sheet: string, into: Set<string>): void {
  for (const [, selector, body] of sheet.matchAll(/([.#][\w-]{1,60})\s{0,5}\{([^{}]{1,400})\}/g)) if (into.size < rulesMax && hiddenStyle.test(body!)) into.add(selector!);
}
const isNamed = ({ attributes }: Tag, rules: ReadonlySet<string>): boolean => rules.has(`#${attributes.get('id') ?? ''}`) || (attributes.get('class') ?? '').split(/\s+/, 20).some((one) => rules.has(`.${one}`));

const utf = (binary: string): string => Buffer.from(binary, 'latin1').toString('utf8');

const literal = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;
/** A script with texts put together that were cut in pieces, and members named by a text named plainly. */
export function whole(script: string): string {
  const out: string[] = [];
  let at = 0;
  /** The last text, whose end is not written yet. */
  let open: { quote: string } | undefined;
  for (const { 0: text, index } of script.matchAll(literal)) {
    const between = script.slice(at, index);
    const quote = text[0]!;
    const inner = text.slice(1, -1);
    if (open && /^\s{0,20}\+\s{0,20}$/.test(between)) out.push(quote === open.quote ? inner : inner.replaceAll(open.quote, `\\${open.quote}`));
    else { out.push(open?.quote ?? '', between, quote, inner); open = { quote }; }
    at = index + text.length;
  }
  out.push(open?.quote ?? '', script.slice(at));
  return out.join('').replace(/\[\s{0,3}(["'])([A-Za-z_]\w{0,40})\1\s{0,3}\](?=\s{0,3}[=(.[])/g, '.$2');
}

/** Signs in scripts that need no following: miners, redirects for some visitors, skimmers. Patterns are bounded. */
export function injected(script: string): Sign[] {
  const plain = injectedPlainly(script);
  if (plain.length > 0 || script.length > 200_000 || !/["']\s{0,3}\+\s{0,3}["']|\[\s{0,3}["']/.test(script)) return plain;
  return injectedPlainly(whole(script));
}

function injectedPlainly(script: string): Sign[] {
  const signs: Sign[] = [];
  const add = (at: number, text: string): void => { signs.push({ kind: 'injection', level: 'high', title: titles.injection, sink: { line: 1, text: text.slice(0, 300) || script.slice(at, at + 300), layer: 0 } }); };
  const miner = /\bnew\s+(?:CoinHive|CoinImp|CRLT|CryptoLoot|deepMiner|Client|WMP|minero|PicoMiner)\.(?:Anonymous|User|Token)\s*\(\s*['"][\w-]{8,}/i.exec(script) ?? (/cryptonight|randomx/i.test(script) && /WebSocket\s*\(\s*['"`]wss?:\/\//.test(script) ? /cryptonight|randomx/i.exec(script) : undefined);
  if (miner) add(miner.index, miner[0]);
  if (script.length < 200_000) {
    // Only those who come from a search, or only the search's own machines, are sent away.
    const who = /(?:document\.referrer|navigator\.userAgent|\breferrer\b)/.exec(script);
    if (who && /(?:baidu|sogou|so\.com|360|google|bing|yahoo|yisou|sm\.cn|haosou|toutiao|shenma|quark|spider|googlebot|baiduspider)/i.test(script.slice(Math.max(0, who.index - 400), who.index + 800))) {
      const near = script.slice(who.index, who.index + 2500);
      const away = /(?:location(?:\.href|\.replace|\.assign)?\s{0,3}[=(]\s{0,3}|window\.open\s{0,3}\(\s{0,3})['"`](?:https?:)?\/\/([\w.-]{3,100})/i.exec(near) ?? /document\.write(?:ln)?\s{0,3}\([^;]{0,80}<(?:script|iframe)[^;]{0,80}(?:https?:)?\/\/([\w.-]{3,100})/i.exec(near);
      if (away && unusual(away[1]!.toLowerCase())) add(who.index, away[0]);
    }
    const cards = new Set(Array.from(script.matchAll(/card_?-?num(?:ber)?|cc_?-?(?:number|num|cid|exp)\b|cc_?-?cvv|\bcvv2?\b|\bcvc\b|securitycode|expir(?:y|ation|e)|cardholder|payment_?form|onestepcheckout|checkout/gi), ([all]) => all.toLowerCase().replace(/[_-]/g, '')));
    if (cards.size >= 3 && /querySelectorAll|getElementsByTagName|serialize\w*\(|\.elements\b|new FormData/.test(script) && /(?:btoa|JSON\.stringify|encodeURIComponent|\.toDataURL|URLSearchParams)/.test(script)) {
      const out = /(?:new\s+Image\b[^;]{0,60};?[^;]{0,60}\.src\s{0,3}=|sendBeacon\s{0,3}\(|\.open\s{0,3}\(\s{0,3}['"`](?:POST|GET)['"`]\s{0,3},|fetch\s{0,3}\(|\.src\s{0,3}=)\s{0,3}['"`](?:https?:|wss?:)?\/\/([\w.-]{3,100})/i.exec(script) ?? /(?:new\s+Image\b[^;]{0,60};?[^;]{0,60}\.src\s{0,3}=|sendBeacon\s{0,3}\(|fetch\s{0,3}\(|\.src\s{0,3}=)\s{0,3}atob\s{0,3}\(/i.exec(script);
      const socket = out ?? (/\.send\s{0,3}\(/.test(script) ? /new\s+WebSocket\s{0,3}\(\s{0,3}['"`]wss?:\/\/([\w.-]{3,100})/i.exec(script) : null) ?? toNamed(script);
      if (socket && (socket[1] === undefined || unusual(socket[1].toLowerCase()))) add(socket.index, socket[0]);
    }
  }
  return signs;
}

/** An address that is given a name first and handed to what sends afterwards. */
function toNamed(script: string): RegExpExecArray | undefined {
  let read = 0;
  for (const match of script.matchAll(/\b([A-Za-z_$][\w$]{0,40})\s{0,3}=\s{0,3}['"`](?:https?:|wss?:)?\/\/([\w.-]{3,100})/g)) {
    if (++read > 50) break;
    const name = match[1]!.replaceAll('$', '\\$');
    if (unusual(match[2]!.toLowerCase()) && new RegExp(`(?:sendBeacon\\s{0,3}\\(|\\bfetch\\s{0,3}\\(|\\.src\\s{0,3}=)\\s{0,3}${name}\\b(?![.(])`).test(script)) return Object.assign([match[0], match[2]!], { index: match.index, input: script }) as RegExpExecArray;
  }
  return undefined;
}
