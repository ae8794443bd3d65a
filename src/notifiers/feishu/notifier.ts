/** Feishu 飞书: custom robot of a group, a card whose text is plain and so cannot call, link or format; signed when a secret is set. */
import { createHmac } from 'node:crypto';
import { atLeast, type Level } from '../../core/level.ts';
import type { Outcome } from '../../core/notice.ts';
import { jsonOf, notTheService, post, serviceUrl, statusOutcome, targetOf, type Reply } from '../http.ts';
import { bytesOf, inert } from '../inert.ts';
import { layOut, titleOf, type Paper } from '../layout.ts';
import { notifier } from '../port.ts';
import { mentions, secret } from '../settings.ts';

/** Bytes of the whole body; room is left for timestamp and signature. */
const limits = { perMinute: 100, perSecond: 5, bytes: 20_000 };
const signatureBytes = 120;
const paper: Paper = { text: inert, strong: inert, command: (words) => words, newLine: '\n' };
const colours: Readonly<Record<Level, string>> = { critical: 'red', high: 'orange', medium: 'yellow', low: 'blue', info: 'grey' };

const plain = (content: string) => ({ tag: 'div', text: { tag: 'plain_text', content } });
const rule = { tag: 'hr' };
/** An element with the rule before it. */
const sizeOf = (content: string): number => bytesOf(JSON.stringify([rule, plain(content)]));

export const feishu = notifier({
  id: 'feishu',
  title: { zh: '飞书', en: 'Feishu' },
  settings: {
    url: secret.meta({ zh: '机器人的 Webhook 网址', en: 'webhook address of the robot' }),
    secret: secret.optional().meta({ zh: '签名校验密钥', en: 'signing secret' }),
    ...mentions(/^(?:all|o[un]_[A-Za-z0-9]{1,64})$/),
  },
  limits,

  render(notice, { mention, mention_level }) {
    const calls = atLeast(notice.level, mention_level) ? mention.map((one) => `<at id=${one}></at>`).join(' ') : '';
    const card = (elements: unknown[]) => ({
      msg_type: 'interactive',
      card: {
        config: { wide_screen_mode: true },
        header: { template: colours[notice.level], title: { tag: 'plain_text', content: inert(titleOf(notice)) } },
        elements: [...(calls === '' ? [] : [{ tag: 'div', text: { tag: 'lark_md', content: calls } }]), ...elements],
      },
    });
    const { blocks, tail } = layOut(notice, paper, limits.bytes - signatureBytes - bytesOf(JSON.stringify(card([]))), sizeOf, 40);
    return card([...blocks.flatMap((block, i) => (i === 0 ? [plain(block)] : [rule, plain(block)])), ...(tail === '' ? [] : [rule, plain(tail)])]);
  },

  async send(body, settings, context) {
    const url = serviceUrl(context.secret(settings.url));
    const key = settings.secret === undefined ? undefined : context.secret(settings.secret);
    const timestamp = String(Math.floor(context.now() / 1000));
    const signed = key === undefined ? body : { timestamp, sign: createHmac('sha256', `${timestamp}\n${key}`).digest('base64'), ...body };
    const reply = await post(url, JSON.stringify(signed), context);
    return reply.kind === 'reply' ? judge(reply) : reply;
  },

  target: ({ url }, secretOf) => targetOf(serviceUrl(secretOf(url))),
});

function judge(reply: Reply): Outcome {
  const answer = jsonOf(reply);
  const given = answer?.['code'] ?? answer?.['StatusCode'];
  // Its own code says more than the status, which it does not always set.
  if (typeof given !== 'number') return statusOutcome(reply) ?? notTheService;
  const code = String(given);
  const message = typeof answer?.['msg'] === 'string' ? answer['msg'] : '';
  const said = message === '' ? '' : ` ${message}`;
  switch (given) {
    case 0: return statusOutcome(reply) ?? { kind: 'sent' };
    case 11232: return { kind: 'retry-after', code, ms: reply.retryAfterMs ?? 60_000, what: { zh: '发得太快（整点、半点时飞书更忙），稍后再发', en: 'too fast, or Feishu is busy (it is at full and half hours); sent again later' } };
    case 9499: return /too many/i.test(message) ? { kind: 'retry-after', code, ms: 60_000, what: { zh: '发得太快，稍后再发', en: 'too fast; sent again later' } } : { kind: 'refused', about: 'notice', code, what: { zh: `飞书不接受这条通知${said}`, en: `Feishu does not take this notice${said}` } };
    case 19021: return { kind: 'refused', about: 'channel', code, what: { zh: '签名不符：检查 secret，以及本机时间（误差须在一小时内）', en: 'the signature does not match: look at the secret and the clock (at most an hour off)' } };
    case 19022: return { kind: 'refused', about: 'channel', code, what: { zh: '本机地址不在机器人的 IP 白名单内', en: 'this machine is not on the robot\'s list of addresses' } };
    case 19024: return { kind: 'refused', about: 'channel', code, what: { zh: '缺少机器人要求的关键词：设置 keyword', en: 'the word that the robot insists on is missing: set keyword' } };
    case 19001: return { kind: 'refused', about: 'channel', code, what: { zh: `网址无效：重新复制 Webhook 网址${said}`, en: `the address is not known: copy it again${said}` } };
    default: return { kind: 'refused', about: 'unknown', code, what: { zh: `飞书拒绝${said}`, en: `refused by Feishu${said}` } };
  }
}
