/** Keys that open accounts: whose they are, what they may, how old they are, and who may change them. */
import type { Finding } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { hasShell, type Account } from '../../linux/accounts.ts';
import type { FileStat } from '../../linux/tree.ts';
import { judgeCommand } from '../command.ts';
import { fact, finding, lessRights, lineFact, octal } from '../finding.ts';
import { anyoneWrites, attempt, concealment, isSystemUid, statOf, targetStat, firstOf, tellCut } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { attackersComment, attackHost, keyOf, type Key } from './keys.ts';
import { keyPlaces } from './places.ts';

const day = 86_400_000;
/** Keys are changed each quarter. */
const oldAfter = 90 * day;
const fileMax = 4 << 20;
const linesMax = 200_000;
/** Daemons whose accounts are made for keys: version control, backup, database replication. */
const keyDaemons = /^(?:git|gitea|gitlab|gitolite3?|forgejo|gogs|borg|backup|backuppc|restic|rsync|postgres|barman|jenkins|ansible|nagios|icinga|rundeck|oneadmin|ceph|cinder|nova|libvirt-qemu|rancher|deploy|sftp\w*)$/;

interface KeyFile { path: string; account: Account | undefined; user: string | undefined; stat: FileStat; keys: Key[] }

export const sshKeys: PlaceCheck = {
  id: 'ssh-keys',
  title: { zh: 'SSH 登录公钥', en: 'SSH log-on keys' },
  blind: { zh: '由程序或目录服务给出的公钥不在文件里；一把公钥是不是攻击者的，只有账号主人知道', en: 'keys that a program or directory gives are in no file; whether a key is an attacker\'s only its owner knows' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const files: KeyFile[] = [];
    const seen = new Set<string>();
    for (const { path, account, user } of keyPlaces(context)) {
      const stat = statOf(context, path);
      if (!stat || seen.has(path)) continue;
      seen.add(path);
      yield* fileState(path, account, stat, context);
      const read = attempt(context, path, () => context.tree.read(path, fileMax));
      if (!read) continue;
      if (read.cut) tellCut(context, path, fileMax);
      const file: KeyFile = { path, account, user, stat: targetStat(context, path) ?? stat, keys: [] };
      files.push(file);
      yield* contents(file, read.bytes, context);
    }
    yield* sharedKeys(files);
  },
};

function* fileState(path: string, account: Account | undefined, stat: FileStat, context: ScanContext): Iterable<Finding> {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const user = account?.name;
  if (stat.kind === 'link') {
    const to = context.tree.link(path) ?? '';
    const real = attempt(context, path, () => context.tree.real(path));
    if (real !== undefined && (anyoneWrites.test(real) || /\/\.(?!ssh\/)[^/]/.test(real))) yield about(path, 'link', 'intrusion', 'high', { zh: `登录公钥是个链接，指向 ${to}`, en: `the keys are a link to ${to}` }, [fact({ zh: '链接', en: 'link' }, to)], stat.changed, user);
  }
  for (const [at, found] of [[path, targetStat(context, path)], [folder, targetStat(context, folder)]] as const) {
    if (!found || (at === folder && !folder.endsWith('/.ssh'))) continue;
    const stranger = account !== undefined && found.uid !== 0 && found.uid !== account.uid;
    if ((found.mode & 0o022) === 0 && !stranger) continue;
    // A group of one's own may write: sshd refuses such a file, so it is no door.
    const level: Level = (found.mode & 0o002) !== 0 || stranger ? 'high' : 'low';
    yield {
      ...about(at, 'mode', 'weakness', level, { zh: `${at} 别人也能改：能给自己加一把登录公钥`, en: `others may change ${at} and add a key of their own` }, [fact({ zh: '权限', en: 'mode' }, `${octal(found.mode)} ${found.uid}:${found.gid}`)], found.changed, user),
      fix: { text: { zh: '收回权限', en: 'take the right away' }, commands: [...(account ? [['chown', `${account.uid}:${account.gid}`, at]] : []), ['chmod', 'go-w', at]], ...(!stranger && { actions: lessRights(at, found.mode, 0o022) }) },
    };
  }
  const flags = attempt(context, path, () => context.tree.flags(path));
  if (flags?.immutable || flags?.appendOnly) {
    yield {
      ...about(path, 'immutable', 'intrusion', 'medium', { zh: '登录公钥文件被锁住（chattr），连 root 也改不了', en: 'the key file is locked (chattr): not even root may change it' }, [fact({ zh: '标志', en: 'flag' }, flags.immutable ? 'immutable (+i)' : 'append only (+a)')], stat.changed, user, 'attack:T1222.002'),
      means: { zh: '木马常用 chattr +i 护住自己加的公钥，让人删不掉；少数管理员也用它防改。', en: 'Malware locks the file so that its key cannot be taken out; a few administrators do it to protect theirs.' },
      fix: { text: { zh: '不是自己锁的就解开，再核对每一把公钥', en: 'unlock it unless you locked it, then look at each key' }, commands: [['chattr', '-ia', path]] },
    };
  }
}

