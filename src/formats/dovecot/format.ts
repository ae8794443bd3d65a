import { dovecot as program } from '../../programs/dovecot/program.ts';
import { daemonFile } from '../daemon-file.ts';

/**
 * dovecot.log: `2026-11-22 02:27:01 imap-login: Info: text`, `Nov 22 02:27:01 auth(user,192.0.2.1,sasl:plain)<id>: Info: text`
 * and, under multilog, a TAI64N label in place of the time.
 */
export const dovecot = daemonFile({
  id: 'dovecot',
  title: { zh: 'Dovecot 日志', en: 'Dovecot log' },
  paths: ['/var/log/dovecot.log', '/var/log/dovecot-info.log', '/var/log/dovecot/*.log'],
  kind: 'mail',
  service: 'dovecot',
  sniff(line) {
    const at = line.charCodeAt(0) === 64 ? line.indexOf(' ') : timeEnd(line);
    return at > 0 && shape.test(line.slice(at, at + 400)) ? 0.96 : 0;
  },
  head(line, times, head) {
    let at: number;
    if (line.charCodeAt(0) === 64) {
      at = line.indexOf(' ');
      const label = tai64(line.slice(1, at));
      if (label < 0) return false;
      head.time = label;
    } else {
      head.time = times.any(line, 0);
      at = times.next;
    }
    if (at < 0 || !shape.test(line.slice(at, at + 400))) return false;
    let start = line.startsWith(' dovecot: ', at) ? at + 10 : at + 1;
    while (line.charCodeAt(start) === 32) start += 1;
    // "auth(user,…)<id>: Info: text" keeps its head: user and address stand in it.
    const tag = /^[a-z0-9-]{1,40}/.exec(line.slice(start, start + 40))?.[0] ?? '';
    head.tag = tag;
    head.message = line.slice(start);
    return true;
  },
  program,
});

const shape = /^ (?:dovecot: )?(?:master|auth|auth-worker|dovecot-auth|anvil|config|log|imap|pop3|lmtp|lda|managesieve|submission|stats|indexer|indexer-worker|imap-login|pop3-login|managesieve-login|submission-login|sieve-login)(?:\([^)]{0,300}\))?(?:<[^>]{0,100}>)*: (?:(?:Info|Warning|Error|Debug|Fatal|Panic): |pam_)/;

function timeEnd(line: string): number {
  return /^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)/.exec(line.slice(0, 24))?.[0].length ?? -1;
}

/** `400000004c91b044077a9e94`: seconds since 1970 TAI (2^62 added) and nanoseconds, in hex; -1 when it is none. */
function tai64(text: string): number {
  if (!/^40000000[0-9a-f]{16}$/.test(text)) return -1;
  // TAI was 10 s ahead at the start that the label counts from; leap seconds since (27) are taken off as far as a log needs.
  return (Number.parseInt(text.slice(8, 16), 16) - 10) * 1000 + Math.floor(Number.parseInt(text.slice(16), 16) / 1e6);
}
