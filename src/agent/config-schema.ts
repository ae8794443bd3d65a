/** Every key of the configuration file with its meaning and default. `moat config` prints it as a commented sample. */
import * as z from 'zod';
import { levels } from '../core/level.ts';
import { parseNetwork } from '../core/networks.ts';
import { modes } from '../engine/response/linkage.ts';
import { readPort, readRate } from '../actions/input.ts';
import { type Zone, zoneFault } from '../linux/firewall/measures.ts';
import { readProbe } from '../linux/reach.ts';
import { listFormats } from '../engine/intelligence/reader.ts';
import { notifiers } from '../notifiers/catalogue.ts';
import type { Notifier } from '../notifiers/port.ts';

const doc = (zh: string, en: string) => ({ zh, en });
const glob = z.string().min(1).max(1000);
/** The kernel compares 255 bytes at most. */
const pathStart = z.string().startsWith('/').refine((path) => new TextEncoder().encode(path).length < 256, 'expected less than 256 bytes');
const network = z.string().refine((text) => parseNetwork(text) !== undefined, 'expected an address or network such as 203.0.113.9 or 203.0.113.0/24');
const word = z.union([z.string().max(1000), z.number()]);

const behaviourSettings = z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.array(z.string())]));

const exception = z.strictObject({
  rule: z.string().min(1).meta(doc('规则名或编号，* 表示全部', 'rule name or id; * for all')),
  when: z.record(z.string(), z.union([word, z.array(word)])).meta(doc('事件字段 = 允许的值；文本首尾可用 *', 'event field = wanted values; * at an end of a text stands for anything')),
  why: z.string().min(1).meta(doc('原因', 'why')),
  until: z.iso.date().optional().meta(doc('到期日（之后失效）', 'last day on which it holds')),
});

const intelligenceList = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/).meta(doc('名称（字母、数字、_、-）', 'name: letters, digits, _ and -')),
  file: z.string().min(1).max(4096).optional().meta(doc('文件路径', 'path of a file')),
  url: z.url({ protocol: /^https?$/ }).max(4096).optional().meta(doc('http(s) 网址', 'http(s) address')),
  format: z.enum(['auto', ...listFormats]).default('auto').meta(doc('格式', 'form')),
  kind: z.enum(['address', 'domain', 'hash', 'wallet']).optional().meta(doc('只取这一种；不写则由内容判断', 'only this kind; told by the content when left out')),
  what: z.string().min(1).max(64).optional().meta(doc('已知为何：c2、miner、tor、scanner …', 'what its entries are known for: c2, miner, tor, scanner …')),
  column: z.union([z.string().min(1).max(200), z.number().int().min(1).max(200)]).optional().meta(doc('CSV 的列：列名或从 1 起的序号；不写则猜', 'column of a CSV: its name, or its number from 1; guessed when left out')),
  refresh_hours: z.number().min(0.1).max(24 * 90).default(24).meta(doc('每隔几小时更新（网址）', 'hours between two fetches of a URL')),
  expire_days: z.number().min(0.1).max(3650).optional().meta(doc('条目自取得起几天后失效', 'entries cease to hold so many days after they were fetched')),
  level: z.enum(levels).optional().meta(doc('命中的告警级别；不写则由 what 决定', 'level of its alerts; told by `what` when left out')),
}).refine((list) => (list.file === undefined) !== (list.url === undefined), 'expected either file or url');

const backupRepository = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/).meta(doc('名称（字母、数字、_、-）', 'name: letters, digits, _ and -')),
  kind: z.enum(['restic', 'borg']).meta(doc('工具', 'the tool')),
  repository: z.string().min(1).max(4096).refine((text) => !text.startsWith('-'), 'expected the address or path of a repository').meta(doc('仓库的路径或地址', 'its path or address')),
  password_file: z.string().startsWith('/').max(4096).optional().meta(doc('密码文件（权限须为 600）', 'file that holds its password; closed to others')),
  env_file: z.string().startsWith('/').max(4096).optional().meta(doc('对象存储密钥等环境变量的文件（KEY=VALUE，权限须为 600）', 'file of KEY=VALUE lines, such as keys of object storage; closed to others')),
  host: z.string().min(1).max(255).refine((text) => !text.startsWith('-'), 'expected a host name').optional().meta(doc('只用这台主机的快照（borg：名称以此开头的归档）', 'only snapshots of this host (borg: archives whose names begin so)')),
});

