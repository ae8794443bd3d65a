/** The SSH client: programs that its configuration starts, libraries it loads, and whom it believes. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { judgeCommand } from '../command.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { anyoneWrites, homesIn, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { readSshConfig, type Directive } from '../ssh-config.ts';

export const sshClient: PlaceCheck = {
  id: 'ssh-client',
  title: { zh: 'SSH 客户端配置', en: 'SSH client configuration' },
  blind: { zh: '命令行上用 -F 指定的配置不会去找', en: 'configurations named with -F are not looked for' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 6 * 60,
  async *run(context) {
    yield* look(readSshConfig(context, '/etc/ssh/ssh_config'), undefined, context);
    for (const { home, users } of homesIn(context)) yield* look(readSshConfig(context, `${home}/.ssh/config`, `${home}/.ssh`), users[0], context, home);
  },
};

async function* look(directives: readonly Directive[], user: string | undefined, context: ScanContext, home?: string): AsyncIterable<Finding> {
  for (const one of directives) {
    if ((await context.provenance.owner(one.path))?.state === 'intact') continue;
    const command = commandOf(one, directives);
    if (command !== undefined) {
      const { level, reasons } = await judgeCommand(command, context, { ...(user !== undefined && { user }), ...(home !== undefined && { home }) });
      if (level !== undefined && atLeast(level, 'medium')) {
        // Tools behind hidden names say nothing; what they hold does.
        const worst = reasons.find(({ sign, level: at }) => sign !== 'hidden' && sign !== 'unowned' && atLeast(at, 'medium')) ?? reasons[0]!;
        // Tools behind hidden names in one's own home are ordinary.
        const mild = worst.sign === 'hidden' || worst.sign === 'unowned';
        yield found(one, user, mild ? 'notice' : 'intrusion', mild ? 'low' : level, { zh: `连接时会运行：${worst.text.zh}`, en: `runs when one connects: ${worst.text.en}` }, reasons.map(({ evidence }) => evidence), context, 'attack:T1546');
      } else if (one.keyword === 'localcommand' || (one.keyword === 'match' && user === undefined)) {
        yield found(one, user, 'notice', 'low', { zh: '每次连接都会运行一条命令', en: 'a command runs at each connection' }, [], context);
      }
      continue;
    }
    const value = one.args[0] ?? '';
    switch (one.keyword) {
      case 'pkcs11provider': case 'securitykeyprovider': {
        if (!value.startsWith('/') || value === 'none') break;
        const owner = await context.provenance.owner(value);
        if (owner?.state === 'intact' || !context.provenance.known) break;
        const open = anyoneWrites.test(value) || /\/\.[^/]/.test(value);
        yield found(one, user, open ? 'intrusion' : 'notice', open ? 'high' : 'medium', { zh: `会加载不属于任何软件包的库 ${value}`, en: `loads ${value}, a library of no package` }, [], context, 'attack:T1574');
        break;
      }
      case 'stricthostkeychecking': if (/^(?:no|off)$/i.test(value) && (one.under === undefined || user === undefined)) yield found(one, user, 'weakness', 'low', { zh: '连接时不核对对方是谁', en: 'does not check whom it connects to' }, [], context, 'attack:T1557'); break;
      case 'forwardagent': if (/^yes$/i.test(value) && one.under === undefined) yield found(one, user, 'weakness', 'low', { zh: '登录到哪里都把密钥代理交给对方', en: 'hands the key agent to every host' }, [], context, 'attack:T1563.001'); break;
      case 'remoteforward': yield found(one, user, 'notice', 'low', { zh: '连接时把本机端口开到对方机器上', en: 'opens a port of this machine on the other side' }, [], context, 'attack:T1572'); break;
      default: break;
    }
  }
}

/** The command that a line runs; undefined when it runs none. */
function commandOf(one: Directive, all: readonly Directive[]): string | undefined {
  switch (one.keyword) {
    case 'proxycommand': return /^none$/i.test(one.rest) ? undefined : one.rest;
    case 'knownhostscommand': return one.rest;
    case 'localcommand': return all.some(({ keyword, args }) => keyword === 'permitlocalcommand' && args[0]?.toLowerCase() === 'yes') ? one.rest : undefined;
    case 'match': return /\bexec\s+(?:"([^"]{1,4000})"|(\S+))/i.exec(one.rest)?.slice(1).find((part) => part !== undefined);
    default: return undefined;
  }
}

function found(one: Directive, user: string | undefined, kind: FindingKind, level: Level, text: Text, more: Finding['evidence'], context: ScanContext, ...refs: string[]): Finding {
  return finding('ssh-client', `${one.path}\0${one.text}\0${one.under ?? ''}`, {
    kind, level, path: one.path, user, time: targetStat(context, one.path)?.changed,
    title: { zh: `SSH 客户端：${text.zh}`, en: `SSH client: ${text.en}` },
    evidence: [lineFact(one.path, one.line, one.text), ...(one.under === undefined ? [] : [fact({ zh: '只对', en: 'only for' }, one.under)]), ...more],
    fix: { text: { zh: `核对 ${one.path} 第 ${one.line} 行是谁写的，不认识就删掉`, en: `ask who wrote line ${one.line} of ${one.path}; take it out if nobody did` }, commands: [] },
    refs,
  });
}
