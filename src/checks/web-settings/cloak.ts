/** Settings of nginx and Apache by which a site serves somebody else: search traffic sent away, pages of a stranger's server, scripts put into each page, pictures run as programs. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { hostileCommand } from '../../webshell/code/follow.ts';
import { picksSearch, strangerIn } from '../../webshell/cloak.ts';
import { analyse as lua } from '../../webshell/lua.ts';
import { hostOf, tagsOf, unusual } from '../../webshell/page.ts';
import { analyse as settings } from '../../webshell/settings.ts';
import { atLeast } from '../../core/level.ts';
import type { ApacheDirective } from '../apache-config.ts';
import { lineFact } from '../finding.ts';
import { anyoneWrites, readText } from '../look.ts';
import type { NginxDirective } from '../nginx-config.ts';
import type { ScanContext } from '../port.ts';
import { about } from './found.ts';

const sendsAway: Text = { zh: '从搜索引擎来的访客或爬虫被送到别人的网站', en: 'visitors from search engines, or their crawlers, are sent to somebody else’s site' };
const means: Text = { zh: '站长直接打开网站一切正常，搜索引擎和从搜索来的人看到的却是别人的内容：这是“寄生虫”和黑帽 SEO 的做法。', en: 'Who opens the site directly sees nothing wrong; search engines and those who come from them see somebody else’s pages. Black-hat SEO works so.' };
const picture = /\.(?:\(\??:?)?[^$)]*\b(?:jpe?g|png|gif|ico|bmp|webp|svg|css|txt|woff2?)\b/i;

export function* nginxCloaks(all: readonly NginxDirective[], context: ScanContext): Iterable<Finding> {
  const chosen = searchVariables(all);
  for (const one of all) {
    const text = `${one.name} ${one.args.join(' ')}`;
    const tell = (key: string, level: Level, title: Text, why?: Text, refs: string[] = ['attack:T1505.004']): Finding => about(one.path, `${key}\0${text.slice(0, 200)}\0${one.inside.at(-1) ?? ''}`, 'intrusion', level, title, context, { evidence: [lineFact(one.path, one.line, one.inside.length > 0 ? `${one.inside.at(-1)!.slice(0, 200)} { ${text.slice(0, 300)} }` : text.slice(0, 300))], ...(why && { means: why }), refs });
    const address = one.name === 'return' ? one.args.at(-1) : one.name === 'rewrite' ? one.args[1] : one.name === 'proxy_pass' ? one.args[0] : undefined;
    if (address !== undefined && one.inside.some((block) => ofSearch(block, chosen)) && strangerIn(address) !== undefined) yield tell('away', 'high', sendsAway, means, ['attack:T1505.004', 'attack:T1564']);
    if (/^map "?\$http_(?:user_agent|referer)\b/.test(one.inside.at(-1) ?? '') && picksSearch(one.name.replace(/^~\*?/, '')) && strangerIn(one.args[0] ?? '') !== undefined) yield tell('away', 'high', sendsAway, means, ['attack:T1505.004', 'attack:T1564']);
    if (one.name === 'sub_filter') { const host = scriptHost(one.args[1] ?? ''); if (host !== undefined) yield tell('sub_filter', 'medium', { zh: `服务器往每个页面里加入 ${host} 的脚本`, en: `the server puts a script of ${host} into each page` }); }
    const location = /^location (?:=|~\*?|\^~)? ?(.*)$/.exec(one.inside.at(-1) ?? '')?.[1];
    if (/^(?:fastcgi|uwsgi|scgi)_pass$/.test(one.name) && location !== undefined && picture.test(location) && !/php/i.test(location)) yield tell('pictures', 'high', { zh: '图片、文本被当成程序运行', en: 'pictures or texts are run as programs' }, undefined, ['attack:T1505.003']);
    if (one.name.endsWith('_by_lua_block')) for (const sign of lua(one.args[0] ?? '').signs) if (atLeast(sign.level, 'high')) yield about(one.path, `lua\0${sign.sink.text.slice(0, 100)}`, 'intrusion', sign.level, { zh: `配置里的 Lua ${sign.title.zh}`, en: `Lua in the settings ${sign.title.en}` }, context, { evidence: [lineFact(one.path, one.line + sign.sink.line - 1, sign.sink.text)], refs: ['attack:T1505.004'] });
  }
}

/** Variables that say of a visitor that he is a search engine, or comes from one. */
function searchVariables(all: readonly NginxDirective[]): ReadonlySet<string> {
  const out = new Set<string>();
  for (const { name, args, inside } of all) {
    const block = inside.at(-1) ?? '';
    const map = /^map "?\$(?:http_user_agent|http_referer)"? "?(\$\w{1,60})/.exec(block);
    if (map && picksSearch(name.replace(/^~\*?/, '')) && args[0] !== '0' && args[0] !== '') out.add(map[1]!);
    if (name === 'set' && args[0] !== undefined && args[1] !== '0' && ofSearch(block, out)) out.add(args[0]);
  }
  return out;
}

function ofSearch(block: string, chosen: ReadonlySet<string>): boolean {
  if (!/^if\b/.test(block)) return false;
  const asked = /\$http_(?:user_agent|referer)\s*(!?)~\*?\s*(.*)$/.exec(block);
  if (asked) return asked[1] === '' && picksSearch(asked[2]!);
  return Array.from(block.matchAll(/\$\w{1,60}/g)).some(([name]) => chosen.has(name)) && !/!=|=\s*0\s*\)/.test(block);
}

/** The stranger whose script or frame stands in markup. */
function scriptHost(markup: string): string | undefined {
  for (const tag of tagsOf(markup.slice(0, 10_000))) if (!tag.close && (tag.name === 'script' || tag.name === 'iframe')) { const host = hostOf(tag.attributes.get('src') ?? ''); if (host !== undefined && unusual(host)) return host; }
  return undefined;
}

/** Of Apache's own files: what would be told of an .htaccess, and filters that are programs. */
export function* apacheCloaks(all: readonly ApacheDirective[], context: ScanContext): Iterable<Finding> {
  for (const path of new Set(all.map((one) => one.path))) {
    const text = readText(context, path);
    if (text === undefined) continue;
    for (const sign of settings(text).signs) {
      if (!atLeast(sign.level, 'high') || /auto_(?:prepend|append)_file/i.test(sign.sink.text)) continue; // those are told by name
      const title = sign.kind === 'injection' ? sendsAway : sign.title;
      yield about(path, `settings\0${sign.sink.text.slice(0, 200)}`, 'intrusion', sign.level, title, context, { evidence: [lineFact(path, sign.sink.line, sign.sink.text)], ...(sign.kind === 'injection' && { means }), refs: [sign.kind === 'injection' ? 'attack:T1505.004' : 'attack:T1505.003'] });
    }
  }
  for (const one of all) {
    if (one.name !== 'extfilterdefine') continue;
    const command = /\bcmd=(.*)$/i.exec(one.args.join(' '))?.[1] ?? '';
    const hostile = hostileCommand(command);
    if (hostile || anyoneWrites.test(command) || /\/\.[^/\s]/.test(command)) yield about(one.path, `filter\0${command.slice(0, 200)}`, 'intrusion', hostile ? 'critical' : 'high', { zh: '每个页面都经过一个外来程序', en: 'each page goes through a program that does not belong there' }, context, { evidence: [lineFact(one.path, one.line, one.text)], refs: ['attack:T1505.004'] });
  }
}
