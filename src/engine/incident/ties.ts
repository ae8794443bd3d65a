/**
 * What ties alerts and findings into one incident. Two that share a key belong together when they lie no further apart than the key
 * ties. A key is there because what it names has one author; what many share is no key at all, or ties for a short while only.
 */
import type { Alert, AlertEvidence } from '../../core/alert.ts';
import type { Finding } from '../../core/finding.ts';
import type { Lineage, ProcessNode } from '../../core/lineage.ts';
import { canonicalIp, isPublic } from '../../core/address.ts';
import { isBelowWebRoot, isWebEntry } from '../../core/web-files.ts';
import { pageOfUrl, urlsOfFile } from '../origin/pages.ts';
import { baseName, roleOf } from '../origin/roles.ts';
import { isRunByServer } from './story-scope.ts';

const minute = 60_000, hour = 60 * minute;

/**
 * How long a key ties, ms; `idle` is as long as an open incident may be without news (`incidents.idle_days`).
 *
 * | key | what it names | ties | why |
 * |---|---|---|---|
 * | process | a process tree with one author: a session, one run of cron, what a server ran for one visitor | idle | pid and start name it for good |
 * | unit | a unit that is no server | idle | a planted service comes back under another pid |
 * | file | a file that was written here, or found wrong | idle | writer and runner of one file |
 * | page | a page that was written or found wrong, by the URLs that may mean it | 24 h | the requests for it are of whoever put it there; other sites may have one of that name |
 * | pages | the folder of such a page, and what a web server ran in it | 1 h | PHP runs a page's programs in its folder; other pages lie there too |
 * | table | a file with lines of many (crontab, passwd, authorized_keys) | 10 min | another line of it may be anybody's |
 * | address | a public address that somebody came from, odd traffic went to, something was fetched from by its number, or a database followed | idle | one machine of the attacker; a shared one (private, NAT, proxies, `incidents.shared_addresses`) is no key |
 * | name | a host name that odd traffic went to, unless everybody uses it (code hosts, registries) | idle | |
 * | wallet | where mined coins go | idle | one owner |
 * | account | a person's account that was misused | 1 h | others use it too; root and service accounts are no key |
 * | visitor | an account together with a shared address | 24 h | two weak ones |
 *
 * The tree of a server that all visitors share (php-fpm's master, nginx, a database, a container) is no key: only what it ran is.
 * Time alone ties nothing.
 */
const tieMs: Readonly<Record<string, number | 'idle'>> = {
  process: 'idle', unit: 'idle', file: 'idle', table: 10 * minute, address: 'idle', name: 'idle', wallet: 'idle', page: 24 * hour, pages: hour, account: hour, visitor: 24 * hour,
  // Of attempts only: what one shared address tried, and what one kind of service was tried with.
  from: 24 * hour, campaign: 24 * hour,
};

export function gapOf(key: string, idleMs: number): number {
  const kind = key.slice(0, key.indexOf(':'));
  const gap = tieMs[kind] ?? 'idle';
  return gap === 'idle' ? idleMs : Math.min(gap, idleMs);
}

export interface TieContext {
  lineage: Lineage;
  /** An address that many people come from. */
  isShared: (address: string) => boolean;
}

/** What is read out of an alert before it is put anywhere. */
export interface Ties {
  keys: string[];
  /** The remote address it is about, public and of one party. */
  address: string | undefined;
  /** Only a try from outside: nothing here did anything of it. */
  attempt: boolean;
  /** `guessing ssh`, of attempts. */
  about: string | undefined;
  node: ProcessNode | undefined;
  /** Where its process tree came from was not known yet: worth another look. */
  open: boolean;
}

/** Kinds of event that a stranger can bring about by knocking. */
const outside: Readonly<Record<string, string>> = {
  sshd: 'ssh', auth: 'login', access: 'web', nginx: 'web', apache: 'web', weberror: 'web', mail: 'mail', ftp: 'ftp', database: 'database', application: 'application', firewall: 'network', kernel: 'network',
};
const guesses = /^T(?:1110|1589|1087|1133)(?:\.|$)/;
const probes = /^T(?:1595|1046|1590|1592|1593|1594|1498|1499|1110|1589|1087|1133)(?:\.|$)/;
/** Techniques that say somebody is in. */
const inside = /^T(?:1078|1098|1136|1505\.001)(?:\.|$)/;
const keysMax = 24;
const wordMax = 400;

