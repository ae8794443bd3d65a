/** The headings under which `moat --help` shows its commands, in this order. */
import type { Command } from 'commander';
import type { Text } from '../core/text.ts';

export const groups: readonly { title: Text; commands: readonly string[] }[] = [
  { title: { zh: '日常查看：', en: 'Every day:' }, commands: ['status', 'alerts', 'ps', 'listeners', 'query', 'doctor'] },
  { title: { zh: '事件：', en: 'Incidents:' }, commands: ['incident', 'evidence', 'stats', 'origin'] },
  { title: { zh: '扫描与加固：', en: 'Scan and harden:' }, commands: ['scan', 'findings', 'fix', 'baseline'] },
  { title: { zh: '处置——网络：', en: 'Response, network:' }, commands: ['block', 'unblock', 'blocklist', 'allow', 'limit', 'close-port', 'firewall', 'isolate', 'release', 'cloud-step'] },
  { title: { zh: '处置——进程与文件：', en: 'Response, processes and files:' }, commands: ['freeze', 'thaw', 'kill', 'quarantine', 'restore', 'restore-file', 'remove-line', 'change-mode', 'deny', 'deny-file'] },
  { title: { zh: '处置——账号、服务与设置：', en: 'Response, accounts, services and settings:' }, commands: ['lock', 'end-sessions', 'grant', 'grants', 'stop-unit', 'stop-container', 'unload', 'set'] },
  { title: { zh: '处置——总览、审批与撤销：', en: 'Response, what was done and what is asked:' }, commands: ['actions', 'undo', 'confirm', 'playbook', 'approve', 'reject', 'pause', 'resume', 'audit'] },
  { title: { zh: '规则与情报：', en: 'Rules and intelligence:' }, commands: ['rules', 'replay', 'intel'] },
  { title: { zh: '本机服务：', en: 'This server:' }, commands: ['up', 'server', 'remote', 'install', 'uninstall', 'config', 'notify', 'completion', 'help'] },
];

const all = groups.flatMap(({ commands }) => commands);
const place = (command: Command): number => { const at = all.indexOf(command.name()); return at < 0 ? all.length : at; };

/** In the order of the groups, each under its heading. */
export function grouped(commands: readonly Command[], lang: keyof Text): Command[] {
  for (const command of commands) {
    const title = groups.find((group) => group.commands.includes(command.name()))?.title[lang];
    if (title !== undefined) command.helpGroup(title);
  }
  return [...commands].sort((a, b) => place(a) - place(b));
}
