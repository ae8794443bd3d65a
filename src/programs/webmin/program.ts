import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { canonicalAddress, isHost } from '../address.ts';
import { tell } from '../tell.ts';

/** Webmin and Usermin: `VERB login as NAME from ADDRESS`; the address stands last. */
export const webmin: Program = {
  id: 'webmin',
  title: { zh: 'Webmin 管理面板', en: 'Webmin' },
  tags: ['webmin', 'usermin', 'miniserv', 'miniserv.pl', 'perl'],
  open: (): ProgramDecoder => ({ decode }),
};

function decode(message: string, event: Event): boolean {
  const blocked = /^Security alert: Host (\S{1,255}) blocked after (\d{1,6}) failed logins(?: for user (.{1,256}))?$/.exec(message);
  if (blocked !== null && isHost(blocked[1]!)) {
    event.source_ip = canonicalAddress(blocked[1]!);
    event.user = blocked[3];
    event.value = Number(blocked[2]);
    return tell(event, 'auth', 'webmin', 'authentication', 'address-blocked', 'failure');
  }
  const found = /^(Invalid|Non-existent|Successful|Expired|Locked) login as (.{0,256}) from (\S{1,255})$/.exec(message);
  if (found === null || !isHost(found[3]!)) return false;
  event.user = found[2];
  event.source_ip = canonicalAddress(found[3]!);
  return tell(event, 'auth', 'webmin', 'authentication', 'login', found[1] === 'Successful' ? 'success' : 'failure');
}
