import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { tell } from '../tell.ts';

/** sudo: who ran what as whom, and who was not allowed to. Its PAM lines go to the PAM program as details. */
export const sudo: Program = {
  id: 'sudo',
  title: { zh: 'sudo 提权', en: 'sudo' },
  tags: ['sudo', 'sudoedit'],
  open: (): ProgramDecoder => ({ decode }),
};

/** `NAME : [REASON ; ]TTY=… ; PWD=… ; USER=… ; [GROUP=… ; ENV=… ; ]COMMAND=…` */
function decode(message: string, event: Event): boolean {
  const colon = message.indexOf(' : ');
  if (colon < 1 || message.startsWith('pam_')) return false;
  event.user = message.slice(0, colon).trim();
  event.session = event.pid === undefined ? undefined : String(event.pid);
  // The command is last and may hold anything; a folder's name could hold "COMMAND=" too, so the first one
  // is taken: what a user writes into it then stands before the real command, never instead of it.
  const commandAt = message.indexOf('COMMAND=', colon);
  if (commandAt > 0) event.process_cmdline = message.slice(commandAt + 8);
  const fields = message.slice(colon + 3, commandAt > 0 ? commandAt : message.length).split(' ; ', 16);
  let reason = '';
  for (const field of fields) {
    if (field.startsWith('TTY=')) event.terminal = field.slice(4);
    else if (field.startsWith('PWD=')) event.process_cwd = field.slice(4);
    else if (field.startsWith('USER=')) event.target_user = field.slice(5);
    else if (reason === '' && field !== '' && !/^[A-Z]{2,12}=/.test(field)) reason = field.trimEnd();
  }
  if (reason === '') return commandAt > 0 && tell(event, 'sudo', 'sudo', 'privilege', 'sudo', 'success');
  const wrong = /^(\d{1,4}) incorrect password attempts?$/.exec(reason);
  if (wrong !== null) {
    event.value = Number(wrong[1]);
    event.method = 'password';
    return tell(event, 'sudo', 'sudo', 'authentication', 'login', 'failure');
  }
  if (/not in sudoers|not allowed|not authorized|password is required|must have a tty|no tty present|account validation failure|is not allowed to/i.test(reason)) {
    return tell(event, 'sudo', 'sudo', 'privilege', 'sudo-denied', 'failure');
  }
  return tell(event, 'sudo', 'sudo', 'privilege', 'sudo-message', 'unknown');
}
