/**
 * What the scripts of packages do while they are installed: lifecycle scripts of npm, setup.py, gems, maintainer
 * scripts. They build and fetch all day; shells to the network, mines, planted persistence and keys that are read
 * and carried out are not part of that.
 */
import type { Event } from '../../core/gen/event.ts';
import { installedPackage } from '../../core/installed-package.ts';
import type { Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { fetchedBy, fetchesByAddress } from '../fetched.ts';
import { Lru } from '../lru.ts';
import { isBuildPlace, isHidden, oddPlace, plantedPlace } from '../places.ts';
import { programOf, short } from '../process.ts';
import { kindOf, plainName, shellUse } from '../program-kind.ts';
import { isTrusted, programProvenance } from '../provenance.ts';
import { list } from '../settings.ts';
import { isNetwork, streamsOf } from '../streams.ts';
import { Told } from '../told.ts';
import { chainOf, isErrand, isGate, keyOfNode, managerAbove, originGroup, peerText } from '../tree.ts';

export const packageChild: Behaviour = {
  id: 'package-child',
  title: { zh: '软件包安装脚本行为异常（供应链）', en: 'Package script does what no installation needs' },
  means: { zh: '安装软件包时，它的脚本做了安装不需要的事：开 shell、连外网、挖矿', en: 'While a package was installed its script did what no installation needs: a shell, a connection, a miner' },
  advice: { zh: '停止安装并删除该依赖；更换安装时环境里的口令和令牌，检查其他用过同一版本的机器。', en: 'Stop the installation and remove that dependency; change the passwords and tokens that were in its environment, and look at other machines with the same version.' },
  blind: {
    zh: '安装时只埋下代码、之后由应用自己运行的恶意包看不到；包脚本在自己的进程里把数据经 HTTPS 传走、又没读受监视的凭证文件时看不到。需要来源图。',
    en: 'A package that only plants code for the application to run later is not seen, nor one that sends data away over HTTPS without touching watched credential files. Needs the origin graph.',
  },
  kinds: ['process_creation', 'network_connection', 'flow', 'dns_query', 'file_event'],
  settings: {
    allow: { default: [], text: { zh: '允许的包名（npm、pip 等），如 my-company-tools', en: 'names of packages that may do so' } },
  },
  open,
};

/** Managers of the system, whose maintainer scripts rightly plant units, cron lines and profiles. */
const systemManagers = new Set('dpkg apt apt-get aptitude unattended-upgrade unattended-upgrades rpm yum dnf microdnf tdnf zypper apk pacman snapd snap flatpak'.split(' '));
/** Programs that open keys because that is what keys are for. */
const keyUsers = new Set('ssh ssh-add ssh-keygen ssh-agent git git-remote-https git-remote-http gpg gpg-agent npm sudo su login passwd chpasswd useradd usermod groupadd userdel adduser systemd-sysusers unix_chkpwd'.split(' '));

const minerName = /^(?:xmrig|xmr-stak|minerd|cpuminer|ccminer|ethminer|t-rex|nbminer|lolminer|phoenixminer|teamredminer|srbminer|nanominer|kinsing|kdevtmpfsi|xmr|c3pool|moneroocean)/i;
const stratum = /"method"\s*:\s*"(?:mining\.(?:subscribe|authorize)|login|eth_submitLogin|submit)"/;

interface Story { manager: string; isSystem: boolean; root: ProcessNode }
interface Finding { level: Level; what: Text; attack: string[]; detail: string }

function open(context: BehaviourContext): BehaviourRun {
  const allowed = new Set(list(context, 'allow'));
  const told = new Told(4000, () => { context.count('package stories told and forgotten'); });
  /** Credential files that a package's tree has read, by its root. */
  const readKeys = new Lru<{ file: string; time: number }>(1000, () => { context.count('package stories forgotten'); });

  function storyOf(event: Event, node: ProcessNode | undefined): Story | undefined {
    if (node === undefined) return undefined;
    // Nearly every event ends here. Managers that the graph does not know (cargo, uv …) are looked for at starts alone:
    // files and connections are too many to climb the tree for each.
    const manager = node.origin.kind === 'package' ? node.origin.name ?? 'package' : event.kind === 'process_creation' ? managerAbove(node) : undefined;
    if (manager === undefined) return undefined;
    if (kindOf(node.path, node.cmdline) === 'manager') return undefined;
    const root = node.origin.kind === 'package' ? node.root : topBelowManager(node);
    return { manager, isSystem: systemManagers.has(manager), root };
  }

  function tell(event: Event, node: ProcessNode, story: Story, finding: Finding): void {
    const name = packageOf(node);
    if (allowed.has(name)) return;
    const key = keyOfNode(story.root);
    const once = `${key}:${finding.what.en}`;
    if (told.lately(once, event.time, 600_000, finding.level)) return;
    context.emit({
      ruleId: 'behaviour.package-child', title: packageChild.title, level: finding.level,
      summary: {
        zh: `{manager} 安装${name === '' ? '软件包' : ' {package} '}时，{program}（PID {shown_pid}）${finding.what.zh}：{detail}（来自{origin_zh}）`,
        en: `While {manager} installed ${name === '' ? 'a package' : '{package}'}, {program} (pid {shown_pid}) ${finding.what.en}: {detail} (begun by {origin_en})`,
      },
      attack: ['T1195.002', ...finding.attack], matrix: ['植入后门'], key, time: event.time, events: [event], count: 1,
      group: {
        ...originGroup(node, event), manager: story.manager, package: short(name, 100),
        program: short(programOf(event), 160), shown_pid: String(event.pid ?? '?'), detail: finding.detail,
      },
    });
  }

  function started(event: Event, node: ProcessNode): Finding | undefined {
    const path = event.process_path, cmdline = event.process_cmdline;
    const detail = short(cmdline ?? path ?? '?');
    if (minerName.test(plainName(path))) return { level: 'critical', what: { zh: '启动了挖矿程序', en: 'started a miner' }, attack: ['T1496.001'], detail };
    const kind = kindOf(path, cmdline);
    if (kind === 'relay') return { level: 'high', what: { zh: '启动了网络转接工具', en: 'started a tool that passes connections on' }, attack: ['T1095'], detail };
    if (kind === 'shell') {
      const { use, isAsked } = shellUse(cmdline);
      const { stdin } = streamsOf(event);
      if (use === 'interactive') {
        if (stdin === 'inet' || (isNetwork(stdin) && plainName(node.parent?.path) !== 'node') || (isAsked && stdin !== 'other')) return { level: 'critical', what: { zh: '打开了由网络操控的 shell', en: 'opened a shell that is steered over the network' }, attack: ['T1059.004', 'T1095'], detail };
        const source = stdin === 'pipe' ? fetchedBy(node, event.time, true) : undefined;
        if (source !== undefined && kindOf(source.by.path, source.by.cmdline) === 'download') return { level: fetchesByAddress(source.by.cmdline) ? 'critical' : 'high', what: { zh: '把下载的内容直接交给 shell', en: 'handed a download straight to a shell' }, attack: ['T1105', 'T1059.004'], detail: short(source.by.cmdline ?? detail) };
        return undefined;
      }
    }
    return ran(event, node, path, detail);
  }

  /** A file of an odd place that was fetched by this very tree. What builds make and managers unpack is theirs. */
  function ran(event: Event, node: ProcessNode, path: string | undefined, detail: string): Finding | undefined {
    const odd = oddPlace(path);
    if (path === undefined || odd === undefined) return undefined;
    const what = { zh: '下载并运行了异常位置的程序', en: 'fetched and ran a program in an odd place' };
    if (odd === 'memory' || odd === 'shared') return { level: 'critical', what, attack: ['T1105', 'T1204.002'], detail };
    if (isBuildPlace(path)) return undefined;
    const writer = node.writtenBy ?? context.lineage.writer({ path, inode: event.file_inode, device: event.file_device });
    if (writer === undefined || kindOf(writer.process.path, writer.process.cmdline) === 'manager') return undefined;
    const fetched = fetchedBy(writer.process, writer.time, true);
    if (fetched === undefined) return undefined;
    const isWorse = isHidden(path) || fetchesByAddress(fetched.by.cmdline);
    return { level: isWorse ? 'critical' : 'high', what, attack: ['T1105', 'T1204.002'], detail: `${detail} ← ${peerText(fetched.peer)}` };
  }

  function connected(event: Event, story: Story): Finding | undefined {
    if (event.direction === 'inbound' || isErrand(event.destination_port)) return undefined;
    const ip = event.destination_ip ?? '';
    const peer = peerText({ ip, port: event.destination_port ?? 0 });
    const listed = context.intelligence.address(ip);
    if (listed) return { level: 'critical', what: { zh: `连接了情报名单上的地址（${listed.what}）`, en: `connected to a listed address (${listed.what})` }, attack: ['T1071'], detail: peer };
    if (kindOf(event.process_path, event.process_cmdline) === 'shell') return { level: 'critical', what: { zh: '的 shell 自己连出', en: 'is a shell that connected by itself' }, attack: ['T1059.004', 'T1095'], detail: peer };
    const key = readKeys.get(keyOfNode(story.root));
    if (key === undefined || Math.abs(event.time - key.time) > 300_000 || keyUsers.has(plainName(event.process_path))) return undefined;
    return { level: 'critical', what: { zh: '读取凭证后外连', en: 'read credentials and connected out' }, attack: ['T1552.001', 'T1041'], detail: `${key.file} → ${peer}` };
  }

  function wrote(event: Event, story: Story): Finding | undefined {
    const path = event.file_path ?? '';
    if (event.action === 'read') {
      if (!keyUsers.has(plainName(event.process_path)) && !story.isSystem) readKeys.set(keyOfNode(story.root), { file: short(path, 200), time: event.time });
      return undefined;
    }
    if (story.isSystem || event.action === 'delete' || event.action === 'chown' || event.action === 'chmod') return undefined;
    const place = plantedPlace(path);
    if (place === undefined || isTrusted(programProvenance(context, event)) && keyUsers.has(plainName(event.process_path))) return undefined;
    // Some tools add a line for completion to the shell's start file.
    const level: Level = place === 'profile' || place === 'motd' || place === 'autostart' ? 'medium' : place === 'systemd' && path.startsWith('/home/') ? 'high' : 'critical';
    return { level, what: { zh: '写入了会自动再启动的位置', en: 'wrote to a place that comes back by itself' }, attack: ['T1543.002', 'T1053.003'], detail: short(path, 300) };
  }

  function judge(event: Event, node: ProcessNode, story: Story): Finding | undefined {
    switch (event.kind) {
      case 'process_creation': return started(event, node);
      case 'network_connection': return connected(event, story);
      case 'file_event': return wrote(event, story);
      case 'flow':
        return event.payload !== undefined && event.direction !== 'inbound' && stratum.test(event.payload) ? { level: 'critical', what: { zh: '向矿池发出挖矿请求', en: 'speaks to a mining pool' }, attack: ['T1496.001'], detail: peerText({ ip: event.destination_ip ?? '?', port: event.destination_port ?? 0 }) } : undefined;
      case 'dns_query': {
        const listed = event.destination_host === undefined ? undefined : context.intelligence.domain(event.destination_host);
        return listed && { level: 'critical', what: { zh: `查询了情报名单上的域名（${listed.what}）`, en: `asked for a listed name (${listed.what})` }, attack: ['T1071'], detail: short(event.destination_host ?? '', 200) };
      }
      default: return undefined;
    }
  }

  return {
    observe(event) {
      if (event.action === 'process-seen' || event.action === 'connect-attempt') return;
      // Only where something may come back or a watched credential is read: files are written all the time.
      if (event.kind === 'file_event' && event.action !== 'read' && plantedPlace(event.file_path ?? '') === undefined) return;
      const node = context.lineage.of(event);
      const story = storyOf(event, node);
      if (node === undefined || story === undefined) return;
      const finding = judge(event, node, story);
      if (finding) tell(event, node, story, finding);
    },
    size: () => told.size + readKeys.size,
  };
}

/** The process that the manager started. */
function topBelowManager(node: ProcessNode): ProcessNode {
  let top = node;
  for (const at of chainOf(node, 16)) {
    if (isGate(at) || kindOf(at.path, at.cmdline) === 'manager') break;
    top = at;
  }
  return top;
}

/** Which package is being installed; empty when nothing shows it. */
function packageOf(node: ProcessNode): string {
  for (const at of chainOf(node, 8)) {
    const found = installedPackage(at);
    if (found !== undefined) return found.name;
  }
  return '';
}
