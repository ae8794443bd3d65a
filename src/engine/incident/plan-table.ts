/**
 * What ends each kind of thing in a story: the actions that may, and what they are told. An action that this Moat does not have leads to
 * "left alone" with that reason, so a new action needs a line here and nothing else.
 */
import type { StoryNode, StoryNodeKind } from '../../core/incident.ts';
import { holds, parseNetwork } from '../../core/networks.ts';
import type { Text } from '../../core/text.ts';
import { sends } from './grade.ts';

/** In the order in which they are done: cut the chain, then take away what brings it back, then what it is made of, then its processes, its accounts last. */
export const phases = ['freeze', 'block', 'persistence', 'quarantine', 'deny', 'kill', 'account'] as const;
export type Phase = (typeof phases)[number];

type Input = Readonly<Record<string, string | number | boolean>>;

export interface Candidate {
  action: string;
  phase: Phase;
  /** Of this node; otherwise it is none for it. */
  fits: (node: StoryNode) => boolean;
  /** Not when this other action stands in the plan for the same node: it does the same and more. */
  notBeside?: string;
  input(node: StoryNode): Input;
  /** What a person would type. */
  command(node: StoryNode): readonly string[];
}

/** `unless`: why a node is left alone whatever actions there are. `choices`: of each list the first that fits and exists is taken, and each list has its turn. */
export interface Remedy { unless?(node: StoryNode): Text | undefined; choices: readonly (readonly Candidate[])[]; /** For a node that needs no ending. */ nothing?(node: StoryNode): boolean }

const fact = (node: StoryNode, name: string): string => String(node.facts[name] ?? '');
const is = (node: StoryNode, name: string): boolean => node.facts[name] === true;
const always = (): boolean => true;

const tree = (action: string, phase: Phase, command: string): Candidate => ({ action, phase, fits: always, input: (node) => ({ pid: Number(node.facts['pid']), started: Number(node.facts['started']) }), command: (node) => ['moat', command, fact(node, 'pid')] });
const onPath = (action: string, phase: Phase, fits: Candidate['fits'], command: Candidate['command']): Candidate => ({ action, phase, fits, input: (node) => ({ path: fact(node, 'path') }), command });
const isNobodys = (node: StoryNode): boolean => node.facts['package'] === undefined && node.facts['line'] === undefined;
const quarantine = onPath('quarantine-file', 'quarantine', isNobodys, (node) => ['moat', 'quarantine', fact(node, 'path')]);

const privateText: Text = { zh: '内网、本机或保留地址：封禁它会断开自己的机器', en: 'a private, local or reserved address: blocking it cuts off machines of your own' };

const own = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8', '0.0.0.0/8', '224.0.0.0/3', 'fc00::/7', 'fe80::/10', 'ff00::/8', '::1', '::'].map((text) => parseNetwork(text)!);
function isOwn(ip: string): boolean {
  const network = parseNetwork(ip);
  return network === undefined || own.some((one) => holds(one, network));
}

/** Units of the system; those of accounts are files only. */
const systemUnit = /^(?:\/etc|\/run|\/usr\/lib|\/lib|\/usr\/local\/lib)\/systemd\/system\/[^/]+\.(?:service|timer|socket|path)$/;

/** Files that stand on every machine: a line of them may be bad, never the file. */
const shared = /^\/etc\/(?:crontab|anacrontab|profile|bash\.bashrc|bashrc|environment|sudoers|ld\.so\.preload|ld\.so\.conf|rc\.local|hosts|passwd|shadow|group|gshadow|ssh\/sshd_config|inittab|sysctl\.conf|modules|nsswitch\.conf|pam\.d\/[^/]+)$|\/\.(?:bashrc|profile|bash_profile|bash_login|bash_logout|zshrc|zshenv|zprofile|bash_aliases)$|\/\.ssh\/authorized_keys2?$|^\/var\/spool\/cron\/(?:crontabs\/)?[^/]+$/;