/** What every channel for notices has beside the settings of its kind. */
const channelCommon = {
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/).meta(doc('名称（字母、数字、_、-）', 'name: letters, digits, _ and -')),
  enabled: z.boolean().default(true).meta(doc('是否使用', 'whether it is used')),
  level: z.enum(levels).default('high').meta(doc('至少这一级才通知', 'at least this level is told')),
  rules: z.array(z.string().min(1).max(200)).max(1000).default([]).meta(doc('只通知这些规则（* 可在首尾）；空为全部', 'only these rules (* at an end stands for anything); all when empty')),
  except: z.array(z.string().min(1).max(200)).max(1000).default([]).meta(doc('不通知这些规则', 'rules that are not told')),
  lang: z.enum(['zh', 'en']).optional().meta(doc('语言；不写则与界面相同', 'language; that of Moat when left out')),
  keyword: z.string().min(1).max(50).optional().meta(doc('机器人要求的关键词，加在标题前', 'a word that the robot insists on, put before the title')),
};
const channelOf = ({ id, settings }: Notifier) => z.strictObject({ ...settings, ...channelCommon, kind: z.literal(id) });
const channel = z.discriminatedUnion('kind', notifiers.map(channelOf) as [ReturnType<typeof channelOf>, ...ReturnType<typeof channelOf>[]]);
const clockTime = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day such as "22:30"');

function isZone(zone: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch { return false; /* the answer that was asked for */ }
}

const portWord = z.union([z.string(), z.number()]).refine(reads(readPort), 'expected a port such as 443/tcp or 53/udp');
const wantedPort = z.strictObject({
  port: portWord,
  from: z.union([z.literal('any'), z.array(network).min(1).max(1000)]).default('any'),
  per_source: z.string().refine(reads(readRate), 'expected a rate such as 50/s').optional(),
});
const zoneName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected small letters, digits and -');
const zone = z.strictObject({ name: zoneName, networks: z.array(network).min(1).max(1000) });
const flow = z.strictObject({ from: zoneName, to: zoneName, ports: z.array(portWord).min(1).max(100).optional() });
const readZone = ({ name, networks }: { name: string; networks: string[] }): Zone => ({ name, networks: networks.flatMap((text) => parseNetwork(text) ?? []) });

/** Is it what this reads? */
function reads(read: (value: unknown) => unknown): (value: unknown) => boolean {
  return (value) => {
    try {
      read(value);
      return true;
    } catch { return false; /* the schema says what was expected */ }
  };
}

