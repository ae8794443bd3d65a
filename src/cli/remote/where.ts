/** Which commands work on another machine's Moat, and why the others do not: one row for each, in the order of the help. */
import type { Text } from '../../core/text.ts';

/**
 * far    by the API of that machine, from this revision of the contract on (src/api/contract/revision.ts)
 * both   by the API where it is about that machine, and here where it reads a file of this one
 * here   about this machine, whichever is in use: it runs here unless --remote is written, and then it is refused
 * there  on that machine alone
 */
export type Where = { is: 'far' | 'both'; since: number; note?: Text } | { is: 'here' | 'there'; why: Text };

const far: Where = { is: 'far', since: 1 };
const later: Where = { is: 'far', since: 2 };
const here = (zh: string, en: string): Where => ({ is: 'here', why: { zh, en } });
const there = (zh: string, en: string): Where => ({ is: 'there', why: { zh, en } });
const noted = (zh: string, en: string): Where => ({ is: 'far', since: 2, note: { zh, en } });

const runsHere = here('运行或描述本机上的 Moat', 'it runs or describes the Moat of this machine');
const ofService = here('在本机上安装或卸下服务', 'it installs or removes the service of this machine');
const readsFiles = here('只读本机的文件，不问任何 Moat', 'it reads files of this machine and asks no Moat');
const keyElsewhere = there('密钥可以不在那台机器上，由操作者带去；走遍磁盘的比对在独立进程中进行', 'its key may be kept away from that machine and brought by whoever runs it; the walk over the disk is a process of its own');

export const where: Readonly<Record<string, Where>> = {
  'status': far, 'alerts list': far, 'alerts show': far, 'alerts close': far, 'alerts reopen': far, 'ps': far, 'listeners': far, 'query': far, 'doctor': runsHere,
  'incident list': far, 'incident show': far, 'incident report': far, 'incident plan': far, 'incident apply': far, 'incident verify': far, 'incident undo': far, 'incident triage': far, 'incident contain': far, 'incident eradicate': far,
  'incident recovered': far, 'incident close': far, 'incident reopen': far, 'incident false-alarm': far, 'incident assign': far, 'incident note': far, 'incident task': far, 'incident tag': far, 'incident link': far, 'incident grade': far,
  'incident clock': far, 'incident merge': far, 'incident improve': later, 'incident recover': later, 'incident export': later, 'incident indicators': later,
  'incident evidence': noted('在那台机器上采集并保存；--to 再下载到这里并核验', 'collected and kept on that machine; --to fetches it here and proves it'),
  'evidence list': far, 'evidence verify': { is: 'both', since: 2 }, 'evidence show': { is: 'both', since: 2 }, 'evidence export': noted('中断后再运行即续传', 'run again, it goes on where it was cut off'), 'evidence hold': later, 'evidence release': later, 'evidence remove': later, 'evidence key': later,
  'evidence hand-over': there('由那台机器的密钥签名，交接的双方应在场；下载的存档用本机密钥签：--remote local', 'the key of that machine signs it, and both sides should be there; what was fetched is signed by the key of this one: --remote local'),
  'evidence image': there('磁盘映像写到那台机器的目录，需几小时', 'an image of a disk is written to folders of that machine, for hours'),
  'stats': far, 'origin': far,
  'scan': noted('由那里的 Moat 检查它自己的机器（--only、--fail-on、--json）', 'the Moat there scans its own machine (--only, --fail-on, --json)'), 'findings': far, 'fix': noted('按最近一次检查的发现', 'by what the last scan found'),
  'baseline create': keyElsewhere, 'baseline diff': keyElsewhere, 'baseline accept': keyElsewhere, 'baseline status': keyElsewhere, 'baseline verify': keyElsewhere,
  'block': far, 'unblock': far, 'blocklist list': far, 'blocklist export': far, 'blocklist import': later, 'blocklist drop': later, 'allow list': far, 'allow add': far, 'allow remove': far, 'limit': later, 'close-port': later, 'firewall check': later,
  'isolate': noted('发出命令的这条连接也放行；不经回环时还要它一直通', 'the connection that asks is let through too and, unless it is of loopback, must go on working'), 'release': later, 'cloud-step': later,
  'freeze': far, 'thaw': far, 'kill': far, 'quarantine add': far, 'quarantine list': far, 'quarantine cat': later, 'quarantine export': later, 'restore': far, 'restore-file': later, 'remove-line': noted('先由那里给出那一行的内容', 'that machine says first what stands in the line'), 'change-mode': later,
  'deny list': later, 'deny add': later, 'deny remove': later, 'deny-file': later,
  'lock': later, 'end-sessions': later, 'grant': noted('需要管理员（system 权限）的令牌：它给出 root', 'needs the token of an administrator (permission system): it hands out root'), 'grants': later, 'stop-unit': later, 'stop-container': later, 'unload': later, 'set': later,
  'actions list': far, 'actions show': far, 'undo': far, 'confirm': later, 'playbook list': far, 'playbook show': far, 'playbook plan': far, 'playbook linkage': far, 'playbook run': far, 'playbook runs': far, 'playbook stop': far, 'playbook approve': far, 'playbook reject': far,
  'approve': far, 'reject': far, 'pause': far, 'resume': far, 'audit list': far, 'audit verify': far,
  'rules check': readsFiles, 'rules list': readsFiles, 'rules test': readsFiles, 'rules explain': readsFiles, 'replay': readsFiles, 'intel list': later, 'intel check': later,
  'up': runsHere, 'hands': runsHere, 'server show': runsHere,
  'server set-up': here('一次性链接只给能登录那台机器的人', 'the one-time link is for who can log on to that machine'),
  'remote list': runsHere, 'remote add': runsHere, 'remote remove': runsHere, 'remote use': runsHere, 'remote check': runsHere,
  'install': ofService, 'uninstall': ofService, 'config show': runsHere, 'config check': runsHere, 'notify list': far, 'notify test': later, 'completion': runsHere, 'help': runsHere,
};

/** Of the commands that work on another machine, those that a server of this revision does not know yet. */
export const missingAt = (contract: number): string[] => Object.entries(where).flatMap(([words, one]) => ('since' in one && one.since > contract ? [words] : []));
