/** What a line of sshd_config is worth. Commands it names are judged by the check. */
import type { FindingKind, Fix } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { anyoneWrites } from '../look.ts';
import { globalOf, reachable, type Directive } from '../ssh-config.ts';

export interface Said { kind: FindingKind; level: Level; text: Text; directive: Directive; refs: readonly string[] }

const keyFilesOrdinary = /^(?:(?:%h\/|~\/)?\.ssh\/authorized_keys2?|none|(?:%h\/)?\.ssh\/[\w.%-]{1,60}|\/etc\/ssh\/(?:[\w.%-]{1,60}\/)?[\w.%-]{1,60}|\/(?:home|root)\/(?:%u\/)?\.ssh\/authorized_keys|\/var\/lib\/(?:google|amazon|cloud|waagent|AccountsService)\/[\w./%-]{1,80})$/;
const loaderVariable = /^(?:\*|LD_\*?|LD_(?:PRELOAD|AUDIT|LIBRARY_PATH)|BASH_ENV|ENV|PATH|PERL5\w*|PYTHON\w*)$/;

const yes = (one: Directive | undefined): boolean => one?.args[0]?.toLowerCase() === 'yes';
/** Places where nobody keeps keys but somebody who hides them. */
const oddPlace = (path: string): boolean => anyoneWrites.test(path) || /^\/(?:dev|proc|usr\/(?:bin|sbin|lib|include|share|games|src)|var\/(?:cache|log|spool|games)|lib|bin|sbin|boot)\//.test(path) || /\/\.(?!ssh(?:\/|$))[^/]/.test(path.replace(/^%h|^~/, '')) && path.startsWith('/');

/** Everything worth telling of a configuration; `directives` as sshd reads them. */
export function settingsOf(directives: readonly Directive[]): Said[] {
  const out: Said[] = [];
  const say = (directive: Directive, kind: FindingKind, level: Level, zh: string, en: string, ...refs: string[]): void => { out.push({ kind, level, text: { zh, en }, directive, refs }); };
  const each = (keyword: string, look: (one: Directive) => void): void => { for (const one of reachable(directives, keyword)) look(one); };
  // What stands in a Match holds for those it matches only.
  const softer = (one: Directive, level: Level): Level => (one.under === undefined ? level : level === 'high' ? 'medium' : 'low');

  each('authorizedkeysfile', (one) => {
    for (const path of one.args) {
      if (oddPlace(path)) say(one, 'intrusion', 'high', `登录公钥取自 ${path}：不会有人把公钥放在那里`, `log-on keys are taken from ${path}, where nobody keeps keys`, 'attack:T1098.004');
      else if (!keyFilesOrdinary.test(path)) say(one, 'notice', 'medium', `登录公钥还取自 ${path}`, `log-on keys are taken from ${path} too`, 'attack:T1098.004');
    }
  });
  each('trustedusercakeys', (one) => {
    const path = one.args[0] ?? '';
    if (path === 'none') return;
    if (oddPlace(path)) say(one, 'intrusion', 'high', `谁持有 ${path} 里的签发密钥，谁就能以任何账号登录，而那里不是放它的地方`, `whoever holds the key in ${path} may log on as anybody, and that is no place for it`, 'attack:T1556');
    else say(one, 'notice', 'low', `谁持有 ${path} 里的签发密钥，谁就能以任何账号登录：核对是不是自己的`, `whoever holds the key in ${path} may log on as anybody: see that it is yours`, 'attack:T1556');
  });
  each('permitemptypasswords', (one) => { if (yes(one)) say(one, 'weakness', 'high', '允许空密码登录', 'log-on with an empty password is allowed', 'cis:5.1.19', 'dengbao:8.1.4.1'); });
  const passwords = globalOf(directives, 'passwordauthentication');
  const passwordsOn = passwords === undefined || yes(passwords);
  each('permitrootlogin', (one) => {
    if (!yes(one)) return;
    const level: Level = passwordsOn ? 'medium' : 'low';
    say(one, 'weakness', softer(one, level), passwordsOn ? 'root 可以用密码远程登录' : 'root 可以远程登录', passwordsOn ? 'root may log on from outside with a password' : 'root may log on from outside', 'cis:5.1.20', 'dengbao:8.1.4.2');
  });
  each('passwordauthentication', (one) => { if (yes(one)) say(one, 'weakness', 'low', '可以用密码远程登录：只用密钥更安全', 'passwords are taken from outside: keys alone are safer', 'dengbao:8.1.4.1'); });
  each('permituserenvironment', (one) => {
    const value = one.args[0]?.toLowerCase() ?? 'no';
    if (value !== 'no') say(one, 'weakness', softer(one, 'medium'), '登录者可以自带环境变量（LD_PRELOAD 也行）', 'those who log on may bring variables, LD_PRELOAD too', 'attack:T1574.006', 'cis:5.1.21');
  });
  each('acceptenv', (one) => { if (one.args.some((arg) => loaderVariable.test(arg))) say(one, 'weakness', softer(one, 'high'), '接受客户端带来的能改变程序行为的变量', 'takes variables from clients that change what programs load', 'attack:T1574.006'); });
  each('setenv', (one) => { if (one.args.some((arg) => /^(?:LD_PRELOAD|LD_AUDIT|BASH_ENV|PROMPT_COMMAND)=/.test(arg))) say(one, 'intrusion', 'high', '给登录的人设了会加载代码的变量', 'sets a variable that loads code into what people start', 'attack:T1574.006'); });
  each('strictmodes', (one) => { if (!yes(one)) say(one, 'weakness', softer(one, 'medium'), '不再检查公钥文件的权限', 'the modes of key files are not looked at any more', 'attack:T1556'); });
  each('hostbasedauthentication', (one) => { if (yes(one)) say(one, 'weakness', softer(one, 'medium'), '相信别的主机说谁登录了', 'believes other hosts on who logs on', 'cis:5.1.10'); });
  each('ignorerhosts', (one) => { if (!yes(one) && one.args[0]?.toLowerCase() !== 'shosts-only') say(one, 'weakness', softer(one, 'medium'), '.rhosts 文件有效', '.rhosts files count', 'cis:5.1.11'); });
  each('gatewayports', (one) => { if (one.args[0]?.toLowerCase() !== 'no') say(one, 'weakness', 'low', '登录者转发的端口对外开放', 'ports that people forward are open to others', 'attack:T1572'); });
  each('permittunnel', (one) => { if (one.args[0]?.toLowerCase() !== 'no') say(one, 'weakness', 'low', '登录者可以建隧道网卡', 'people may make tunnel interfaces', 'attack:T1572'); });
  each('loglevel', (one) => { if (/^quiet$|^fatal$/i.test(one.args[0] ?? '')) say(one, 'weakness', softer(one, 'high'), '登录不再记日志', 'log-ons are not logged any more', 'attack:T1562.001', 'cis:5.1.14', 'dengbao:8.1.4.3'); });
  each('usepam', (one) => { if (!yes(one)) say(one, 'notice', 'low', '登录不经过 PAM：锁定、到期等规则不起作用', 'log-ons pass by PAM: locking and ageing do not work', 'cis:5.1.22'); });
  each('pamservicename', (one) => { if (one.args[0] !== 'sshd') say(one, 'weakness', 'medium', `登录改由 PAM 服务 ${one.args[0] ?? ''} 认证`, `the PAM service ${one.args[0] ?? ''} authenticates log-ons`, 'attack:T1556.003'); });
  const ports = directives.filter(({ keyword }) => keyword === 'port');
  if (ports.length > 1) say(ports[1]!, 'notice', 'low', `sshd 在不止一个端口上监听：${ports.slice(0, 10).map(({ args }) => args[0]).join('、')}`, `sshd listens on more than one port: ${ports.slice(0, 10).map(({ args }) => args[0]).join(', ')}`);
  each('pidfile', (one) => { if (oddPlace(one.args[0] ?? '')) say(one, 'notice', 'medium', 'PID 文件放在少见的地方', 'the PID file lies in an odd place'); });
  each('securitykeyprovider', (one) => { if (one.args[0]?.toLowerCase() !== 'internal') say(one, 'intrusion', oddPlace(one.args[0] ?? '') ? 'high' : 'medium', `sshd 会加载代码库 ${one.args[0] ?? ''}`, `sshd loads the library ${one.args[0] ?? ''}`, 'attack:T1574', 'attack:T1556'); });
  each('hostkey', (one) => { if (oddPlace(one.args[0] ?? '')) say(one, 'weakness', 'high', `主机密钥取自 ${one.args[0]}，别人也可能拿到`, `the host key is taken from ${one.args[0]}, where others may get it`, 'attack:T1557'); });
  return out;
}

