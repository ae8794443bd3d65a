/** The SSH daemon: its configuration as it counts, its programs, and daemons beside it. */
import type { Finding } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import { judgeCommand } from '../command.ts';
import { fact, finding, lessRights, lineFact, octal, putAway } from '../finding.ts';
import { anyoneWrites, attempt, concealment, filesOf, homesIn, linesIn, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName } from '../shell-words.ts';
import { directiveOf, readSshConfig, type Directive } from '../ssh-config.ts';
import { daemonFact, daemonsOf, sshPrograms, type Daemon } from './programs.ts';
import { commandsIn, saferSetting, settingsOf } from './settings.ts';

const main = '/etc/ssh/sshd_config';

export const sshd: PlaceCheck = {
  id: 'sshd',
  title: { zh: 'SSH 服务', en: 'SSH daemon' },
  blind: { zh: '已经在运行的 sshd 可能读的是改动前的配置；没装软件包数据库时分不清程序是否被换', en: 'a running sshd may still go by the configuration of before; without a package database a replaced program is not told' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    yield* configuration(main, [], context);
    const read = new Set([main]);
    for (const daemon of await daemonsOf(context)) {
      yield* daemonFinding(daemon, context);
      if (daemon.config !== undefined && read.has(daemon.config) && daemon.options.length === 0) continue;
      read.add(daemon.config ?? main);
      if (daemon.config !== undefined || daemon.options.length > 0) yield* configuration(daemon.config ?? main, optionDirectives(daemon), context);
    }
    yield* sshPrograms(context);
    yield* hostKeys(context);
    yield* trustedHosts(context);
  },
};

/** What stands on the command line comes before the file. */
function optionDirectives({ options, path, line, text }: Daemon): Directive[] {
  return options.flatMap((option) => {
    const one = directiveOf(option);
    return one ? [{ ...one, path, line, text, under: undefined }] : [];
  });
}

async function* configuration(path: string, given: readonly Directive[], context: ScanContext): AsyncIterable<Finding> {
  const directives = [...given, ...readSshConfig(context, path)];
  const files = new Set([path, ...directives.map((one) => one.path)]);
  const shipped = new Set<string>();
  for (const file of files) {
    if ((await context.provenance.owner(file))?.state === 'intact') shipped.add(file);
    yield* fileMode(file, context);
    const stat = targetStat(context, file);
    if (!shipped.has(file) && stat) for (const { number, text } of linesIn(context, file)) {
      const hidden = concealment(text);
      if (hidden) yield finding('sshd', `${file}\0hidden\0${text}`, { kind: 'intrusion', level: 'high', path: file, time: stat.changed, title: { zh: `${file}：${hidden.zh}`, en: `${file}: ${hidden.en}` }, evidence: [lineFact(file, number, text)], refs: ['attack:T1564'] });
    }
  }
  for (const { kind, level, text, directive, refs } of settingsOf(directives)) {
    if (shipped.has(directive.path)) continue;
    yield finding('sshd', `${directive.path}\0${directive.text}\0${text.en}`, {
      kind, level, path: directive.path, time: targetStat(context, directive.path)?.changed,
      title: { zh: `SSH 服务：${text.zh}`, en: `SSH daemon: ${text.en}` },
      evidence: [lineFact(directive.path, directive.line, directive.text), ...(directive.under === undefined ? [] : [fact({ zh: '只对', en: 'only for' }, directive.under)])],
      fix: { text: { zh: `改好 ${directive.path} 第 ${directive.line} 行，检查后重新载入`, en: `put line ${directive.line} of ${directive.path} right, test it, reload` }, commands: [['sshd', '-t'], ['systemctl', 'reload', 'ssh']], ...(given.includes(directive) ? {} : saferSetting(directive, kind, path)) },
      refs: [...refs],
    });
  }
  for (const { directive, command } of commandsIn(directives)) {
    if (!shipped.has(directive.path)) yield* commandFinding(directive, command, context);
  }
}

