import { array, assert, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { events } from '../../test/heard.ts';
import { programs } from './catalogue.ts';

/** Pieces of what daemons write, in every wrong order. */
const pieces = [' [192.0.2.1]', '[192.0.2.1]:25', 'from ', ' from h[', ']', '(', ')', ': ', ', ', '"', '\'', '<', '>', 'H=', 'rip=', 'user=<', ', relay=', ' reject=550', 'warning: ', 'NOQUEUE: reject: RCPT from ', 'disconnect from ', 'SASL LOGIN authentication failed: ',
  'Client "', 'FAIL LOGIN', 'USER ', '(Login failed)', 'authenticator failed for ', '535 ', '(set_id=', 'imap-login: ', '(auth failed, 2 attempts)', 'authentication failure; ', 'pam_unix(x:auth): ', ' rhost=', ' ruser=', 'conn=1 op=2 BIND dn="', 'SecurityEvent="', 'RemoteAddress="IPV4/', 'Registration from \'',
  '\' failed for \'', 'SMTP call from ', 'LOGIN FAILED, ', 'badlogin: ', 'AUTH failure (', 'Auth: [', ' status [', 'error,relay=', '::ffff:192.0.2.1', '2001:db8::1', '\u0000', '\u001b[2J', '😀', '%s', '9'.repeat(40), ' '.repeat(30), '\\', '\r', 'x'.repeat(300)];

const line = array(oneof(constantFrom(...pieces), string({ maxLength: 8 })), { maxLength: 14 }).map((parts) => parts.join(''));

describe.each(programs.map((program) => [program.id, program] as const))('%s', (_, program) => {
  test('never throws, and names no address that is not in the line', () => {
    const tags = program.tags.map((tag) => tag.replace('*', 'x'));
    assert(property(array(line, { minLength: 1, maxLength: 3 }), constantFrom(...tags), (lines, tag) => {
      for (const event of events(program, tag, lines)) {
        if (event?.source_ip === undefined || event.source_ip.includes(':')) continue;
        expect(lines.join('\n').toLowerCase()).toContain(event.source_ip);
      }
    }), { numRuns: 60 });
  });

  test('the longest line that a format hands on is only a long line', () => {
    for (const piece of ['x', ' [', '(', '"', ': ', ' H=', ', relay=', '] ', '\' failed for \'', ')', ' rhost=']) {
      expect(() => events(program, program.tags[0] ?? '', [piece.repeat(64 * 1024 / piece.length)])).not.toThrow();
    }
  });
});
