/**
 * Credentials read by a program that does not do so as its work: password hashes, private keys, cloud and database
 * passwords, browser stores, the memory of other processes. One alert a tree; several kinds in turn are a harvest.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { actorOf, extraOf, originKind, who, type Actor } from '../actor.ts';
import { Lru } from '../lru.ts';
import { baseName, deedFile } from '../program-kind.ts';
import { isOdd, provenanceOf } from '../provenance.ts';
import { list } from '../settings.ts';
import { listed, raised, Stories } from '../stories.ts';
import { ancestors } from '../tree.ts';
import { generalReaders, isReader, processOf, secretNames, secretOf, type SecretId } from './secrets.ts';

export const credentialRead: Behaviour = {
  id: 'credential-read',
  title: { zh: '异常程序读取凭据', en: 'Credentials read by an unusual program' },
  means: { zh: '不该读口令、密钥或云凭据的程序读了它们；它们可能已被带走', en: 'A program that has no business with passwords, keys or cloud credentials read them; they may be gone' },
  advice: { zh: '查清这个程序的来历；不能解释就更换被读到的口令和密钥，并查它们近期的使用记录。', en: 'Find out where the program came from; if nobody can explain it, change the passwords and keys that were read and look at their latest use.' },
  blind: {
    zh: '只看得到内核传感器监视的文件名与路径；已打开的文件、经描述符传递的内容与直接读磁盘看不到；进程用 io_uring 读取的看不到；以允许的程序（如 tar、rsync）夹带的只在来由可疑时报告。',
    en: 'Only names and paths that the kernel sensor watches are seen, and not what io_uring opens. Files opened before, handed-on descriptors and reads of the raw disk are not. What permitted programs (tar, rsync) carry out is told only when their origin is odd.',
  },
  kinds: ['file_event', 'process_access'],
  settings: {
    readers: { default: [], text: { zh: '另外允许读取凭据的程序：可执行文件或脚本的完整路径、程序名', en: 'more programs that may read credentials: full path of an executable or script, or a name' } },
  },
  open,
};

const maxTrees = 5000;
const storyMs = 6 * 3_600_000;
/** Different kinds read within this time are one harvest. */
const harvestMs = 10 * 60_000;
const harvestKinds = 3;

const databases = /^(?:mysqld|mariadbd|postgres|redis-server|redis-check-rdb|valkey-server|valkey-check-rdb|mongod|clickhouse-server|memcached|oracle|sqlservr)/;
const databaseOwn: ReadonlySet<SecretId> = new Set<SecretId>(['database']);
const fleet = /^(?:ansible.*|salt-.*|puppet|chef-client|cloud-init|dpkg|apt|apt-get|rpm|dnf|yum|needrestart|unattended-upgr.*|backup.*|cron-apt)$/;

interface Harvest { kinds: Set<SecretId>; since: number }

