import type { Event } from '../core/format.ts';
import { pamHead, readPam } from './pam.ts';

/** A failed log-in as a PAM module of this daemon tells it (user, source_ip, method are filled); false for any other message. */
export function pamFailure(message: string, event: Event): boolean {
  const first = message.charCodeAt(0);
  // p, ( and a: pam_unix(…), (pam_unix), and the bare text that some syslog daemons leave.
  if (first !== 112 && first !== 40 && first !== 97) return false;
  const head = pamHead(message);
  if (head === undefined && !message.startsWith('authentication failure;')) return false;
  if (readPam(head === undefined ? message : head.text, event) !== 'failure') return false;
  event.method = 'pam';
  return true;
}
