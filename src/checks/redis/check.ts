/** Redis and its kin: an open server is how most hosts are taken, and what it wrote into folders of cron and SSH is how they stay so. */
import type { Finding, FixAction } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { Text } from '../../core/text.ts';
import { elfText } from '../elf-words.ts';
import { expandAll } from '../expand.ts';
import { fact, finding, lessRights, lineFact, octal, serviceSetting, withoutLine } from '../finding.ts';
import { anyoneWrites, homesIn, statOf, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { isLoopback, isPrivate } from '../reach.ts';
import { webRoots } from '../web-roots.ts';
import { dumpFolders, dumps } from './dumps.ts';
import { aclUsers, readSettings, type RedisSetting } from './settings.ts';

const configs = ['/etc/redis*.conf', '/etc/redis/*.conf', '/etc/redis/*/*.conf', '/etc/valkey/*.conf', '/etc/keydb/*.conf', '/usr/local/etc/redis*.conf', '/usr/local/redis/*.conf', '/usr/local/redis/etc/*.conf', '/usr/local/redis/conf/*.conf', '/opt/redis*/*.conf', '/opt/redis*/etc/*.conf', '/www/server/redis/*.conf', '/opt/1panel/apps/redis/*/conf/*.conf', '/data/redis/*.conf'];
const weak = new Set('redis foobared 123456 12345678 123456789 password admin root test 111111 000000 redis123 admin123 root123 passw0rd qwerty'.split(' '));

export const redis: PlaceCheck = {
  id: 'redis',
  title: { zh: 'Redis', en: 'Redis' },
  blind: { zh: '运行中用 CONFIG SET 改而没写回文件的设置看不到；压缩过的数据只看得到没压缩的部分', en: 'cannot see what CONFIG SET changed without writing it back; of compressed values only what was left as it is' },
  group: 'services',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const roots = webRoots(context);
    const folders = new Set(['/var/lib/redis']);
    for (const path of expandAll(context, configs)) {
      if (/sentinel/.test(path)) continue;
      const settings = readSettings(context, path);
      for (const { name, args } of settings) if (name === 'dir' && args[0]?.startsWith('/')) folders.add(args[0].replace(/\/+$/, '') || '/');
      yield* doors(path, settings, context);
      yield* writes(settings, roots, context);
      yield* modules(settings, context);
    }
    const homes = homesIn(context).map(({ home }) => home);
    yield* dumps(context, dumpFolders(homes), roots, [...folders]);
    for (const folder of folders) yield* loose(folder, context);
  },
};