function open(context: BehaviourContext): BehaviourRun {
  const more = new Set(list(context, 'readers'));
  const stories = new Stories(maxTrees, storyMs, () => { context.count('trees forgotten'); });
  const harvests = new Lru<Harvest>(maxTrees, () => { context.count('trees forgotten'); });

  function judge(event: Event, actor: Actor, id: SecretId): { level: Level; why: Text } | undefined {
    const kind = originKind(actor, event);
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    if (more.has(file) || more.has(actor.program) || more.has(actor.name)) return undefined;
    const provenance = provenanceOf(context, file, actor.container);
    const strange = provenance === 'unowned' || provenance === 'changed';
    if (kind === 'web') {
      // The site's own worker reads its database password and tokens, and a pool's master logs accounts in.
      if (isWorkerItself(actor) && (id === 'database' || id === 'token' || id === 'cloud')) return undefined;
      return { level: 'critical', why: { zh: '由网站进程引起', en: 'done under a web service' } };
    }
    if (isOdd(file, provenance)) return { level: id === 'token' ? 'medium' : 'critical', why: { zh: '程序位于临时或隐藏目录', en: 'the program lies in a temporary or hidden place' } };
    if (databases.test(actor.name) && !databaseOwn.has(id)) return { level: 'high', why: { zh: '数据库进程不该读取它', en: 'a database has no need of it' } };
    const named = isReader(id, actor.name) || isReader(id, baseName(file));
    if (named && !strange) return undefined;
    if (actor.container !== undefined) return named || id === 'database' || id === 'token' || id === 'cloud' ? undefined : { level: 'medium', why: { zh: '容器内的程序', en: 'a program of a container' } };
    if (id === 'memory' && strange && event.file_path?.endsWith('/environ') === true) {
      // Agents of clouds and of operators look through all processes; who looks at its own account's learns little.
      if (kind === 'cloud') return undefined;
      const isOwn = event.uid !== undefined && event.uid !== 0 && extraOf(event, 'owner') === String(event.uid);
      return { level: isOwn || kind === 'login' || kind === 'console' ? 'low' : 'medium', why: { zh: '程序不属于任何软件包', en: 'no package owns the program' } };
    }
    if (strange) {
      // Tools of the operator's own mostly lie under /usr/local and /opt; a name that fits, and a session or timer, speak for them.
      if (named) return { level: 'low', why: { zh: '程序不属于任何软件包', en: 'no package owns the program' } };
      if (id === 'token' || id === 'database' || id === 'cloud') return { level: kind === 'login' || kind === 'console' || kind === 'service' || kind === 'timer' || kind === 'cron' ? 'low' : 'medium', why: { zh: '程序不属于任何软件包', en: 'no package owns the program' } };
      return { level: kind === 'login' || kind === 'console' ? 'medium' : 'high', why: { zh: '程序不属于任何软件包', en: 'no package owns the program' } };
    }
    if (byFleet(actor)) return undefined;
    if (id === 'memory' || id === 'token' || id === 'database') return kind === 'login' || kind === 'console' || kind === 'service' ? undefined : { level: 'low', why: { zh: '不是常见的读取者', en: 'it is not among the usual readers' } };
    switch (kind) {
      case 'login': case 'console': return { level: 'low', why: { zh: '登录会话中手工读取', en: 'read by hand in a session' } };
      case 'package': return actor.node?.origin.name !== undefined && /^(?:dpkg|apt|apt-get|rpm|dnf|yum)/.test(actor.node.origin.name) ? undefined : { level: 'high', why: { zh: '安装脚本不该读取它', en: 'an install script has no need of it' } };
      case 'cloud': return undefined;
      case 'cron': case 'timer': return id === 'shadow' ? undefined : { level: 'low', why: { zh: '计划任务中读取', en: 'read by a scheduled job' } };
      default: return { level: 'medium', why: { zh: '不是常见的读取者', en: 'it is not among the usual readers' } };
    }
  }

  function take(event: Event, id: SecretId, thing: string): void {
    const actor = actorOf(event, context);
    const judged = judge(event, actor, id);
    if (judged === undefined) return;
    const key = event.pid === undefined ? actor.program : actor.tree;
    const harvest = harvests.take(key, () => ({ kinds: new Set<SecretId>(), since: event.time }));
    if (Math.abs(event.time - harvest.since) > harvestMs) { harvest.kinds.clear(); harvest.since = event.time; }
    harvest.kinds.add(id);
    const isHarvest = harvest.kinds.size >= harvestKinds;
    const level = isHarvest ? raised(judged.level) : judged.level;
    const told = stories.add(key, level, thing, event.time);
    if (told === undefined) return;
    const names = [...harvest.kinds].map((one) => secretNames[one]);
    context.emit({
      ruleId: 'behaviour.credential-read', title: credentialRead.title, level: told.story.level,
      summary: {
        zh: `{program} 读取了${names.map((n) => n.zh).join('、')}：{things}（来由：{origin_zh}；${judged.why.zh}）`,
        en: `{program} read ${names.map((n) => n.en).join(', ')}: {things} (from {origin_en}; ${judged.why.en})`,
      },
      attack: attackOf(harvest.kinds), matrix: ['获取服务器实例登录凭据', '获取配置文件中的应用凭证'], key, time: event.time, events: [event], count: told.count,
      group: { ...who(actor, event), things: listed(told.story) },
    });
  }

  /** A debugger or supervisor reads what it started itself. */
  const isChildOf = (event: Event, target: number): boolean => [...ancestors(context.lineage.process(target))].some((parent) => parent.pid === event.pid);

  return {
    observe(event) {
      if (event.kind === 'process_access') {
        if (event.action !== 'vm-read') return;
        const target = extraOf(event, 'target_pid');
        if (target === '' || Number(target) === event.pid || isChildOf(event, Number(target))) return;
        take(event, 'memory', `${extraOf(event, 'target_name') || 'pid'} (${target})`);
        return;
      }
      if (event.action !== 'read' || event.file_path === undefined) return;
      const id = secretOf(event.file_path, event.pid);
      if (id === undefined) return;
      const target = id === 'memory' && event.container_id === undefined ? processOf(event.file_path) : undefined;
      if (target === undefined || !isChildOf(event, target)) take(event, id, event.file_path);
    },
    size: () => stories.size + harvests.size,
  };
}

/** The web server's own process, not one that it started. */
function isWorkerItself(actor: Actor): boolean {
  const root = actor.node?.root;
  return root?.path !== undefined && root.path === actor.node?.path && actor.node.was.length <= 1;
}

/** Under configuration management, a package manager or a backup. */
function byFleet(actor: Actor): boolean {
  for (const parent of ancestors(actor.node)) {
    if (parent.path === undefined) continue;
    const name = baseName(deedFile(parent.path, parent.cmdline));
    if (fleet.test(name) || generalReaders.has(name)) return true;
  }
  return /\/\.ansible\/tmp\//.test(actor.node?.cmdline ?? '');
}

function attackOf(kinds: ReadonlySet<SecretId>): string[] {
  const ids: Record<SecretId, string> = { 'shadow': 'T1003.008', 'ssh-key': 'T1552.004', 'host-key': 'T1552.004', 'cloud': 'T1552.001', 'database': 'T1552.001', 'browser': 'T1555.003', 'token': 'T1552.001', 'memory': 'T1003.007' };
  return [...new Set([...kinds].map((kind) => ids[kind]))];
}