export function tiesOf(alert: Alert, finding: Finding | undefined, context: TieContext): Ties {
  // The first event only: an alert that folds many may hold several authors later, and what it was filed under must not change.
  const first: AlertEvidence = alert.evidence[0] ?? {};
  const node = nodeOf(alert, first, context.lineage);
  const keys = new Set<string>();
  const about = node === undefined && finding === undefined ? attemptOf(alert, first) : undefined;
  const attempt = about !== undefined;
  const address = remoteOf(alert, first, node, finding, context);
  if (address !== undefined) keys.add(`address:${address}`);
  if (!attempt) {
    for (const key of processKeys(node)) keys.add(key);
    if (node === undefined && typeof first.pid === 'number' && typeof first.process_started === 'number') keys.add(`process:${first.pid}:${first.process_started}`);
    for (const key of fileKeys(alert, first, node, finding, context.lineage)) keys.add(key);
    for (const key of pageKeys(first, node, finding)) keys.add(key);
    for (const key of trafficKeys(alert, first, context)) keys.add(key);
    for (const key of farKeys(alert, first, node, context)) keys.add(key);
    for (const key of accountKeys(alert, first, node, context)) keys.add(key);
    if (finding) for (const link of finding.links ?? []) { const key = linkKey(link, context); if (key !== undefined) keys.add(key); }
  }
  const open = node !== undefined && node.origin.source_ip === undefined && (node.origin.kind === 'web' || node.origin.kind === 'login');
  return { keys: [...keys].slice(0, keysMax).map((key) => key.slice(0, wordMax)), address, attempt, about, node, open };
}

function nodeOf(alert: Alert, { pid, process_started: started, kind, user, process_cmdline: command, time }: AlertEvidence, lineage: Lineage): ProcessNode | undefined {
  if (kind === 'sudo') return lineage.sudo({ user: text(user), command: text(command), time: typeof time === 'number' ? time : alert.time });
  if (typeof pid === 'number' && typeof started === 'number') return lineage.process(pid, started);
  if (typeof pid !== 'number') return undefined;
  // The number alone may mean another one by now.
  const node = lineage.process(pid);
  if (node === undefined || node.started === 0 || node.started > alert.time + 2000) return undefined;
  switch (kind) {
    case 'sshd': case 'auth': return node.origin.kind === 'login' ? node : undefined;
    case 'finding': case 'metric': return node;
    default: return undefined;
  }
}

/** `guessing ssh`, `probing web`; undefined for what is more than a try. */
function attemptOf({ attack, level }: Alert, { kind, service, process_started: started }: AlertEvidence): string | undefined {
  const where = outside[String(kind)];
  if (where === undefined || started !== undefined || attack.length === 0 || attack.some((one) => inside.test(one))) return undefined;
  const knocks = attack.every((one) => probes.test(one) || one === 'T1190') && (attack.length > 1 || attack[0] !== 'T1190');
  // What was only asked of a server, and is not known to have worked: rules that saw an answer are high.
  if (!knocks && level !== 'info' && level !== 'low' && level !== 'medium') return undefined;
  if (!knocks && !attack.some((one) => one === 'T1190' || probes.test(one))) return undefined;
  return `${attack.some((one) => guesses.test(one)) ? 'guessing' : 'probing'} ${where === 'application' || where === 'login' ? String(service ?? where).slice(0, 64) : where}`;
}

function remoteOf(alert: Alert, first: AlertEvidence, node: ProcessNode | undefined, finding: Finding | undefined, { isShared }: TieContext): string | undefined {
  const inbound = first.direction === 'outbound' ? undefined : alert.source_ip;
  for (const one of [inbound, node?.origin.source_ip, text(first.origin_ip), alert.origin_ip, finding?.address]) if (one !== undefined && isPublic(one) && !isShared(one)) return one;
  return undefined;
}

