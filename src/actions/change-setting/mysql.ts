/** Settings of MySQL and MariaDB: the last line of a server's section counts, through includes. What can be told to the running one is; the rest takes a restart. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ActionErrorCode } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { runAsIf } from '../../linux/as-if.ts';
import { behind, judgeOf, restart, type Service } from './service.ts';

interface Said { section: string; key: string; value: string; path: string; line: number; text: string }

const sections = /^(?:mysqld|server|mariadb|mariadbd|(?:mysqld|mariadb)-\d{1,2}(?:\.\d{1,2})?)$/;
const fileMax = 1 << 20, filesMax = 200, depthMax = 8;

export const mysql: Service = {
  title: 'MySQL',
  configs: () => ['/etc/mysql/my.cnf', '/etc/my.cnf'],

  find({ root, config, key, value }) {
    const all = readMyCnf(root, config);
    const server = all.filter(({ section }) => sections.test(section));
    const last = server.findLast((one) => one.key === key);
    if (last) {
      if (last.value === value) throw new MoatError<ActionErrorCode>('not-there', `${key} is ${value} already (${last.path}:${last.line})`, { text: { zh: `${key} 已是 ${value}（${last.path}:${last.line}）`, en: `${key} is ${value} already (${last.path}:${last.line})` } });
      return { path: behind(root, last.path), edit: { line: last.line, old: last.text, next: `${/^\s*[\w-]+/.exec(last.text)![0]} = ${value}` }, others: [], former: last.value };
    }
    const head = server.findLast((one) => one.key === '');
    if (head === undefined) throw new MoatError<ActionErrorCode>('not-there', `there is no section [mysqld] in ${config}`, { text: { zh: `${config} 里没有 [mysqld] 段`, en: `there is no section [mysqld] in ${config}` } });
    return { path: behind(root, head.path), edit: { line: head.line + 1, next: `${key} = ${value}` }, others: [] };
  },

  facts(root, config) {
    const said = readMyCnf(root, config).findLast(({ section, key }) => sections.test(section) && key === 'pid_file')?.value;
    return { pidFile: join(root || '/', said?.startsWith('/') ? said : '/run/mysqld/mysqld.pid'), programs: /\/(?:mariadbd|mysqld)$/ };
  },

  async complaint({ run, procfs }, { root, config }, swap, program, pid) {
    const main = join(root || '/', config), as = judgeOf(procfs, main, pid);
    // It reads everything, says what would hold, and ends without touching any data.
    const { code, stderr } = await runAsIf(run, { ...swap, as }, program, [`--defaults-file=${main}`, ...(as.uid === 0 ? ['--user=root'] : []), '--help', '--verbose']);
    const bad = stderr.split('\n').find((line) => /\[ERROR\]|unknown (?:variable|option)|[Ff]atal/.test(line));
    return code === 0 && bad === undefined ? undefined : (bad ?? stderr.trim()).slice(0, 300) || `exit code ${code}`;
  },

  program: () => ['/usr/sbin/mariadbd', '/usr/sbin/mysqld', '/usr/libexec/mysqld'].find((one) => existsSync(one)) ?? 'mysqld',

  // The server speaks first: its version, or that it does not want this address.
  hello: { expect: /^[^]{3}\0/ },

  async tell({ run }, { unit, pid }, { key, value, known, ends }) {
    if (known.takes === 'restart') {
      if (unit === undefined) throw new MoatError<ActionErrorCode>('failed', `MySQL (${pid}) runs under no unit of systemd: it is to be restarted by hand`, { text: { zh: `MySQL（${pid}）不由 systemd 管理，须手工重启`, en: `MySQL (${pid}) runs under no unit of systemd: it is to be restarted by hand` } });
      await restart(run, unit);
      return;
    }
    const socket = ends.find((one): one is { socket: string } => 'socket' in one)?.socket;
    if (socket === undefined) throw new MoatError<ActionErrorCode>('failed', `MySQL (${pid}) has no socket by which root could tell it`);
    // Both words were checked.
    const { code, stderr } = await run('mysql', ['--no-defaults', '--protocol=socket', `--socket=${socket}`, '--user=root', '--batch', '--connect-timeout=5', '-e', `SET GLOBAL ${key} = ${value ?? 'DEFAULT'}`]);
    if (code !== 0) throw new MoatError<ActionErrorCode>('failed', `MySQL does not take ${key}: ${stderr.trim().slice(0, 300)}`, { text: { zh: `MySQL 不接受 ${key}：${stderr.trim().slice(0, 300)}`, en: `MySQL does not take ${key}: ${stderr.trim().slice(0, 300)}` } });
  },
};

/** In the order in which it is read; the head of a section has the key ''. Throws MoatError 'bad-config' for what is too large or too deep. */
function readMyCnf(root: string, main: string): Said[] {
  const out: Said[] = [];
  let opened = 0;
  const readInto = (path: string, depth: number): void => {
    if (depth > depthMax || ++opened > filesMax) throw new MoatError('bad-config', `expected at most ${filesMax} files ${depthMax} deep of MySQL, got more`);
    let text: string;
    try {
      if (statSync(join(root, path)).size > fileMax) throw new MoatError('bad-config', `expected ${path} to have at most ${fileMax} bytes`);
      text = readFileSync(join(root, path), 'latin1');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && depth > 0) return;
      throw error;
    }
    let section = '';
    for (const [i, line] of text.split('\n').entries()) {
      const bare = line.trim();
      if (bare === '' || bare.startsWith('#') || bare.startsWith(';')) continue;
      const include = /^!include(dir)?\s+(\S.*)$/.exec(bare);
      if (include) {
        for (const file of include[1] === undefined ? [include[2]!] : namesIn(join(root, include[2]!)).map((name) => join(include[2]!, name))) readInto(file, depth + 1);
        continue;
      }
      const head = /^\[([^\]]*)\]/.exec(bare);
      if (head) section = head[1]!.trim().toLowerCase();
      const [, key = '', value = ''] = head ? [] : /^([\w-]+)\s*(?:=\s*(.*))?$/.exec(bare) ?? [];
      if (head || key !== '') out.push({ section, key: key.toLowerCase().replaceAll('-', '_'), value: value.replace(/\s+#.*$/, '').replace(/^(["'])(.*)\1$/, '$2'), path, line: i + 1, text: line });
    }
  };
  readInto(main, 0);
  return out;
}

/** `.cnf` alone, in the order of their names. */
function namesIn(folder: string): string[] {
  try { return readdirSync(folder).filter((name) => name.endsWith('.cnf')).sort(); } catch { return []; /* no such folder: nothing is included */ }
}
