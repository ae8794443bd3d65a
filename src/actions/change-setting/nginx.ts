/** Settings of nginx: for the whole of http, or one line that is named; and a location that is taken out. */
import { join } from 'node:path';
import type { ActionErrorCode } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { runAsIf } from '../../linux/as-if.ts';
import { type NginxDirective, readNginxConfig } from '../../linux/nginx-config.ts';
import type { Edit } from './edit.ts';
import { behind, childrenOf, type FoundLine, type Service, type ServiceAsked, signalled } from './service.ts';

const whole = /^(\s*)([a-z_]+)(\s+)[^;{}#]*;(\s*(?:#.*)?)$/;
const atPattern = /^(\/.{1,4000}):(\d{1,7})$/;

export const nginx: Service = {
  title: 'nginx',
  configs: () => ['/etc/nginx/nginx.conf', '/usr/local/nginx/conf/nginx.conf', '/usr/local/openresty/nginx/conf/nginx.conf', '/www/server/nginx/conf/nginx.conf', '/etc/tengine/nginx.conf'],

  find(asked) {
    const { root, config, key, value, at } = asked;
    const { directives, files } = readNginxConfig(root, config);
    const lineOf = (path: string, line: number): string => (files.get(path) ?? '').split('\n')[line - 1] ?? '';
    if (key === 'location') return locationOf(asked, directives, files);
    const all = directives.filter((one) => one.name === key);
    const named = at === undefined ? undefined : atPattern.exec(at);
    const chosen = at === undefined ? all.find(({ inside }) => inside.length === 1 && inside[0] === 'http') : all.find(({ path, line }) => path === named?.[1] && line === Number(named?.[2]));
    if (at !== undefined && chosen === undefined) throw notThere(`${key} does not stand at ${at.slice(0, 300)}`, `${at.slice(0, 300)} 处没有 ${key}`);
    const others = all.filter((one) => one !== chosen && one.args.join(' ') !== value).slice(0, 10).map(({ path, line, inside }) => ({ text: { zh: `注意：${inside.at(-1) ?? ''} 里另有 ${lineOf(path, line).trim()}（${path}:${line}）`, en: `mind: in ${inside.at(-1) ?? ''} it stays ${lineOf(path, line).trim()} (${path}:${line})` }, command: ['moat', 'set', 'nginx', key, value, '--at', `${path}:${line}`] }));
    if (chosen) {
      if (chosen.args.join(' ') === value) throw notThere(`${key} is ${value} already (${chosen.path}:${chosen.line})`, `${key} 已是 ${value}（${chosen.path}:${chosen.line}）`);
      const old = lineOf(chosen.path, chosen.line), parts = whole.exec(old);
      if (!parts || parts[2] !== key || chosen.end !== chosen.line) throw shared(chosen);
      return { path: behind(root, chosen.path), edit: { line: chosen.line, old, next: `${parts[1]}${key}${parts[3]}${value};${parts[4]}` }, others };
    }
    const http = directives.find(({ name, block, inside }) => name === 'http' && block && inside.length === 0);
    if (http === undefined) throw notThere(`there is no http block in ${config}`, `${config} 里没有 http 段`);
    if (!/\{\s*(?:#.*)?$/.test(lineOf(http.path, http.line))) throw shared(http);
    return { path: behind(root, http.path), edit: { line: http.line + 1, next: `    ${key} ${value};` }, others };
  },

  facts(root, config) {
    const said = readNginxConfig(root, config).directives.find(({ name, inside }) => name === 'pid' && inside.length === 0)?.args[0];
    return { pidFile: join(root || '/', said?.startsWith('/') ? said : '/run/nginx.pid'), programs: /\/(?:nginx|openresty|tengine)$/ };
  },

  async complaint({ run }, { root, config }, swap, program) {
    const { code, stderr, stdout } = await runAsIf(run, swap, program, ['-t', '-q', '-c', join(root || '/', config)]);
    return code === 0 ? undefined : tidy(stderr || stdout) || `exit code ${code}`;
  },

  program: (config) => (/^\/(?:www\/server|usr\/local)\/.*\/conf\/nginx\.conf$/.test(config) ? config.replace(/\/conf\/nginx\.conf$/, '/sbin/nginx') : 'nginx'),

  // A connection is enough: what is behind it may be slow, or speak TLS.
  hello: {},

  async tell(world, daemon) {
    const before = childrenOf(world.procfs, daemon.pid);
    // It keeps its old workers when it does not take the new configuration.
    await signalled(world, daemon, 'SIGHUP', () => [...childrenOf(world.procfs, daemon.pid)].some((one) => !before.has(one)));
  },
};

/** The block becomes a comment, line by line. */
function locationOf({ root, at }: ServiceAsked, directives: readonly NginxDirective[], files: ReadonlyMap<string, string>): FoundLine {
  const named = at === undefined ? undefined : atPattern.exec(at);
  const all = directives.filter((one) => one.name === 'location' && one.block && (named ? one.path === named[1] && one.line === Number(named[2]) : one.args.join(' ') === at));
  const [block, second] = all;
  if (at === undefined || block === undefined) throw notThere(`there is no location ${at?.slice(0, 300) ?? ''}`, `没有 location ${at?.slice(0, 300) ?? '（请用 --at 指明）'}`);
  if (second) throw new MoatError<ActionErrorCode>('refused', `location ${at} stands in several places`, { text: { zh: `location ${at} 有好几处，请用 --at 文件:行 指明：${all.map(({ path, line }) => `${path}:${line}`).slice(0, 10).join('、')}`, en: `location ${at} stands in several places; name one by --at FILE:LINE: ${all.map(({ path, line }) => `${path}:${line}`).slice(0, 10).join(', ')}` } });
  const lines = (files.get(block.path) ?? '').split('\n').slice(block.line - 1, block.end);
  const [first = '', last = ''] = [lines[0], lines.at(-1)];
  const isAlone = /^\s*location\b/.test(first) && /^[^#]*\}\s*(?:#.*)?$/.test(last) && (lines.length === 1 || /^\s*\}/.test(last)) && !directives.some((one) => one !== block && one.path === block.path && !one.inside.some((each) => each === `location ${block.args.join(' ')}`) && ((one.line > block.line && one.line < block.end) || (one.line === block.end && !one.block)));
  if (!isAlone) throw shared(block);
  const edit: Edit = { line: block.line, old: lines.join('\n'), next: lines.map((line) => `#moat# ${line}`).join('\n') };
  return { path: behind(root, block.path), edit, others: [] };
}

const notThere = (en: string, zh: string): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('not-there', en, { text: { zh, en } });
const shared = ({ name, path, line }: NginxDirective): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', `${name} shares its line with something else (${path}:${line}); it is to be changed by hand`, { text: { zh: `${name} 与别的内容写在同一行（${path}:${line}），请手工修改`, en: `${name} shares its line with something else (${path}:${line}); it is to be changed by hand` } });
const tidy = (text: string): string => text.trim().split('\n').filter((line) => !line.includes('test failed')).join(' ').slice(0, 500);