/** The address as it is written, also one that ties nothing. */
export const addressOf = (alert: Alert): string | undefined => (alert.evidence[0]?.direction === 'outbound' ? undefined : alert.source_ip) ?? alert.origin_ip;

export const identity = (node: ProcessNode): string => `process:${node.pid}:${node.started}`;
const stepsMax = 64;

/** Whether what hangs below this root has one author. */
function isOnesOwn(root: ProcessNode): boolean {
  switch (root.origin.kind) {
    case 'login': case 'console': case 'cron': case 'timer': case 'package': return true;
    case 'web': return root.origin.source_ip !== undefined;
    case 'service': return !servesMany(root);
    case 'container': case 'cloud': case 'kernel': case 'unknown': return false;
  }
}

const servers = new Set('smbd vsftpd proftpd pure-ftpd exim exim4 master postfix dovecot named unbound xrdp inetd xinetd squid haproxy envoy dockerd containerd kubelet jenkins gitea gogs minio nacos nfsd cupsd snapd'.split(' '));

function servesMany(root: ProcessNode): boolean {
  const { role, label } = roleOf(root.path, root.name, root.cmdline);
  return root.pid <= 2 || servers.has(label) || (role !== 'other' && role !== 'package');
}

/** The tree that a process belongs to, as far as it has one author: its root, or below a shared root the branch it is in. */
export function treeOf(node: ProcessNode): ProcessNode | undefined {
  const { root } = node;
  if (isOnesOwn(root) && root.pid > 2) return root;
  // Of its server nothing was known yet when it was started: it is a root itself.
  if (root.origin.kind === 'web' && isRunByServer(root)) return root;
  const many = servesMany(root);
  let at = node;
  for (let i = 0; i < stepsMax && at !== root; i++) {
    const { parent } = at;
    if (parent === undefined) return at === node ? undefined : at;
    // Workers of a server are as shared as their master.
    if (parent === root || (many && isWorker(parent, root))) return many && isWorker(at, root) ? undefined : at;
    at = parent;
  }
  return undefined;
}

const isWorker = (node: ProcessNode, root: ProcessNode): boolean => node === root || (node.path !== undefined && node.path === root.path);

function processKeys(node: ProcessNode | undefined): string[] {
  if (node === undefined) return [];
  const keys: string[] = [];
  const tree = treeOf(node);
  if (tree) keys.push(identity(tree));
  const writer = node.writtenBy && treeOf(node.writtenBy.process);
  if (writer) keys.push(identity(writer));
  // What it runs was written by somebody whose program was written by somebody …
  const above = node.writtenBy?.process.writtenBy;
  const far = above && treeOf(above.process);
  if (far) keys.push(identity(far));
  if (node.origin.kind === 'service' && !servesMany(node.root)) {
    const unit = unitOf(node.cgroup);
    if (unit !== undefined) keys.push(`unit:${unit}`);
  }
  return keys;
}

function unitOf(cgroup: string | undefined): string | undefined {
  const name = cgroup?.slice(cgroup.lastIndexOf('/') + 1);
  return name !== undefined && name.endsWith('.service') && !name.startsWith('user@') ? name : undefined;
}

/** Programs and libraries of the system: run by everybody. */
const system = /^\/(?:usr|bin|sbin|lib|lib32|lib64|libx32|proc|sys|snap)\/|^\/dev\/(?!shm\/)/;
const table = /^\/etc\/(?:passwd|shadow|group|gshadow|sudoers|crontab|fstab|hosts|profile|environment|bash\.bashrc|sysctl\.conf|ld\.so\.preload|ld\.so\.conf|ssh\/sshd?_config)-?$|\/\.ssh\/authorized_keys2?$|\/\.(?:bash|zsh)_history$|^\/var\/(?:log|spool\/cron)\/|\/\.(?:bashrc|profile|bash_profile|zshrc)$/;
const dropped = /^\/(?:tmp|var\/tmp|dev\/shm|run\/shm)\/./;
const folders = new Set(['/', '/tmp', '/var/tmp', '/dev/shm', '/root', '/home', '/etc', '/opt', '/srv', '/var', '/var/www', '/var/www/html', '/usr', '/usr/local', '/usr/local/bin', '/run', '/boot', '/etc/cron.d', '/etc/init.d', '/etc/systemd/system', '/var/log', '/var/lib']);
const unitFile = /^\/(?:etc|run|usr\/lib|lib)\/systemd\/(?:system|user)\/([^/]{1,200}\.(?:service|timer|path|socket))$/;

