/** Functions from libraries (UDF) and events: how commands of the system are run from within MySQL. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { elfText, hasName } from '../elf-words.ts';
import { below } from '../expand.ts';
import { fact } from '../finding.ts';
import { anyoneWrites, attempt, readText, statOf, tellCut } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { about } from './found.ts';

const shells = ['sys_exec', 'sys_eval', 'sys_bineval', 'do_system', 'cmdshell', 'exec_shell', 'backshell', 'raptor_udf', 'lib_mysqludf_sys', 'reverse_shell', 'sys_cmd'];

/** Libraries in the folders from which functions may be loaded. */
export async function* plugins(folders: readonly string[], context: ScanContext): AsyncIterable<Finding> {
  for (const folder of folders) for (const { path, stat } of below(context, folder, 0)) {
    if (stat.kind !== 'file') continue;
    const owner = await context.provenance.owner(path);
    if (owner && owner.state !== 'modified') continue;
    const text = elfText(context, path);
    if (text === undefined) continue;
    const shell = shells.find((name) => text.includes(name));
    const runs = hasName(text, 'popen', 'system', 'execl', 'execve', 'execlp', 'execvp');
    const plugin = text.includes('_plugin_interface_version_') || /\blist_of_services|mysql_service_|mysql_component_/.test(text);
    const udf = text.includes('_deinit\0') || text.includes('_init\0');
    const odd = anyoneWrites.test(path) || folder.startsWith('/tmp');
    const level: Level | undefined = shell !== undefined || (runs && udf && !plugin) ? 'critical' : odd ? 'high' : plugin ? undefined : context.provenance.known && path.startsWith('/usr/lib') ? 'medium' : undefined;
    if (level === undefined) continue;
    yield about(path, 'udf', 'intrusion', level, level === 'critical' ? { zh: '能在数据库里执行系统命令的库', en: 'a library that runs commands of the system from within the database' } : { zh: '数据库的插件目录里有来历不明的库', en: 'a library of unknown origin among the plug-ins of the database' }, context, {
      evidence: [fact({ zh: '大小', en: 'size' }, String(stat.size)), ...(shell === undefined ? [] : [fact({ zh: '其中的函数', en: 'a function in it' }, shell)]), ...(runs === undefined ? [] : [fact({ zh: '它调用', en: 'it calls' }, runs)])],
      means: { zh: '攻击者拿到数据库密码后，把这样的库写进插件目录，用 CREATE FUNCTION 装上，之后一条 SQL 就能执行命令。', en: 'Who has the password of the database writes such a library here, makes a function of it, and from then on a query runs commands.' },
      fix: { zh: `在数据库里 SELECT * FROM mysql.func，DROP FUNCTION 用到它的函数，再隔离 ${path}，并改数据库密码`, en: `SELECT * FROM mysql.func, DROP the functions that use it, put ${path} away and change the passwords of the database` }, refs: ['attack:T1505.001'],
    });
  }
}

const pieceMax = 1 << 20;
const librariesBytes = 16 << 20;
const tableMax = 256 << 20;
const badWords = /\b(?:sys_exec|sys_eval|sys_bineval|do_system|cmdshell|exec_shell|backshell|lib_mysqludf_sys\w{0,20}|raptor_udf\d?|into\s{1,4}(?:out|dump)file)\b/i;

/** Tables of functions and events as they lie on the disk. Deleted rows may still be in them, so what is found is worth a look and no proof. */
export function* functionsAndEvents(folders: readonly string[], context: ScanContext): Iterable<Finding> {
  for (const folder of folders) for (const name of ['mysql/func.MAD', 'mysql/func.MYD', 'mysql/func.ibd', 'mysql/event.MAD', 'mysql/event.MYD', 'mysql/event.ibd', 'mysql.ibd']) {
    const path = `${folder}/${name}`;
    const stat = statOf(context, path);
    if (stat?.kind !== 'file') continue;
    const found = search(path, context);
    const event = name.includes('event');
    const libraries = name.includes('func.') && found === undefined ? librariesIn(path, context) : [];
    if (found !== undefined) yield about(path, 'words', 'intrusion', event || /outfile|dumpfile/i.test(found.word) ? 'medium' : 'high', event ? { zh: `数据库的定时事件里有 ${found.word}`, en: `an event of the database holds ${found.word}` } : { zh: `数据库里装有执行系统命令的函数 ${found.word}`, en: `the database has a function that runs commands of the system, ${found.word}` }, context, {
      evidence: [fact({ zh: '表中的内容', en: 'what the table holds' }, found.around)], refs: ['attack:T1505.001', ...(event ? ['attack:T1053'] : [])],
      means: { zh: '删掉的行也可能还留在表的文件里：以数据库里的查询结果为准。', en: 'A row that was deleted may still be in the file: what a query gives is what counts.' },
      fix: { zh: '在数据库里执行 SELECT * FROM mysql.func 和 SHOW EVENTS，逐个核对', en: 'look through SELECT * FROM mysql.func and SHOW EVENTS in the database' },
    });
    else if (libraries.length > 0) yield about(path, 'libraries', 'notice', 'low', { zh: '数据库装有来自库文件的函数', en: 'the database has functions from libraries' }, context, { evidence: libraries.map((one) => fact({ zh: '库', en: 'library' }, one)), refs: ['attack:T1505.001'] });
  }
}

function search(path: string, context: ScanContext): { word: string; around: string } | undefined {
  return attempt(context, path, () => {
    const file = context.tree.open(path);
    if (!file) return undefined;
    try {
      const piece = Buffer.alloc(pieceMax + 256);
      if (file.size > tableMax) tellCut(context, path, tableMax);
      for (let from = 0; from < Math.min(file.size, tableMax); from += pieceMax) {
        const got = file.read(piece, from);
        const text = piece.toString('latin1', 0, got);
        const found = badWords.exec(text);
        if (found) return { word: found[0], around: printable(text.slice(Math.max(0, found.index - 100), found.index + 300)) };
        if (got === 0) break;
      }
      return undefined;
    } finally { file.close(); }
  });
}

const librariesIn = (path: string, context: ScanContext): string[] => {
  const text = readText(context, path, librariesBytes) ?? '';
  return [...new Set([...text.matchAll(/[\w.-]{1,64}\.so\b/g)].map((one) => one[0]))];
};

const printable = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').trim();
