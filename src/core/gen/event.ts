// Generated from schema/event.yml by `npm run gen`. Do not edit.

export type Kind = 'sshd' | 'sudo' | 'auth' | 'cron' | 'syslog' | 'kernel' | 'firewall' | 'auditd' | 'access' | 'nginx' | 'apache' | 'weberror' | 'mail' | 'ftp' | 'database' | 'application' | 'container' | 'package' | 'process_creation' | 'process_fork' | 'process_termination' | 'network_connection' | 'listener' | 'file_event' | 'dns_query' | 'flow' | 'process_access' | 'privilege' | 'namespace' | 'module' | 'metric' | 'sensor' | 'finding' | 'foreign';

/** One normalised observation. All instances share one hidden class. */
export class Event {
  /** event id, derived from source and position, so reading again makes no twin (ECS event.id) */
  declare id: string;
  /** when it happened, Unix milliseconds (ECS @timestamp) */
  declare time: number;
  /** where it comes from: one of the kinds below */
  declare kind: Kind;
  /** host name (ECS host.name) */
  declare host: string | undefined;
  /** authentication, session, account, privilege, web, mail, database, network, firewall, process, file, service, package, metric, kernel, audit, log or sensor (ECS event.category) */
  declare category: string | undefined;
  /** what was done, such as login, logout, user-unknown, request, process-start (ECS event.action) */
  declare action: string | undefined;
  /** success, failure or unknown (ECS event.outcome) */
  declare outcome: string | undefined;
  /** the program or protocol that speaks: sshd, sudo, nginx, mysql (ECS service.name) */
  declare service: string | undefined;
  /** the level that the log itself gives: emerg … debug (ECS log.level) */
  declare severity: string | undefined;
  /** the text as written, without the syslog head (ECS message) */
  declare message: string | undefined;
  /** the log it stood in: a path, journal, or a sensor's id (ECS log.file.path) */
  declare source: string | undefined;
  /** the lines it was read from, counted from 1, where the source has lines */
  declare lines: number[] | undefined;
  /** the account acted as or tried (ECS user.name) */
  declare user: string | undefined;
  /** the account acted upon (sudo to, su to, password changed of) (ECS user.target.name) */
  declare target_user: string | undefined;
  /** numeric user id (ECS user.id) */
  declare uid: number | undefined;
  /** how it was authenticated: password, publickey, keyboard-interactive, pam … */
  declare method: string | undefined;
  /** what ties lines of one connection together: the daemon's pid or the session id */
  declare session: string | undefined;
  /** terminal such as pts/0 */
  declare terminal: string | undefined;
  /** the remote address in canonical form; the host name when the log holds only that (ECS source.address) */
  declare source_ip: string | undefined;
  /** remote port (ECS source.port) */
  declare source_port: number | undefined;
  /** destination address (ECS destination.ip) */
  declare destination_ip: string | undefined;
  /** destination port (ECS destination.port) */
  declare destination_port: number | undefined;
  /** destination name (ECS destination.domain) */
  declare destination_host: string | undefined;
  /** tcp, udp, icmp … (ECS network.transport) */
  declare protocol: string | undefined;
  /** inbound, outbound or listening (ECS network.direction) */
  declare direction: string | undefined;
  /** country of source_ip, two letters, when a country table is present; ZZ for private addresses (ECS source.geo.country_iso_code) */
  declare source_country: string | undefined;
  /** country of destination_ip, two letters, for connections that this machine makes and when a country table is present; ZZ for private addresses (ECS destination.geo.country_iso_code) */
  declare destination_country: string | undefined;
  /** process id (ECS process.pid) */
  declare pid: number | undefined;
  /** parent process id (ECS process.parent.pid) */
  declare parent_pid: number | undefined;
  /** short name of the process (ECS process.name) */
  declare process_name: string | undefined;
  /** path of the executable (ECS process.executable) */
  declare process_path: string | undefined;
  /** command line (ECS process.command_line) */
  declare process_cmdline: string | undefined;
  /** working directory (ECS process.working_directory) */
  declare process_cwd: string | undefined;
  /** when the process started, Unix milliseconds; with pid it is the process's identity (ECS process.start) */
  declare process_started: number | undefined;
  /** path of the parent's executable (ECS process.parent.executable) */
  declare parent_path: string | undefined;
  /** the parent's command line (ECS process.parent.command_line) */
  declare parent_cmdline: string | undefined;
  /** control group path, such as /system.slice/nginx.service */
  declare cgroup: string | undefined;
  /** exit code (ECS process.exit_code) */
  declare exit_code: number | undefined;
  /** path of the file (ECS file.path) */
  declare file_path: string | undefined;
  /** the path before a rename; file_path is the one after it */
  declare file_from: string | undefined;
  /** inode number of the file or executable (ECS file.inode) */
  declare file_inode: number | undefined;
  /** device of the file or executable, as stat gives it (st_dev) */
  declare file_device: number | undefined;
  /** package name (ECS package.name) */
  declare package_name: string | undefined;
  /** package version (ECS package.version) */
  declare package_version: string | undefined;
  /** container id (ECS container.id) */
  declare container_id: string | undefined;
  /** the first bytes a flow sent, one character a byte (latin1) */
  declare payload: string | undefined;
  /** what the process tree began with: login, web, service, cron, timer, container, package, cloud, console, kernel or unknown */
  declare origin: string | undefined;
  /** the remote address that the process tree began with */
  declare origin_ip: string | undefined;
  /** the account that logged on and began the process tree */
  declare origin_user: string | undefined;
  /** request method (ECS http.request.method) */
  declare http_method: string | undefined;
  /** request target as sent (path and query) (ECS url.original) */
  declare url: string | undefined;
  /** the target's path, not decoded (ECS url.path) */
  declare url_path: string | undefined;
  /** what follows ?, not decoded; undefined when there is none (ECS url.query) */
  declare url_query: string | undefined;
  /** the whole target with percent codes decoded until nothing changes (at most three times), + as a space in the query, NUL removed; always set for a request */
  declare url_decoded: string | undefined;
  /** host asked for, or the site's name (ECS url.domain) */
  declare http_host: string | undefined;
  /** status code (ECS http.response.status_code) */
  declare http_status: number | undefined;
  /** bytes answered (ECS http.response.bytes) */
  declare http_bytes: number | undefined;
  /** referer (ECS http.request.referrer) */
  declare http_referer: string | undefined;
  /** user agent (ECS user_agent.original) */
  declare http_user_agent: string | undefined;
  /** such as 1.1 (ECS http.version) */
  declare http_version: string | undefined;
  /** what was measured, such as process-cpu; see the metrics sensor */
  declare metric: string | undefined;
  /** the measure, in the metric's own unit: percent, bytes, bytes per second */
  declare value: number | undefined;
  /** fields that have no name above, by the source's own names */
  declare extra: Record<string, unknown> | undefined;

