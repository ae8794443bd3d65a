/**
 * A web or database server that starts an interpreter, a download tool, a compiler, or a tool of the network. Most
 * servers start something now and then: what one starts while it is learned is its own, and known helpers never count.
 */
import type { Event } from '../../core/gen/event.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import type { Behaviour, BehaviourContext, BehaviourRun, Learning } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { Lru } from '../lru.ts';
import { oddPlace } from '../places.ts';
import { programOf, short } from '../process.ts';
import { baseName, firstWords, isOneLiner, kindOf, plainName, scriptOf, shellUse, type ProgramKind } from '../program-kind.ts';
import { isCount, isNumber, load, save } from '../saved.ts';
import { list, number } from '../settings.ts';
import { chainOf, isDatabase, isExposed, keyOfNode, originGroup } from '../tree.ts';
import { commandsOf } from './commands.ts';

export const serverShell: Behaviour = {
  id: 'server-shell',
  title: { zh: '网站或数据库服务启动了命令', en: 'Web or database server starts a command' },
  means: { zh: '网站或数据库服务启动了命令行，网页木马和注入成功时就是这样', en: 'A web or database server started a command, as it does after a web shell or an injection worked' },
  advice: { zh: '看执行了什么命令、来自哪个请求；网站功能本身不需要就冻结它，并扫描网站目录（moat scan --only webshell）。', en: 'Look at the command and the request behind it; if the site does not need it, freeze it and scan the web root (moat scan --only webshell).' },
  blind: {
    zh: '在服务进程内执行的代码（如内存马、PHP 自带函数）看不到；学习期内就存在的恶意命令若不属于高危种类会被当作日常。没有来源图时只看父进程。',
    en: 'Code that runs inside the server (memory shells, functions of PHP itself) is not seen. A hostile command that ran while learning and is of no dangerous kind counts as usual. Without the origin graph only the direct parent is looked at.',
  },
  kinds: ['process_creation', 'file_event'],
  settings: {
    learnHours: { default: 24, min: 0, max: 10_000, text: { zh: '每个服务的学习时间（小时），其间出现的普通命令视为日常', en: 'hours of learning for each server: ordinary commands that it starts then are its own' } },
    helpers: {
      default: [
        'sendmail', 'postdrop', 'exim4', 'msmtp', 'mail', 'convert', 'magick', 'identify', 'mogrify', 'composite', 'gm', 'gs', 'ffmpeg', 'ffprobe', 'exiftool', 'jpegoptim', 'optipng', 'pngquant', 'gifsicle', 'cwebp', 'avifenc', 'rsvg-convert', 'inkscape', 'wkhtmltopdf', 'wkhtmltoimage', 'pdftotext', 'pdftoppm', 'pdfinfo', 'qpdf', 'pdftk', 'libreoffice', 'soffice', 'soffice.bin', 'unoconv', 'pandoc', 'tesseract', 'antiword', 'catdoc', 'unrtf', 'file', 'git', 'git-http-backend', 'git-upload-pack', 'git-receive-pack', 'hg', 'svn', 'svnserve', 'mysqldump', 'mariadb-dump', 'pg_dump', 'zip', 'unzip', 'gzip', 'tar', 'zstd', 'bzip2', 'xz', '7z', 'date', 'hostname', 'nproc', 'uptime', 'df', 'du', 'free', 'which', 'tput', 'stty', 'locale', 'aspell', 'hunspell', 'htpasswd', 'logger', 'rotatelogs', 'cronolog', 'suexec', 'fcgiwrap', 'test', '[', 'true', 'echo', 'printf', 'exec', 'cd', 'timeout', 'nice', 'ionice',
      ],
      text: { zh: '服务常用的辅助程序，不告警', en: 'helpers that servers call: never told' },
    },
    databaseHelpers: {
      default: ['pgbackrest', 'wal-g', 'wal-e', 'barman-wal-archive', 'barman-wal-restore', 'barman-cloud-wal-archive', 'pg_receivewal', 'pg_standby', 'cp', 'rsync', 'gzip', 'zstd', 'lz4', 'wsrep_sst_rsync', 'wsrep_sst_mariabackup', 'wsrep_sst_mysqldump', 'wsrep_sst_xtrabackup-v2', 'mariabackup', 'df', 'test', '[', 'true', 'locale', 'exec', 'galera_new_cluster', 'my_print_defaults'],
      text: { zh: '数据库归档、同步所用的程序，不告警', en: 'programs that databases archive and replicate with: never told' },
    },
    runners: {
      default: ['jenkins', 'gitlab', 'gitea', 'forgejo', 'gogs', 'teamcity', 'drone', 'woodpecker', 'rundeck', 'airflow', 'n8n', 'webmin', 'cockpit', 'semaphore', 'ansible-tower', 'zabbix', 'nagios', 'icinga'],
      text: { zh: '以执行任务为业的服务（单元名开头），只报最危险的', en: 'services whose work is to run commands (how their unit begins): only the most dangerous is told' },
    },
  },
  open,
};