/** So many empty lines before a key are no tidiness. */
const emptyMax = 40;

async function* contents(file: KeyFile, bytes: Buffer, context: ScanContext): AsyncIterable<Finding> {
  const { path, account, stat } = file;
  const user = file.user ?? account?.name;
  const tell = (key: string, kind: Finding['kind'], level: Level, text: Text, evidence: Finding['evidence'], ...refs: string[]): Finding => about(path, key, kind, level, text, evidence, stat.changed, user, ...refs);
  const text = bytes.toString('utf8');
  if (bytes.includes('REDIS0') || (bytes.includes(0) && /ssh-(?:rsa|ed25519|dss)|ecdsa-/.test(text))) {
    yield tell('dump', 'intrusion', 'critical', { zh: '公钥文件是数据库写出来的：有人借 Redis 之类的服务把公钥写进来', en: 'a database wrote the key file: somebody used Redis or the like to plant a key' }, [fact({ zh: '开头', en: 'beginning' }, text.slice(0, 100))], 'attack:T1190');
  }
  let empty = 0;
  for (const [i, line] of firstOf(context, path, text.split('\n'), linesMax).entries()) {
    const bare = line.trim();
    if (bare === '') empty++;
    if (bare === '' || bare.startsWith('#')) continue;
    if (empty >= emptyMax) yield tell('blank', 'intrusion', 'medium', { zh: '公钥前面塞了许多空行，让人翻不到', en: 'many empty lines push a key out of sight' }, [lineFact(path, i + 1, bare.slice(0, 100))], 'attack:T1564');
    empty = 0;
    const hidden = concealment(line);
    if (hidden) yield tell(`hidden\0${line}`, 'intrusion', 'high', hidden, [lineFact(path, i + 1, line)], 'attack:T1564');
    const key = keyOf(line, i + 1);
    if (!key) { if (!bytes.includes(0)) context.count('lines of key files that are no key'); continue; }
    file.keys.push(key);
    yield* oneKey(file, key, tell, context);
  }
  if (file.keys.length === 0) return;
  if (account) yield* daemonKeys(file, account, tell);
  const age = context.now() - stat.changed;
  if (age > oldAfter) {
    yield tell('age', 'weakness', 'low', { zh: `公钥 ${Math.floor(age / day)} 天没换过`, en: `the keys were not changed for ${Math.floor(age / day)} days` }, [fact({ zh: '最后改动', en: 'last changed' }, new Date(stat.changed).toISOString().slice(0, 10)), fact({ zh: '公钥数', en: 'keys' }, String(file.keys.length))], 'dengbao:8.1.4.1');
  }
}

type Tell = (key: string, kind: Finding['kind'], level: Level, text: Text, evidence: Finding['evidence'], ...refs: string[]) => Finding;

async function* oneKey({ path }: KeyFile, key: Key, tell: Tell, context: ScanContext): AsyncIterable<Finding> {
  const evidence = [lineFact(path, key.line, shortened(key)), fact({ zh: '指纹', en: 'fingerprint' }, key.fingerprint)];
  const who = attackersComment(key.comment);
  if (who !== undefined) yield tell(`${key.fingerprint}\0attacker`, 'intrusion', 'critical', { zh: `公开报告过的攻击者公钥：${who.zh}`, en: `a key that public reports know as an attacker's: ${who.en}` }, evidence);
  else if (attackHost(key.comment)) yield tell(`${key.fingerprint}\0kali`, 'intrusion', 'medium', { zh: `公钥来自一台攻击用系统：${key.comment}`, en: `the key was made on a system for breaking in: ${key.comment}` }, evidence);
  if (key.type === 'ssh-dss' || (key.bits !== undefined && key.bits < 2048)) yield tell(`${key.fingerprint}\0weak`, 'weakness', 'medium', { zh: `公钥太弱：${key.type} ${key.bits ?? ''} 位`, en: `a weak key: ${key.type} of ${key.bits ?? '?'} bits` }, evidence);
  for (const { name, value = '' } of key.options) {
    switch (name) {
      case 'command': {
        const { level, reasons } = await judgeCommand(value, context);
        const worst = reasons.find(({ sign }) => sign !== 'unowned' && sign !== 'hidden');
        if (level !== undefined && worst && atLeast(worst.level, 'medium')) yield tell(`${key.fingerprint}\0command`, 'intrusion', worst.level, { zh: `公钥登录时运行：${worst.text.zh}`, en: `at log-on with the key: ${worst.text.en}` }, [...evidence, ...reasons.map((one) => one.evidence)]);
        break;
      }
      case 'environment':
        if (/^(?:LD_|BASH_ENV|ENV|PROMPT_COMMAND|PATH)/.test(value)) yield tell(`${key.fingerprint}\0environment\0${value}`, 'intrusion', /^LD_(?:PRELOAD|AUDIT)=/.test(value) ? 'high' : 'medium', { zh: `公钥登录时设置 ${value}`, en: `log-on with the key sets ${value}` }, evidence, 'attack:T1574.006');
        break;
      case 'cert-authority': yield tell(`${key.fingerprint}\0ca`, 'notice', 'low', { zh: '这一行认的是签发者：它签的任何公钥都能登录', en: 'this line names an authority: any key it signs may log on' }, evidence, 'attack:T1556'); break;
      default: break;
    }
  }
}