  constructor(id: string, time: number, kind: Kind) {
    this.id = id;
    this.time = time;
    this.kind = kind;
    this.host = undefined;
    this.category = undefined;
    this.action = undefined;
    this.outcome = undefined;
    this.service = undefined;
    this.severity = undefined;
    this.message = undefined;
    this.source = undefined;
    this.lines = undefined;
    this.user = undefined;
    this.target_user = undefined;
    this.uid = undefined;
    this.method = undefined;
    this.session = undefined;
    this.terminal = undefined;
    this.source_ip = undefined;
    this.source_port = undefined;
    this.destination_ip = undefined;
    this.destination_port = undefined;
    this.destination_host = undefined;
    this.protocol = undefined;
    this.direction = undefined;
    this.source_country = undefined;
    this.destination_country = undefined;
    this.pid = undefined;
    this.parent_pid = undefined;
    this.process_name = undefined;
    this.process_path = undefined;
    this.process_cmdline = undefined;
    this.process_cwd = undefined;
    this.process_started = undefined;
    this.parent_path = undefined;
    this.parent_cmdline = undefined;
    this.cgroup = undefined;
    this.exit_code = undefined;
    this.file_path = undefined;
    this.file_from = undefined;
    this.file_inode = undefined;
    this.file_device = undefined;
    this.package_name = undefined;
    this.package_version = undefined;
    this.container_id = undefined;
    this.payload = undefined;
    this.origin = undefined;
    this.origin_ip = undefined;
    this.origin_user = undefined;
    this.http_method = undefined;
    this.url = undefined;
    this.url_path = undefined;
    this.url_query = undefined;
    this.url_decoded = undefined;
    this.http_host = undefined;
    this.http_status = undefined;
    this.http_bytes = undefined;
    this.http_referer = undefined;
    this.http_user_agent = undefined;
    this.http_version = undefined;
    this.metric = undefined;
    this.value = undefined;
    this.extra = undefined;
  }
}