interface Usual { first: number; last: number; count: number }
interface Verdict { level: Level; what: Text; shape: string; isCertain: boolean }

const maxUsual = 4000;
const learned: ReadonlySet<ProgramKind> = new Set(['shell', 'interpreter', 'awk', 'download', 'compiler', 'look', 'relay', 'scan', 'manager']);
const whatText: Readonly<Record<string, Text>> = {
  terminal: { zh: '打开了交互式 shell', en: 'opened a shell to be typed into' },
  relay: { zh: '启动了网络转接工具', en: 'started a tool that passes connections on' },
  scan: { zh: '启动了扫描或隧道工具', en: 'started a scanner or tunnel' },
  download: { zh: '启动了下载工具', en: 'started a download tool' },
  compiler: { zh: '启动了编译器', en: 'started a compiler' },
  look: { zh: '在查看身份与环境', en: 'asks who and where it is' },
  code: { zh: '以命令行代码启动了解释器', en: 'started an interpreter with code on its command line' },
  planted: { zh: '运行了异常位置的文件', en: 'ran a file from an odd place' },
  manager: { zh: '启动了软件包管理器', en: 'started a package manager' },
  interpreter: { zh: '启动了从未用过的解释器', en: 'started an interpreter that it never used' },
  shell: { zh: '执行了从未用过的命令', en: 'ran a command that it never ran' },
};

