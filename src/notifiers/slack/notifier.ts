/** Slack: incoming webhook; plain-text blocks, so that nothing in them calls, links or formats. */
import { atLeast } from '../../core/level.ts';
import type { Outcome } from '../../core/notice.ts';
import { post, serviceUrl, statusOutcome, targetOf, type Reply } from '../http.ts';
import { bytesOf, cutBytes, inert } from '../inert.ts';
import { layOut, titleOf, type Paper } from '../layout.ts';
import { notifier } from '../port.ts';
import { mentions, secret } from '../settings.ts';

/** Bytes of the whole body: far below what Slack refuses, and a screen or two. */
const limits = { perMinute: 50, perSecond: 1, bytes: 40_000 };
const headerMax = 150;
const sectionMax = 3000;
/** Slack takes 50 blocks. */
const blocksMax = 45;
const paper: Paper = { text: inert, strong: inert, command: (words) => words, newLine: '\n' };

/** Slack's three control characters. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const section = (text: string) => ({ type: 'section', text: { type: 'plain_text', text, emoji: false } });
/** A block past what a section takes counts as too large, so that it is told more shortly. Bytes are at least as many as characters. */
const sizeOf = (text: string): number => (bytesOf(text) > sectionMax ? Infinity : bytesOf(JSON.stringify(section(text))) + 1);

export const slack = notifier({
  id: 'slack',
  title: { zh: 'Slack', en: 'Slack' },
  settings: { url: secret.meta({ zh: 'Incoming Webhook 网址', en: 'address of the incoming webhook' }), ...mentions(/^(?:here|channel|[UWS][A-Z0-9]{4,32})$/) },
  limits,

  render(notice, { mention, mention_level }) {
    const calls = atLeast(notice.level, mention_level) ? mention.map((one) => (one === 'here' || one === 'channel' ? `<!${one}>` : one.startsWith('S') ? `<!subteam^${one}>` : `<@${one}>`)).join(' ') : '';
    const title = inert(titleOf(notice));
    const message = (blocks: unknown[]) => ({
      text: `${escaped(title)}${calls === '' ? '' : ` ${calls}`}`, unfurl_links: false, unfurl_media: false,
      blocks: [{ type: 'header', text: { type: 'plain_text', text: cutBytes(title, headerMax), emoji: false } }, ...(calls === '' ? [] : [{ type: 'section', text: { type: 'mrkdwn', text: calls } }]), ...blocks],
    });
    const { blocks, tail } = layOut(notice, paper, limits.bytes - bytesOf(JSON.stringify(message([]))), sizeOf, blocksMax);
    return JSON.stringify(message([...blocks, ...(tail === '' ? [] : [tail])].map(section)));
  },

  async send(body, settings, context) {
    const reply = await post(serviceUrl(context.secret(settings.url)), body, context);
    return reply.kind === 'reply' ? judge(reply) : reply;
  },

  target: ({ url }, secretOf) => targetOf(serviceUrl(secretOf(url))),
});

/** Slack answers a word: `ok`, or what is wrong. */
function judge(reply: Reply): Outcome {
  const word = reply.text.trim();
  const bad = statusOutcome(reply);
  if (!bad) return word === 'ok' ? { kind: 'sent' } : { kind: 'refused', about: 'unknown', code: word.slice(0, 60) || 'no answer', what: { zh: '答复不是 Slack 的格式；检查网址', en: 'the answer is not one of Slack; look at the address' } };
  if (bad.kind !== 'refused') return bad;
  switch (word) {
    case 'no_service': case 'no_active_hooks': case 'invalid_token': case 'no_team': case 'team_disabled': return { kind: 'refused', about: 'channel', code: word, what: { zh: 'Webhook 已失效：在 Slack 里新建一个', en: 'the webhook is gone: make a new one in Slack' } };
    case 'channel_not_found': case 'channel_is_archived': case 'action_prohibited': case 'posting_to_general_channel_denied': case 'user_not_found': return { kind: 'refused', about: 'channel', code: word, what: { zh: '频道不存在、已归档或不许发言', en: 'the channel is gone, archived, or may not be written to' } };
    case 'invalid_payload': case 'invalid_blocks': case 'no_text': case 'too_many_attachments': return { kind: 'refused', about: 'notice', code: word, what: { zh: 'Slack 不接受这条通知的格式', en: 'Slack does not take the form of this notice' } };
    default: return bad;
  }
}
