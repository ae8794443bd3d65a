import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { mark } from '../attempts.ts';
import { bracketPeer, soleIp, takePeer } from '../peer.ts';

/** What scans mail on behalf of the mail server. */
export const mailFilter: Program = {
  id: 'mail-filter',
  title: { zh: '邮件过滤（amavis、rspamd、MailScanner、postgrey）', en: 'mail filters (amavis, rspamd, MailScanner, postgrey)' },
  tags: ['amavis', 'amavisd', 'amavisd-new', 'rspamd', 'mailscanner', 'postgrey', 'policyd-spf', 'postfix/policy-spf'],
  open,
};

function open(): ProgramDecoder {
  return {
    decode(message, event) {
      const tag = (event.process_name ?? '').toLowerCase();
      const known = tag.startsWith('amavis') ? amavis(message, event)
        : tag === 'rspamd' ? rspamd(message, event)
          : tag === 'mailscanner' ? mailScanner(message, event)
            : tag === 'postgrey' ? postgrey(message, event) : spf(message, event);
      if (!known) return false;
      event.kind = 'mail';
      event.service = tag.startsWith('amavis') ? 'amavis' : tag.startsWith('p') ? tag.slice(tag.indexOf('/') + 1) : tag;
      return true;
    },
  };
}

/** `(id) Blocked SPAM {…}, [192.0.2.1]:1234 [192.0.2.1] <from> -> <to>, …`: the peer is the first of the two before the sender. */
function amavis(message: string, event: Event): boolean {
  const blocked = message.indexOf(') Blocked ');
  const at = blocked >= 0 && blocked < 40 ? blocked : message.indexOf(') Passed ');
  if (at < 0 || at > 40) return false;
  // A virus or file name in parentheses may look like anything; the peer is what stands right before the first sender.
  const sender = / <[^<>]{0,320}> -> </.exec(message.slice(at, at + 2000));
  if (sender !== null) {
    const head = message.slice(at, at + sender.index);
    const comma = head.lastIndexOf(', ');
    if (comma > 0 && head.indexOf('[', comma) > 0) bracketPeer(head, comma, event);
  }
  return mark(event, 'mail', at === blocked ? 'reject' : 'message', at === blocked ? 'failure' : 'success');
}

/** `<id>; task; rspamd_task_write_log: id: <…>, qid: <…>, ip: 192.0.2.1, from: <…>, (default: T (reject): …` */
function rspamd(message: string, event: Event): boolean {
  const at = message.indexOf('rspamd_task_write_log: ');
  if (at < 0) return false;
  event.source_ip = soleIp(message, ', ip: ', ',', at);
  const verdict = /\(default: [TFS] \(([a-z ]{1,24})\): \[/.exec(message.slice(at));
  const refused = verdict?.[1] === 'reject' || verdict?.[1] === 'soft reject';
  return mark(event, 'mail', refused ? 'reject' : 'message', refused ? 'failure' : 'success');
}

/** `Message 5ct… from 192.0.2.1 (sender) to example.com is spam (blacklisted)` */
function mailScanner(message: string, event: Event): boolean {
  const found = /^Message \S{1,40} from (\S{2,46}) \(/.exec(message);
  if (found === null || !takePeer(found[1] ?? '', event)) return false;
  const spam = /\bis (?:spam|definitely spam|infected)\b|\bspam \(blacklisted\)/.test(message) || message.endsWith('blacklisted)');
  return mark(event, 'mail', spam ? 'reject' : 'message', spam ? 'failure' : 'success');
}

/** `action=greylist, reason=new, client_name=x, client_address=192.0.2.1, sender=…`: delayed, not refused. */
function postgrey(message: string, event: Event): boolean {
  const at = message.indexOf(', client_address=');
  if (!message.startsWith('action=') || at < 0 || at > 400) return false;
  const end = message.indexOf(',', at + 2);
  if (!takePeer(message.slice(at + 17, end < 0 ? undefined : end).split('/')[0] ?? '', event)) return false;
  return mark(event, 'mail', 'greylist', 'unknown');
}

/** `550 5.7.23 Message rejected due to: SPF fail … client-ip=192.0.2.1; …` */
function spf(message: string, event: Event): boolean {
  const refused = message.includes('Message rejected due to: SPF') || message.startsWith('Reject;') || message.startsWith('prepend Received-SPF: Fail');
  if (!refused) return false;
  event.source_ip = soleIp(message, 'client-ip=', '; ');
  return mark(event, 'mail', 'reject', 'failure');
}