function pathKeys(path: string, touched: boolean): string[] {
  const plain = path.endsWith(' (deleted)') ? path.slice(0, -10) : path;
  if (!plain.startsWith('/') || folders.has(plain) || plain.startsWith('/proc/')) return [];
  const unit = unitFile.exec(plain)?.[1];
  if (table.test(plain)) return [`table:${plain}`];
  if (!touched && (system.test(plain) || !dropped.test(plain))) return [];
  return unit === undefined ? [`file:${plain}`] : [`file:${plain}`, `unit:${unit.replace(/\.(?:timer|path|socket)$/, '.service')}`];
}

/** `touched`: it was written, or found wrong, so that its author is in question; a program that only runs may be anybody's. */
function fileKeys(alert: Alert, first: AlertEvidence, node: ProcessNode | undefined, finding: Finding | undefined, lineage: Lineage): string[] {
  const keys: string[] = [];
  // The line of a log names the job and not its process: what was written here is known by its writer.
  const job = first.kind === 'cron' ? /^\/\S+/.exec(text(first.process_cmdline) ?? '')?.[0] : undefined;
  if (job !== undefined && lineage.writer({ path: job }) !== undefined) keys.push(...pathKeys(job, true));
  const touched = first.kind === 'file_event' && first.action !== 'read';
  const path = text(first.file_path);
  if (path !== undefined && (first.kind === 'file_event' ? touched : first.kind === 'finding')) keys.push(...pathKeys(path, true));
  const program = text(first.process_path) ?? node?.path;
  if (program !== undefined) keys.push(...pathKeys(program, node?.writtenBy !== undefined));
  if (finding?.path !== undefined) keys.push(...pathKeys(finding.path, true));
  if (keys.length === 0 && finding === undefined && alert.path !== undefined && dropped.test(alert.path)) keys.push(...pathKeys(alert.path, true));
  return keys;
}

const slash = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** A page that somebody wrote, who asks for it, and what the server ran for it. */
function pageKeys(first: AlertEvidence, node: ProcessNode | undefined, finding: Finding | undefined): string[] {
  const keys: string[] = [];
  const isWeb = node?.origin.kind === 'web';
  const file = first.kind === 'file_event' ? (first.action === 'read' || first.action === 'delete' ? undefined : text(first.file_path)) : finding?.path ?? (first.kind === 'finding' ? text(first.file_path) : undefined);
  if (file !== undefined && (isWeb || isBelowWebRoot(file))) {
    const urls = urlsOfFile(file);
    keys.push(...urls.map((url) => `page:${url}`));
    if (urls.length > 0) keys.push(`pages:${slash(file)}`);
  }
  if (outside[String(first.kind)] === 'web') {
    const page = pageOfUrl(text(first.url_path) ?? '');
    if (page !== undefined && !isWebEntry(baseName(page))) keys.push(`page:${page}`);
  }
  const folder = isWeb ? treeOf(node)?.cwd : undefined;
  if (folder !== undefined && folder.indexOf('/', 1) > 0) keys.push(`pages:${folder}`);
  return keys;
}

const control = /^T(?:1071|1095|1571|1572|1219|1568|1090|1041|1048|1496)(?:\.|$)|^T1059\.004$/;
const everybodys = /(?:^|\.)(?:github\.com|githubusercontent\.com|gitlab\.com|gitee\.com|npmjs\.org|npmjs\.com|npmmirror\.com|pypi\.org|pythonhosted\.org|docker\.com|docker\.io|debian\.org|ubuntu\.com|aliyun\.com|aliyuncs\.com|tencent\.com|tencentyun\.com|myqcloud\.com|amazonaws\.com|cloudflare\.com|cloudfront\.net|googleapis\.com|google\.com|microsoft\.com|pastebin\.com|telegram\.org)$/i;
/** One that many miners use says nothing of whose they are. */
const mining = /^T1496/;
const wallets = /(?<![0-9A-Za-z])(?:[48][0-9A-Za-z]{94}|4[0-9A-Za-z]{105}|bc1[a-z0-9]{38,59})(?![0-9A-Za-z])/;
const commonPorts = new Set([25, 53, 80, 123, 443, 853]);