export const configSchema = z.strictObject({
  lang: z.enum(['auto', 'zh', 'en']).default('auto').meta(doc('界面语言；auto 跟随系统', 'language; auto follows the locale')),
  host: z.string().min(1).max(253).optional().meta(doc('本机名称；不写则取系统主机名', 'name of this machine; the system host name when left out')),
  logs: z.strictObject({
    journal: z.enum(['auto', 'off']).default('auto').meta(doc('是否读取 systemd journal', 'whether to read the systemd journal')),
    usual: z.boolean().default(true).meta(doc('是否跟踪常见位置的日志', 'whether to follow logs in the usual places')),
    files: z.array(glob).default([]).meta(doc('另外要跟踪的日志文件（支持 * 与 **）', 'more log files to follow (* and ** allowed)')),
    exclude: z.array(glob).default([]).meta(doc('不跟踪的日志文件', 'log files not to follow')),
    first_hours: z.number().min(0).max(24 * 30).default(24).meta(doc('首次启动时回看多少小时', 'hours to look back at the first start')),
  }).prefault({}).meta(doc('日志', 'logs')),
  processes: z.strictObject({
    enabled: z.boolean().default(true).meta(doc('是否观察进程、端口与连接', 'whether to watch processes, listeners and connections')),
    kernel: z.boolean().default(true).meta(doc('是否使用内核传感器（eBPF）；不可用时自动改为轮询 /proc', 'whether to use the kernel sensor (eBPF); where it cannot work, /proc is polled')),
    every_seconds: z.number().min(0.2).max(60).default(1).meta(doc('轮询 /proc 的间隔（秒）', 'seconds between two looks at /proc')),
  }).prefault({}).meta(doc('进程', 'processes')),
  files: z.strictObject({
    enabled: z.boolean().default(true).meta(doc('是否观察文件改动（内核传感器；不可用时改用 fanotify）', 'whether to watch changes of files (kernel sensor; fanotify where it cannot work)')),
    watch: z.array(pathStart).max(1000).default([]).meta(doc('另外要观察的路径开头，目录以 / 结尾；最长匹配者生效', 'more beginnings of paths to watch, a folder ends with /; the longest that fits decides')),
    ignore: z.array(pathStart).max(1000).default([]).meta(doc('不观察的路径开头', 'beginnings of paths not to watch')),
    secrets: z.array(pathStart).max(1000).default([]).meta(doc('另外要观察读取的凭据文件（完整路径）', 'more credential files whose reading is told (whole paths)')),
    quiet_programs: z.array(pathStart).max(500).default([]).meta(doc('文件操作不报告的程序（可执行文件的完整路径）', 'programs whose work on files is not told (whole paths of executables)')),
  }).prefault({}).meta(doc('文件', 'files')),
  deny: z.strictObject({
    enabled: z.boolean().default(false).meta(doc('是否在内核中禁止运行下列程序', 'whether the kernel keeps the programs below from running')),
    paths: z.array(pathStart).max(1000).default([]).meta(doc('禁止运行的文件；系统程序不能列入', 'files that may not run; programs of the system cannot be listed')),
    hashes: z.array(z.string().regex(/^[0-9a-fA-F]{64}$/)).max(10_000).default([]).meta(doc('禁止运行的文件的 SHA-256；首次运行会在启动片刻后被结束', 'SHA-256 of files that may not run; the first run is killed a moment after its start')),
  }).prefault({}).meta(doc('禁止运行', 'programs that may not run')),
  metrics: z.strictObject({
    enabled: z.boolean().default(true).meta(doc('是否采集 CPU、内存、磁盘、网络指标', 'whether to sample CPU, memory, disk and network')),
    every_seconds: z.number().min(1).max(300).default(5).meta(doc('采样间隔（秒）', 'seconds between two samples')),
  }).prefault({}).meta(doc('指标', 'metrics')),
  health_checks: z.strictObject({
    every_seconds: z.number().min(1).max(3600).default(30).meta(doc('检查间隔（秒）', 'seconds between two checks')),
    urls: z.array(z.url({ protocol: /^https?$/ })).optional().meta(doc('要检查的网址；不写则检查本机 80/443（若有监听）', 'URLs to look at; when left out, ports 80 and 443 of this machine if something listens there')),
  }).prefault({}).meta(doc('健康检查', 'health checks')),
  rules: z.strictObject({
    dirs: z.array(glob).default([]).meta(doc('另外的 Sigma 规则目录', 'more folders of Sigma rules')),
    disable: z.array(z.string()).default([]).meta(doc('停用的规则（名称或编号）', 'rules to switch off, by name or id')),
  }).prefault({}).meta(doc('规则', 'rules')),
  exceptions: z.array(exception).max(10_000).default([]).meta(doc('例外：这些告警属于正常行为', 'exceptions: alerts that are wanted behaviour')),
  behaviours: z.record(z.string(), z.union([z.literal(false), behaviourSettings])).default({}).meta(doc('行为检测的阈值；写 false 停用；可用的键见 moat rules list --behaviours', 'thresholds of behaviours; false switches one off; the keys are shown by moat rules list --behaviours')),
  intelligence: z.strictObject({
    builtin: z.boolean().default(true).meta(doc('是否使用自带的矿池域名列表（pools）', 'whether to use the list of mining pools that comes with Moat (pools)')),
    lists: z.array(intelligenceList).max(64).refine((lists) => new Set(lists.map((list) => list.name)).size === lists.length, 'expected a different name for each list').default([]).meta(doc('情报列表：[{ name, file 或 url, format, kind, what, column, refresh_hours, expire_days, level }]，见 docs/guide/intelligence.md', 'intelligence lists: [{ name, file or url, format, kind, what, column, refresh_hours, expire_days, level }]; see docs/guide/intelligence.md')),
  }).prefault({}).meta(doc('情报列表（地址、域名、哈希、钱包）', 'intelligence lists: addresses, domains, hashes, wallets')),
  geo: z.strictObject({
    country: z.string().optional().meta(doc('国家库（.mmdb）路径；不写则找常见位置', 'path of a country database (.mmdb); usual places are tried when left out')),
    network: z.string().optional().meta(doc('网络归属库（ASN，.mmdb）路径；不写则找常见位置', 'path of a database of networks (ASN, .mmdb); usual places are tried when left out')),
  }).prefault({}).meta(doc('地址归属', 'address ownership')),
  scan: z.strictObject({
    enabled: z.boolean().default(true).meta(doc('是否定时自动检查（moat scan）；只有新发现才告警', 'whether to scan by itself (moat scan); only what is new raises alerts')),
    every_hours: z.number().min(0.0001).max(24 * 90).optional().meta(doc('每隔几小时做一遍；不写则每项检查用各自的周期', 'hours between two runs of each check; each has its own period when left out')),
    only: z.array(z.string().min(1).max(100)).max(500).default([]).meta(doc('只做这些检查（编号或组名）；空为全部', 'only these checks, by id or group; all when empty')),
    skip: z.array(z.string().min(1).max(100)).max(500).default([]).meta(doc('不做这些检查', 'checks to leave out, by id or group')),
    root: z.string().startsWith('/').max(4096).default('/').meta(doc('查哪个目录；/ 为本机', 'the folder that is looked at; / is this machine')),
    without_mounts: z.array(z.string().startsWith('/').max(4096)).max(500).default([]).meta(doc('不去看、也不用说没看的挂载：在这些路径或其下（如认得的 NFS、对象存储）', 'mounts that are not looked into and of which nothing is said, at these paths or below: an NFS share or object storage that you know')),
    into_mounts: z.array(z.string().startsWith('/').max(4096)).max(500).default([]).meta(doc('也要去看的网络或 FUSE 挂载：在这些路径或其下；路径最长的一条算数', 'mounts of the network or of FUSE that are looked into as well, at these paths or below; the longest path that fits decides')),
    delay_seconds: z.number().min(0).max(86_400).default(60).meta(doc('启动后多少秒开始第一遍', 'seconds from the start to the first run')),
    max_memory_mb: z.number().int().min(128).max(65_536).default(384).meta(doc('检查进程的内存上限（MiB）', 'memory limit of the process that scans, MiB')),
  }).prefault({}).meta(doc('定时检查', 'scans by itself')),
  ipv6: z.strictObject({
    prefix: z.number().int().min(48).max(128).default(64).meta(doc('前多少位相同的 IPv6 地址算同一个来源；128 为逐个地址', 'IPv6 addresses that begin with so many equal bits are one source; 128: each by itself')),
    block_after: z.number().int().min(2).max(1000).default(3).meta(doc('自动封禁时，同一网段出现这么多个攻击地址就封整个网段', 'so many attacking addresses of one such network, and Moat blocks the network')),
    within_hours: z.number().min(0.1).max(720).default(24).meta(doc('在多少小时之内', 'within so many hours')),
  }).prefault({}).meta(doc('IPv6 来源：一台主机通常有整个 /64', 'IPv6 sources: one host mostly has a whole /64')),
  response: z.strictObject({
    mode: z.enum(modes).default('observe').meta(doc('observe 只发现并给出方案；guard 自动做可撤销的低风险处置（限时封禁等）；strict 还会自动隔离', 'observe detects and shows the plan; guard does reversible low-risk actions by itself (blocks for a time …); strict also isolates')),
    allow: z.array(network).max(10_000).default([]).meta(doc('永不封禁的地址与网段', 'addresses and networks that are never blocked')),
    allow_countries: z.array(z.string().regex(/^[A-Z]{2}$/, 'expected a country such as CN or DE')).max(250).default([]).meta(doc('从不自动封禁这些国家与地区的地址（两位代码；按地址归属库判断）', 'addresses of these countries are never blocked by itself (two letters; by the geo database)')),
    overrides: z.array(z.strictObject({
      rule: z.string().min(1).max(200).meta(doc('规则编号，首尾可用 *', 'rule id; * at an end stands for anything')),
      mode: z.enum(modes).meta(doc('对这条规则用哪个模式', 'the mode for this rule')),
    })).max(1000).default([]).meta(doc('个别规则用别的模式：[{ rule, mode }]，先匹配者生效', 'another mode for some rules: [{ rule, mode }]; the first that fits decides')),
    linkage: z.string().min(1).max(4096).optional().meta(doc('自己的联动表（YAML）；不写则用自带的', 'a linkage table of your own (YAML); the one that comes with Moat when left out')),
    playbooks: z.string().startsWith('/').max(4096).optional().meta(doc('自己的预案所在目录（*.yml），与自带的一并使用，同名者以自己的为准', 'a folder of playbooks of your own (*.yml), beside those that come with Moat; one of the same id holds')),
    ban: z.strictObject({
      first_minutes: z.number().min(0.1).max(1440 * 365).default(10).meta(doc('首次封禁多少分钟', 'minutes of the first ban')),
      factor: z.number().min(1).max(1000).default(6).meta(doc('再犯时延长到几倍', 'each further one is so many times as long')),
      most_days: z.number().min(0.001).max(3650).default(30).meta(doc('最长多少天', 'days of the longest')),
    }).prefault({}).meta(doc('自动封禁的时长', 'how long automatic bans last')),
    management: z.strictObject({
      from: z.array(network).max(1000).default([]).meta(doc('从哪里管理本机；不写则为允许名单与当前登录来源', 'from where this machine is looked after; the allow list and whoever is logged on when empty')),
      ports: z.array(z.number().int().min(1).max(65_535)).max(14).default([]).meta(doc('经由哪些 TCP 端口；不写则为 sshd 监听的端口', 'by which TCP ports; those that sshd listens on when empty')),
      probe: z.array(z.string().refine((text) => readProbe(text) !== undefined, 'expected an address and a TCP port such as 203.0.113.9:22 or [2001:db8::9]:22')).max(8).default([]).meta(doc('隔离后本机必须还能连上的地址与 TCP 端口（一个即可），否则自动撤销', 'addresses and TCP ports, one of which must still answer once isolated; else all is taken back')),
    }).prefault({}).meta(doc('管理通道：隔离时保留', 'management channel: what isolation keeps')),
    quarantine_days: z.number().int().max(3650).refine((days) => days === 0 || days >= 7, 'expected 0 (kept until somebody removes it) or at least 7 days').default(0).meta(doc('隔离的文件保留多少天后删除（至少 7；删除前记入审计，之后不能再放回）；0 为一直保留', 'days after which a quarantined file is deleted (7 at least; the audit log says so before, and it cannot be put back afterwards); 0 keeps it')),
    isolation_dns: z.boolean().default(false).meta(doc('隔离时是否仍允许查询本机的 DNS 服务器', 'whether an isolated machine may still ask its DNS servers')),
    isolation_test_seconds: z.number().min(1).max(30).default(10).meta(doc('隔离后在几秒内须见管理通道畅通', 'seconds within which the management channel must show that it works')),
    firewall: z.enum(['auto', 'nftables', 'ipset', 'off']).default('auto').meta(doc('用哪个包过滤器封禁：auto 为 nftables，没有则用 ipset 与 iptables；off 为不封禁', 'the packet filter that blocks: auto is nftables, else ipset with iptables; off blocks nothing')),
  }).prefault({}).meta(doc('处置', 'response')),
  baseline: z.strictObject({
    enabled: z.boolean().default(true).meta(doc('已做完整性基线（moat baseline create）时，是否定时比对并实时看改动', 'whether to compare with the integrity baseline by itself and to watch for changes, once there is one (moat baseline create)')),
    live: z.boolean().default(true).meta(doc('是否实时看改动；否则只定时比对', 'whether to watch for changes as they happen; otherwise it is only compared by itself')),
    every_hours: z.number().min(0.0001).max(24 * 90).default(72).meta(doc('每隔几小时整体比对一次', 'hours between two comparisons of the whole')),
    delay_seconds: z.number().min(0).max(86_400).default(120).meta(doc('到期时，启动后多少秒开始比对', 'seconds from the start to the first comparison, when one is due')),
    accept_packages: z.boolean().default(true).meta(doc('软件包管理器做的改动是否自动接受进基线（留有记录）', 'whether what package managers changed is taken over into the baseline, with a record')),
    key_file: z.string().startsWith('/').max(4096).optional().meta(doc('基线密钥文件；不写则为数据目录里的 integrity.key', 'key of the baseline; integrity.key in the data folder when left out')),
    max_memory_mb: z.number().int().min(128).max(65_536).default(384).meta(doc('比对进程的内存上限（MiB）', 'memory limit of the process that compares, MiB')),
  }).prefault({}).meta(doc('完整性基线', 'integrity baseline')),
  firewall: z.strictObject({
    enforce: z.boolean().default(false).meta(doc('是否执行下列端口白名单与分区；先用 moat firewall check 看看会挡住什么', 'whether the ports and zones below are enforced; moat firewall check shows beforehand what would be dropped')),
    ports: z.array(wantedPort).max(1000).default([]).meta(doc('只有这些端口可从外面进入：[{ port: 443/tcp, from: any 或网段列表, per_source: 50/s }]；空为不限', 'only these ports may be entered from outside: [{ port: 443/tcp, from: any or a list of networks, per_source: 50/s }]; any when empty')),
    zones: z.array(zone).default([]).meta(doc('分区，至多 12 个：[{ name, networks }]；分区之间默认不通', 'zones, 12 at most: [{ name, networks }]; they are kept apart')),
    flows: z.array(flow).max(1000).default([]).meta(doc('允许的流向：[{ from, to, ports }]；to 可为 host（本机）；不写 ports 为全部', 'flows that are allowed: [{ from, to, ports }]; `to` may be host, this machine; all traffic without ports')),
  }).superRefine(({ zones, flows }, context) => {
    const fault = zoneFault(zones.map(readZone), flows.map(({ from, to }) => ({ from, to })));
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  }).prefault({}).meta(doc('本机防火墙（端口白名单、分区）', 'firewall of this machine: wanted ports, zones')),
  incidents: z.strictObject({
    level: z.enum(levels).default('medium').meta(doc('至少这一级的告警才会形成事件；更轻的只并入已有事件', 'alerts of at least this level make an incident; milder ones only join one')),
    idle_days: z.number().min(0.04).max(90).default(7).meta(doc('未关闭的事件在几天没有新情况之内仍会并入迟到的证据', 'days without news within which an open incident takes in late evidence')),
    shared_addresses: z.array(network).max(10_000).default([]).meta(doc('许多人共用的地址与网段（办公室出口、代理、CDN、负载均衡）：来自同一地址不说明是同一个人', 'addresses and networks that many people share (an office, a proxy, a CDN, a load balancer): coming from one says nothing')),
    importance: z.enum(['auto', 'core', 'part', 'low']).default('auto').meta(doc('本机对业务的重要性：core 核心业务，part 部分业务，low 无关紧要；auto 按监听的服务猜（数据库为 core，网站与面板为 part）', 'what this machine is to the business; auto guesses by what listens: a database is core, a web site or panel part of it')),
    services: z.array(z.strictObject({ name: z.string().min(1).max(100), importance: z.enum(['core', 'part', 'low']) })).max(200).default([]).meta(doc('个别服务的重要性：[{ name: nginx, importance: core }]，首尾可用 *', 'importance of single services: [{ name: nginx, importance: core }]; * at an end stands for anything')),
    report_hours: z.union([z.literal(1), z.literal(2), z.literal(4)]).default(4).meta(doc('疑似较大事件的法定报告时限（小时）：关键信息基础设施 1，中央机关 2，其余 4', 'hours to the statutory report of a suspected larger event: critical infrastructure 1, central organs 2, others 4')),
    keep_days: z.number().int().min(180).max(3650).default(400).meta(doc('已关闭的事件保留多少天（至少 180；删除前记入审计）；未关闭的一直保留', 'days that closed incidents are kept (180 at least; the audit log says so before they go); open ones stay')),
    false_alarm_days: z.number().min(1).max(3650).default(30).meta(doc('标为误报后默认安静多少天', 'days that a false alarm stays quiet when nothing else is said')),
  }).prefault({}).meta(doc('事件（由告警归并而成）', 'incidents that alerts become')),
  recovery: z.strictObject({
    repositories: z.array(backupRepository).max(20).refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'expected a different name for each repository').default([]).meta(doc('备份仓库，按顺序取用：[{ name, kind, repository, password_file, env_file, host }]，kind 为 restic 或 borg；只读取，不写入', 'backup repositories, used in this order: [{ name, kind, repository, password_file, env_file, host }]; kind is restic or borg; they are read, never written to')),
    watch_hours: z.number().min(0.01).max(24 * 90).default(72).meta(doc('恢复后重点观察多少小时：事件中的文件、地址、摘要、账号、端口再出现，事件即重新打开', 'hours of heightened watch after a recovery: what belongs to the story and returns opens the incident again')),
  }).prefault({}).meta(doc('恢复', 'recovery')),
  report: z.strictObject({
    organisation: z.string().min(1).max(200).optional().meta(doc('单位名称，写进报告与法定报告表', 'name of the organisation, for reports and the statutory form')),
    system: z.string().min(1).max(500).optional().meta(doc('本机所属系统的名称与用途', 'name and purpose of the system this machine is part of')),
    place: z.string().min(1).max(200).optional().meta(doc('地点', 'where it stands')),
    contact: z.string().min(1).max(200).optional().meta(doc('报告人与联系方式', 'who reports, and how to reach them')),
    costs: z.strictObject({
      currency: z.string().min(1).max(10).default('CNY').meta(doc('币种', 'currency')),
      interruption_hour: z.number().min(0).max(1e12).optional().meta(doc('业务中断一小时的损失；不写则不估算', 'what an hour of interruption costs; no estimate when left out')),
      leak_gb: z.number().min(0).max(1e12).optional().meta(doc('泄露 1 GB 数据的损失；不写则不估算', 'what a leaked GB costs; no estimate when left out')),
    }).prefault({}).meta(doc('损失估算的单价', 'prices for the estimate of cost')),
  }).prefault({}).meta(doc('事件报告', 'incident reports')),
  evidence: z.strictObject({
    keep_days: z.number().int().min(1).max(36_500).default(180).meta(doc('存在本机的证据存档保留多少天（法规要求不少于六个月）；被保留（hold）的不删', 'days that evidence archives are kept on this machine (the law asks for six months); those on hold stay')),
    keep_less_why: z.string().min(10).max(1000).optional().meta(doc('少于 180 天时必须写明的理由', 'the reason, which less than 180 days needs')),
    max_mb: z.number().int().min(16).max(10_000_000).default(16_384).meta(doc('一份存档的大小上限（MiB），不含整机内存', 'size limit of one archive, MiB; an image of the machine’s memory beside it')),
    timestamp_url: z.url({ protocol: /^https?$/ }).max(4096).optional().meta(doc('RFC 3161 时间戳服务的网址；不写则只记本机时钟', 'address of an RFC 3161 timestamp service; the clock of this machine alone when left out')),
    capture: z.strictObject({
      enabled: z.boolean().default(false).meta(doc('是否抓包：经过本机的数据包先滚动地留在内存里，告警涉及的地址才写到磁盘', 'whether packets are captured: what passes stays in memory for a while, and what belongs to the addresses of an alert goes to disk')),
      memory_mb: z.number().int().min(8).max(16_384).default(64).meta(doc('内存里滚动保留多少 MiB', 'MiB that are held in memory')),
      disk_mb: z.number().int().min(8).max(1_000_000).default(256).meta(doc('磁盘上至多保留多少 MiB，满了先丢较早的一半', 'MiB that are kept on disk at most; the older half makes room')),
      level: z.enum(levels).default('medium').meta(doc('至少这一级的告警才保留其地址的数据包', 'alerts of at least this level have packets of their addresses kept')),
      after_seconds: z.number().min(1).max(86_400).default(600).meta(doc('告警之后继续保留多少秒', 'seconds after an alert for which they are kept on')),
      snap_bytes: z.number().int().min(64).max(65_535).default(65_535).meta(doc('每个数据包至多取多少字节（从 IP 头起）', 'bytes that are taken of each packet at most, from its IP header on')),
      without: z.array(network).max(1000).default([]).meta(doc('另外不抓的地址与网段；response.allow、response.management.from 与 response.management.ports 从不抓', 'more addresses and networks that are left out; those of response.allow, response.management.from and response.management.ports always are')),
    }).prefault({}).meta(doc('抓包；已装成服务的，打开后需重新运行 moat install', 'packet capture; a service that was installed before needs another moat install once it is on')),
  }).refine(({ keep_days, keep_less_why }) => keep_days >= 180 || keep_less_why !== undefined, { message: 'expected at least 180 days, or the reason for less in keep_less_why', path: ['keep_days'] }).prefault({}).meta(doc('证据', 'evidence')),
  server: z.strictObject({
    enabled: z.boolean().default(true).meta(doc('是否开启控制台与 API 服务（HTTPS，默认只有本机能连）', 'whether the console and the API server (HTTPS; by default only this machine reaches it) are on')),
    address: z.union([z.ipv4(), z.ipv6()]).default('127.0.0.1').meta(doc('监听地址；默认只有本机能连', 'address it listens at; by default only this machine reaches it')),
    port: z.number().int().min(0).max(65_535).default(8443).meta(doc('端口；0 为任意空闲端口', 'port; 0: any that is free')),
    names: z.array(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/)).max(50).default([]).meta(doc('另外用来访问它的主机名或地址', 'more host names or addresses by which it is asked')),
    cert: z.string().startsWith('/').max(4096).optional().meta(doc('自己的证书（PEM，含中间证书）；不写则由 Moat 自己签发', 'your certificate (PEM, with intermediates); Moat makes its own when left out')),
    key: z.string().startsWith('/').max(4096).optional().meta(doc('证书的私钥（PEM）', 'the key of that certificate (PEM)')),
    group: z.string().regex(/^[A-Za-z0-9\u4e00-\u9fff][A-Za-z0-9\u4e00-\u9fff._-]{0,63}$/).optional().meta(doc('本机所属的主机组；账号与令牌可只限某些组', 'group of hosts that this machine is of; accounts and tokens may be held to groups')),
    environment: z.enum(['dev', 'test', 'production']).default('production').meta(doc('本机所属环境；账号与令牌可只限某些环境', 'environment of this machine; accounts and tokens may be held to some')),
    url: z.url({ protocol: /^https?$/ }).max(300).regex(/[^/]$/, 'expected no / at the end').optional().meta(doc('别人从哪里打开本服务，如 https://moat.example:8443；写了则审批通知带链接', 'where others open this server, such as https://moat.example:8443; notices that ask for approval have links then')),
    passkey_name: z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/).optional().meta(doc('通行密钥绑定的域名；不写则为 url、names 中第一个域名，否则 localhost', 'domain that passkeys are bound to; the first domain of url and names, else localhost')),
    http: z.boolean().default(false).meta(doc('用不加密的 HTTP；只能监听本机回环地址', 'plain HTTP; for loopback alone')),
  }).refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'expected both cert and key, or none of them').prefault({}).meta(doc('API 服务', 'API server')),
  alerts: z.strictObject({
    fold_hours: z.number().min(0).max(24 * 30).default(24).meta(doc('同一规则、同一对象多少小时内的重复并入一条告警', 'repeats of one rule about one thing within these hours fold into one alert')),
    keep_days: z.number().min(1).max(3650).default(180).meta(doc('已关闭告警保留天数', 'days closed alerts are kept')),
    max: z.number().int().min(1000).max(5_000_000).default(100_000).meta(doc('最多保留多少条告警；超出时先去掉已关闭的，再去掉最早的', 'alerts that are kept at most; past it closed ones go first, then the oldest')),
  }).prefault({}).meta(doc('告警', 'alerts')),
  notices: z.strictObject({
    channels: z.array(channel).max(50).refine((channels) => new Set(channels.map(({ name }) => name)).size === channels.length, 'expected a different name for each channel').default([]).meta(doc(`通知渠道：[{ name, kind, level, … }]，kind 为 ${notifiers.map(({ id }) => id).join('、')}，见 docs/guide/notices.md`, `channels: [{ name, kind, level, … }]; kind is one of ${notifiers.map(({ id }) => id).join(', ')}; see docs/guide/notices.md`)),
    quiet: z.strictObject({
      from: clockTime.optional().meta(doc('从几点，如 "22:30"', 'from when, such as "22:30"')),
      to: clockTime.optional().meta(doc('到几点，如 "07:30"', 'to when, such as "07:30"')),
      level: z.enum(levels).default('critical').meta(doc('这一级及以上照常通知；严重的任何时候都通知', 'this level and worse are told all the same; critical always is')),
    }).refine(({ from, to }) => (from === undefined) === (to === undefined), 'expected from and to, or neither').prefault({}).meta(doc('免打扰时段：其间的通知攒到结束后合成一条', 'quiet hours: what comes then is told in one notice at their end')),
    zone: z.string().max(64).refine(isZone, 'expected a time zone such as "Asia/Shanghai"').optional().meta(doc('时区，如 Asia/Shanghai；不写则为本机时区', 'time zone, such as Asia/Shanghai; that of this machine when left out')),
    digest_seconds: z.number().min(1).max(86_400).default(60).meta(doc('同一渠道两条通知至少间隔（秒），其间的告警合成一条；严重的不等', 'seconds between two notices of a channel, told as one; critical ones do not wait')),
    queue_max: z.number().int().min(10).max(20_000).default(1000).meta(doc('每个渠道最多排队多少条告警；超出时先丢较轻、较早的，并计数', 'alerts that wait for a channel at most; past it the mildest and oldest are dropped and counted')),
  }).prefault({}).meta(doc('通知', 'notices')),
  history: z.strictObject({
    days: z.number().min(1).max(3650).default(30).meta(doc('事件历史保留天数', 'days the event history is kept')),
    max_mb: z.number().min(16).max(1_000_000).default(1024).meta(doc('事件历史上限（MiB）', 'size limit of the event history, MiB')),
  }).prefault({}).meta(doc('事件历史', 'event history')),
});

export type Config = z.infer<typeof configSchema>;
export type ChannelConfig = Config['notices']['channels'][number];
export type ListConfig = z.infer<typeof intelligenceList>;
export type ExceptionConfig = z.infer<typeof exception>;
