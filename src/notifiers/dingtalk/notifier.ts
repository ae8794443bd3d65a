/** DingTalk 钉钉: custom robot of a group, Markdown, signed when a secret is set. */
import { createHmac } from 'node:crypto';
import { atLeast } from '../../core/level.ts';
import type { Outcome } from '../../core/notice.ts';
import { errcodeOf, post, serviceUrl, targetOf, type Reply } from '../http.ts';
import { bytesOf, cutBytes, inertMarkdown, inJson } from '../inert.ts';
import { layOut, titleOf, wholePage, type Paper } from '../layout.ts';
import { notifier } from '../port.ts';
import { mentions, secret } from '../settings.ts';

/** Bytes of the whole body. */
const limits = { perMinute: 20, bytes: 20_000 };
const blockedMs = 10 * 60_000;
const paper: Paper = { text: inertMarkdown, strong: (raw) => `**${inertMarkdown(raw)}**`, command: (words) => `\`${words}\``, newLine: '\n\n' };

export const dingtalk = notifier({
  id: 'dingtalk',
  title: { zh: '钉钉', en: 'DingTalk' },
  settings: {
    url: secret.meta({ zh: '机器人的 Webhook 网址', en: 'webhook address of the robot' }),
    secret: secret.optional().meta({ zh: '加签密钥（SEC 开头）', en: 'signing secret (begins with SEC)' }),
    ...mentions(/^(?:all|\+?\d[\d-]{4,19}|[A-Za-z0-9_.-]{1,64})$/),
  },
  limits,

  render(notice, { mention, mention_level }) {
    const called = atLeast(notice.level, mention_level) ? mention : [];
    const atMobiles = called.filter((one) => /^\+?\d[\d-]{4,}$/.test(one));
    const atUserIds = called.filter((one) => one !== 'all' && !atMobiles.includes(one));
    // A number is called only where the text has it too.
    const calls = [...atMobiles, ...atUserIds].map((one) => `@${one}`).join(' ');
    const title = inertMarkdown(titleOf(notice));
    const head = `### ${title}${calls === '' ? '' : `\n\n${calls}`}`;
    const body = (text: string): string => JSON.stringify({ msgtype: 'markdown', markdown: { title: cutBytes(title, 200), text }, at: { atMobiles, atUserIds, isAtAll: called.includes('all') } });
    const page = layOut(notice, paper, limits.bytes - bytesOf(body(head)), inJson);
    return body(`${head}\n\n${wholePage(page, paper.newLine)}`);
  },

  async send(body, settings, context) {
    const url = serviceUrl(context.secret(settings.url));
    if (settings.secret !== undefined) {
      const key = context.secret(settings.secret);
      const timestamp = String(context.now());
      url.searchParams.set('timestamp', timestamp);
      url.searchParams.set('sign', createHmac('sha256', key).update(`${timestamp}\n${key}`).digest('base64'));
    }
    const reply = await post(url, body, context);
    return reply.kind === 'reply' ? judge(reply) : reply;
  },

  target: ({ url }, secretOf) => targetOf(serviceUrl(secretOf(url))),
});

/** DingTalk says what is wrong in a reply with status 200. */
function judge(reply: Reply): Outcome {
  const answer = errcodeOf(reply);
  if (answer.kind !== 'errcode') return answer;
  const { errcode, said } = answer;
  const code = String(errcode);
  switch (errcode) {
    case 0: return { kind: 'sent' };
    case -1: return { kind: 'retry-after', code, what: { zh: '钉钉繁忙，稍后再发', en: 'DingTalk is busy; sent again later' } };
    case 130101: return { kind: 'retry-after', code, ms: blockedMs, what: { zh: '每分钟超过 20 条，被停用十分钟；这个机器人是否还有别的程序在用？', en: 'more than 20 a minute: blocked for ten minutes; does something else send through this robot?' } };
    case 410100: return { kind: 'retry-after', code, ms: 60_000, what: { zh: '发得太快，稍后再发', en: 'too fast; sent again later' } };
    case 460101: return { kind: 'refused', about: 'notice', code, what: { zh: '通知过大', en: 'the notice is too large' } };
    case 310000: return { kind: 'refused', about: 'channel', code, what: { zh: `安全设置不符：检查加签密钥、本机时间、关键词（keyword）、IP 白名单${said}`, en: `the robot's security settings do not agree: look at the secret, the clock, the keyword, the list of addresses${said}` } };
    case 300001: case 400101: return { kind: 'refused', about: 'channel', code, what: { zh: `令牌无效：重新复制 Webhook 网址${said}`, en: `the token is not known: copy the webhook address again${said}` } };
    case 400013: case 400102: return { kind: 'refused', about: 'channel', code, what: { zh: `群已解散或机器人被停用${said}`, en: `the group is gone or the robot switched off${said}` } };
    default: return { kind: 'refused', about: 'unknown', code, what: { zh: `钉钉拒绝${said}`, en: `refused by DingTalk${said}` } };
  }
}