/** Programs that let people in by the word of a cloud or directory. */
const knownKeyCommands = new Set(['sss_ssh_authorizedkeys', 'eic_run_authorized_keys', 'eic_curl_authorized_keys', 'google_authorized_keys', 'google_authorized_keys_sk', 'google_authorized_principals', 'aad_certhandler', 'userdbctl', 'gitlab-shell-authorized-keys-check', 'gitea', 'forgejo', 'opkssh', 'cloudflared', 'ssh-ldap-wrapper', 'ssh-ldap-helper']);

/** A script that asks a directory for keys holds none itself. */
const holdsKey = (path: string, context: ScanContext): boolean => /\b(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp\d+|sk-[\w@.-]+)\s+AAAA[A-Za-z0-9+/]{30}/.test(attempt(context, path, () => context.tree.read(path, 1 << 20))?.bytes.toString('latin1') ?? '');

async function* commandFinding(directive: Directive, command: string, context: ScanContext): AsyncIterable<Finding> {
  const { level: judged, reasons, programs } = await judgeCommand(command, context);
  const decidesWho = directive.keyword.startsWith('authorized');
  const ownedAll = programs.length > 0 && programs.every(({ owner }) => owner?.state === 'intact');
  const known = programs.some(({ path }) => knownKeyCommands.has(baseName(path)));
  let level: Level | undefined = judged;
  if (level === undefined && decidesWho && !ownedAll) level = known ? 'info' : 'medium';
  const held = decidesWho && programs.some(({ path, owner }) => !owner && holdsKey(path, context));
  if (held && (level === undefined || !atLeast(level, 'high'))) level = 'high';
  if (level === undefined) return;
  yield finding('sshd', `${directive.path}\0${directive.text}`, {
    kind: held || (reasons.length > 0 && atLeast(level, 'medium')) ? 'intrusion' : 'notice', level, path: directive.path, time: targetStat(context, directive.path)?.changed,
    title: decidesWho
      ? { zh: `SSH 服务让一个程序决定谁能登录：${command.slice(0, 200)}`, en: `SSH daemon: a program decides who may log on: ${command.slice(0, 200)}` }
      : { zh: `SSH 服务会在登录时运行：${command.slice(0, 200)}`, en: `SSH daemon: runs at log-on: ${command.slice(0, 200)}` },
    evidence: [lineFact(directive.path, directive.line, directive.text), ...reasons.map(({ evidence }) => evidence), ...programs.map(({ path, owner, there }) => fact({ zh: '程序', en: 'program' }, `${path} ${there ? (owner ? `${owner.name}, ${owner.state}` : 'no package') : 'not there'}`))],
    means: { zh: '这个程序报出来的公钥都能登录：它被换掉或本来就是后门时，authorized_keys 里看不出异样。', en: 'Whatever keys this program names may log on: when it is a back door, authorized_keys shows nothing.' },
    fix: { text: { zh: '核对这个程序；不认识就注释掉这一行并重新载入 sshd', en: 'look at the program; comment the line out and reload sshd when nobody knows it' }, commands: [] },
    refs: ['attack:T1556', 'attack:T1098.004'],
  });
}

async function* daemonFinding(daemon: Daemon, context: ScanContext): AsyncIterable<Finding> {
  const owner = daemon.program.startsWith('/') ? await context.provenance.owner(daemon.program) : undefined;
  const { reasons } = await judgeCommand(daemon.words.join(' '), context);
  const hostile = reasons.some(({ level }) => atLeast(level, 'high'));
  const oddConfig = daemon.config !== undefined && (anyoneWrites.test(daemon.config) || /\/\.[^/]/.test(daemon.config));
  const stranger = daemon.program.startsWith('/') && !owner && context.provenance.known && !daemon.program.startsWith('/usr/local/');
  // A drop-in or a changed option line for the one daemon there is says nothing by itself: its options are judged as configuration.
  if (!hostile && !oddConfig && !stranger) {
    if (daemon.config === undefined || daemon.config === main) return;
    yield finding('sshd', `${daemon.path}\0${daemon.text}`, {
      kind: 'notice', level: 'low', path: daemon.path, title: { zh: `另有一个 SSH 服务，用配置 ${daemon.config}`, en: `another SSH daemon, with the configuration ${daemon.config}` }, evidence: [daemonFact(daemon)], refs: [],
    });
    return;
  }
  yield finding('sshd', `${daemon.path}\0${daemon.text}`, {
    kind: 'intrusion', level: hostile || oddConfig ? 'high' : 'medium', path: daemon.path, time: targetStat(context, daemon.path)?.changed,
    title: { zh: `另起的 SSH 服务：${daemon.program}${oddConfig ? `，配置藏在 ${daemon.config}` : ''}`, en: `a second SSH daemon: ${daemon.program}${oddConfig ? `, configured by ${daemon.config}` : ''}` },
    evidence: [daemonFact(daemon), ...reasons.map(({ evidence }) => evidence)],
    means: { zh: '入侵者另起一个 sshd，用自己的密钥和端口，正式的那个怎么加固都拦不住它。', en: 'An intruder\'s own sshd has its own keys and port: hardening the real one does not stop it.' },
    fix: { text: { zh: '停用这个单元并留证', en: 'disable the unit and keep it as evidence' }, commands: daemon.path.endsWith('.service') ? [['systemctl', 'disable', '--now', baseName(daemon.path)]] : [] },
    refs: ['attack:T1543.002', 'attack:T1021.004'],
  });
}

