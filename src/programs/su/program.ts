import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { tell } from '../tell.ts';

/** su of util-linux, shadow and BSD: `user` is who, `target_user` as whom. */
export const su: Program = {
  id: 'su',
  title: { zh: 'su 切换用户', en: 'su' },
  tags: ['su', 'su-l'],
  open: (): ProgramDecoder => ({ decode }),
};

function decode(message: string, event: Event): boolean {
  const failed = message.startsWith('FAILED SU ') || message.startsWith('FAILED su ') || message.startsWith('BAD SU ');
  const found = /^(?:FAILED SU )?\(to (?<to>[^()]{1,256})\) (?<by>.{1,256}?) on (?<tty>\S{1,64})$/.exec(message)
    ?? /^(?:Successful|FAILED) su for (?<to>.{1,256}) by (?<by>.{1,256})$/.exec(message)
    ?? /^[+-] (?<tty>\S{1,64}) (?<by>[^ :]{1,256}):(?<to>[^ :]{1,256})$/.exec(message)
    ?? /^(?:BAD SU )?(?<by>[^ ]{1,256}) to (?<to>[^ ]{1,256}) on (?<tty>\/dev\/\S{1,64})$/.exec(message);
  if (found?.groups === undefined) return false;
  event.user = found.groups['by'];
  event.target_user = found.groups['to'];
  event.terminal = found.groups['tty'];
  event.session = event.pid === undefined ? undefined : String(event.pid);
  return tell(event, 'auth', 'su', 'privilege', 'su', failed || message.startsWith('- ') ? 'failure' : 'success');
}
