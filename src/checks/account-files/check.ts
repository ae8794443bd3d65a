/** Files that say who may log on: theirs to change is root's alone, and hashes are nobody's to read. */
import type { Finding, FixAction } from '../../core/finding.ts';
import { fact, finding, lessRights, octal } from '../finding.ts';
import { attempt, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';

/** `secret`: hashes stand in it. */
const files: readonly { path: string; secret: boolean; cis: string }[] = [
  { path: '/etc/passwd', secret: false, cis: '7.1.1' }, { path: '/etc/passwd-', secret: false, cis: '7.1.2' }, { path: '/etc/group', secret: false, cis: '7.1.3' }, { path: '/etc/group-', secret: false, cis: '7.1.4' },
  { path: '/etc/shadow', secret: true, cis: '7.1.5' }, { path: '/etc/shadow-', secret: true, cis: '7.1.6' }, { path: '/etc/gshadow', secret: true, cis: '7.1.7' }, { path: '/etc/gshadow-', secret: true, cis: '7.1.8' },
  { path: '/etc/security/opasswd', secret: true, cis: '7.1.10' }, { path: '/etc/subuid', secret: false, cis: '' }, { path: '/etc/subgid', secret: false, cis: '' }, { path: '/etc/shells', secret: false, cis: '7.1.9' }, { path: '/etc/login.defs', secret: false, cis: '' },
];

export const accountFiles: PlaceCheck = {
  id: 'account-files',
  title: { zh: '账号文件的权限', en: 'modes of the account files' },
  blind: { zh: '访问控制列表（ACL）里多给的权限看不出来', en: 'cannot tell rights that access control lists give' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    for (const one of files) yield* look(one, context);
  },
};

function* look({ path, secret, cis }: typeof files[number], context: ScanContext): Iterable<Finding> {
  const link = attempt(context, path, () => context.tree.link(path));
  const stat = targetStat(context, path);
  if (!stat) return;
  const tell = (key: string, kind: Finding['kind'], level: Finding['level'], zh: string, en: string, value: string, command: string[], actions?: readonly FixAction[]): Finding => finding('account-files', `${path}\0${key}`, {
    kind, level, path, time: stat.changed, title: { zh, en }, evidence: [fact({ zh: '状态', en: 'state' }, value)], fix: { text: { zh: '改回应有的样子', en: 'put it back' }, commands: command.length > 0 ? [command] : [], ...(actions && { actions }) },
    refs: ['dengbao:8.1.4.2', ...(cis ? [`cis:${cis}`] : [])],
  });
  const shown = `${octal(stat.mode)} ${stat.uid}:${stat.gid}`;
  if (stat.uid !== 0) yield tell('owner', 'weakness', 'critical', `${path} 不归 root：主人想改就改`, `${path} is not root's: its owner may change it`, shown, ['chown', 'root', path]);
  if ((stat.mode & 0o002) !== 0) yield tell('write', 'weakness', 'critical', `谁都能改 ${path}：给自己加一个 root 账号`, `anybody may change ${path} and make himself root`, shown, ['chmod', 'o-w', path], lessRights(path, stat.mode, 0o002));
  else if ((stat.mode & 0o020) !== 0 && stat.gid !== 0) yield tell('group-write', 'weakness', 'high', `组 ${stat.gid} 能改 ${path}`, `the group ${stat.gid} may change ${path}`, shown, ['chmod', 'g-w', path], lessRights(path, stat.mode, 0o020));
  if (secret && (stat.mode & 0o004) !== 0) yield tell('read', 'weakness', 'high', `谁都能读 ${path} 里的密码散列`, `anybody may read the password hashes in ${path}`, shown, ['chmod', 'o-rwx', path], lessRights(path, stat.mode, 0o007));
  if (link !== undefined && !/^(?:\/(?:usr|nix|ostree|sysroot|var\/lib)\/|\.\.\/usr\/)/.test(link)) yield tell('link', 'notice', 'medium', `${path} 是个链接，指向 ${link}`, `${path} is a link to ${link}`, link, []);
  const flags = attempt(context, path, () => context.tree.flags(path));
  // Administrators and hardening scripts lock these too: it says little by itself.
  if (flags?.immutable) yield tell('immutable', 'notice', 'low', `${path} 被锁住（chattr +i）`, `${path} is locked (chattr +i)`, 'immutable', []);
}