/** Who may come in. The last line that sets something counts. */
function* doors(path: string, settings: readonly RedisSetting[], context: ScanContext): Iterable<Finding> {
  const last = (name: string): RedisSetting | undefined => settings.findLast((one) => one.name === name);
  const bind = last('bind');
  const protectedMode = last('protected-mode')?.args[0]?.toLowerCase() !== 'no';
  const addresses = bind?.args ?? ['*'];
  const open = addresses.filter((address) => !isLoopback(address));
  const password = last('requirepass');
  const acl = last('aclfile')?.args[0];
  const users = [...settings.filter(({ name }) => name === 'user').map(({ text, path: at, line }) => ({ text, path: at, line })), ...(acl?.startsWith('/') ? aclUsers(context, acl) : [])];
  const nobody = users.filter(({ text }) => /\son(?:\s|$)/.test(text) && /\snopass(?:\s|$)/.test(text));
  const defaultUser = users.find(({ text }) => /^user\s+default\s/i.test(text));
  const secret = password?.args[0] ?? '';
  const guarded = secret !== '' || (defaultUser !== undefined && !nobody.includes(defaultUser));
  const listens = last('port')?.args[0] !== '0' || (last('tls-port')?.args[0] ?? '0') !== '0';
  const shown = [bind, last('protected-mode'), password].filter((one) => one !== undefined);
  if (listens && open.length > 0 && !protectedMode && !guarded) {
    const level: Level = open.every(isPrivate) ? 'high' : 'critical';
    yield about(path, 'open', 'weakness', level, { zh: 'Redis 没有密码，网络上谁都能用', en: 'anybody on the network may use this Redis, no password asked' }, shown, context, {
      means: { zh: '能连上 Redis 的人可以让它把内容写进 crontab 和 authorized_keys，或加载模块，几分钟内就能成为这台机器的主人。没有密码的 Redis 会被蠕虫自动找到。', en: 'Who reaches it may have it write a crontab or authorized_keys, or load a module, and owns the machine in minutes. Worms look for such servers all day.' },
      fix: { zh: `在 ${path} 里写 bind 127.0.0.1、protected-mode yes 和一个长的 requirepass，再重启；用 rename-command 关掉 CONFIG、MODULE、SLAVEOF`, en: `set bind 127.0.0.1, protected-mode yes and a long requirepass in ${path} and restart; switch off CONFIG, MODULE and SLAVEOF with rename-command` }, refs: ['dengbao:8.1.4.1', 'attack:T1190'], actions: [serviceSetting('redis', 'protected-mode', 'yes', path), serviceSetting('redis', 'bind', '127.0.0.1 -::1', path)],
    });
  }
  if (secret !== '' && listens && open.length > 0 && (weak.has(secret.toLowerCase()) || secret.length < 8)) {
    yield about(path, 'weak', 'weakness', 'high', { zh: 'Redis 的密码一猜就中', en: 'the password of this Redis is guessed at once' }, shown, context, { fix: { zh: '换成 32 位以上的随机密码：Redis 每秒能被试几十万次', en: 'take a random one of 32 characters or more: Redis lets others try hundreds of thousands a second' }, refs: ['dengbao:8.1.4.1', 'attack:T1110'] });
  }
  for (const user of nobody) {
    if (/\s(?:\+@all|allcommands)(?:\s|$)/.test(user.text) && open.length > 0 && (user !== defaultUser || guarded)) yield about(user.path, `nopass\0${user.text}`, 'weakness', 'high', { zh: '有个 Redis 账号不用密码就能执行一切命令', en: 'an account of Redis may do anything without a password' }, [user], context, { refs: ['dengbao:8.1.4.1'] });
  }
  const stat = targetStat(context, path);
  if (stat && (stat.mode & 0o002) !== 0) yield about(path, 'mode', 'weakness', 'high', { zh: '谁都能改 Redis 的配置', en: 'anybody may change the settings of Redis' }, [], context, { evidence: [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))], commands: [['chmod', 'o-w', path]], actions: lessRights(path, stat.mode, 0o002) });
  else if (stat && secret !== '' && (stat.mode & 0o004) !== 0) yield about(path, 'readable', 'weakness', 'low', { zh: '谁都能读到 Redis 的密码', en: 'anybody may read the password of Redis' }, [], context, { evidence: [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))], commands: [['chmod', 'o-r', path]], actions: lessRights(path, stat.mode, 0o004) });
  for (const one of settings) {
    if (one.name === 'unixsocketperm' && /[2367]$/.test(one.args[0] ?? '') && !guarded) yield about(path, 'socket', 'weakness', 'medium', { zh: '本机任何账号都能用没有密码的 Redis', en: 'every account of this machine may use this Redis without a password' }, [one], context, {});
    if ((one.name === 'slaveof' || one.name === 'replicaof') && one === last(one.name) && one.args[0]?.toLowerCase() !== 'no') {
      const [host = ''] = one.args;
      if (!/^[\d.]+$|:/.test(host) || isLoopback(host) || isPrivate(host)) continue;
      const odd = last('masterauth') === undefined;
      yield { ...about(one.path, `master\0${host}`, odd ? 'intrusion' : 'notice', odd ? 'medium' : 'info', { zh: `Redis 是公网地址 ${host} 的从库`, en: `this Redis copies from ${host} on the Internet` }, [one], context, {
        means: { zh: '攻击者常让 Redis 认一台自己的主库，借同步把恶意模块写到磁盘再加载。', en: 'Attackers have a Redis copy from a server of theirs: a module comes over as its data and is loaded.' },
        fix: { zh: `不认识 ${host} 就去掉这一行，并检查 dir 下的 .so 文件`, en: `take the line out if ${host} is not yours, and look for .so files in dir` }, refs: ['attack:T1210'], actions: withoutLine(one.path, one.line, one.text),
      }), address: host };
    }
  }
}

/** Where it writes. */
function* writes(settings: readonly RedisSetting[], roots: readonly string[], context: ScanContext): Iterable<Finding> {
  const dir = settings.findLast(({ name }) => name === 'dir');
  const folder = dir?.args[0]?.replace(/\/+$/, '') ?? '';
  const means = { zh: '这正是攻击者借 Redis 写计划任务、SSH 公钥和网页木马的做法：正常的 Redis 数据不会放在这里。', en: 'This is how attackers have Redis write cron jobs, SSH keys and web shells: its data never lies there.' };
  if (dir && /^\/(?:etc\/cron[^/]*|var\/spool\/cron|etc\/(?:init|rc|profile|systemd|ld\.so)[^/]*)(?:\/|$)|\/\.ssh$/.test(folder)) {
    yield about(dir.path, 'dir', 'intrusion', 'critical', { zh: `Redis 的数据被指到 ${folder}`, en: `Redis is told to write its data to ${folder}` }, [dir], context, { means, refs: [techniqueOf(folder, '')] });
  } else if (dir && roots.some((root) => folder === root || folder.startsWith(`${root}/`))) {
    yield about(dir.path, 'dir', 'weakness', 'medium', { zh: `Redis 的数据放在网站目录 ${folder} 里`, en: `Redis keeps its data in ${folder}, which a web server gives to visitors` }, [dir], context, { refs: ['attack:T1505.003'] });
  }
  for (const name of ['dbfilename', 'appendfilename', 'logfile']) {
    const file = settings.findLast((one) => one.name === name);
    const value = file?.args[0] ?? '';
    const odd = /(?:^|\/)(?:authorized_keys2?|crontab|\.bashrc|\.profile|rc\.local|ld\.so\.preload)$/.test(value) || /\.(?:php\d?|phtml|jspx?|aspx?|cgi|so)$/i.test(value) || (name === 'dbfilename' && /^root$/.test(value));
    if (file && odd) yield about(file.path, name, 'intrusion', 'critical', { zh: `Redis 的数据文件叫 ${value}`, en: `the data file of Redis is called ${value}` }, [...(dir ? [dir] : []), file], context, { means, refs: [techniqueOf(folder, value)] });
  }
}

