/** PAM: who may log on by which module, and whether those are what packages ship. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { judgeCommand } from '../command.ts';
import { fact, finding, lessRights, lineFact, octal } from '../finding.ts';
import { anyoneWrites, attempt, concealment, filesOf, linesIn, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { moduleName, openStack, pamLines, type PamLine } from './stack.ts';

const moduleFolders = [
  '/usr/lib/x86_64-linux-gnu/security', '/usr/lib/aarch64-linux-gnu/security', '/lib/x86_64-linux-gnu/security', '/lib/aarch64-linux-gnu/security', '/usr/lib/riscv64-linux-gnu/security', '/usr/lib/loongarch64-linux-gnu/security',
  '/usr/lib64/security', '/lib64/security', '/usr/lib/security', '/lib/security', '/usr/local/lib/security', '/usr/local/lib64/security',
];
/** What pam-auth-update, authselect and authconfig write; no package owns them. */
const generated = /\/(?:common-(?:auth|account|password|session|session-noninteractive)|system-auth(?:-ac|-local)?|password-auth(?:-ac|-local)?|postlogin(?:-ac)?|fingerprint-auth|smartcard-auth|system-login|system-remote-login)$/;
/** Modules that people build and install by hand. */
const thirdParty = /^pam_(?:duo|google_authenticator|yubico|u2f|oath|radius(?:_auth)?|krb5|ldap|sss|winbind|mysql|pgsql|oslogin\w*|ecryptfs|ssh_agent_auth|tacplus|otpw|fprintd|howdy|vas\d*|centrify\w*|lsass|aad|himmelblau|ussh|okta\w*|jumpcloud|kanidm|script|python|passwdqc|cracklib|pkcs11|p11|bastion|jumpserver|mount|zfs_key|wheel|systemd\w*|rundir|gnome_keyring|kwallet\d*)$/;
const passwordFolders = [/^\/(?:tmp|var\/tmp|dev\/shm)\//, /\/\.[^/]+/];
const strings = ['/tmp/.', '/var/tmp/', '/dev/shm/', '%s:%s\n', 'user:%s', 'pass:%s', 'password: %s', '/usr/include/', 'backdoor'];
const moduleMax = 4 << 20;

export const pam: PlaceCheck = {
  id: 'pam',
  title: { zh: 'PAM 登录认证', en: 'PAM, who may log on' },
  blind: { zh: '没有软件包数据库时分不清模块是否被换；外来模块自己怎么判断看不出来', en: 'without a package database replaced modules are not told; what a foreign module decides by itself cannot be seen' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const named = new Map<string, PamLine>();
    const told = new Set<string>();
    const files = ['/etc/pam.conf', ...filesOf(context, '/etc/pam.d'), ...filesOf(context, '/usr/lib/pam.d')].filter((path) => !/\.(?:dpkg-\w+|rpm\w+|bak|orig|pam-old)$|~$/.test(path));
    // Shared stacks first: a service that includes an open one says nothing of its own.
    for (const path of files.sort((a, b) => Number(generated.test(b)) - Number(generated.test(a)))) {
      const owner = await context.provenance.owner(path);
      const lines = pamLines(context, path);
      for (const line of lines) if (line.control !== 'include' && line.control !== 'substack' && !named.has(moduleName(line.module))) named.set(moduleName(line.module), line);
      if (owner?.state !== 'intact') {
        yield* mode(path, context);
        for (const { number, text } of linesIn(context, path)) {
          const hidden = concealment(text);
          if (hidden) yield about(path, `hidden\0${text}`, 'intrusion', 'high', hidden, [lineFact(path, number, text)], context, 'attack:T1564');
        }
        for (const line of lines) yield* oneLine(line, context);
      }
      const open = owner?.state === 'intact' ? undefined : openStack(context, path);
      if (!open || told.has(open.by?.text ?? path)) continue;
      told.add(open.by?.text ?? path);
      // A display manager's automatic log-on asks nobody, by its nature.
      if (/autologin|greeter|launch-environment|runuser|systemd-user|initial-setup/.test(path)) continue;
      yield {
        ...about(path, 'open', 'intrusion', 'critical', { zh: '不用密码就能通过认证', en: 'lets everybody in without a password' }, open.by ? [lineFact(open.by.path, open.by.line, open.by.text)] : [], context),
        means: { zh: '按这份配置，问密码的模块都说“不”时，最后的结果仍是“通过”：任何密码都能登录或提权。', en: 'When every module that asks for a password says no, this stack still says yes: any password will do.' },
      };
    }
    yield* modules(named, context);
  },
};

async function* oneLine(line: PamLine, context: ScanContext): AsyncIterable<Finding> {
  const { module, args, path } = line;
  const name = moduleName(module);
  const tell = (kind: FindingKind, level: Level, text: Text, more: Finding['evidence'] = [], ...refs: string[]): Finding => about(path, `${line.text}\0${text.en}`, kind, level, text, [lineFact(path, line.line, line.text), ...more], context, ...refs);
  if (line.control === 'include' || line.control === 'substack') {
    if (module.startsWith('/') && !module.startsWith('/etc/pam.d/')) yield tell('intrusion', anyoneWrites.test(module) || /\/\.[^/]/.test(module) ? 'high' : 'medium', { zh: `认证规则取自 ${module}`, en: `rules are taken from ${module}` });
    return;
  }
  if (module.startsWith('/') && passwordFolders.some((place) => place.test(module))) yield tell('intrusion', 'critical', { zh: `认证模块藏在 ${module}`, en: `a module hidden at ${module}` });
  if (name === 'pam_exec') {
    const words = args.split(/\s+/);
    const takes = words.includes('expose_authtok');
    const command = words.slice(words.findIndex((word) => word.startsWith('/') || word.includes('sh'))).join(' ');
    const { level, reasons, programs } = await judgeCommand(command, context);
    const stranger = programs.some(({ owner }) => !owner);
    const judged: Level | undefined = takes && stranger ? 'high' : level;
    if (line.type === 'auth' && /sufficient|success=(?:done|\d)/.test(line.control)) yield tell('intrusion', 'medium', { zh: `程序 ${command} 说行就能登录`, en: `who may log on is for ${command} to say` }, [], 'attack:T1556.003');
    if (judged !== undefined && atLeast(judged, 'medium')) yield tell('intrusion', judged, takes ? { zh: `把密码交给程序 ${command}`, en: `hands the password to ${command}` } : { zh: `登录时运行 ${command}`, en: `runs ${command} at log-on` }, reasons.map(({ evidence }) => evidence), 'attack:T1556.003');
    else if (stranger) yield tell('notice', 'low', { zh: `登录时运行 ${command}`, en: `runs ${command} at log-on` });
  }
  if (line.type !== 'auth') return;
  if (name === 'pam_rhosts' || name === 'pam_rhosts_auth') yield tell('weakness', 'high', { zh: '相信别的主机说谁登录了', en: 'believes other hosts on who logs on' }, []);
  if (name === 'pam_wheel' && /\btrust\b/.test(args)) yield tell('weakness', 'medium', trusted(args));
  if (name === 'pam_unix' && /\bnullok(?:_secure)?\b/.test(args) && !generated.test(path)) yield tell('weakness', 'low', { zh: '允许空密码', en: 'empty passwords are taken' }, [], 'cis:5.3.3.4.1');
  if (name === 'pam_succeed_if' && /sufficient|done/.test(line.control) && !/nopasswdlogin|autologin/.test(args)) yield tell('weakness', 'medium', { zh: `符合这个条件的人不用密码：${args}`, en: `no password for whom this is true of: ${args}` });
  const jumps = /success=[1-9]/.test(line.control) && name === 'pam_succeed_if' && !/\bservice\b/.test(args) && !openStack(context, path) && openStack(context, path, line);
  if (jumps) yield tell('weakness', 'medium', { zh: `符合这个条件的人跳过了问密码的模块：${args}`, en: `those of whom this is true jump over what asks for a password: ${args}` }, [], 'attack:T1556.003');
  if (name === 'pam_listfile' && /sufficient|done/.test(line.control)) yield tell('weakness', 'medium', { zh: '名单上的人不用密码', en: 'no password for those on a list' });
}

/** Who `pam_wheel … trust` lets through. */
function trusted(args: string): Text {
  const group = /\bgroup=(\S+)/.exec(args)?.[1] ?? 'wheel';
  return { zh: `${group} 组的人切换到 root 不用密码`, en: `members of ${group} become root without a password` };
}

async function* modules(named: ReadonlyMap<string, PamLine>, context: ScanContext): AsyncIterable<Finding> {
  if (!context.provenance.known) { context.blind('/lib/security', { zh: '没有软件包数据库，分不清 PAM 模块是谁装的', en: 'no package database: nobody can tell whose the PAM modules are' }); return; }
  const paths = new Set<string>();
  for (const folder of moduleFolders) for (const path of filesOf(context, folder)) if (/\.so(?:\.\d+)*$/.test(path)) paths.add(attempt(context, path, () => context.tree.real(path)) ?? path);
  for (const { module } of named.values()) if (module.startsWith('/')) { const real = attempt(context, module, () => context.tree.real(module)); if (real !== undefined) paths.add(real); }
  for (const path of paths) {
    const owner = await context.provenance.owner(path);
    if (owner && owner.state !== 'modified') continue;
    const name = moduleName(path);
    const line = named.get(name);
    const bytes = attempt(context, path, () => context.tree.read(path, moduleMax))?.bytes;
    const shows = bytes ? strings.filter((text) => bytes.includes(text)) : [];
    const known = !owner && thirdParty.test(name);
    const level: Level = owner ? 'critical' : known ? 'low' : shows.length > 1 || (line && line.type === 'auth') ? 'high' : 'medium';
    yield {
      ...about(path, 'module', known ? 'notice' : 'intrusion', level, owner ? { zh: `不是软件包 ${owner.name} 装的那个`, en: `not the one that ${owner.name} ships` } : { zh: '认证模块不属于任何软件包', en: 'a module of no package' }, [
        ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version}, ${owner.state}`)] : []),
        ...(line ? [lineFact(line.path, line.line, line.text)] : [fact({ zh: '引用', en: 'named by' }, 'no rule')]),
        ...(shows.length > 0 ? [fact({ zh: '里面的字样', en: 'strings in it' }, shows.join(' | '))] : []),
      ], context),
      means: { zh: '认证模块经手每个人的密码，也决定谁能进：换掉它就能收集密码、凭暗号登录。', en: 'A module sees everybody\'s password and decides who comes in: whoever replaces it has both.' },
      fix: { text: { zh: '留证后重装软件包，改掉所有密码', en: 'keep it as evidence, install the package again, change all passwords' }, commands: owner ? [['apt-get', 'install', '--reinstall', owner.name]] : [] },
    };
  }
}

function* mode(path: string, context: ScanContext): Iterable<Finding> {
  const stat = targetStat(context, path);
  if (!stat || (stat.mode & 0o002) === 0 && ((stat.mode & 0o020) === 0 || stat.gid === 0)) return;
  yield { ...about(path, 'mode', 'weakness', 'high', { zh: '别人也能改认证规则', en: 'others may change who may log on' }, [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)], context, 'dengbao:8.1.4.2'), fix: { text: { zh: '收回写权限', en: 'take the right to write away' }, commands: [['chmod', 'go-w', path]], actions: lessRights(path, stat.mode, 0o022) } };
}

function about(path: string, key: string, kind: FindingKind, level: Level, text: Text, evidence: Finding['evidence'], context: ScanContext, ...refs: string[]): Finding {
  return finding('pam', `${path}\0${key}`, {
    kind, level, path, time: targetStat(context, path)?.changed, title: { zh: `${path}：${text.zh}`, en: `${path}: ${text.en}` }, evidence,
    fix: { text: { zh: '与软件包自带的规则比对，改回去', en: 'compare with what packages ship and put it back' }, commands: generated.test(path) && path.includes('common-') ? [['pam-auth-update', '--force']] : [] },
    refs: [...(kind === 'intrusion' ? ['attack:T1556.003'] : []), ...refs],
  });
}