/** Writes every field of an event to `to`, in schema order: a tenth of what it takes to read them by name one after the other. */
export function readFields(event: Event, to: unknown[]): void {
  to[0] = event.id;
  to[1] = event.time;
  to[2] = event.kind;
  to[3] = event.host;
  to[4] = event.category;
  to[5] = event.action;
  to[6] = event.outcome;
  to[7] = event.service;
  to[8] = event.severity;
  to[9] = event.message;
  to[10] = event.source;
  to[11] = event.lines;
  to[12] = event.user;
  to[13] = event.target_user;
  to[14] = event.uid;
  to[15] = event.method;
  to[16] = event.session;
  to[17] = event.terminal;
  to[18] = event.source_ip;
  to[19] = event.source_port;
  to[20] = event.destination_ip;
  to[21] = event.destination_port;
  to[22] = event.destination_host;
  to[23] = event.protocol;
  to[24] = event.direction;
  to[25] = event.source_country;
  to[26] = event.destination_country;
  to[27] = event.pid;
  to[28] = event.parent_pid;
  to[29] = event.process_name;
  to[30] = event.process_path;
  to[31] = event.process_cmdline;
  to[32] = event.process_cwd;
  to[33] = event.process_started;
  to[34] = event.parent_path;
  to[35] = event.parent_cmdline;
  to[36] = event.cgroup;
  to[37] = event.exit_code;
  to[38] = event.file_path;
  to[39] = event.file_from;
  to[40] = event.file_inode;
  to[41] = event.file_device;
  to[42] = event.package_name;
  to[43] = event.package_version;
  to[44] = event.container_id;
  to[45] = event.payload;
  to[46] = event.origin;
  to[47] = event.origin_ip;
  to[48] = event.origin_user;
  to[49] = event.http_method;
  to[50] = event.url;
  to[51] = event.url_path;
  to[52] = event.url_query;
  to[53] = event.url_decoded;
  to[54] = event.http_host;
  to[55] = event.http_status;
  to[56] = event.http_bytes;
  to[57] = event.http_referer;
  to[58] = event.http_user_agent;
  to[59] = event.http_version;
  to[60] = event.metric;
  to[61] = event.value;
  to[62] = event.extra;
}

export type FieldName = Exclude<keyof Event, 'extra'>;

/** Every field in schema order. */
export const eventFields: readonly (keyof Event)[] = ['id', 'time', 'kind', 'host', 'category', 'action', 'outcome', 'service', 'severity', 'message', 'source', 'lines', 'user', 'target_user', 'uid', 'method', 'session', 'terminal', 'source_ip', 'source_port', 'destination_ip', 'destination_port', 'destination_host', 'protocol', 'direction', 'source_country', 'destination_country', 'pid', 'parent_pid', 'process_name', 'process_path', 'process_cmdline', 'process_cwd', 'process_started', 'parent_path', 'parent_cmdline', 'cgroup', 'exit_code', 'file_path', 'file_from', 'file_inode', 'file_device', 'package_name', 'package_version', 'container_id', 'payload', 'origin', 'origin_ip', 'origin_user', 'http_method', 'url', 'url_path', 'url_query', 'url_decoded', 'http_host', 'http_status', 'http_bytes', 'http_referer', 'http_user_agent', 'http_version', 'metric', 'value', 'extra'];

