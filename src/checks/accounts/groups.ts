/** Groups that are as good as root, and who is in them. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { hasShell, type Account } from '../../linux/accounts.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { isSystemUid, linesIn, targetStat } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { groupShadowFindings } from './group-shadow.ts';

const file = '/etc/group';

/** What a group gives. `root` as good as root at once. */
const strong: Readonly<Record<string, { zh: string; en: string; level: Level }>> = {
  root: { zh: '能改 root 组的文件', en: 'may change files of root\'s group', level: 'medium' },
  shadow: { zh: '能读密码散列', en: 'may read password hashes', level: 'medium' },
  disk: { zh: '能直接读写磁盘，等于 root', en: 'may read and write the disks: as good as root', level: 'medium' },
  kmem: { zh: '能读内存', en: 'may read memory', level: 'medium' },
  docker: { zh: '能起特权容器，等于 root', en: 'may start a privileged container: as good as root', level: 'low' },
  lxd: { zh: '能起特权容器，等于 root', en: 'may start a privileged container: as good as root', level: 'low' },
  incus: { zh: '能起特权容器，等于 root', en: 'may start a privileged container: as good as root', level: 'low' },
  libvirt: { zh: '能起挂着主机磁盘的虚拟机', en: 'may start machines with the host\'s disks', level: 'low' },
  sudo: { zh: '能以 root 运行命令', en: 'may run commands as root', level: 'info' },
  wheel: { zh: '能以 root 运行命令', en: 'may run commands as root', level: 'info' },
  admin: { zh: '能以 root 运行命令', en: 'may run commands as root', level: 'info' },
};
/** Members that packages and images make. */
const ordinary = new Set(['disk:root', 'root:root', 'disk:lp', 'kmem:root', 'root:sync', 'libvirt:libvirt-qemu', 'docker:jenkins', 'docker:gitlab-runner', 'docker:dockerd', 'docker:telegraf']);

export function* groupFindings(accounts: readonly Account[], context: ScanContext): Iterable<Finding> {
  const time = targetStat(context, file)?.changed;
  const byName = new Map(accounts.map((account) => [account.name, account]));
  const names = new Map<string, number>();
  const numbers = new Map<string, number>();
  const membersOf = new Map<string, Set<string>>();
  for (const { number, text } of linesIn(context, file, { max: 16 << 20 })) {
    const [name = '', password = '', gid = '', members = ''] = text.split(':');
    if (/^[+-]/.test(name)) continue;
    const line = lineFact(file, number, text);
    const say = (key: string, kind: Finding['kind'], level: Level, zh: string, en: string, ...refs: string[]): Finding => finding('accounts', `group\0${key}`, { kind, level, path: file, time, title: { zh, en }, evidence: [line], refs });
    if (!/^\d{1,10}$/.test(gid) || name === '') { yield say(`${text}\0malformed`, 'weakness', 'low', `${file} 第 ${number} 行不成格式`, `line ${number} of ${file} is no group`); continue; }
    if (gid === '0' && name !== 'root') yield say(`${name}\0gid0`, 'intrusion', 'high', `组 ${name} 的 GID 是 0：它就是 root 组`, `the group ${name} has GID 0: it is root's`, 'attack:T1098', 'cis:5.4.2.3');
    if (names.has(name)) yield say(`${name}\0twice`, 'weakness', 'medium', `组 ${name} 写了两次`, `the group ${name} stands there twice`, 'cis:7.2.8');
    else if (numbers.has(gid) && gid !== '0') yield say(`${name}\0same`, 'weakness', 'low', `组 ${name} 与第 ${numbers.get(gid)} 行的 GID 相同`, `the group ${name} has the GID of line ${numbers.get(gid)}`, 'cis:7.2.6');
    names.set(name, number);
    membersOf.set(name, new Set([...members.split(',').map((one) => one.trim()), ...accounts.filter((account) => String(account.gid) === gid).map((account) => account.name)]));
    if (!numbers.has(gid)) numbers.set(gid, number);
    if (password !== '' && !/^[x!*]/.test(password)) yield say(`${name}\0password`, 'weakness', 'medium', `组 ${name} 的密码写在人人可读的文件里`, `the password of the group ${name} stands where anybody reads it`);
    const gives = strong[name];
    if (!gives) continue;
    const first = accounts.filter((account) => String(account.gid) === gid && account.uid !== 0).map((account) => account.name);
    for (const member of new Set([...members.split(',').map((one) => one.trim()).filter((one) => one !== '' && one !== 'root'), ...(name === 'root' ? [] : first)])) {
      if (ordinary.has(`${name}:${member}`)) continue;
      const account = byName.get(member);
      const daemon = account !== undefined && isSystemUid(account.uid);
      // A daemon of the web or of nothing in the group of root's rights is a door for whoever gets hold of it.
      const level: Level = daemon ? (['sudo', 'wheel', 'admin', 'root', 'disk', 'shadow'].includes(name) && !/^(?:backup|amandabackup|ceph|cups|lp|postgres)$/.test(member) ? 'high' : 'medium') : gives.level;
      yield finding('accounts', `group\0${name}\0${member}`, {
        kind: daemon ? 'weakness' : level === 'info' ? 'notice' : 'weakness', level, path: file, time, user: member,
        title: { zh: `${member} 在 ${name} 组里：${gives.zh}`, en: `${member} is in the group ${name}: ${gives.en}` },
        evidence: [line, ...(account ? [lineFact('/etc/passwd', account.line, account.text)] : [fact({ zh: '账号', en: 'account' }, 'not in /etc/passwd')]), ...(account && !hasShell(account) ? [fact({ zh: 'shell', en: 'shell' }, account.shell)] : [])],
        fix: { text: { zh: '不需要就移出这个组', en: 'take it out of the group when it need not be there' }, commands: [['gpasswd', '--delete', member, name]] },
        refs: ['attack:T1078.003', 'dengbao:8.1.4.2'],
      });
    }
  }
  yield* groupShadowFindings(membersOf, new Set(Object.keys(strong)), context);
}
