/**
 * This machine reaches out to many: one tree of processes that tries many addresses or many ports of one address, and
 * log-ons by SSH from here to hosts that this machine never reached before.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import { own } from '../../core/own.ts';
import type { Behaviour, BehaviourContext, BehaviourRun, Learning } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { actorOf, originKind, who, type Actor } from '../actor.ts';
import { hourMs } from '../clock.ts';
import { KnownNetworks, logonKinds } from '../known-networks.ts';
import { Lru } from '../lru.ts';
import { baseName, deedFile } from '../program-kind.ts';
import { isOdd, provenanceOf } from '../provenance.ts';
import { isCount, load, save } from '../saved.ts';
import { list, number } from '../settings.ts';
import { listed, Stories } from '../stories.ts';
import { ancestors } from '../tree.ts';

const maxTrees = 150;
const maxTargets = 240;
const maxPorts = 256;
const maxSshTrees = 1000;
const maxHosts = 5000;
const storyMs = 6 * hourMs;

export const scanFanOut: Behaviour = {
  id: 'scan-fan-out',
  title: { zh: '本机对外扫描', en: 'Scan from this host' },
  means: { zh: '本机在短时间内联系大量地址或端口，像在替别人扫描', en: 'This machine contacts very many addresses or ports in short time, as if it scanned for somebody' },
  advice: { zh: '看是哪个进程；不是您的扫描任务就冻结它，否则本机地址会被封、被投诉。', en: 'Look which process does it; if it is no scan of yours, freeze it: your address will be blocked and complained about.' },
  blind: {
    zh: '原始套接字扫描（如 SYN 扫描、masscan）不产生连接事件，看不到；慢于每分钟几个地址的扫描看不到；UDP 不计。SSH 横向移动要靠读取密钥与来由判断，没有内核传感器时看不到密钥读取。',
    en: 'Scans through raw sockets (SYN scans, masscan) make no connections and are not seen, nor those of a few addresses a minute; UDP is not counted. Without the kernel sensor the reading of keys is not seen.',
  },
  kinds: ['network_connection', ...logonKinds],
  settings: {
    seconds: { default: 60, min: 5, max: 3600, text: { zh: '统计窗口（秒）', en: 'window in seconds' } },
    score: {
      default: 80, min: 5, max: 900,
      text: { zh: '窗口内得分达到此值报告；登录与数据库端口每个地址 4 分，网页端口 0.5 分，其余 1 分，连不通的加倍', en: 'told from this score on within the window: each address counts 4 at a log-on or database port, 0.5 at a web port, else 1; double when it did not answer' },
    },
    ports: { default: 30, min: 5, max: maxPorts, text: { zh: '窗口内对同一地址连接多少个不同端口时报告', en: 'told when so many ports of one address were tried within the window' } },
    sshHosts: { default: 3, min: 1, max: 1000, text: { zh: '一小时内用 SSH 连接多少台从未连过的主机时报告', en: 'told when so many hosts never reached before were reached by SSH within an hour' } },
    learnHours: { default: 24, min: 0, max: 10_000, text: { zh: '学习本机平常 SSH 到哪些主机的时间（小时）', en: 'hours to learn which hosts are reached by SSH' } },
    known: {
      default: [
        'prometheus', 'blackbox_exporter', 'snmp_exporter', 'vmagent', 'zabbix_server', 'zabbix_proxy', 'nagios', 'icinga2', 'naemon', 'check_mk', 'telegraf', 'smokeping', 'haproxy', 'envoy', 'traefik', 'nginx', 'keepalived', 'kube-proxy', 'kubelet', 'calico-node',
        'cilium-agent', 'flanneld', 'consul', 'nomad', 'etcd', 'ansible', 'ansible-playbook', 'salt-master', 'squid', 'named', 'unbound', 'dnsmasq', 'systemd-resolved', 'pdns_recursor', 'coredns', 'smtp', 'qmgr', 'exim4', 'sendmail', 'apt', 'apt-get', 'apt-mirror',
        'debmirror', 'reposync', 'http', 'https', 'ntpd', 'chronyd',
      ],
      text: { zh: '平常就要连接许多地址的程序名（监控、负载均衡、解析、邮件、镜像等）；它们启动的程序同样不报告', en: 'names of programs that reach many addresses as their work; what they start is not told either' },
    },
    crawlers: { default: [], text: { zh: '自己的爬虫：可执行文件或脚本的完整路径、程序名', en: 'crawlers of one\'s own: full path of an executable or script, or a name' } },
  },
  open,
};

const lateral: Text = { zh: 'SSH 横向移动', en: 'Lateral movement by SSH' };


/** Ports behind which a log-on, a database or somebody's control interface is. */
const guarded = new Set([21, 22, 23, 110, 135, 139, 143, 389, 445, 512, 513, 514, 873, 1433, 1521, 2049, 2181, 2222, 2375, 2376, 2379, 3306, 3389, 5432, 5555, 5900, 5984, 5985, 6379, 6443, 7001, 8009, 8088, 9000, 9042, 9200, 9300, 10250, 11211, 27017, 50070]);
const web = new Set([80, 443, 8080, 8443]);
const torrents = /^(?:transmission-.*|qbittorrent.*|rtorrent|deluged?|aria2c|ktorrent)$/;
const sshClients = new Set(['ssh', 'scp', 'sftp', 'sshpass', 'dbclient', 'plink', 'autossh', 'sshfs']);
const fleetTools = /^(?:ansible.*|salt.*|puppet.*|chef.*|pssh|parallel-ssh|pdsh|clush|terraform|packer|jenkins.*|gitlab-runner|capistrano|cap|fab)$/;

