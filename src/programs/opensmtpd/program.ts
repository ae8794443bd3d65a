import { canonicalIp } from '../../core/address.ts';
import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, loginSuccess, mark } from '../attempts.ts';
import { isWord } from '../peer.ts';
import { Recent } from '../recent.ts';

export const opensmtpd: Program = {
  id: 'opensmtpd',
  title: { zh: 'OpenSMTPD 邮件服务', en: 'OpenSMTPD mail server' },
  tags: ['smtpd', 'opensmtpd'],
  open,
};

/** Sessions whose address is remembered: from 6.0 only the first line of a session names it. */
const rememberedSessions = 4096;

/** `4f1a… smtp connected address=192.0.2.1 host=…`, `4f1a… smtp failed-command command="AUTH PLAIN (…)" result="535 Authentication failed"`, `4f1a… smtp authentication user=x result=permfail`. */
function open(): ProgramDecoder {
  const sessions = new Recent<string, string>(rememberedSessions);
  return {
    decode(message, event) {
      const blank = message.indexOf(' ');
      if (blank !== 16 || !isWord(message, 0, 16) || !message.startsWith('smtp ', 17)) return false;
      const id = message.slice(0, 16);
      const at = message.startsWith('event=', 22) ? 28 : 22;
      event.session = id;
      address(message, at, event, sessions, id);
      if (!line(message, at, event)) return false;
      event.kind = 'mail';
      event.service = 'opensmtpd';
      return true;
    },
  };
}

/** The address stands right behind the word (`connected address=…`) or, in old versions, behind `user=…`, where the last counts. */
function address(message: string, at: number, event: Event, sessions: Recent<string, string>, id: string): void {
  const client = message.indexOf(' command="', at);
  const mark = client < 0 ? message.lastIndexOf(' address=') : message.lastIndexOf(' address=', client);
  if (mark >= at) {
    const end = message.indexOf(' ', mark + 1);
    event.source_ip = canonicalIp(message.slice(mark + 9, end < 0 ? undefined : end));
  }
  if (event.source_ip === undefined) event.source_ip = sessions.get(id);
  else if (sessions.get(id) === undefined) sessions.set(id, event.source_ip);
}

function line(message: string, at: number, event: Event): boolean {
  if (message.startsWith('connected', at)) return mark(event, 'mail', 'connect', 'success');
  if (message.startsWith('authentication', at)) {
    const user = message.indexOf(' user=', at);
    const end = message.indexOf(' ', user + 1);
    if (user > 0) event.user = message.slice(user + 6, end < 0 ? undefined : end);
    const result = message.slice(message.lastIndexOf(' result=') + 8);
    return result === 'ok' ? loginSuccess(event) : result === 'permfail' ? loginFailure(event) : mark(event, 'authentication', 'login', 'unknown');
  }
  if (message.startsWith('failed-command', at) || message.startsWith('bad-input', at)) {
    const result = message.slice(message.lastIndexOf(' result="') + 9);
    // Newer versions tell the attempt in an "authentication" line of its own.
    if (result.startsWith('535 ')) return message.includes('command="AUTH', at) ? loginFailure(event) : mark(event, 'authentication', 'login-detail', 'failure');
    return mark(event, 'mail', 'reject', 'failure');
  }
  if (message.startsWith('disconnected', at) || message.startsWith('closed', at)) return mark(event, 'mail', 'disconnect', 'success');
  return false;
}