/** What somebody gains by a file of this name in this folder; the folder may be set while Redis runs, and then the name tells. */
function techniqueOf(folder: string, name: string): string {
  const at = name.startsWith('/') ? name : `${folder}/${name}`;
  if (/\/\.ssh(?:\/|$)|authorized_keys2?$/.test(at)) return 'attack:T1098.004';
  if (/^\/(?:etc\/cron|var\/spool\/(?:ana)?cron)/.test(at) || /(?:^|\/)(?:crontab|root)$/.test(name)) return 'attack:T1053.003';
  if (at.startsWith('/etc/ld.so') || name.endsWith('ld.so.preload')) return 'attack:T1574.006';
  if (at.startsWith('/etc/systemd')) return 'attack:T1543.002';
  if (at.startsWith('/etc/profile') || /\.(?:bashrc|profile)$/.test(name)) return 'attack:T1546.004';
  if (/^\/etc\/(?:init|rc)/.test(at) || name.endsWith('rc.local')) return 'attack:T1037.004';
  return name.endsWith('.so') ? 'attack:T1210' : 'attack:T1505.003';
}

/** Libraries that it loads. */
async function* modules(settings: readonly RedisSetting[], context: ScanContext): AsyncIterable<Finding> {
  for (const one of settings) {
    const [path = ''] = one.args;
    if (one.name !== 'loadmodule' || !path.startsWith('/')) continue;
    if ((await context.provenance.owner(path))?.state === 'intact') continue;
    const level = moduleLevel(path, context) ?? (/^\/(?:usr|opt)\//.test(path) && targetStat(context, path) ? undefined : 'medium');
    if (level === undefined) { yield about(one.path, `module\0${path}`, 'notice', 'low', { zh: `Redis 加载 ${path}，它不属于任何软件包`, en: `Redis loads ${path}, which no package owns` }, [one], context, {}); continue; }
    yield about(one.path, `module\0${path}`, 'intrusion', level, { zh: `Redis 加载来历不明的模块 ${path}`, en: `Redis loads a module of unknown origin, ${path}` }, [one], context, { refs: ['attack:T1129', 'attack:T1505'] });
  }
}

/** What the library says of itself: those made for break-ins give a shell. */
function moduleLevel(path: string, context: ScanContext): Level | undefined {
  const text = elfText(context, path);
  if (text !== undefined && /system\.(?:exec|rev)\b|redis(?:_|-)?rogue|shell\.exec\b/i.test(text)) return 'critical';
  return anyoneWrites.test(path) || /\/\.[^/]/.test(path) ? 'high' : undefined;
}

/** Libraries among the data. */
async function* loose(folder: string, context: ScanContext): AsyncIterable<Finding> {
  for (const path of expandAll(context, [`${folder.replace(/[*?[\]]/g, '?')}/*`])) {
    const stat = statOf(context, path);
    if (stat?.kind !== 'file' || stat.size > 64 << 20 || /\.(?:rdb|aof|conf|log|pid)$/.test(path)) continue;
    if (elfText(context, path) === undefined || await context.provenance.owner(path)) continue;
    const level = moduleLevel(path, context) ?? 'high';
    yield about(path, 'loose', 'intrusion', level, { zh: '程序库混在 Redis 的数据里', en: 'a library or program among the data of Redis' }, [], context, {
      evidence: [fact({ zh: '大小', en: 'size' }, String(stat.size))], refs: ['attack:T1210'],
      means: { zh: '假主库攻击会把模块当作数据同步过来，再用 MODULE LOAD 运行。', en: 'A false master sends a module as if it were data, then has it loaded.' },
    });
  }
}

interface More { means?: Text; fix?: Text; commands?: string[][]; actions?: readonly FixAction[]; refs?: string[]; evidence?: Finding['evidence'] }

function about(path: string, key: string, kind: Finding['kind'], level: Level, title: Text, lines: readonly { path: string; line: number; text: string }[], context: ScanContext, more: More): Finding {
  return finding('redis', `${path}\0${key}`, {
    kind, level, path, title, time: statOf(context, path)?.changed,
    evidence: [...lines.map((one) => lineFact(one.path, one.line, hideSecrets(one.text))), ...(more.evidence ?? [])],
    ...(more.means && { means: more.means }),
    fix: { text: more.fix ?? { zh: `核对 ${path}，去掉不是自己写的`, en: `look through ${path} and take out what you did not write` }, commands: more.commands ?? [], ...(more.actions && { actions: more.actions }) },
    refs: more.refs ?? [],
  });
}

const hideSecrets = (text: string): string => maskSecrets(text.replace(/^(\s*(?:requirepass|masterauth)\s+)\S.*$/i, '$1***').replace(/(\s[>#<!])\S+/g, '$1***'));