export const table: Readonly<Record<StoryNodeKind, Remedy>> = {
  process: {
    nothing: (node) => is(node, 'chain') || node.lives !== true,
    unless: (node) => (is(node, 'weak') ? { zh: '它只是写过这次入侵用到的文件，未必属于入侵：请人工判断', en: 'all that ties it to the story is a file that it wrote: a person must judge' } : undefined),
    choices: [[tree('freeze-tree', 'freeze', 'freeze')], [tree('kill-tree', 'kill', 'kill')]],
  },
  address: {
    unless(node) {
      if (isOwn(fact(node, 'ip'))) return privateText;
      if (is(node, 'weak')) return { zh: '从它登录的人与这次入侵只有间接联系：请人工判断', en: 'whoever logged on from it has only an indirect tie to the story: a person must judge' };
      const { other_users: users, other_callers: callers, other_program: program } = node.facts;
      if (users !== undefined) return { zh: `${String(users)} 也从这个地址登录过：封禁会把他们挡在外面`, en: `${String(users)} also logged on from it: a block would shut them out` };
      if (callers !== undefined) return { zh: `这次入侵之外的 ${String(callers)} 个进程也连接过它（如 ${String(program)}）`, en: `${String(callers)} processes outside the story spoke to it as well (such as ${String(program)})` };
      return undefined;
    },
    choices: [[{ action: 'block-address', phase: 'block', fits: always, input: (node) => ({ address: fact(node, 'ip') }), command: (node) => ['moat', 'block', fact(node, 'ip')] }]],
  },
  persistence: {
    // Gone already, or the file whose lines have nodes of their own.
    nothing: (node) => node.lives === false || (node.facts['line'] === undefined && is(node, 'lined')),
    unless(node) {
      if (node.facts['line'] !== undefined) return is(node, 'planted') ? undefined : { zh: '它启动了这次入侵的进程，但这一行可能原本就在：请人工判断', en: 'it started a process of the story, but the line may have been there before: a person must judge' };
      if (node.facts['place'] === 'accounts') return { zh: '账号由锁定账号来处理，不改这些文件的行', en: 'accounts are dealt with by locking them, not by lines of these files' };
      if (node.facts['package'] !== undefined) return undefined;
      if (!is(node, 'made') && !is(node, 'seed')) return existed;
      return shared.test(fact(node, 'path')) ? { zh: '这个文件每台机器都有，无法确定其中哪一行是入侵者写的：请查看后用 moat remove-line 删除那一行', en: 'every machine has this file, and which line is the intruder’s cannot be told: look at it and use moat remove-line' } : undefined;
    },
    choices: [
      [{ action: 'stop-unit', phase: 'persistence', fits: (node) => systemUnit.test(fact(node, 'path')), input: (node) => ({ unit: baseOf(fact(node, 'path')) }), command: (node) => ['systemctl', 'disable', '--now', baseOf(fact(node, 'path'))] }],
      [
        { action: 'remove-line', phase: 'persistence', fits: (node) => node.facts['line'] !== undefined, input: (node) => ({ path: fact(node, 'path'), line: Number(node.facts['line']), text: fact(node, 'text') }), command: (node) => ['moat', 'remove-line', fact(node, 'path'), fact(node, 'line')] },
        onPath('restore-file', 'persistence', (node) => node.facts['package'] !== undefined, (node) => ['moat', 'restore-file', fact(node, 'path')]),
        // Whoever stops a unit sets its file aside and masks its name: only the mask would be there to quarantine.
        { ...quarantine, phase: 'persistence', fits: isNobodys, notBeside: 'stop-unit' },
      ],
    ],
  },
  file: {
    nothing: (node) => node.lives !== true || (!is(node, 'ran') && !is(node, 'wrote') && !is(node, 'seed')),
    unless(node) {
      if (is(node, 'trace') && !is(node, 'ran') && !is(node, 'seed')) return { zh: '程序自己留下的记录，可作证据', en: 'a record that programs leave by themselves, and evidence' };
      if (is(node, 'made') || is(node, 'odd') || is(node, 'seed') || node.facts['package'] !== undefined) return undefined;
      return existed;
    },
    choices: [
      [onPath('restore-file', 'quarantine', (node) => node.facts['package'] !== undefined, (node) => ['moat', 'restore-file', fact(node, 'path')]), quarantine],
      [onPath('deny-file', 'deny', (node) => is(node, 'ran') && node.facts['package'] === undefined, (node) => ['moat', 'deny', 'add', fact(node, 'path')])],
    ],
  },
  unit: { nothing: (node) => node.facts['path'] !== undefined, choices: [[{ action: 'stop-unit', phase: 'persistence', fits: always, input: (node) => ({ unit: fact(node, 'unit') }), command: (node) => ['systemctl', 'disable', '--now', fact(node, 'unit')] }]] },
  module: { choices: [[{ action: 'unload-module', phase: 'persistence', fits: always, input: (node) => ({ module: fact(node, 'module') }), command: (node) => ['rmmod', fact(node, 'module')] }]] },
  container: {
    unless: () => ({ zh: '整个容器停下会影响其中的正常服务：先处置其中的进程，必要时再停容器', en: 'to stop the whole container takes its ordinary service away as well: its processes come first, stop it when that is not enough' }),
    choices: [[{ action: 'stop-container', phase: 'kill', fits: always, input: (node) => ({ container: fact(node, 'container') }), command: (node) => ['docker', 'stop', fact(node, 'container')] }]],
  },
  account: {
    nothing: (node) => !is(node, 'entered') && !is(node, 'changed'),
    choices: [
      [{ action: 'end-sessions', phase: 'account', fits: (node) => is(node, 'entered'), input: (node) => ({ user: fact(node, 'user') }), command: (node) => ['loginctl', 'terminate-user', fact(node, 'user')] }],
      [{ action: 'lock-account', phase: 'account', fits: always, input: (node) => ({ user: fact(node, 'user') }), command: (node) => ['usermod', '--lock', fact(node, 'user')] }],
    ],
  },
  package: {
    unless({ facts }) {
      const { name, manager, large } = facts;
      const rest = large === true ? { zh: '它的文件太多，没有逐个列入方案；', en: 'it has too many files for the plan to list; ' } : { zh: '', en: '' };
      return { zh: `${rest.zh}软件包 ${String(name)} 由 ${String(manager ?? '包管理器')} 装入：请人工从依赖清单、锁定文件和缓存中去掉它（或换成可信的版本），否则下次安装又会回来`, en: `${rest.en}the package ${String(name)} came by ${String(manager ?? 'a package manager')}: a person must take it out of the lists of dependencies, lock files and caches (or name a version that is trusted), or the next installation brings it back` };
    },
    choices: [],
  },
  secret: { unless: () => ({ zh: '凭据已被读取：需要人去更换', en: 'a credential was read: a person must replace it' }), choices: [] },
  name: { nothing: always, choices: [] },
  // What has left is with somebody else: no action brings it back, and the plan must not look as if one did.
  alert: {
    nothing: ({ attack = [] }) => !attack.some((one) => sends.test(one)),
    unless: () => ({ zh: '已经传出去的数据无法收回：请人工查明传走了什么、涉及谁，更换其中的凭据，并按规定报告', en: 'data that was sent away cannot be brought back: a person must find out what it was and whom it concerns, replace credentials in it, and report it as the law says' }),
    choices: [],
  },
  finding: { nothing: always, choices: [] },
};

const existed: Text = { zh: '它原本就在，只是被改过：请与备份比对后恢复', en: 'it was there before and was changed: compare it with a backup and restore it' };
const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
