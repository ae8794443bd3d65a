import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { canonicalAddress, isHost } from '../address.ts';
import { tell } from '../tell.ts';

/** login at a console or through telnetd and rlogind, of util-linux and shadow. */
export const login: Program = {
  id: 'login',
  title: { zh: '控制台登录（login）', en: 'console log-on (login)' },
  tags: ['login', 'remote', 'rlogin', 'telnetd'],
  open: (): ProgramDecoder => ({ decode }),
};

function decode(message: string, event: Event): boolean {
  if (message.startsWith('FAILED LOGIN') || message.startsWith('TOO MANY LOGIN TRIES')) {
    // FAILED LOGIN (1) on '/dev/tty1' FROM 'host' FOR 'name', Authentication failure. NAME is typed at the
    // prompt, so where and from whence are read from the left, before it.
    const found = /^(?:FAILED LOGIN|TOO MANY LOGIN TRIES) (?:SESSION )?\(?\d{1,6}\)?(?: on '([^']{1,64})')?(?: from '([^']{1,255})'| FROM '?([^' ]{1,255})'?)? (?:FOR|for) (.{0,512})$/.exec(message);
    if (found === null) return false;
    setPlace(event, found[1], found[2] ?? found[3]);
    event.user = nameOf(found[4]!);
    return tell(event, 'auth', 'login', 'authentication', 'login', 'failure');
  }
  const invalid = /^invalid password for (.{0,256}?) on (\S{1,64})(?: from (\S{1,255}))?$/.exec(message);
  if (invalid !== null) {
    event.user = nameOf(invalid[1]!);
    setPlace(event, unquote(invalid[2]!), invalid[3] === undefined ? undefined : unquote(invalid[3]));
    event.method = 'password';
    return tell(event, 'auth', 'login', 'authentication', 'login', 'failure');
  }
  const accepted = /^(ROOT )?LOGIN {1,4}ON (\S{1,64})(?: BY (\S{1,256}))?(?: FROM (\S{1,255}))?$/i.exec(message);
  if (accepted !== null) {
    event.user = accepted[1] === undefined ? accepted[3] : accepted[3] ?? 'root';
    setPlace(event, unquote(accepted[2]!), accepted[4] === undefined ? undefined : unquote(accepted[4]));
    return tell(event, 'auth', 'login', 'authentication', 'login', 'success');
  }
  return false;
}

const unquote = (text: string): string => text.replaceAll("'", '');

/** `'root', Authentication failure` or `root, …`: the name without quotes and reason. */
function nameOf(text: string): string {
  const comma = text.lastIndexOf(', ');
  return unquote(comma > 0 ? text.slice(0, comma) : text);
}

function setPlace(event: Event, terminal: string | undefined, from: string | undefined): void {
  event.terminal = terminal;
  event.session = event.pid === undefined ? undefined : String(event.pid);
  if (from !== undefined && isHost(from)) event.source_ip = canonicalAddress(from);
}
