import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { pamHead, readPam } from '../pam.ts';
import { tell } from '../tell.ts';

/**
 * What PAM modules write under any program's tag that no decoder of its own has understood. A failure is an
 * attempt (`login`, `failure`), except of programs that tell of their failures themselves: there it is a detail.
 */
export const pam: Program = {
  id: 'pam',
  title: { zh: 'PAM 认证模块', en: 'PAM modules' },
  tags: ['*'],
  open: (): ProgramDecoder => ({ decode }),
};

/** PAM services whose program writes a line of its own for each failure. */
const speakThemselves: ReadonlySet<string> = new Set(['sudo', 'sudo-i', 'su', 'su-l', 'login', 'remote', 'sshd']);

function decode(message: string, event: Event): boolean {
  const first = message.charCodeAt(0);
  // p and ( begin a module's name; a is the bare text under a tag like "ftpd(pam_unix)".
  if (first !== 112 && first !== 40 && first !== 97) return false;
  const head = pamHead(message);
  if (head === undefined && !(message.startsWith('authentication failure;') && message.includes(' rhost='))) return false;
  const tag = event.process_name ?? '';
  const bracket = tag.indexOf('(');
  const program = (bracket > 0 ? tag.slice(0, bracket) : tag).toLowerCase();
  const service = head === undefined || head.service === '' ? program : head.service;
  const kind = service === 'sshd' ? 'sshd' : service.startsWith('sudo') ? 'sudo' : service.startsWith('cron') ? 'cron' : 'auth';
  const own = speakThemselves.has(service);
  switch (readPam(head === undefined ? message : head.text, event)) {
    case 'failure':
      event.method = 'pam';
      return tell(event, kind, service, 'authentication', own ? 'login-detail' : 'login', 'failure');
    case 'more-failures': case 'detail':
      event.method = 'pam';
      return tell(event, kind, service, 'authentication', 'login-detail', 'failure');
    case 'locked': return tell(event, kind, service, 'authentication', 'account-locked', 'failure');
    case 'session-start': return tell(event, kind, service, 'session', 'session-start', 'success');
    case 'session-end': return tell(event, kind, service, 'session', 'session-end', 'success');
    case 'password-change': return tell(event, kind, service, 'account', 'password-change', 'success');
    case 'none': default: return false;
  }
}