export const fieldTypes: Readonly<Record<keyof Event, 'string' | 'number' | 'string[]' | 'number[]' | 'record'>> = {
  id: 'string',
  time: 'number',
  kind: 'string',
  host: 'string',
  category: 'string',
  action: 'string',
  outcome: 'string',
  service: 'string',
  severity: 'string',
  message: 'string',
  source: 'string',
  lines: 'number[]',
  user: 'string',
  target_user: 'string',
  uid: 'number',
  method: 'string',
  session: 'string',
  terminal: 'string',
  source_ip: 'string',
  source_port: 'number',
  destination_ip: 'string',
  destination_port: 'number',
  destination_host: 'string',
  protocol: 'string',
  direction: 'string',
  source_country: 'string',
  destination_country: 'string',
  pid: 'number',
  parent_pid: 'number',
  process_name: 'string',
  process_path: 'string',
  process_cmdline: 'string',
  process_cwd: 'string',
  process_started: 'number',
  parent_path: 'string',
  parent_cmdline: 'string',
  cgroup: 'string',
  exit_code: 'number',
  file_path: 'string',
  file_from: 'string',
  file_inode: 'number',
  file_device: 'number',
  package_name: 'string',
  package_version: 'string',
  container_id: 'string',
  payload: 'string',
  origin: 'string',
  origin_ip: 'string',
  origin_user: 'string',
  http_method: 'string',
  url: 'string',
  url_path: 'string',
  url_query: 'string',
  url_decoded: 'string',
  http_host: 'string',
  http_status: 'number',
  http_bytes: 'number',
  http_referer: 'string',
  http_user_agent: 'string',
  http_version: 'string',
  metric: 'string',
  value: 'number',
  extra: 'record',
};

export interface Logsource { product?: string; category?: string; service?: string }

/** The Sigma log sources that each kind satisfies, its own first. */
export const kindLogsources: Readonly<Record<Kind, readonly Logsource[]>> = {
  sshd: [{"product":"linux","service":"sshd"},{"product":"linux","service":"auth"},{"product":"linux","service":"syslog"}],
  sudo: [{"product":"linux","service":"sudo"},{"product":"linux","service":"auth"},{"product":"linux","service":"syslog"}],
  auth: [{"product":"linux","service":"auth"},{"product":"linux","service":"syslog"}],
  cron: [{"product":"linux","service":"cron"},{"product":"linux","service":"syslog"}],
  syslog: [{"product":"linux","service":"syslog"}],
  kernel: [{"product":"linux","service":"kernel"},{"product":"linux","service":"syslog"}],
  firewall: [{"product":"linux","category":"firewall"},{"product":"linux","service":"kernel"},{"product":"linux","service":"syslog"}],
  auditd: [{"product":"linux","service":"auditd"}],
  access: [{"category":"webserver"}],
  nginx: [{"category":"webserver","product":"nginx"},{"product":"nginx","service":"access"}],
  apache: [{"category":"webserver","product":"apache"},{"product":"apache","service":"access"}],
  weberror: [{"category":"webserver_error"},{"product":"apache","service":"error"},{"product":"nginx","service":"error"}],
  mail: [{"product":"linux","service":"mail"},{"product":"linux","service":"syslog"}],
  ftp: [{"product":"linux","service":"vsftpd"},{"product":"linux","service":"ftp"},{"product":"linux","service":"syslog"}],
  database: [{"category":"database"},{"product":"linux","service":"syslog"}],
  application: [{"category":"application"}],
  container: [{"category":"container"}],
  package: [{"product":"linux","category":"package_management"}],
  process_creation: [{"product":"linux","category":"process_creation"}],
  process_fork: [{"product":"linux","category":"process_fork"}],
  process_termination: [{"product":"linux","category":"process_termination"}],
  network_connection: [{"product":"linux","category":"network_connection"}],
  listener: [{"product":"linux","category":"listener"}],
  file_event: [{"product":"linux","category":"file_event"}],
  dns_query: [{"product":"linux","category":"dns_query"},{"product":"linux","category":"dns"}],
  flow: [{"product":"linux","category":"flow"}],
  process_access: [{"product":"linux","category":"process_access"}],
  privilege: [{"product":"linux","category":"privilege"}],
  namespace: [{"product":"linux","category":"namespace"}],
  module: [{"product":"linux","category":"driver_load"}],
  metric: [{"product":"linux","category":"metric"}],
  sensor: [{"product":"moat","service":"sensor"}],
  finding: [{"product":"moat","service":"scan"}],
  foreign: [{}],
};

/** Kinds that are judged but not kept in the event history. */
export const unstoredKinds: ReadonlySet<Kind> = new Set<Kind>(['process_fork', 'process_termination', 'file_event', 'flow', 'metric', 'foreign']);
