import type { Event, Program, ProgramDecoder } from '../core/format.ts';
import { AccessLine, isAccessLine } from './access-line.ts';
import { AppReader } from './app-reader.ts';
import { appTable } from './apps/ready.ts';
import { isMysql, MysqlLog, readMessage as readMysql } from './db-mysql.ts';
import { isCouchdb, isMongodb, isMssql, CouchdbLog, MongodbLog, MssqlLog, readMssql } from './db-other.ts';
import { PostgresLog } from './db-postgres.ts';
import { isRedis, readRedis, RedisLog } from './db-redis.ts';
import { ApacheError, isApacheError } from './error-apache.ts';
import { isNginxError, NginxError } from './error-nginx.ts';
import { readLighttpd, readSuhosin } from './error-other.ts';
import { HaproxyLine, isHaproxyLine } from './haproxy-line.ts';
import { addressAndPort } from './address.ts';
import { Times } from './time.ts';
import { openPrograms, type ProgramRouter } from '../programs/router.ts';
import { programs } from '../programs/catalogue.ts';

/**
 * What web servers, databases and applications say through syslog or the journal: the same text as in their own
 * files, understood by the same readers. It is asked last and for every tag, because applications and containers
 * log under any name; a message is taken only by its own unmistakable form.
 */
const webapps: Program = {
  id: 'webapps',
  title: { zh: 'Web 服务器、数据库与应用', en: 'web servers, databases and applications' },
  tags: ['*'],
  open: () => new WebappsDecoder(),
};

/** Every program, and last what files of their own say too: for the formats that carry other programs' messages. */
export const openEveryProgram = (): ProgramRouter => openPrograms([...programs, webapps]);

class WebappsDecoder implements ProgramDecoder {
  readonly #nginx = new NginxError();
  readonly #apache = new ApacheError();
  readonly #haproxy = new HaproxyLine();
  readonly #mysql = new MysqlLog();
  readonly #postgres = new PostgresLog();
  readonly #redis = new RedisLog();
  readonly #mongodb = new MongodbLog();
  readonly #mssql = new MssqlLog();
  readonly #couchdb = new CouchdbLog();
  readonly #apps = new AppReader(appTable, false, 'application');
  readonly #access = new Map<string, AccessLine>();
  readonly #times = new Times({ now: () => 0, zoneOffset: () => 0 });

  decode(message: string, event: Event): boolean {
    const tag = (event.process_name ?? '').toLowerCase();
    if (tag === 'kernel') return false;
    switch (tag) {
      case 'postgres': case 'postgresql': return this.#fromPostgres(message, event);
      case 'mysqld': case 'mysql': case 'mariadbd': case 'mariadb': case 'mysqld_safe': case 'mysqld-auth':
        if (isMysql(message)) return this.#mysql.read(message, event, undefined);
        return tell(readMysql(message, event), event, 'mysql');
      case 'redis': case 'redis-server': case 'valkey': case 'valkey-server': return isRedis(message) ? this.#redis.read(message, event, undefined) : readRedis(message, event);
      case 'sqlservr': case 'mssql-server': case 'mssql': if (readMssql(message, event)) return tell(true, event, 'mssql'); break;
      case 'lighttpd': if (readLighttpd(message, event)) return true; break;
      case 'suhosin': case 'suhosin7': if (readSuhosin(message, event)) return true; break;
      case 'mod_evasive': case 'apache': case 'httpd': case 'apache2': if (evasive(message, event)) return true; break;
    }
    if (tag === 'nginx' && isNginxError(message)) return this.#nginx.read(message, event, undefined);
    return this.#byShape(tag, message, event) ?? this.#apps.message(message, event, this.#times, false);
  }

  /** What begins as lines of these logs do: with a digit, a bracket or an address. Undefined: it is none. */
  #byShape(tag: string, message: string, event: Event): boolean | undefined {
    const first = message.charCodeAt(0);
    if (!(first >= 48 && first <= 58) && first !== 91) return message.includes('] "') && isAccessLine(message) ? this.#fromAccess(tag, message, event) : undefined;
    if (isHaproxyLine(message)) return asAccess(this.#haproxy.read(message, event, undefined), event);
    if (isNginxError(message)) return this.#nginx.read(message, event, undefined);
    if (first === 91 && isApacheError(message)) return this.#apache.read(message, event, undefined);
    if (isRedis(message)) return this.#redis.read(message, event, undefined);
    if (isMysql(message)) return this.#mysql.read(message, event, undefined);
    if (isMongodb(message)) return this.#mongodb.read(message, event, undefined);
    if (isMssql(message)) return this.#mssql.read(message, event, undefined);
    if (isCouchdb(message)) return this.#couchdb.read(message, event, undefined);
    return isAccessLine(message) ? this.#fromAccess(tag, message, event) : undefined;
  }

  #fromAccess(tag: string, message: string, event: Event): boolean {
    const service = servers.get(tag) ?? 'http';
    let reader = this.#access.get(service);
    if (!reader) this.#access.set(service, reader = new AccessLine(service));
    const known = reader.read(message, event, undefined);
    return asAccess(known, event, service);
  }

  /** `[3-1] PREFIX FATAL:  …`; where log_line_prefix is empty for syslog, the message begins with the severity. */
  #fromPostgres(message: string, event: Event): boolean {
    const body = message.replace(/^\[\d+(?:-\d+)?\] +/, '');
    if (this.#postgres.read(body, event, undefined)) return true;
    event.kind = 'syslog';
    event.category = undefined;
    event.action = undefined;
    event.outcome = undefined;
    event.service = undefined;
    return false;
  }
}

/** The services that are of a bounded set: tags are anybody's to choose. */
const servers: ReadonlyMap<string, string> = new Map([
  ['nginx', 'nginx'], ['openresty', 'openresty'], ['tengine', 'tengine'], ['angie', 'nginx'], ['nginx-proxy-manager', 'nginx'],
  ['apache', 'apache'], ['apache2', 'apache'], ['httpd', 'apache'], ['traefik', 'traefik'], ['caddy', 'caddy'], ['lighttpd', 'lighttpd'],
  ['haproxy', 'haproxy'], ['litespeed', 'litespeed'], ['tomcat', 'tomcat'],
]);

function asAccess(known: boolean, event: Event, service = ''): boolean {
  if (!known) {
    event.source_ip = undefined;
    event.user = undefined;
    event.http_host = undefined;
    return false;
  }
  if (event.kind !== 'weberror') event.kind = service === 'nginx' || service === 'openresty' || service === 'tengine' ? 'nginx' : service === 'apache' ? 'apache' : 'access';
  return true;
}

function tell(known: boolean, event: Event, service: string): boolean {
  if (!known) return false;
  event.kind = 'database';
  event.service = service;
  event.category ??= 'database';
  return true;
}

/** mod_evasive's only message, which it writes to syslog. */
function evasive(message: string, event: Event): boolean {
  const found = /^Blacklisting address ([0-9A-Fa-f.:]{3,45}): possible (?:DoS )?attack\.?$/.exec(message);
  const peer = found && addressAndPort(found[1] ?? '');
  if (!peer) return false;
  event.kind = 'weberror';
  event.service = 'apache';
  event.category = 'web';
  event.action = 'limited';
  event.outcome = 'failure';
  event.source_ip = peer.ip;
  return true;
}