function trafficKeys({ attack }: Alert, first: AlertEvidence, { isShared }: TieContext): string[] {
  const keys: string[] = [];
  const wallet = [first.process_cmdline, first.payload].map((one) => (typeof one === 'string' ? wallets.exec(one.slice(0, 4096))?.[0] : undefined)).find((one) => one !== undefined);
  if (wallet !== undefined) keys.push(`wallet:${wallet}`);
  if (!attack.some((one) => control.test(one)) || attack.every((one) => mining.test(one))) return keys;
  const host = text(first.destination_host)?.toLowerCase();
  if (host !== undefined && host.includes('.') && !everybodys.test(host)) keys.push(`name:${host}`);
  const ip = first.direction === 'outbound' || first.kind === 'network_connection' ? text(first.destination_ip) : undefined;
  if (ip !== undefined && first.direction !== 'inbound' && isPublic(ip) && !isShared(ip) && !commonPorts.has(Number(first.destination_port))) keys.push(`address:${ip}`);
  return keys;
}

const fetches = /^T1105(?:\.|$)/;
const byAddress = /\b(?:https?|ftp|tftp):\/\/(?:[^\s/@]{1,64}@)?(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]{2,39}\])(?=[:/\s"']|$)/g;
const farMost = 4;
const orderedMs = 10 * minute;

/** Machines of the attacker's: a bare address that something was fetched from, the master that a database was told to follow, whom a database called of its own before it wrote. */
function farKeys({ attack, time }: Alert, first: AlertEvidence, node: ProcessNode | undefined, { isShared }: TieContext): string[] {
  const far: string[] = [];
  const command = text(first.process_cmdline);
  if (command !== undefined && attack.some((one) => fetches.test(one))) for (const [, ip = ''] of command.slice(0, 4096).matchAll(byAddress)) far.push(ip.replace(/[[\]]/g, ''));
  const master = first.kind === 'database' ? text(first.destination_ip) : undefined;
  if (master !== undefined) far.push(master);
  // Replicas of one's own lie in the same network, and nobody else is called by a database.
  if (node !== undefined && roleOf(node.path, node.name, node.cmdline).role === 'database') for (const { direction, ip, last } of node.spoke) if (direction === 'outbound' && Math.abs(time - last) <= orderedMs) far.push(ip);
  return far.flatMap((one) => canonicalIp(one) ?? []).filter((ip) => isPublic(ip) && !isShared(ip)).slice(0, farMost).map((ip) => `address:${ip}`);
}

/** Accounts that every machine has, that servers run as, or that clouds make for whoever rents the machine. */
const everyones = new Set('root nobody daemon bin sys mail man proxy backup www-data www nginx apache apache2 http httpd tomcat mysql mariadb postgres redis mongodb elasticsearch git ftp sshd messagebus syslog systemd-network systemd-resolve admin administrator user test guest ubuntu debian centos ec2-user ecs-user lighthouse opc deploy'.split(' '));

const isEveryones = (user: string): boolean => everyones.has(user.toLowerCase());

function accountKeys(alert: Alert, first: AlertEvidence, node: ProcessNode | undefined, { isShared }: TieContext): string[] {
  const user = node?.origin.user ?? text(first.origin_user) ?? alert.user;
  if (user === undefined || user === '' || isEveryones(user) || (typeof first.uid === 'number' && first.uid < 1000)) return [];
  const keys = [`account:${user}`];
  const from = addressOf(alert);
  if (from !== undefined && (isShared(from) || !isPublic(from))) keys.push(`visitor:${from} ${user}`);
  return keys;
}

function linkKey(link: string, { isShared }: TieContext): string | undefined {
  if (link.startsWith('/')) return pathKeys(link, true)[0];
  if (link.startsWith('address:')) { const ip = link.slice(8); return isPublic(ip) && !isShared(ip) ? link : undefined; }
  return undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
