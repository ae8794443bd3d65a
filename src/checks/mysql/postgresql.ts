/** PostgreSQL: who may come in without a password, which commands and libraries the server runs. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { judgeCommand } from '../command.ts';
import { elfText, hasName, isElf } from '../elf-words.ts';
import { below, expandAll } from '../expand.ts';
import { fact } from '../finding.ts';
import { readIni } from '../ini.ts';
import { anyoneWrites, linesIn } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { isLoopback, isPrivate } from '../reach.ts';
import { about } from './found.ts';

const homes = ['/etc/postgresql/*/*', '/var/lib/postgresql/*/*', '/var/lib/postgresql/data', '/var/lib/pgsql/data', '/var/lib/pgsql/*/data', '/usr/local/pgsql/data', '/www/server/pgsql/data', '/data/postgresql', '/data/pgsql'];
const commands = new Set(['archive_command', 'restore_command', 'archive_cleanup_command', 'recovery_end_command', 'ssl_passphrase_command']);

export async function* postgresql(context: ScanContext): AsyncIterable<Finding> {
  const folders = ['/usr/lib/postgresql/*/lib', '/usr/pgsql-*/lib', '/usr/lib64/pgsql', '/usr/local/pgsql/lib', '/www/server/pgsql/lib'];
  for (const path of expandAll(context, homes.map((home) => `${home}/pg_hba.conf`))) yield* doors(path, context);
  for (const path of expandAll(context, homes.flatMap((home) => [`${home}/postgresql.conf`, `${home}/postgresql.auto.conf`, `${home}/conf.d/*.conf`, `${home}/recovery.conf`]))) yield* settings(path, context);
  for (const folder of expandAll(context, folders)) yield* libraries(folder, context);
}

/** `type database user address [mask] method`. */
function* doors(path: string, context: ScanContext): Iterable<Finding> {
  for (const { number, text } of linesIn(context, path)) {
    const words = text.replace(/\s#.*/, '').trim().split(/\s+/);
    const [type = '', , , address = ''] = words;
    if (!type.startsWith('host')) continue;
    const method = /^\d+\.\d+\.\d+\.\d+$/.test(words[4] ?? '') ? words[5] : words[4];
    const here = isLoopback(address.replace(/\/\d+$/, '')) || address === 'samehost';
    if (here || method !== 'trust') continue;
    const level: Level = isPrivate(address) || address === 'samenet' ? 'high' : 'critical';
    yield about(path, `trust\0${text.trim()}`, 'weakness', level, { zh: `PostgreSQL 不问密码就放 ${address} 进来`, en: `PostgreSQL lets ${address} in without a password` }, context, {
      line: { line: number, text: text.trim() }, fix: { zh: '把 trust 改成 scram-sha-256，地址改成真正需要的那些', en: 'turn trust into scram-sha-256, and the address into those that need it' }, refs: ['dengbao:8.1.4.1', 'attack:T1078'],
      means: { zh: '超级用户能用 COPY … PROGRAM 执行系统命令。', en: 'A superuser runs commands of the system with COPY … PROGRAM.' },
    });
  }
}

async function* settings(path: string, context: ScanContext): AsyncIterable<Finding> {
  // What ALTER SYSTEM wrote came by a query.
  const byQuery = path.endsWith('.auto.conf');
  for (const one of readIni(context, path)) {
    if (commands.has(one.key) && one.value !== '') {
      const judged = await judgeCommand(one.value, context);
      const level: Level | undefined = judged.level ?? (byQuery && /[|;&`]|\$\(|\b(?:curl|wget|nc|bash|sh|python\d?|perl)\b/.test(one.value) ? 'medium' : undefined);
      if (level !== undefined) yield about(path, `${one.key}\0${one.value}`, 'intrusion', level, { zh: `PostgreSQL 会执行的命令：${judged.reasons[0]?.text.zh ?? '由 SQL 写入'}`, en: `a command that PostgreSQL runs: ${judged.reasons[0]?.text.en ?? 'written by a query'}` }, context, { line: one, evidence: judged.reasons.map(({ evidence }) => evidence), refs: ['attack:T1505', ...(judged.reasons[0]?.attack ?? []).map((id) => `attack:${id}`)] });
    }
    if (/^(?:shared|session|local)_preload_libraries$/.test(one.key)) for (const name of one.value.split(',').map((part) => part.trim().replaceAll('"', '')).filter((part) => part !== '')) {
      const file = name.includes('/') && !name.startsWith('$libdir/') ? name : undefined;
      if (file?.startsWith('/')) {
        const owner = await context.provenance.owner(file);
        if (owner && owner.state !== 'modified') continue;
        const level: Level = anyoneWrites.test(file) || /\/\.[^/]/.test(file) || /^\/(?:home|root|var)\//.test(file) ? 'high' : 'medium';
        yield about(path, `library\0${name}`, 'intrusion', level, { zh: `PostgreSQL 加载来历不明的库 ${name}`, en: `PostgreSQL loads a library of unknown origin, ${name}` }, context, { line: one, refs: ['attack:T1505', 'attack:T1574'] });
      }
    }
    if (one.key === 'dynamic_library_path' && one.value.split(':').some((part) => anyoneWrites.test(part))) yield about(path, one.key, 'weakness', 'high', { zh: 'PostgreSQL 从谁都能写的目录找库', en: 'PostgreSQL looks for libraries where anybody may write' }, context, { line: one, refs: ['attack:T1574'] });
    if (one.key === 'data_directory' && /^\/[^*?[]+$/.test(one.value)) yield* inData(one.value, context);
  }
}

/** Libraries that no package owns among those that functions are loaded from. */
async function* libraries(folder: string, context: ScanContext): AsyncIterable<Finding> {
  if (!context.provenance.known) return;
  for (const { path, stat } of below(context, folder, 0)) {
    if (stat.kind !== 'file' || await context.provenance.owner(path)) continue;
    const text = elfText(context, path);
    if (text === undefined) continue;
    const runs = hasName(text, 'popen', 'system', 'execve', 'execl', 'dup2');
    yield about(path, 'library', runs === undefined ? 'notice' : 'intrusion', runs === undefined ? 'low' : 'medium', runs === undefined ? { zh: 'PostgreSQL 的扩展目录里有软件包之外的库', en: 'a library among those of PostgreSQL that no package owns' } : { zh: 'PostgreSQL 的扩展目录里有能执行命令的库，不属于任何软件包', en: 'a library among those of PostgreSQL that runs commands and that no package owns' }, context, { evidence: [fact({ zh: '大小', en: 'size' }, String(stat.size)), ...(runs === undefined ? [] : [fact({ zh: '它调用', en: 'it calls' }, runs)])], refs: ['attack:T1505'] });
  }
}

/** Programs at the top of the data: databases keep none there. */
function* inData(folder: string, context: ScanContext): Iterable<Finding> {
  for (const { path, stat } of below(context, folder, 0)) {
    if (stat.kind !== 'file' || !isElf(context, path)) continue;
    yield about(path, 'program', 'intrusion', 'high', { zh: '程序混在 PostgreSQL 的数据里', en: 'a program among the data of PostgreSQL' }, context, { evidence: [fact({ zh: '大小', en: 'size' }, String(stat.size))], refs: ['attack:T1505'] });
  }
}