/** Accounts of daemons, which nobody logs on to. */
function* daemonKeys({ keys, path }: KeyFile, account: Account, tell: Tell): Iterable<Finding> {
  if (!isSystemUid(account.uid)) {
    if (account.uid !== 0 && !hasShell(account)) yield tell('no-shell', 'notice', 'low', { zh: `账号 ${account.name} 没有 shell 却有登录公钥：仍可转发端口`, en: `${account.name} has no shell and yet keys: ports may be forwarded` }, keys.slice(0, 5).map((key) => lineFact(path, key.line, shortened(key))));
    return;
  }
  const free = keys.filter(({ options }) => !options.some(({ name }) => name === 'command' || name === 'restrict'));
  if (free.length === 0) return;
  const expected = keyDaemons.test(account.name);
  yield tell('daemon', expected ? 'notice' : 'intrusion', expected ? 'low' : 'medium', { zh: `服务账号 ${account.name} 有登录公钥${hasShell(account) ? '，还有 shell' : ''}`, en: `the account of a daemon, ${account.name}, has log-on keys${hasShell(account) ? ' and a shell' : ''}` },
    [fact({ zh: '账号', en: 'account' }, account.text), ...free.slice(0, 5).map((key) => lineFact(path, key.line, shortened(key)))], 'attack:T1136.001');
}

/** One key that opens accounts of people and of daemons, or many accounts. */
function* sharedKeys(files: readonly KeyFile[]): Iterable<Finding> {
  const by = new Map<string, { file: KeyFile; key: Key }[]>();
  for (const file of files) for (const key of file.keys) {
    const same = by.get(key.fingerprint) ?? [];
    if (same.every((one) => one.file.path !== file.path)) by.set(key.fingerprint, [...same, { file, key }].slice(0, 100));
  }
  for (const [fingerprint, same] of by) {
    const users = new Set(same.map(({ file }) => file.account?.uid ?? file.path));
    if (users.size < 2) continue;
    const daemon = same.find(({ file }) => file.account && isSystemUid(file.account.uid) && !keyDaemons.test(file.account.name));
    const first = daemon ?? same[0]!;
    yield about(first.file.path, `shared\0${fingerprint}`, daemon ? 'intrusion' : 'weakness', daemon ? 'medium' : 'low', { zh: `同一把公钥能登录 ${users.size} 个账号`, en: `one key opens ${users.size} accounts` },
      [fact({ zh: '指纹', en: 'fingerprint' }, `${fingerprint} ${first.key.comment}`), ...same.slice(0, 10).map(({ file, key }) => lineFact(file.path, key.line, file.user ?? file.account?.name ?? ''))], first.file.stat.changed, undefined, 'dengbao:8.1.4.2');
  }
}

/** The middle of the key left out. */
const shortened = ({ text }: Key): string => text.trim().replace(/([A-Za-z0-9+/]{24})[A-Za-z0-9+/]{20,}([A-Za-z0-9+/=]{8})/, '$1…$2');

function about(path: string, key: string, kind: Finding['kind'], level: Level, text: Text, evidence: Finding['evidence'], time: number, user?: string, ...refs: string[]): Finding {
  return finding('ssh-keys', `${path}\0${key}`, {
    kind, level, path, time, user,
    title: { zh: `${user ?? path}：${text.zh}`, en: `${user ?? path}: ${text.en}` },
    evidence,
    means: { zh: '谁有对应的私钥，谁就能不用密码登录；改密码挡不住他。', en: 'Whoever has the private half logs on without a password; changing passwords does not stop it.' },
    fix: { text: { zh: `核对 ${path} 里每一把公钥是谁的，不认识的删掉`, en: `ask whose each key in ${path} is; take out those that nobody knows` }, commands: [] },
    refs: [...(kind === 'intrusion' ? ['attack:T1098.004'] : []), ...refs],
  });
}
