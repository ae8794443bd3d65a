/**
 * What a scan counts, in Chinese. Counts are named in English where they are made, as they stand in `--json`; a name that ends in a
 * value of its own (a kind of mount, a protocol) is found by what stands before or behind it. The test holds every name in the
 * sources against this table.
 */
import type { Lang } from '../core/text.ts';
import { formerCounts } from './former-counts.ts';

const zh: Readonly<Record<string, string>> = {
  'addresses of log-ons beyond the limit': '超出上限没看的登录来源地址', 'guessed log-ons beyond the limit': '超出上限没列出的猜中登录', 'log-ons in the journal beyond the limit': 'systemd 日志里超出上限没看的登录', 'older logs of log-ons not read': '没读的较旧的登录日志',
  'ClamAV not asked: clamd does not run here': '没有用 ClamAV：clamd 没在运行',
  'PAM lines not understood': '看不懂的 PAM 行',
  'SSH configuration included too deep': '引用太深的 SSH 配置', 'SSH configuration lines not understood': '看不懂的 SSH 配置行',
  'apk: files of no package': 'apk：不属于任何软件包的文件', 'archives with something behind their end': '结尾之后还有内容的归档',
  'baseline: changes beyond those listed': '基线：没有一一列出的变化', 'baseline: files that a package manager renewed': '基线：软件包管理器更新的文件', 'baseline: files touched, or put right, with nothing of theirs changed': '基线：只有时间等变了、或已复原的文件',
  'capabilities of files that are not understood': '看不懂的文件 capability', 'commands of histories beyond the limit': '历史记录里超出上限没看的命令',
  'compiled CGI programs, which are not read': '编译过的 CGI 程序（不读源码）', 'copies of container runtimes in memory, passed over': '容器运行时在内存里的自身副本（已略过）', 'databases that cannot be read': '读不了的软件包数据库', 'digests that are none': '不是摘要的摘要值',
  'dpkg: digests left out, names collide': 'dpkg：名字哈希冲突而略去的摘要', 'dpkg: folders left out, names collide': 'dpkg：名字哈希冲突而略去的目录', 'dpkg: lists of files that cannot be read': 'dpkg：读不了的文件清单', 'dpkg: packages whose name is none': 'dpkg：名字不合法的软件包', 'dpkg: packages without a list of files': 'dpkg：没有文件清单的软件包',
  'dumps read only in part': '只读了一部分的转储', 'endings of files beyond the limit': '超出上限没统计的文件扩展名', 'endings of files seen once and left out': '只见过一次而略去的扩展名', 'entries of the baseline not compared: they could not be looked at': '没能查、没有比对的基线条目', 'entries that only the aufs file system needs': '只有 aufs 才用的条目',
  'files ClamAV was not asked about: it had failed': 'ClamAV 出错后没再问它的文件', 'files not checked, too many at once': '同时太多、没查的文件', 'files of a folder beyond the limit': '目录里超出上限没看的文件', 'files of an initramfs beyond the limit': 'initramfs 里超出上限没看的文件',
  'files of an initramfs that cannot be judged: dracut changes and makes them': 'initramfs 里没法判断的文件：由 dracut 修改或生成', 'files of an initramfs that cannot be judged: no package database': 'initramfs 里没法判断的文件：没有软件包数据库', 'files of an initramfs that cannot be judged: renewed on the disk since': 'initramfs 里没法判断的文件：磁盘上的后来更新过',
  'files of the at spool that are no job': 'at 队列里不是任务的文件', 'files of the web of which only both ends were read': '只看了开头和结尾的网页文件', 'files of the web that could not be looked at whole': '没能看完的网页文件', 'files of the web that could not be parsed and were read word by word': '无法解析、改为逐词阅读的网页文件',
  'files read only in part': '只读了一部分的文件', 'files that a layer holds twice: the last counts': '同一层里出现两次的文件（以后一个为准）', 'files that cannot be read': '读不了的文件', 'files that vanished while looked at': '看的时候消失的文件', 'files that were written to while they were read': '读的时候正在被写的文件',
  'files too large for ClamAV': '太大没交给 ClamAV 的文件', 'files too large for YARA': '太大没用 YARA 查的文件', 'files too large to be read: compared by size and times': '太大没读内容的文件（只比大小和时间）', 'findings beyond the limit': '超出上限没列出的发现', 'findings of a log-on script beyond the limit': '登录脚本里超出上限没列出的发现',
  'folders behind links that lead nowhere': '链接指向不存在之处的目录', 'folders left out, names collide': '名字哈希冲突而略去的目录', 'folders looked at only in part': '只看了一部分的目录', 'folders too deep': '太深没进去的目录', 'global headers of an archive that name files': '归档里带文件名的全局头',
  'hidden processes beyond those listed': '没有一一列出的隐藏进程', 'histories read only at their end': '只读了结尾的历史记录', 'holes in logs beyond the limit': '没有一一列出的日志缺口',
  'journal files not read for their number of entries': '条目太多没读的 systemd 日志文件', 'journal files that end in the middle': '没有正常结尾的 systemd 日志文件', 'journal values that could not be read: too long, or packed by xz': '没能读的 systemd 日志值：太长，或用 xz 压缩',
  'lines of cron tables that are no job': 'cron 表里不是任务的行', 'lines of key files that are no key': '密钥文件里不是密钥的行', 'list of kprobes: not there (debugfs is not mounted, or kernel without)': '没有 kprobe 列表（没挂载 debugfs，或内核不支持）',
  'listeners without a process passed over: the kernel serves files itself': '没有进程的监听（已略过）：由内核自己提供文件服务', 'log-on scripts that are no text': '不是文本的登录脚本', 'logs read only at their end': '只读了结尾的日志', 'long files read only in part': '太长只读了一部分的文件',
  'looks at mounts that were left out': '去看没要看的挂载的次数', 'members of an archive beyond the limit': '归档里超出上限没看的成员', 'mounts over places beyond those listed': '没有一一列出的盖住关键位置的挂载', 'mounts passed over: not on a disk of this machine': '略过的挂载：不在本机磁盘上', 'notes beyond the limit': '没有一一列出的勒索信', 'odd file names beyond those listed': '没有一一列出的可疑文件名', 'package archives not opened for their number or size': '因数量或大小没打开的软件包', 'package archives that cannot be read': '读不了的软件包',
  'packages beyond the limit': '超出上限没读的软件包', 'passwords not tried: hash of an unknown kind or too costly': '没试的密码：哈希种类未知或太费时', 'paths beyond the limit': '超出上限没读的路径', 'paths left out, names collide': '名字哈希冲突而略去的路径', 'paths of several packages': '多个软件包共有的路径', 'paths that are none': '不是路径的路径',
  'places that could not be looked at, beyond those listed': '没有一一列出的没能查的地方', 'port white list entries that are no port': '端口白名单里不是端口的项',
  'programs of containers with writable and executable memory, not judged': '有可写可执行内存、没有判断的容器内程序', 'programs of units that only systemd can name': '只有 systemd 才知道是谁的单元程序', 'promiscuous interfaces of bridges, passed over': '网桥的混杂模式网卡（已略过）', 'raw sockets whose owner may not be seen': '看不到属主的原始套接字',
  'rpm: entries that are broken': 'rpm：损坏的条目', 'rpm: packages that are broken': 'rpm：损坏的软件包记录', 'rpm: pages that are broken': 'rpm：损坏的页', 'sessions in the journal beyond the limit': 'systemd 日志里超出上限没看的会话',
  'sudoers lines not understood': '看不懂的 sudoers 行',
  'tables of system calls that could not be read (/proc/kcore)': '读不到的系统调用表（/proc/kcore）', 'tables of system calls that this kernel does not name': '内核没有给出地址的系统调用表', 'tables of tracefs that are not there': '不存在的 tracefs 表', 'weak passwords not tried for want of time': '时间不够没试的弱密码',
  'what eBPF programs call: the kernel does not tell its addresses': '没法知道 eBPF 程序调用了什么：内核不给出地址',
};

/** The value of its own goes where the braces stand. */
const parts: readonly (readonly [before: string, behind: string, zh: string])[] = [
  ['', ' ports that could not be tried', '没能试的 {} 端口'], ['entries of an image: ', '', '镜像里的条目：{}'], ['mounts passed over: ', '', '略过的挂载：{}'],
  ['no permission to read /proc/[pid]/', '', '没有权限读的 /proc/[pid]/{}'], ['odd files beyond those listed (', ')', '没有一一列出的可疑文件（{}）'],
];

/** What was counted, as a report says it; in English where the table does not have it. */
export function countText(what: string, lang: Lang): string {
  if (lang === 'en') return what;
  if (Object.hasOwn(zh, what)) return zh[what]!;
  if (Object.hasOwn(formerCounts, what)) return formerCounts[what]!;
  const part = parts.find(([before, behind]) => what.startsWith(before) && what.endsWith(behind) && what.length > before.length + behind.length);
  return part ? part[2].replace('{}', () => what.slice(part[0].length, what.length - part[1].length)) : what;
}
