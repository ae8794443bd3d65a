/** Configuration of web servers and PHP: foreign modules, code in front of every page, what visitors can fetch that they should not. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { readApache } from '../apache-config.ts';
import { expandAll } from '../expand.ts';
import { fact, lineFact, octal, serviceSetting, withoutLine } from '../finding.ts';
import { isOn, readIni, type Setting } from '../ini.ts';
import { anyoneWrites, targetStat } from '../look.ts';
import { readNginx } from '../nginx-config.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { isLoopback, isPrivate } from '../reach.ts';
import { webRoots } from '../web-roots.ts';
import { apacheCloaks, nginxCloaks } from './cloak.ts';
import { about } from './found.ts';
import { exposed } from './exposed.ts';
import { panels } from './panels.ts';

const phpFiles = ['/etc/php/*/*/php.ini', '/etc/php/*/*/conf.d/*.ini', '/etc/php/*/fpm/pool.d/*.conf', '/etc/php.ini', '/etc/php.d/*.ini', '/etc/php-fpm.conf', '/etc/php-fpm.d/*.conf', '/etc/opt/remi/*/php.ini', '/usr/local/etc/php/php.ini', '/usr/local/etc/php/conf.d/*.ini', '/usr/local/php*/etc/php.ini', '/usr/local/php*/etc/php-fpm.d/*.conf', '/www/server/php/*/etc/php.ini', '/www/server/php/*/etc/php-fpm.conf', '/www/server/php/*/etc/php-cli.ini'];

export const webSettings: PlaceCheck = {
  id: 'web-settings',
  title: { zh: '网站服务器配置', en: 'settings of web servers' },
  blind: { zh: '.user.ini 与 .htaccess 由网页木马检查看；配置里的变量不展开', en: '.user.ini and .htaccess are for the check of web shells; variables in settings are not worked out' },
  group: 'web',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    yield* nginx(context);
    yield* apache(context);
    for (const path of expandAll(context, phpFiles)) yield* php(path, readIni(context, path), context);
    for (const root of webRoots(context)) yield* exposed(root, context);
    yield* panels(context);
  },
};

async function* nginx(context: ScanContext): AsyncIterable<Finding> {
  const all = readNginx(context);
  yield* nginxCloaks(all, context);
  for (const one of all) {
    const line = { path: one.path, line: one.line, text: `${one.name} ${one.args.join(' ')}` };
    const [first = ''] = one.args;
    if (one.name === 'load_module') yield* module(first, ['/usr/lib/nginx', '/usr/share/nginx', '/usr/lib64/nginx', '/etc/nginx', '/usr/local/nginx', '/www/server/nginx'], line, context);
    else if ((one.name === 'alias' || one.name === 'root') && /^\/(?:etc|root|proc|home|var)?\/?$/.test(first)) yield about(one.path, `${one.name}\0${first}\0${one.inside.join('\0')}`, 'weakness', first === '/' || /root|etc/.test(first) ? 'high' : 'medium', { zh: `网站把 ${first} 整个给了访客`, en: `the site gives all of ${first} to visitors` }, context, { evidence: [lineFact(line.path, line.line, line.text)], refs: ['attack:T1083'] });
    else if (one.name === 'alias' && first.endsWith('/') && /^location \/(?:[^{]*[^/])$/.test(one.inside.at(-1) ?? '')) yield about(one.path, `traversal\0${one.inside.at(-1)}`, 'weakness', 'medium', { zh: 'location 末尾少了斜杠，访客能用 .. 走到上一层', en: 'the location lacks its last slash: visitors climb one folder up with ..' }, context, { evidence: [lineFact(line.path, line.line, `${one.inside.at(-1)} { ${line.text} }`)], refs: ['attack:T1083'] });
    else if (one.name === 'autoindex' && first === 'on' && /back|bak|log|dump|sql|private|\.git/i.test(one.inside.at(-1) ?? '')) yield about(one.path, `autoindex\0${one.inside.at(-1)}`, 'weakness', 'medium', { zh: '访客能列出备份目录', en: 'visitors may list a folder of backups' }, context, { evidence: [lineFact(line.path, line.line, `${one.inside.at(-1)}: ${line.text}`)], refs: ['attack:T1083'] });
    else if (one.name === 'fastcgi_param' && first === 'PHP_VALUE' && /auto_(?:prepend|append)_file/.test(one.args.join(' '))) yield* prepend(one.args.join(' '), line, context);
    else if (/_by_lua(?:_file|_block)?$/.test(one.name) && one.name.endsWith('_file') && (anyoneWrites.test(first) || /\/\.[^/]/.test(first))) yield about(one.path, `lua\0${first}`, 'intrusion', 'high', { zh: `每个请求都运行 ${first}`, en: `each request runs ${first}` }, context, { evidence: [lineFact(line.path, line.line, line.text)], refs: ['attack:T1505.004'] });
  }
}

async function* apache(context: ScanContext): AsyncIterable<Finding> {
  const all = readApache(context);
  yield* apacheCloaks(all, context);
  for (const one of all) {
    const line = { path: one.path, line: one.line, text: one.text };
    if (one.name === 'loadmodule') yield* module(one.args[1] ?? '', ['/etc/httpd', '/usr/lib/apache2', '/usr/lib64/httpd', '/usr/local/apache2'], line, context);
    else if (one.name === 'loadfile') yield* module(one.args[0] ?? '', ['/etc/httpd'], line, context);
    else if (/^php_(?:admin_)?value$/.test(one.name) && /^auto_(?:prepend|append)_file$/.test(one.args[0] ?? '')) yield* prepend(one.args.join('='), line, context);
    else if (one.name === 'documentroot' && /^\/(?:etc|root|proc)?\/?$/.test(one.args[0] ?? '')) yield about(one.path, one.text, 'weakness', 'high', { zh: `网站把 ${one.args[0]} 整个给了访客`, en: `the site gives all of ${one.args[0]} to visitors` }, context, { evidence: [lineFact(line.path, line.line, line.text)], refs: ['attack:T1083'] });
  }
}

interface Line { path: string; line: number; text: string }

/** A library that the server loads. What a self-built server has beside itself is not foreign for that alone. */
async function* module(named: string, bases: readonly string[], line: Line, context: ScanContext): AsyncIterable<Finding> {
  const places = named.startsWith('/') ? [named] : bases.flatMap((base) => [`${base}/${named}`]);
  const path = places.find((one) => targetStat(context, one)) ?? (named.startsWith('/') ? named : undefined);
  if (path === undefined || !context.provenance.known) return;
  const owner = await context.provenance.owner(path);
  if (owner && owner.state !== 'modified') return;
  const stat = targetStat(context, path);
  const odd = anyoneWrites.test(path) || /\/\.[^/]/.test(path);
  if (!stat && !odd) return;
  const server = await context.provenance.owner(line.path);
  const level: Level = odd || owner ? 'high' : server || path.startsWith('/usr/lib') ? 'medium' : 'low';
  yield about(line.path, `module\0${path}`, level === 'low' ? 'notice' : 'intrusion', level, owner ? { zh: `加载的模块 ${path} 被改过`, en: `the module ${path} that it loads was changed` } : { zh: `加载的模块 ${path} 不属于任何软件包`, en: `it loads ${path}, which no package owns` }, context, {
    evidence: [lineFact(line.path, line.line, line.text), ...(stat ? [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)] : [])], refs: ['attack:T1505.004'],
    means: { zh: '模块在服务器进程里运行，能看、能改每个请求，也能在收到暗号时开 shell，网页文件里什么都看不到。', en: 'A module sits in the server: it sees and changes every request and may open a shell at a secret word, with nothing to see in the pages.' },
  });
}