function* fileMode(path: string, context: ScanContext): Iterable<Finding> {
  const stat = targetStat(context, path);
  if (!stat || ((stat.mode & 0o022) === 0 && stat.uid === 0) || ((stat.mode & 0o002) === 0 && stat.uid === 0 && stat.gid === 0)) return;
  yield finding('sshd', `${path}\0mode`, {
    kind: 'weakness', level: 'high', path, time: stat.changed, title: { zh: `不只 root 能改 ${path}`, en: `others than root may change ${path}` },
    evidence: [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)],
    fix: { text: { zh: '交还 root 并收回写权限', en: 'give it back to root, take the right to write away' }, commands: [['chown', 'root:root', path], ['chmod', '600', path]], actions: lessRights(path, stat.mode, 0o022, 'root:root') }, refs: ['cis:5.1.1', 'dengbao:8.1.4.2'],
  });
}

function* hostKeys(context: ScanContext): Iterable<Finding> {
  for (const path of filesOf(context, '/etc/ssh')) {
    const stat = targetStat(context, path);
    // Red Hat lets the group ssh_keys read them.
    if (!/\/ssh_host_\w+_key$/.test(path) || !stat || ((stat.mode & 0o007) === 0 && (stat.mode & 0o020) === 0)) continue;
    yield finding('sshd', `${path}\0mode`, {
      kind: 'weakness', level: 'high', path, time: stat.changed, title: { zh: `主机私钥 ${path} 别人也能读`, en: `others may read the host key ${path}` }, evidence: [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))],
      fix: { text: { zh: '收紧权限并重新生成主机密钥', en: 'take the right away and make new host keys' }, commands: [['chmod', '600', path]], actions: lessRights(path, stat.mode, 0o027) }, refs: ['attack:T1552.004', 'cis:5.1.2'],
    });
  }
}

/** Hosts and people that rsh and host-based SSH believe. */
function* trustedHosts(context: ScanContext): Iterable<Finding> {
  for (const path of ['/etc/hosts.equiv', '/etc/ssh/shosts.equiv', ...homesIn(context).flatMap(({ home }) => [`${home}/.rhosts`, `${home}/.shosts`])]) {
    const lines = [...linesIn(context, path)];
    if (lines.length === 0) continue;
    const everybody = lines.some(({ text }) => /^\s*\+/.test(text));
    yield finding('sshd', path, {
      kind: 'weakness', level: everybody ? 'high' : 'medium', path, time: targetStat(context, path)?.changed,
      title: everybody ? { zh: `${path} 相信所有主机`, en: `${path} believes every host` } : { zh: `${path}：列出的主机不用密码就被相信`, en: `${path}: the hosts in it are believed without a password` },
      evidence: lines.slice(0, 10).map(({ number, text }) => lineFact(path, number, text)), fix: { text: { zh: '删掉这个文件', en: 'take the file away' }, commands: [['rm', path]], actions: putAway(path) }, refs: ['attack:T1199', ...(path.startsWith('/etc/') ? [] : ['cis:7.2.10'])],
    });
  }
}
