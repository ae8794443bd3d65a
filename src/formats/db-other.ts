import type { Event } from '../core/gen/event.ts';
import { canonicalIp } from '../core/address.ts';
import { addressAndPort } from './address.ts';
import { type JsonRecord, parseRecord, pickText, recordTime } from './json.ts';
import { finishRequest, setTarget } from './access-line.ts';
import type { LineReader } from './lines.ts';
import type { Times } from './time.ts';

function database(event: Event, service: string): void {
  event.kind = 'database';
  event.service = service;
  event.category = 'database';
  event.action = 'log';
  event.outcome = 'unknown';
}

function login(event: Event, outcome: 'success' | 'failure', user: string | undefined, peer: string | undefined): void {
  event.category = 'authentication';
  event.action = 'login';
  event.outcome = outcome;
  if (user !== undefined && user !== '') event.user = user;
  const address = addressAndPort(peer ?? '');
  if (address) {
    event.source_ip = address.ip;
    event.source_port = address.port;
  }
}

/**
 * MongoDB: text up to 4.2 (`2026-11-22T02:27:01.123+0800 I ACCESS   [conn1] SCRAM-SHA-1 authentication failed for
 * root on admin from client 192.0.2.1:5555 ; …`) and JSON from 4.4 on.
 */
export class MongodbLog implements LineReader {
  // 2.x names the peer only when a connection is accepted.
  readonly #peers = new Map<string, string>();
  // Log-ons that failed in a connection, of releases that name the peer only at its end.
  readonly #failed = new Map<string, { user: string | undefined; count: number }>();

  read(line: string, event: Event, times: Times | undefined): boolean {
    database(event, 'mongodb');
    if (line.charCodeAt(0) === 123) {
      const record = parseRecord(line);
      if (!record || pickText(record, ['c']) === undefined || pickText(record, ['msg']) === undefined) return false;
      if (times) event.time = recordTime(record, times) ?? times.lost();
      readMongoRecord(record, event);
      return true;
    }
    const head = mongoShape.exec(line.slice(0, 200));
    if (!head) return false;
    if (times) {
      const ms = times.any(line, 0);
      if (times.next < 0) return false;
      event.time = ms;
    }
    event.session = head[1];
    this.#text(line.slice(head[0].length), head[1] ?? '', event);
    return true;
  }

  #text(message: string, connection: string, event: Event): void {
    const accepted = /^connection accepted from (\S{3,60}) #(\d{1,10})/.exec(message);
    if (accepted) {
      const peer = addressAndPort(accepted[1] ?? '');
      event.action = 'connection';
      event.outcome = 'success';
      event.source_ip = peer?.ip;
      event.source_port = peer?.port;
      if (peer) {
        if (this.#peers.size >= 2048) this.#peers.clear();
        this.#peers.set(`conn${accepted[2]}`, peer.ip);
      }
      return;
    }
    const known = this.#peers.get(connection);
    if (message.startsWith('end connection ')) {
      const peer = /^end connection (\S{3,60}) /.exec(message)?.[1];
      const failed = this.#failed.get(connection);
      this.#peers.delete(connection);
      this.#failed.delete(connection);
      if (failed) {
        login(event, 'failure', failed.user, peer);
        event.value = failed.count;
        return;
      }
      event.action = 'disconnect';
      event.source_ip = addressAndPort(peer ?? '')?.ip;
      return;
    }
    event.source_ip = known;
    // "… for USER on DB from client ADDRESS ; REASON": the address is the last one before the reason.
    const failed = /^(?:\S+ )?authentication failed for (.*) (?:on|against) (\S+?) ?(?:from client (\S+?) ?(?:;.*)?)?$/is.exec(message);
    if (failed) return login(event, 'failure', failed[1], failed[3] ?? known);
    const old = /^\s*(?:authenticate db: .*|Failed to authenticate (.*)@(\S+) with mechanism .*|auth: couldn't find user (.*)@.*|auth: bad (?:nonce|password).*)$/s.exec(message);
    if (old && !message.includes('authenticate db')) {
      const user = old[1] ?? old[3];
      if (this.#failed.size >= 2048) this.#failed.clear();
      this.#failed.set(connection, { user, count: (this.#failed.get(connection)?.count ?? 0) + 1 });
      login(event, 'failure', user, known);
      event.action = 'login-detail';
      return;
    }
    const success = /^Successfully authenticated as principal (.*) on (\S+)(?: from client (\S+))?$/s.exec(message);
    if (success) login(event, 'success', success[1], success[3] ?? known);
  }
}

const mongoShape = /^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:[+-]\d{4}|Z) [A-Z]\d? +[\w-]+ +\[([\w.-]{1,60})\] |\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{3})? \[([\w.-]{1,60})\] +)/;

