/** Settings that make a server run what is no program, or send those who come from a search elsewhere: .htaccess, .user.ini, php.ini, web.config, web.xml, context.xml, package.json. */
import { Rewrites, strangerIn, webConfig, webXml, wordsOf } from './cloak.ts';
import { hostOf, isAddress } from './page.ts';
import { packageJson, tomcat } from './started.ts';
import type { Level } from '../core/level.ts';
import { Lines, type Analysis, type Limits, type Sign, type SignKind, defaultLimits } from './sign.ts';
import { titles } from './titles.ts';

const linesMax = 20_000;
const picture = /\.(?:jpe?g|png|gif|ico|bmp|webp|svg|pdf|zip|css|js|woff2?|ttf|mp[34])\b/i;
const wrapped = /^(?:data:|php:\/\/|https?:\/\/|ftp:\/\/|expect:\/\/|phar:\/\/)/i;
const handlerOfCode = /application\/x-httpd-(?:ea-)?php|php\d?-(?:script|fcgi|cgi)|x-httpd-php|proxy:(?:unix:|fcgi:)[^"\s]*php|cgi-script/i;

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const text = source.slice(0, Math.min(limits.bytes, 1 << 20));
  const lines = new Lines(text);
  const signs: Sign[] = [];
  const add = (line: number, kind: SignKind, level: Level, decoded?: string): void => { signs.push({ kind, level, title: titles[kind], sink: lines.place(line), ...(decoded !== undefined && { decoded }) }); };
  const gone = (place: Sign['sink'], decoded: string, level: Level): void => { signs.push({ kind: 'injection', level, title: titles.injection, sink: place, decoded: decoded.slice(0, 300) }); };
  if (/^\s*(?:<\?xml|<configuration|<web-app)/.test(text.slice(0, 500))) {
    for (const { at, text: found } of webConfig(text)) if (hostOf(found) === undefined) signs.push({ kind: 'handler', level: 'high', title: titles.handler, sink: lines.at(at) }); else gone(lines.at(at), found, 'high');
    for (const { at, text: found } of webXml(text)) signs.push({ kind: 'handler', level: 'high', title: titles.handler, sink: lines.at(at), decoded: found });
  }
  if (/^\s*\{/.test(text.slice(0, 200)) && text.includes('"scripts"')) return { signs: packageJson(text).slice(0, 20), cut: [], read: 'parser' };
  signs.push(...tomcat(text));
  const rewrites = new Rewrites();
  /** Files that the block we are in is about; undefined outside of one. */
  let about: string | undefined;
  const all = text.split(/\r?\n/, linesMax + 1);
  for (const [i, raw] of all.slice(0, linesMax).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith(';')) continue;
    if (/<\?(?:php|=)/i.test(line)) { add(i + 1, 'carrier', 'high'); continue; }
    if (line.startsWith('#')) continue;
    const block = /^<(files(?:match)?|location(?:match)?)\s+(.*)>$/i.exec(line);
    if (block) { about = block[2]!.slice(0, 500); continue; }
    if (/^<\/(?:files|location)/i.test(line)) { about = undefined; continue; }
    const [name = '', ...args] = /^(?:rewrite|errordocument)/i.test(line) ? wordsOf(line.slice(0, 4000)) : [];
    const sent = rewrites.read(name.toLowerCase(), args);
    if (sent !== undefined) { gone(lines.place(i + 1), sent, 'high'); continue; }
    // Whoever asks for a page that is not there lands on a bare address.
    if (/^errordocument$/i.test(name)) { const host = strangerIn(args[1] ?? ''); if (host !== undefined && isAddress(host)) gone(lines.place(i + 1), args[1]!, 'medium'); continue; }
    const prepend = /^(?:php_(?:admin_)?value\s+)?(auto_(?:prepend|append)_file)\s*=?\s*["']?([^"';\s]*)/i.exec(line);
    if (prepend) { const level = prependLevel(prepend[2]!); if (level) add(i + 1, 'handler', level, prepend[2]); continue; }
    if (/^(?:php_(?:admin_)?(?:value|flag)\s+)?allow_url_include\s*=?\s*["']?(?:1|on|true|yes)/i.test(line)) { add(i + 1, 'handler', 'low'); continue; }
    const handler = /^(AddHandler|AddType|SetHandler|ForceType|Action)\s+(\S{1,200})\s*(.*)$/i.exec(line);
    if (handler && handlerOfCode.test(handler[2]!)) { const level = handlerLevel(handler[1]!, handler[2]!, handler[3]!, about); if (level) add(i + 1, 'handler', level); }
  }
  return { signs: signs.slice(0, 20), cut: all.length > linesMax ? ['the end of settings that are too long'] : [], read: 'parser' };
}

function prependLevel(file: string): Level | undefined {
  if (file === '' || /^none$/i.test(file)) return undefined;
  if (wrapped.test(file)) return 'critical';
  if (picture.test(file) || /^\/(?:tmp|var\/tmp|dev\/shm|var\/log|proc)\/|\.log$/.test(file) || /(?:^|\/)\.(?:htaccess|user\.ini)$/.test(file)) return 'high';
  return /(?:^|\/)\.[^/]+$/.test(file) || !/\.(?:php\d?|inc|phtml)$/i.test(file) ? 'medium' : 'info';
}

function handlerLevel(directive: string, handler: string, rest: string, about: string | undefined): Level | undefined {
  const files = /^(?:SetHandler|ForceType)$/i.test(directive) ? about : rest;
  const code = /cgi-script/i.test(handler);
  if (files === undefined) return 'info'; // the whole folder, as panels do
  if (/(?:^|[\s.("'|\\])(?:jpe?g|png|gif|ico|bmp|webp|svg|css|js|pdf|mp[34]|woff2?|htaccess|log)\b/i.test(files)) return 'high';
  if (code) return /\b(?:te?xt|dat|bak|html?|xml|json|ini|conf)\b/i.test(files) ? 'high' : /(?:^|[\s.])(?:cgi|pl|py|rb|sh|fcgi|php\d?|exe|bat|tcl|lua|\*)\b/i.test(files) || files === '' ? undefined : 'low';
  if (/\b(?:txt|te?xt|dat|bak|xml|json)\b/i.test(files)) return 'medium';
  if (/ph(?:p|tml|ar|t|ps)|inc|html?|module/i.test(files)) return undefined;
  // A name of their own making.
  return 'medium';
}