/** Ports one address was tried at. */
interface Target { ports: Set<number>; weight: number; time: number; answered: number }
interface Tree { targets: Map<string, Target>; score: number }
interface SshTree { hosts: Map<string, number> }

function open(context: BehaviourContext): BehaviourRun {
  const windowMs = number(context, 'seconds') * 1000, limit = number(context, 'score'), portLimit = number(context, 'ports');
  const sshLimit = number(context, 'sshHosts'), learnMs = number(context, 'learnHours') * hourMs;
  const known = new Set(list(context, 'known')), crawlers = new Set(list(context, 'crawlers'));
  const trees = new Lru<Tree>(maxTrees, () => { context.count('trees forgotten'); });
  const sshTrees = new Lru<SshTree>(maxSshTrees, () => { context.count('ssh sessions forgotten'); });
  const stories = new Stories(maxTrees, storyMs, () => { context.count('alerts forgotten'); });
  /** Hosts that were reached by SSH, and when first. */
  const hosts = new Lru<number>(maxHosts, () => { context.count('known hosts forgotten'); });
  const networks = new KnownNetworks(3, () => { context.count('known networks forgotten'); });
  let since: number | undefined;
  let samples = 0;
  let now = 0;

  load(context, ({ head, rows, since: from, samples: n }) => {
    const [networksSince, networksSamples] = head;
    if (!(networksSince === null || isCount(networksSince)) || !isCount(networksSamples) || rows.length > maxHosts * 2) return false;
    if (!rows.every((row) => isCount(row[1]) && (row[2] === 'host' || row[2] === 'network'))) return false;
    const learned: [string, number][] = [];
    for (const [key, first, what] of rows) {
      if (what === 'host') hosts.set(key, Number(first));
      else learned.push([key, Number(first)]);
    }
    networks.load(learned, networksSince ?? undefined, networksSamples);
    since = from;
    samples = n;
    return true;
  });

  const ready = (): boolean => since !== undefined && now - since >= learnMs;

  /** Programs that reach many as their work; a name alone does not excuse what lies in a temporary folder or serves a web worker. */
  function isExcused(event: Event, actor: Actor): boolean {
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    if (crawlers.has(file) || crawlers.has(actor.program) || crawlers.has(actor.name) || crawlers.has(baseName(file))) return true;
    if (isOdd(file, provenanceOf(context, file, actor.container))) return false;
    if (known.has(actor.name) || known.has(baseName(file))) return true;
    for (const parent of ancestors(actor.node)) {
      if (parent.path === undefined || parent.pid <= 1) continue;
      const deed = deedFile(parent.path, parent.cmdline);
      // What a reverse proxy starts is no proxy any more.
      if ((known.has(baseName(deed)) || fleetTools.test(baseName(deed))) && parent.origin.kind !== 'web') return true;
    }
    return false;
  }

  function reach(event: Event, ip: string, port: number): void {
    const actor = actorOf(event, context);
    if (sshClients.has(actor.name) && event.action === 'connect') { ssh(event, actor, ip); return; }
    const key = actor.node === undefined ? `${event.pid ?? ''}:${event.process_started ?? actor.program}` : actor.tree;
    const tree = trees.take(key, (): Tree => ({ targets: new Map(), score: 0 }));
    count(tree, ip, port, event);
    if (tree.score < limit && (tree.targets.get(ip)?.ports.size ?? 0) < portLimit) return;
    if (isExcused(event, actor)) { clear(tree); return; }
    const ports = tree.targets.get(ip)?.ports.size ?? 0;
    tellScan(event, actor, key, tree, ports >= portLimit ? ip : undefined, ports);
    clear(tree);
  }

  function count(tree: Tree, ip: string, port: number, event: Event): void {
    prune(tree, event.time - windowMs);
    let target = tree.targets.get(ip);
    if (target === undefined) {
      if (tree.targets.size >= maxTargets) { context.count('targets not counted'); return; }
      target = { ports: new Set(), weight: 0, time: event.time, answered: 0 };
    } else tree.targets.delete(ip);
    tree.targets.set(own(ip), target);
    target.time = event.time;
    if (target.ports.size < maxPorts) target.ports.add(port);
    const answered = event.action !== 'connect-attempt';
    if (answered) target.answered++;
    const weight = (guarded.has(port) ? 4 : web.has(port) ? 0.5 : 1) * (answered ? 1 : 2);
    if (weight > target.weight) { tree.score += weight - target.weight; target.weight = weight; }
  }

  function tellScan(event: Event, actor: Actor, key: string, tree: Tree, ip: string | undefined, ports: number): void {
    const all = [...tree.targets.values()];
    const guardedShare = all.filter((target) => [...target.ports].some((port) => guarded.has(port))).length / all.length;
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    const provenance = provenanceOf(context, file, actor.container);
    const kind = originKind(actor, event);
    const isPort = ip !== undefined;
    const hostile = kind === 'web' || isOdd(file, provenance);
    let level: Level = provenance === 'owned' ? 'medium' : 'high';
    if (kind === 'login' || kind === 'console') level = networks.isNew(actor.node?.origin, event.time) ? 'high' : 'medium';
    if (!isPort && guardedShare < 0.3) level = torrents.test(actor.name) ? 'low' : 'medium';
    if (hostile) level = guardedShare >= 0.3 || isPort ? 'critical' : 'high';
    const thing = isPort ? `${ip} (${ports})` : all.length > 0 ? commonPorts(all) : '?';
    const told = stories.add(`scan:${key}`, level, thing, event.time);
    if (told === undefined) return;
    const addresses = String(all.length), silent = String(all.filter((target) => target.answered === 0).length);
    context.emit({
      ruleId: 'behaviour.scan-fan-out', title: scanFanOut.title, level: told.story.level,
      summary: isPort ? {
        zh: `{program} 在 {seconds} 秒内尝试了 {address} 的 {ports} 个端口（来由：{origin_zh}）`,
        en: `{program} tried {ports} ports of {address} within {seconds} s (from {origin_en})`,
      } : {
        zh: `{program} 在 {seconds} 秒内连接了 {addresses} 个地址（{silent} 个不通），端口：{things}（来由：{origin_zh}）`,
        en: `{program} reached for {addresses} addresses within {seconds} s ({silent} did not answer), ports {things} (from {origin_en})`,
      },
      attack: ['T1046'], matrix: ['网络扫描'], key: `scan:${key}`, time: event.time, events: [event], count: told.count,
      group: { ...who(actor, event), addresses, silent, ports: String(ports), address: ip ?? '', seconds: String(windowMs / 1000), things: listed(told.story) },
    });
  }

  /** A log-on to a host, as far as it was answered. */
  function ssh(event: Event, actor: Actor, ip: string): void {
    since ??= event.time;
    samples++;
    const isKnown = hosts.get(ip) !== undefined;
    if (!isKnown) hosts.set(ip, event.time);
    const key = actor.node === undefined ? `${event.parent_pid ?? ''}:${event.parent_path ?? actor.program}` : actor.tree;
    if (isKnown && sshTrees.get(key)?.hosts.has(ip) !== true) return;
    const tree = sshTrees.take(key, (): SshTree => ({ hosts: new Map() }));
    for (const [host, time] of tree.hosts) if (event.time - time > hourMs) tree.hosts.delete(host);
    if (tree.hosts.size < maxTargets) tree.hosts.set(own(ip), event.time);
    if (tree.hosts.size < sshLimit || isExcused(event, actor)) return;
    const level = lateralLevel(event, actor, tree.hosts.size);
    if (level === undefined) return;
    const keys = keysRead(actor);
    const told = stories.add(`ssh:${key}`, keys.length > 0 && level === 'high' ? 'critical' : level, ip, event.time);
    if (told === undefined) return;
    const last = keys.length > 0 ? { zh: `；此前读取了密钥 {keys}`, en: `; before that it read the keys {keys}` } : { zh: '', en: '' };
    context.emit({
      ruleId: 'behaviour.scan-fan-out', title: lateral, level: told.story.level,
      summary: {
        zh: `{program} 一小时内经 SSH 连接了 {hosts} 台本机从未连过的主机：{things}（来由：{origin_zh}）${last.zh}`,
        en: `{program} reached {hosts} hosts by SSH within an hour that this machine never reached before: {things} (from {origin_en})${last.en}`,
      },
      attack: ['T1021.004'], matrix: ['使用实例账号爆破', '利用SSH服务进入实例执行指令'], key: `ssh:${key}`, time: event.time, events: [event], count: told.count,
      group: { ...who(actor, event), hosts: String(tree.hosts.size), things: listed(told.story), keys: keys.slice(0, 3).join(', ') },
    });
  }

  /** An administrator who reaches new hosts from a session of a known network does nothing odd. */
  function lateralLevel(event: Event, actor: Actor, n: number): Level | undefined {
    switch (originKind(actor, event)) {
      case 'web': case 'container': case 'package': return 'high';
      case 'login': return networks.isNew(actor.node?.origin, event.time) ? 'high' : ready() && n >= sshLimit * 4 ? 'low' : undefined;
      case 'console': return undefined;
      default: {
        const parent = actor.node?.parent;
        const file = parent?.path === undefined ? actor.program : deedFile(parent.path, parent.cmdline);
        if (isOdd(file, provenanceOf(context, file, actor.container))) return 'high';
        return ready() ? 'medium' : undefined;
      }
    }
  }

  return {
    observe(event) {
      now = Math.max(now, event.time);
      if (event.kind !== 'network_connection') { networks.observe(event); return; }
      const { destination_ip: ip, destination_port: port } = event;
      if (event.direction !== 'outbound' || ip === undefined || port === undefined || event.protocol === 'udp') return;
      // Names and time are asked of many by anybody.
      if (port === 53 || port === 123 || port === 853 || ip.startsWith('127.') || ip === '::1') return;
      reach(event, ip, port);
    },
    tick(time) { now = Math.max(now, time); },
    save: () => save({
      since, samples, head: [networks.since ?? null, networks.samples],
      rows: [...[...hosts.entries()].reverse().map(([host, first]) => [host, Math.max(0, first), 'host'] as const), ...networks.rows().map(([network, first]) => [network, Math.max(0, first), 'network'] as const)],
    }, context),
    size: () => trees.size + sshTrees.size + stories.size + hosts.size + networks.size,
    learning: (): Learning => ({ since, samples, ready: ready() }),
  };
}

