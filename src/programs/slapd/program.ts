import { canonicalIp } from '../../core/address.ts';
import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, loginSuccess, mark } from '../attempts.ts';
import { portAfter } from '../peer.ts';
import { Recent } from '../recent.ts';

export const slapd: Program = {
  id: 'slapd',
  title: { zh: 'OpenLDAP 目录服务', en: 'OpenLDAP directory server' },
  tags: ['slapd'],
  open,
};

interface Connection { ip: string | undefined; port: number | undefined; op: string; user: string | undefined; method: string | undefined }

/** `conn=7 fd=12 ACCEPT from IP=192.0.2.1:4321 …`, `conn=7 op=1 BIND dn="…" method=128`, `conn=7 op=1 RESULT tag=97 err=49 …`: joined by connection and operation. */
function open(): ProgramDecoder {
  const connections = new Recent<string, Connection>(4096);
  return {
    decode(message, event) {
      if (!message.startsWith('conn=')) return false;
      const blank = message.indexOf(' ');
      const id = message.slice(5, blank);
      const accept = message.indexOf(' ACCEPT from IP=');
      if (accept > 0 && accept < 40) {
        const end = message.indexOf(' ', accept + 16);
        const text = message.slice(accept + 16, end < 0 ? undefined : end);
        const colon = text.lastIndexOf(':');
        event.source_ip = canonicalIp(text.slice(0, colon));
        portAfter(text, colon, event);
        connections.set(id, { ip: event.source_ip, port: event.source_port, op: '', user: undefined, method: undefined });
        return done(event, id) && mark(event, 'network', 'connect', 'success');
      }
      const connection = connections.get(id);
      event.source_ip = connection?.ip;
      event.source_port = connection?.port;
      const op = /^op=(\d{1,9}) (BIND|RESULT) /.exec(message.slice(blank + 1));
      if (op === null) return done(event, id) && mark(event, 'network', 'message', 'unknown');
      if (op[2] === 'BIND') return done(event, id) && bind(message, op[1] ?? '', connection, event);
      return done(event, id) && result(message, op[1] ?? '', connection, event);
    },
  };
}

function done(event: Event, id: string): true {
  event.service = 'slapd';
  event.session = id;
  return true;
}

function bind(message: string, op: string, connection: Connection | undefined, event: Event): true {
  const start = message.indexOf(' dn="');
  const method = message.lastIndexOf('" method=');
  const mech = message.lastIndexOf('" mech=');
  if (start > 0 && method > start) event.user = message.slice(start + 5, method) || undefined;
  event.method = method > 0 ? message.slice(method + 9) === '128' ? 'password' : 'sasl' : mech > 0 ? 'sasl' : undefined;
  if (connection) {
    connection.op = op;
    connection.user = event.user;
    connection.method = event.method;
  }
  return mark(event, 'authentication', 'login-start', 'unknown');
}

/** tag=97 is the answer to a bind; err=49 means wrong name or password, 50 and 53 that it may not. */
function result(message: string, op: string, connection: Connection | undefined, event: Event): true {
  const err = / tag=97 err=(\d{1,3})(?: |$)/.exec(message.slice(0, 80));
  if (err === null) return mark(event, 'network', 'message', 'unknown');
  if (connection?.op === op) {
    event.user = connection.user;
    event.method = connection.method;
  }
  if (err[1] === '0') return event.user === undefined ? mark(event, 'authentication', 'anonymous', 'success') : loginSuccess(event);
  return err[1] === '49' || err[1] === '50' || err[1] === '53' || err[1] === '19' ? loginFailure(event) : mark(event, 'authentication', 'login', 'unknown');
}