/** Directives that run a program, with the command. */
export function commandsIn(directives: readonly Directive[]): { directive: Directive; command: string }[] {
  return directives.flatMap((one) => {
    switch (one.keyword) {
      case 'authorizedkeyscommand': case 'authorizedprincipalscommand': return one.args[0] === 'none' ? [] : [{ directive: one, command: unquoted(one.rest) }];
      case 'forcecommand': return /^(?:none|internal-sftp(?:[ \t].*)?)$/.test(unquoted(one.rest)) ? [] : [{ directive: one, command: unquoted(one.rest) }];
      case 'subsystem': return one.args[1] === 'internal-sftp' ? [] : [{ directive: one, command: one.args.slice(1).join(' ') }];
      case 'sshdsessionpath': case 'sshdauthpath': return [{ directive: one, command: one.args[0] ?? '' }];
      case 'xauthlocation': return [{ directive: one, command: one.args[0] ?? '' }];
      default: return [];
    }
  });
}

const unquoted = (rest: string): string => (/^"[^"]*"$/.test(rest) ? rest.slice(1, -1) : rest);

/** What is ordinary where a line is not. */
const ordinary: Readonly<Record<string, string>> = {
  permitemptypasswords: 'no', permitrootlogin: 'prohibit-password', passwordauthentication: 'no', permituserenvironment: 'no', strictmodes: 'yes', hostbasedauthentication: 'no', ignorerhosts: 'yes',
  gatewayports: 'no', permittunnel: 'no', loglevel: 'INFO', usepam: 'yes',
};
/** These are somebody's ordinary choice unless they are a sign. */
const ofSigns: Readonly<Record<string, string>> = { authorizedkeysfile: '.ssh/authorized_keys', trustedusercakeys: 'none' };

/** The action that gives this line another value; nothing where only a person can choose one. `config`: the main file of this sshd. */
export function saferSetting({ keyword, text, under }: Directive, kind: FindingKind, config: string): Pick<Fix, 'actions'> {
  const value = ordinary[keyword] ?? (kind === 'intrusion' ? ofSigns[keyword] : undefined);
  const key = /^"?([A-Za-z0-9]+)/.exec(text)?.[1];
  if (value === undefined || key === undefined || (under !== undefined && !under.startsWith('Match '))) return {};
  return { actions: [{ action: 'change-setting', input: { kind: 'sshd', key, value, ...(config !== '/etc/ssh/sshd_config' && { config }), ...(under !== undefined && { match: under.slice('Match '.length) }) } }] };
}
