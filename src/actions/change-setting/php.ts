/** Settings of PHP under php-fpm: in its php.ini, or for one pool in the file of that pool. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { runAsIf } from '../../linux/as-if.ts';
import { nameMatches } from '../../linux/glob.ts';
import { behind, type Service, signalled, stampOf } from './service.ts';

const flags = /^(?:on|off)$/i;
const isPool = (config: string): boolean => config.endsWith('.conf');

export const php: Service = {
  title: 'PHP',
  configs: (root) => [...versions(root, '/etc/php').map((one) => `/etc/php/${one}/fpm/php.ini`), '/etc/php.ini', ...versions(root, '/www/server/php').map((one) => `/www/server/php/${one}/etc/php.ini`)],

  find({ root, config, key, value }) {
    const path = behind(root, config), lines = readFileSync(join(root, config), 'latin1').split('\n');
    const pool = isPool(config);
    const is = (line: string): boolean => { const found = /^\s*(?:php(?:_admin)?_(?:value|flag)\[([\w.]+)\]|([\w.]+))\s*=/.exec(line); return (pool ? found?.[1] : found?.[2]) === key; };
    // What stands under [HOST=…] or [PATH=…] holds there alone.
    const end = pool ? lines.length : lines.findIndex((line) => /^\s*\[(?:HOST|PATH)=/i.test(line));
    const own = end < 0 ? lines : lines.slice(0, end);
    const at = own.findLastIndex(is);
    const said = value === '' || /[,\s:]/.test(value) ? `"${value}"` : value;
    if (at >= 0) {
      const old = own[at]!, [head = ''] = /^[^=]*=\s*/.exec(old) ?? [];
      if (bare(old.slice(head.length)) === value) throw new MoatError<ActionErrorCode>('not-there', `${key} is so already (${path}:${at + 1})`, { text: { zh: `${key} 已是如此（${path}:${at + 1}）`, en: `${key} is so already (${path}:${at + 1})` } });
      return { path, edit: { line: at + 1, old, next: `${head.trimEnd()} ${said}` }, others: laterSaying(root, config, key, value) };
    }
    const line = end >= 0 && !pool ? end + 1 : lines.at(-1) === '' ? lines.length : lines.length + 1;
    return { path, edit: { line, next: pool ? `php_admin_${flags.test(value) ? 'flag' : 'value'}[${key}] = ${said}` : `${key} = ${said}` }, others: laterSaying(root, config, key, value) };
  },

  facts(root, config) {
    const said = /^\s*pid\s*=\s*(\S+)/m.exec(textOf(join(root, fpmOf(root, config))))?.[1];
    return { ...(said?.startsWith('/') && { pidFile: join(root || '/', said) }), programs: /\/php-fpm[\d.]*$/ };
  },

  async complaint({ run }, { root, config }, swap, program) {
    const { code, stderr, stdout } = await runAsIf(run, swap, program, ['-t', '-y', join(root || '/', fpmOf(root, config)), '-c', join(root || '/', iniOf(root, config))]);
    const said = `${stderr}\n${stdout}`;
    // A php.ini that it cannot read is only a warning to it.
    const bad = said.split('\n').find((line) => /syntax error|ERROR:|ALERT:/.test(line));
    return code === 0 && bad === undefined ? undefined : (bad ?? said.trim()).slice(0, 300) || `exit code ${code}`;
  },

  program(config) {
    const version = /^\/etc\/php\/([\d.]+)\//.exec(config)?.[1];
    return version !== undefined ? `php-fpm${version}` : config.startsWith('/www/server/php/') ? join(dirname(dirname(config)), 'sbin/php-fpm') : 'php-fpm';
  },

  hello: {},

  async tell(world, daemon, { config }) {
    const { pidFile } = php.facts(world.fileProtection.root, config);
    const before = stampOf(pidFile);
    // Started anew under its own number, its sockets handed over.
    await signalled(world, daemon, 'SIGUSR2', () => stampOf(pidFile) !== before && stampOf(pidFile) !== '');
  },
};

const bare = (value: string): string => (/^"([^"]*)"/.exec(value) ?? /^'([^']*)'/.exec(value) ?? /^([^;]*)/.exec(value))![1]!.trim();

/** Main file of php-fpm beside a php.ini, or above the folder of a pool. */
function fpmOf(root: string, config: string): string {
  const places = isPool(config) ? [join(dirname(dirname(config)), 'php-fpm.conf'), join(dirname(config), 'php-fpm.conf')] : [join(dirname(config), 'php-fpm.conf')];
  return places.find((one) => existsSync(join(root, one))) ?? '/etc/php-fpm.conf';
}

const iniOf = (root: string, config: string): string => (isPool(config) ? join(dirname(fpmOf(root, config)), 'php.ini') : config);

/** Files that are read after it and say otherwise: told, not touched. */
function laterSaying(root: string, config: string, key: string, value: string): PlanStep[] {
  if (isPool(config)) return [];
  const places: [string, string][] = [[join(dirname(config), 'conf.d'), '*.ini'], ['/etc/php.d', '*.ini'], [join(dirname(config), 'pool.d'), '*.conf'], ['/etc/php-fpm.d', '*.conf']];
  return places.flatMap(([folder, pattern]) => namesIn(join(root, folder)).filter((name) => nameMatches(pattern, name)).flatMap((name): PlanStep[] => {
    const path = join(folder, name);
    const line = textOf(join(root, path)).split('\n').findLast((one) => new RegExp(`^\\s*(?:php(?:_admin)?_(?:value|flag)\\[)?${key.replaceAll('.', '\\.')}\\]?\\s*=`).test(one));
    return line === undefined || bare(line.slice(line.indexOf('=') + 1).trim()) === value ? [] : [{ text: { zh: `注意：${path} 里另有 ${line.trim().slice(0, 200)}，它在后`, en: `mind: ${path} says ${line.trim().slice(0, 200)}, and it counts there` }, ...(pattern === '*.conf' && { command: ['moat', 'set', 'php', key, value, '--config', path] }) }];
  })).slice(0, 10);
}

const versions = (root: string, folder: string): string[] => namesIn(join(root, folder)).filter((name) => /^[\d.]{1,6}$/.test(name));

function namesIn(folder: string): string[] {
  try { return readdirSync(folder).sort(); } catch { return []; /* no such folder */ }
}

function textOf(path: string): string {
  try { return readFileSync(path, 'latin1'); } catch { return ''; /* not there */ }
}