function* prepend(value: string, line: Line, context: ScanContext): Iterable<Finding> {
  const file = value.replace(/^.*?auto_(?:prepend|append)_file\s*[=\s]\s*/, '').replaceAll(/["']/g, '').split(/\s/)[0] ?? '';
  if (file === '' || file === 'none') return;
  const bad = anyoneWrites.test(file) || /\/\.[^/]/.test(file) || /\.(?:jpe?g|png|gif|ico|txt|css|js|log)$/i.test(file) || /^(?:https?|ftp|data|php):/i.test(file);
  yield about(line.path, `prepend\0${file}`, bad ? 'intrusion' : 'notice', bad ? 'high' : 'low', { zh: `每个 PHP 页面都先（或后）运行 ${file}`, en: `every page of PHP runs ${file} as well` }, context, { evidence: [lineFact(line.path, line.line, line.text)], ...(bad && { actions: withoutLine(line.path, line.line, line.text) }), refs: ['attack:T1505.003'], means: { zh: '放在这里的一行代码等于写进了所有页面。安全插件（如 Wordfence）也这样用。', en: 'A line there is a line in all pages. Security plug-ins such as Wordfence use it too.' } });
}

async function* php(path: string, settings: readonly Setting[], context: ScanContext): AsyncIterable<Finding> {
  if ((await context.provenance.owner(path))?.state === 'intact') return;
  for (const raw of settings) {
    // A pool says php_admin_value[name] = value.
    const key = /^php(?:_admin)?_(?:value|flag)\[([^\]]{1,80})\]$/.exec(raw.key)?.[1] ?? raw.key;
    const line = { path, line: raw.line, text: raw.text };
    const evidence = [lineFact(path, raw.line, raw.text)];
    if (/^auto_(?:prepend|append)_file$/.test(key)) yield* prepend(`${key}=${raw.value}`, line, context);
    else if (/^(?:zend_)?extension$/.test(key) && raw.value.includes('/')) yield* module(raw.value, [], line, context);
    else if (key === 'allow_url_include' && isOn(raw.value) && raw.value !== '') yield about(path, key, 'weakness', 'high', { zh: 'PHP 能把网上的文件当代码运行', en: 'PHP runs files of other servers as code' }, context, { evidence, refs: ['attack:T1190'], fix: { zh: '写成 allow_url_include = Off', en: 'set allow_url_include = Off' }, actions: [serviceSetting('php', key, 'Off', path)] });
    else if (key === 'listen' && raw.section !== 'global' && !raw.value.startsWith('/')) {
      const address = raw.value.replace(/:\d+$/, '');
      const host = /^\d+$/.test(raw.value) ? '0.0.0.0' : address;
      const allowed = settings.some((other) => other.section === raw.section && other.key === 'listen.allowed_clients');
      if (!isLoopback(host) && /^[\d.:[\]*]+$/.test(host)) yield about(path, `listen\0${raw.section}`, 'weakness', allowed ? 'low' : isPrivate(host) ? 'high' : 'critical', { zh: `php-fpm 在 ${raw.value} 上对外监听`, en: `php-fpm listens to others on ${raw.value}` }, context, { evidence, refs: ['attack:T1190', 'dengbao:8.1.4.4'], means: { zh: 'FastCGI 不认证：能连上的人可以让它运行任意 PHP。', en: 'FastCGI asks nobody who he is: whoever reaches it runs any PHP he likes.' }, fix: { zh: '改成 Unix 套接字或 127.0.0.1', en: 'use a Unix socket or 127.0.0.1' } });
    }
  }
}
