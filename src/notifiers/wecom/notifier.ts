/** WeCom 企业微信: robot of a group, Markdown. It has no signature: who knows the address may send. */
import { atLeast } from '../../core/level.ts';
import type { Outcome } from '../../core/notice.ts';
import { errcodeOf, post, serviceUrl, targetOf, type Reply } from '../http.ts';
import { bytesOf, inertMarkdown } from '../inert.ts';
import { layOut, titleOf, wholePage, type Paper } from '../layout.ts';
import { notifier } from '../port.ts';
import { mentions, secret } from '../settings.ts';

/** Bytes of the content. */
const limits = { perMinute: 20, bytes: 4096 };
const paper: Paper = { text: inertMarkdown, strong: (raw) => `**${inertMarkdown(raw)}**`, command: (words) => `\`${words}\``, newLine: '\n' };

export const wecom = notifier({
  id: 'wecom',
  title: { zh: '企业微信', en: 'WeCom' },
  settings: { url: secret.meta({ zh: '机器人的 Webhook 网址', en: 'webhook address of the robot' }), ...mentions(/^[A-Za-z0-9_.-]{1,64}$/) },
  limits,

  render(notice, { mention, mention_level }) {
    const calls = atLeast(notice.level, mention_level) ? mention.map((one) => `<@${one}>`).join(' ') : '';
    const head = `## ${inertMarkdown(titleOf(notice))}${calls === '' ? '' : `\n${calls}`}\n`;
    const page = layOut(notice, paper, limits.bytes - bytesOf(head), bytesOf);
    return JSON.stringify({ msgtype: 'markdown', markdown: { content: head + wholePage(page, paper.newLine) } });
  },

  async send(body, settings, context) {
    const reply = await post(serviceUrl(context.secret(settings.url)), body, context);
    return reply.kind === 'reply' ? judge(reply) : reply;
  },

  target: ({ url }, secretOf) => targetOf(serviceUrl(secretOf(url))),
});

/** WeCom says what is wrong in a reply with status 200. */
function judge(reply: Reply): Outcome {
  const answer = errcodeOf(reply);
  if (answer.kind !== 'errcode') return answer;
  const { errcode, said } = answer;
  const code = String(errcode);
  switch (errcode) {
    case 0: return { kind: 'sent' };
    case -1: return { kind: 'retry-after', code, what: { zh: '企业微信繁忙，稍后再发', en: 'WeCom is busy; sent again later' } };
    case 45009: return { kind: 'retry-after', code, ms: 60_000, what: { zh: '每分钟超过 20 条，一分钟后再发；这个机器人是否还有别的程序在用？', en: 'more than 20 a minute: sent again in a minute; does something else send through this robot?' } };
    case 45002: case 40058: return { kind: 'refused', about: 'notice', code, what: { zh: `通知过大或格式不对${said}`, en: `the notice is too large or malformed${said}` } };
    case 93000: case 40001: return { kind: 'refused', about: 'channel', code, what: { zh: `网址无效：重新复制 Webhook 网址；机器人可能已被移除${said}`, en: `the address is not known: copy it again; the robot may have been removed${said}` } };
    default: return { kind: 'refused', about: 'unknown', code, what: { zh: `企业微信拒绝${said}`, en: `refused by WeCom${said}` } };
  }
}