function open(context: BehaviourContext): BehaviourRun {
  const learnMs = number(context, 'learnHours') * 3_600_000;
  const helpers = new Set(list(context, 'helpers'));
  const databaseHelpers = new Set(list(context, 'databaseHelpers'));
  const runners = list(context, 'runners');
  const usual = new Lru<Usual>(maxUsual, () => { context.count('usual commands forgotten'); });
  /** When each server was first seen to start anything. */
  const servers = new Lru<number>(500, () => { context.count('servers forgotten'); });
  /** Commands that were told lately: what they start in turn says nothing new. */
  const told = new Lru<Level>(2000, () => { context.count('commands told and forgotten'); });
  let samples = 0;
  let since: number | undefined;
  let now = 0;

  load(context, (saved) => {
    if (saved.rows.length > maxUsual || !saved.rows.every((row) => row.length === 4 && row.slice(1).every(isNumber) && isCount(row[3]))) return false;
    for (const [key, first, last, count] of saved.rows) {
      usual.set(key, { first: Number(first), last: Number(last), count: Number(count) });
      const server = key.slice(0, Math.max(0, key.indexOf('|')));
      servers.set(server, Math.min(servers.get(server) ?? Infinity, Number(first)));
    }
    ({ since, samples } = saved);
    return true;
  });

  /** The server above this process, by the tree's origin, else by its parent's name. */
  function serverOf(event: Event, node: ProcessNode | undefined): { name: string; database: boolean; root: string } | undefined {
    const origin = node?.origin;
    if (node !== undefined && origin !== undefined && isExposed(origin)) {
      let root = node.root;
      // Workers are trees of their own: the story is the server's.
      if (root.parent !== undefined && root.parent.origin.kind === origin.kind && root.parent.origin.name === origin.name) root = root.parent.root;
      // The server's own start: it has not served yet.
      if (node === root) return undefined;
      // A unit of the server's name begins with scripts that prepare and start it.
      const serves = kindOf(root.path, root.cmdline) !== 'shell' || chainOf(node.parent, 16).some((at) => { const kind = kindOf(at.path, at.cmdline); return kind === 'web' || kind === 'database'; });
      if (!serves) return undefined;
      return { name: short(origin.name ?? '?', 100), database: isDatabase(origin), root: keyOfNode(root) };
    }
    for (const at of chainOf(node?.parent, 3)) {
      const kind = kindOf(at.path, at.cmdline);
      if (kind === 'web' || kind === 'database') return { name: plainName(at.path), database: kind === 'database', root: keyOfNode(at) };
      if (kind !== 'shell') break;
    }
    const kind = node?.parent === undefined ? kindOf(event.parent_path, event.parent_cmdline) : undefined;
    return kind === 'web' || kind === 'database' ? { name: plainName(event.parent_path), database: kind === 'database', root: `${event.parent_pid ?? 0}:0` } : undefined;
  }

  function judge(event: Event, kind: ProgramKind, server: { database: boolean }): Verdict | undefined {
    const path = event.process_path, cmdline = event.process_cmdline;
    const isHelper = (word: string): boolean => (server.database ? databaseHelpers : helpers).has(word);
    const name = plainName(path);
    if (kind === 'shell') {
      const { use, operand, isAsked } = shellUse(cmdline);
      if (use === 'interactive') return { level: 'critical', what: whatText['terminal']!, shape: `${name} -`, isCertain: true };
      if (use === 'script') return ofScript(event, name, server.database);
      const commands = commandsOf(operand);
      const kinds = commands.map((word) => kindOf(`/${word}`, undefined));
      const shape = short([...new Set(commands)].sort().join(' '), 200);
      if (isAsked && kinds.includes('shell')) return { level: 'critical', what: whatText['terminal']!, shape, isCertain: true };
      const worst = (['relay', 'scan', 'compiler', 'download', 'look', 'interpreter', 'manager'] as const).find((each) => kinds.includes(each));
      if (worst !== undefined) return ofKind(worst, shape, server.database, worst === 'download' && kinds.includes('shell'));
      if (commands.length > 0 && commands.every(isHelper)) return undefined;
      if (server.database && /\bpg_wal\b|\bpg_xlog\b|archive_status/.test(operand) && !commands.some((word) => kindOf(`/${word}`, undefined) === 'shell')) return undefined;
      return { level: server.database ? 'high' : 'medium', what: whatText['shell']!, shape, isCertain: false };
    }
    if (isHelper(name)) return undefined;
    if (kind === 'interpreter' || kind === 'awk') {
      if (isOneLiner(path, cmdline)) return { level: server.database ? 'critical' : 'high', what: whatText['code']!, shape: `${name} -c`, isCertain: false };
      return ofScript(event, name, server.database);
    }
    return ofKind(kind, name, server.database, false);
  }

  function ofScript(event: Event, name: string, database: boolean): Verdict | undefined {
    const script = scriptOf(event.process_path, event.process_cmdline, event.process_cwd);
    const shape = short(`${name} ${script ?? firstWords(event.process_cmdline ?? '', 2).slice(1).join(' ')}`, 200);
    if (script !== undefined && (database ? databaseHelpers : helpers).has(baseName(script))) return undefined;
    const place = oddPlace(script);
    if (place !== undefined) return { level: 'high', what: whatText['planted']!, shape, isCertain: false };
    return { level: database ? 'high' : 'medium', what: whatText['interpreter']!, shape, isCertain: false };
  }

  function ofKind(kind: ProgramKind, shape: string, database: boolean, piped: boolean): Verdict {
    const what = whatText[kind] ?? whatText['shell']!;
    switch (kind) {
      case 'relay': case 'scan': return { level: 'critical', what, shape, isCertain: true };
      case 'download': return { level: database || piped ? 'critical' : 'high', what, shape, isCertain: piped };
      case 'compiler': return { level: database ? 'critical' : 'high', what, shape, isCertain: false };
      case 'look': return { level: 'high', what, shape, isCertain: false };
      case 'interpreter': return { level: database ? 'high' : 'medium', what, shape, isCertain: false };
      default: return { level: database ? 'high' : 'medium', what, shape, isCertain: false };
    }
  }

  /** Whether this server is known for such a command; takes it in while it is learned. */
  function isUsual(server: string, verdict: Verdict, time: number): boolean {
    const began = servers.take(server, () => time);
    const key = `${server}|${verdict.shape}`.slice(0, 400);
    const isLearning = time - began < learnMs;
    const seen = usual.get(key);
    if (seen !== undefined) { seen.count++; seen.last = Math.max(seen.last, time); } else if (isLearning) usual.set(key, { first: time, last: time, count: 1 });
    if (verdict.isCertain) return false;
    const isMild = verdict.level === 'medium' || verdict.level === 'low';
    if (isLearning) return isMild;
    // A dangerous kind must have been seen often, and over hours, before it is the server's own.
    return seen !== undefined && (isMild || (seen.count > 3 && seen.last - seen.first > 3_600_000 && seen.first - began < learnMs));
  }

  function started(event: Event): void {
    const kind = kindOf(event.process_path, event.process_cmdline);
    if (kind === undefined || !learned.has(kind)) return;
    const node = context.lineage.of(event);
    const server = serverOf(event, node);
    if (server === undefined) return;
    const parentPath = node?.parent?.path ?? event.parent_path;
    // A program that starts itself anew: workers of node, java, python servers.
    if (kind === 'interpreter' && plainName(parentPath) === plainName(event.process_path) && !isOneLiner(event.process_path, event.process_cmdline)) return;
    // What a command of it starts in turn is the same story, except where it grows worse.
    const verdict = judge(event, kind, server);
    if (verdict === undefined) return;
    if (node !== undefined) {
      const above = told.get(keyOfNode(node)) ?? (node.parent && told.get(keyOfNode(node.parent)));
      if (above !== undefined && atLeast(above, verdict.level)) return;
    }
    samples++;
    since ??= event.time;
    now = Math.max(now, event.time);
    if (isUsual(server.name, verdict, event.time)) return;
    const isRunner = runners.some((name) => server.name.startsWith(name));
    if (isRunner && !verdict.isCertain) return;
    if (node !== undefined) told.set(keyOfNode(node), verdict.level);
    emit(event, node, server, isRunner ? 'medium' : verdict.level, verdict.what);
  }

  function emit(event: Event, node: ProcessNode | undefined, server: { name: string; database: boolean; root: string }, level: Level, what: Text): void {
    context.emit({
      ruleId: 'behaviour.server-shell', title: serverShell.title, level,
      summary: {
        zh: `{server} ${what.zh}：{command}（{program}，来自{origin_zh}）`,
        en: `{server} ${what.en}: {command} ({program}, begun by {origin_en})`,
      },
      attack: server.database ? ['T1059', 'T1505.001'] : ['T1190', 'T1505.003', 'T1059'], matrix: ['利用远程代码执行漏洞执行', '利用应用程序执行'],
      key: `${server.name}:${server.root}`, time: event.time, events: [event], count: 1,
      group: { ...originGroup(node, event), server: server.name, program: short(programOf(event), 160), command: short(event.process_cmdline ?? programOf(event)) },
    });
  }

  /** A database that writes a library is being taught a function (UDF) or given a module. */
  function wrote(event: Event): void {
    const path = event.file_path;
    if (path === undefined || !/\.so(?:\.\d+)*$/.test(path) || kindOf(event.process_path, event.process_cmdline) !== 'database') return;
    if (event.action !== 'write' && event.action !== 'create' && event.action !== 'rename') return;
    const node = context.lineage.of(event);
    const name = plainName(event.process_path);
    context.emit({
      ruleId: 'behaviour.server-shell', title: { zh: '数据库写入了动态库', en: 'Database server writes a library' }, level: 'critical',
      summary: { zh: '{server} 写入动态库 {file}：UDF 或恶意模块，随后即可执行命令（来自{origin_zh}）', en: '{server} wrote the library {file}: a function or module that can run commands (begun by {origin_en})' },
      attack: ['T1505.001', 'T1059'], matrix: ['利用应用程序执行', '植入后门'], key: `${name}:library:${short(path, 300)}`, time: event.time, events: [event], count: 1,
      group: { ...originGroup(node, event), server: name, file: short(path, 300) },
    });
  }

  return {
    observe(event) {
      if (event.kind === 'file_event') wrote(event);
      else if (event.action !== 'process-seen') started(event);
    },
    tick(time) { now = Math.max(now, time); },
    save: () => save({ since, samples, head: [], rows: [...usual.entries()].reverse().map(([key, u]) => [key, u.first, u.last, u.count] as const) }, context),
    size: () => usual.size + servers.size + told.size,
    learning: (): Learning => ({ since, samples, ready: since !== undefined && now - since >= learnMs }),
  };
}
