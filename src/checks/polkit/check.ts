/** polkit rules and D-Bus policies: requests to root's daemons that are granted without asking. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { judgeCommand } from '../command.ts';
import { fact, finding, octal } from '../finding.ts';
import { filesOf, attempt, readText, targetStat, firstOf } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';

const ruleFolders = ['/etc/polkit-1/rules.d', '/run/polkit-1/rules.d', '/usr/local/share/polkit-1/rules.d', '/usr/share/polkit-1/rules.d'];
const pklaFolders = ['/etc/polkit-1/localauthority', '/var/lib/polkit-1/localauthority'];
const actionFolders = ['/usr/share/polkit-1/actions', '/etc/polkit-1/actions', '/usr/local/share/polkit-1/actions'];
const busFolders = ['/etc/dbus-1/system.d', '/usr/share/dbus-1/system.d', '/usr/local/share/dbus-1/system.d'];
const busFiles = ['/etc/dbus-1/system.conf', '/etc/dbus-1/system-local.conf', '/usr/share/dbus-1/system.conf'];
const textMax = 256 * 1024;

export const polkit: PlaceCheck = {
  id: 'polkit',
  title: { zh: 'polkit 与 D-Bus 策略', en: 'polkit rules and D-Bus policies' },
  blind: { zh: '规则是程序：绕着弯写的条件看不透', en: 'rules are programs: conditions written round corners are not seen through' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const own = async (paths: readonly string[], ending: string, look: (path: string, text: string) => AsyncIterable<Finding>): Promise<Finding[]> => {
      const out: Finding[] = [];
      for (const path of paths.filter((one) => one.endsWith(ending))) {
        if ((await context.provenance.owner(path))?.state === 'intact') continue;
        const text = readText(context, path, textMax);
        if (text === undefined) continue;
        out.push(...mode(path, context));
        for await (const one of look(path, text)) out.push(one);
      }
      return out;
    };
    const inAll = (folders: readonly string[]): string[] => folders.flatMap((folder) => filesOf(context, folder));
    yield* await own(inAll(ruleFolders), '.rules', (path, text) => rules(path, text, context));
    const pkla = pklaFolders.flatMap((folder) => (attempt(context, folder, () => context.tree.list(folder)) ?? []).flatMap((name) => filesOf(context, `${folder}/${name}`)));
    yield* await own(pkla, '.pkla', (path, text) => authority(path, text, context));
    yield* await own(inAll(actionFolders), '.policy', (path, text) => actions(path, text, context));
    yield* await own([...busFiles, ...inAll(busFolders)], '.conf', (path, text) => bus(path, text, context));
  },
};

/** JavaScript without comments, so that what is commented out says nothing. */
const withoutComments = (text: string): string => text.replaceAll(/\/\*[^]*?\*\//g, ' ').replaceAll(/(^|[^:"'])\/\/[^\n]*/g, '$1');

async function* rules(path: string, text: string, context: ScanContext): AsyncIterable<Finding> {
  const code = withoutComments(text);
  for (const found of firstOf(context, path, [...code.matchAll(/polkit\.spawn\s*\(\s*\[([^\]]{1,2000})\]/g)], 1000)) {
    const command = [...found[1]!.matchAll(/"([^"]*)"|'([^']*)'/g)].map((word) => word[1] ?? word[2]!);
    const { level, reasons } = await judgeCommand(command.map((word) => (/[\s;|&]/.test(word) ? `'${word.replaceAll("'", '')}'` : word)).join(' '), context);
    if (level !== undefined && atLeast(level, 'medium')) yield about(path, `spawn\0${found[0]}`, 'intrusion', level, { zh: `判断权限时会运行程序：${reasons[0]!.text.zh}`, en: `runs a program to judge a request: ${reasons[0]!.text.en}` }, [fact({ zh: '规则', en: 'rule' }, found[0]), ...reasons.map(({ evidence }) => evidence)], context);
  }
  // One rule from addRule to the next.
  for (const part of code.split(/polkit\.addRule\s*\(/).slice(1, 200)) {
    if (!/\b(?:polkit\.Result\.YES|return\s*["']yes["'])/.test(part)) continue;
    const evidence = [fact({ zh: '规则', en: 'rule' }, part.trim().slice(0, 600))];
    const byAction = /action\.(?:id|lookup)/.test(part);
    const bySubject = /subject\.(?:user|isInGroup|groups)/.test(part);
    const root = /subject\.isInGroup\(\s*["'](?:sudo|wheel|admin|root)["']\s*\)|subject\.user\s*===?\s*["']root["']/.test(part);
    if (!byAction && !bySubject) yield about(path, `all\0${part.slice(0, 200)}`, 'intrusion', 'critical', { zh: '谁要什么权限都给', en: 'grants everything to everybody' }, evidence, context);
    else if (!byAction) yield about(path, `subject\0${part.slice(0, 200)}`, 'weakness', root ? 'low' : 'high', root ? { zh: '管理员组要什么权限都不用密码', en: 'grants everything to administrators without a password' } : { zh: '给某些人一切权限', en: 'grants everything to some people' }, evidence, context);
    else if (!bySubject && /policykit\.exec|systemd1\.manage|packagekit|accounts\.user-administration|login1\.set-user-linger/.test(part) && !/subject\.(?:local|active)/.test(part)) yield about(path, `action\0${part.slice(0, 200)}`, 'weakness', 'high', { zh: '谁都能不经询问做管理员的事', en: 'grants administrators\' actions to everybody' }, evidence, context);
  }
}

/** The older form: sections of Identity=, Action=, ResultAny=. */
async function* authority(path: string, text: string, context: ScanContext): AsyncIterable<Finding> {
  for (const section of text.split(/^\s*\[/m).slice(1, 500)) {
    const value = (name: string): string => new RegExp(`^\\s*${name}\\s*=\\s*(.*)$`, 'm').exec(section)?.[1]?.trim() ?? '';
    const granted = ['ResultAny', 'ResultInactive', 'ResultActive'].some((name) => /^yes$/i.test(value(name)));
    if (!granted) continue;
    const everybody = /(?:^|;)(?:unix-user:\*|\*|default)(?:;|$)/.test(value('Identity'));
    const everything = /(?:^|;)\*(?:;|$)/.test(value('Action'));
    if (!everything && !(everybody && /policykit\.exec/.test(value('Action')))) continue;
    const admins = /^(?:unix-group:(?:sudo|wheel|admin|root);?)+$/.test(value('Identity'));
    yield about(path, `pkla\0${section.slice(0, 200)}`, everybody ? 'intrusion' : 'weakness', everybody ? 'critical' : admins ? 'low' : 'high', everybody ? { zh: '谁要什么权限都给', en: 'grants everything to everybody' } : { zh: `给 ${value('Identity')} 一切权限`, en: `grants everything to ${value('Identity')}` }, [fact({ zh: '规则', en: 'rule' }, `[${section.trim().slice(0, 600)}`)], context);
  }
}

/** Actions of no package that anybody may do, above all those that start a program as root. */
async function* actions(path: string, text: string, context: ScanContext): AsyncIterable<Finding> {
  for (const part of text.replaceAll(/<!--[^]*?-->/g, '').split(/<action\s/).slice(1, 500)) {
    const open = /<allow_any>\s*yes\s*<\/allow_any>/.test(part);
    const exec = /policykit\.exec\.path["'][^>]*>\s*([^<\s]+)/.exec(part)?.[1];
    if (!open) continue;
    const id = /id\s*=\s*["']([^"']{1,200})/.exec(part)?.[1] ?? '';
    yield about(path, `action\0${id}`, 'weakness', exec === undefined ? 'medium' : 'high', exec === undefined ? { zh: `谁都能做 ${id}`, en: `anybody may do ${id}` } : { zh: `谁都能以 root 运行 ${exec}`, en: `anybody may run ${exec} as root` }, [fact({ zh: '动作', en: 'action' }, `${id} ${exec ?? ''}`)], context);
  }
}

/** Policies of the system bus for everybody. */
async function* bus(path: string, text: string, context: ScanContext): AsyncIterable<Finding> {
  for (const found of text.replaceAll(/<!--[^]*?-->/g, '').matchAll(/<policy\s([^>]{1,300})>([^]*?)<\/policy>/g)) {
    const [, who = '', body = ''] = found;
    const everybody = /context\s*=\s*["'](?:default|mandatory)["']/.test(who);
    const user = /user\s*=\s*["']([^"']{1,100})["']/.exec(who)?.[1];
    if (!everybody && (user === undefined || user === 'root')) continue;
    const wide = /<allow\s[^>]{0,300}(?:own\s*=\s*["']\*["']|own_prefix\s*=\s*["'](?:\*|org|com)["'])/.test(body) ? 'own' : /<allow\s[^>]{0,300}send_destination\s*=\s*["']\*["']/.test(body) || /<allow\s+eavesdrop\s*=\s*["']true["']/.test(body) ? 'send' : undefined;
    if (wide === undefined) continue;
    const name = everybody ? { zh: '谁', en: 'anybody' } : { zh: user!, en: user! };
    yield about(path, `bus\0${who}\0${wide}`, 'weakness', everybody ? 'high' : 'medium', wide === 'own' ? { zh: `${name.zh}都能冒充系统服务`, en: `${name.en} may stand in for any service of the system` } : { zh: `${name.zh}都能向每个系统服务发话或偷听`, en: `${name.en} may talk to every service of the system or listen` }, [fact({ zh: '策略', en: 'policy' }, found[0].slice(0, 600))], context);
  }
}

function* mode(path: string, context: ScanContext): Iterable<Finding> {
  const stat = targetStat(context, path);
  if (stat && (stat.mode & 0o002) !== 0) yield about(path, 'mode', 'weakness', 'high', { zh: '谁都能改', en: 'anybody may change it' }, [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))], context);
}

function about(path: string, key: string, kind: FindingKind, level: Level, text: Text, evidence: Finding['evidence'], context: ScanContext): Finding {
  return finding('polkit', `${path}\0${key}`, {
    kind, level, path, time: targetStat(context, path)?.changed, title: { zh: `${path}：${text.zh}`, en: `${path}: ${text.en}` }, evidence,
    means: { zh: 'polkit 决定普通账号能不能让 root 的服务代劳：一条放行规则就等于送出 root。', en: 'polkit decides whether ordinary accounts may have root\'s daemons act for them: one rule that grants all gives root away.' },
    fix: { text: { zh: '核对是谁放的，不认识就移走', en: 'ask who put it there; move it away when nobody did' }, commands: [] }, refs: ['attack:T1548', 'dengbao:8.1.4.2'],
  });
}