/** Oldest first, as each new try moves its address to the end. */
function prune(tree: Tree, before: number): void {
  for (const [ip, target] of tree.targets) {
    if (target.time >= before) return;
    tree.targets.delete(ip);
    tree.score -= target.weight;
  }
}

function clear(tree: Tree): void {
  tree.targets.clear();
  tree.score = 0;
}

/** The ports tried at most addresses, most first. */
function commonPorts(targets: readonly Target[]): string {
  const counts = new Map<number, number>();
  for (const { ports } of targets) for (const port of ports) counts.set(port, (counts.get(port) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, 4).map(([port]) => port).join('/');
}

const keyFile = /\/\.ssh\/(?!known_hosts$|config$|authorized_keys)[^/]{1,64}$|\.pem$/;

/** Private keys that others than the ssh client itself read in this tree. */
function keysRead(actor: Actor): string[] {
  const found = new Set<string>();
  const look = (node: Actor['node']): void => {
    if (node === undefined || sshClients.has(baseName(node.path ?? ''))) return;
    for (const { what } of node.read) if (found.size < 8 && keyFile.test(what)) found.add(what);
  };
  for (const node of ancestors(actor.node)) {
    if (actor.node !== undefined && node.origin !== actor.node.origin) break;
    look(node);
    let n = 0;
    for (const child of node.children) { if (++n > 64) break; look(child); }
  }
  return [...found];
}