export function isMongodb(line: string): boolean {
  return line.startsWith('{"t":{"$date"') || mongoShape.test(line.slice(0, 200));
}

function readMongoRecord(record: JsonRecord, event: Event): void {
  event.session = pickText(record, ['ctx']);
  const message = pickText(record, ['msg']) ?? '';
  const peer = pickText(record, ['attr.remote', 'attr.client']);
  const user = pickText(record, ['attr.principalName', 'attr.user.user', 'attr.user', 'attr.userName']);
  if (message === 'Authentication failed' || message === 'Failed to authenticate' || message === 'Checking authorization failed') return login(event, 'failure', user, peer);
  if (message === 'Successfully authenticated' || message === 'Authentication succeeded') return login(event, 'success', user, peer);
  const address = addressAndPort(peer ?? '');
  event.source_ip = address?.ip;
  event.source_port = address?.port;
  if (message === 'Connection accepted') {
    event.action = 'connection';
    event.outcome = 'success';
  }
}

/** SQL Server: `2026-11-22 02:27:01.12 Logon       Login failed for user 'sa'. Reason: … [CLIENT: 192.0.2.1]`. */
export class MssqlLog implements LineReader {
  read(line: string, event: Event, times: Times | undefined): boolean {
    const head = mssqlShape.exec(line.slice(0, 80));
    if (!head) return false;
    if (times) {
      const ms = times.iso(line, 0);
      if (times.next < 0) return false;
      event.time = ms;
    }
    database(event, 'mssql');
    readMssql(line.slice(head[0].length), event);
    return true;
  }
}

const mssqlShape = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{2,6} (?:Logon|spid\d+s?|Server|Backup) {2,}/;

export function isMssql(line: string): boolean {
  return mssqlShape.test(line.slice(0, 80));
}

export function readMssql(message: string, event: Event): boolean {
  const failed = /^Login failed for user '(.*)'\.(?: Reason: .*)? \[CLIENT: ([^\]]{2,60})\]\s*$/s.exec(message);
  if (failed) {
    login(event, 'failure', failed[1], failed[2]);
    return true;
  }
  const success = /^Login succeeded for user '(.*)'\..* \[CLIENT: ([^\]]{2,60})\]\s*$/s.exec(message);
  if (!success) return false;
  login(event, 'success', success[1], success[2]);
  return true;
}

/** CouchDB: `[notice] 2026-11-22T02:27:01.123456Z node@host <0.1.0> id HOST ADDRESS USER METHOD TARGET STATUS ok 1`. */
export class CouchdbLog implements LineReader {
  read(line: string, event: Event, times: Times | undefined): boolean {
    const head = couchShape.exec(line.slice(0, 300));
    if (!head) return false;
    if (times) {
      const ms = times.any(line, line.indexOf('] ') + 2);
      if (times.next < 0) return false;
      event.time = ms;
    }
    database(event, 'couchdb');
    event.severity = head[1];
    const rest = line.slice(head[0].length);
    // The target may hold anything but a blank; status and the rest are the fixed end.
    const request = /^(\S+) (\S+) (\S+) ([A-Z]+) (\S+) (\d{3}) \w+ \d+$/.exec(rest);
    if (request) {
      const [, host, peer, user, method, target, status] = request;
      event.http_host = host?.split(':')[0];
      event.source_ip = canonicalIp(peer ?? '');
      if (user !== 'undefined') event.user = user;
      setTarget(event, method ?? '', target ?? '');
      finishRequest(event, 'couchdb', Number(status));
      if (status === '401' && target?.startsWith('/_session') && method === 'POST') event.action = 'login';
      return true;
    }
    const failed = /^Authentication failed for user (.*) from (\S+)$/s.exec(rest) ?? /couch_httpd_auth.*failed.*user (\S+) from (\S+)$/s.exec(rest);
    if (failed) login(event, 'failure', failed[1], failed[2]);
    return true;
  }
}

const couchShape = /^\[(\w+)\] \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z \S+@\S+ <[\d.]+> [\w-]+ /;

export function isCouchdb(line: string): boolean {
  return couchShape.test(line.slice(0, 300));
}
