/**
 * A webhook of one's own: JSON by POST. `X-Moat-Signature: sha256=HEX` is HMAC-SHA256 with the secret over `TIMESTAMP.BODY`,
 * `X-Moat-Timestamp` is Unix seconds, `X-Moat-Event-Id` is the same when a notice is sent again. For programs: texts come as they are.
 */
import { createHmac } from 'node:crypto';
import * as z from 'zod';
import type { Notice } from '../../core/notice.ts';
import { post, serviceUrl, statusOutcome, targetOf } from '../http.ts';
import { bytesOf, cutBytes } from '../inert.ts';
import { titleOf } from '../layout.ts';
import { notifier } from '../port.ts';
import { secret } from '../settings.ts';

/** Bytes of the whole body. */
const limits = { perMinute: 60, perSecond: 5, bytes: 256 * 1024 };
const headerMax = 8192;
const ours = /^(?:host|content-length|content-type|transfer-encoding|connection|x-moat-.*)$/i;

export const webhook = notifier({
  id: 'webhook',
  title: { zh: 'Webhook', en: 'Webhook' },
  settings: {
    url: secret.meta({ zh: '接收通知的网址', en: 'address that takes the notices' }),
    secret: secret.optional().meta({ zh: '签名密钥', en: 'signing secret' }),
    headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/).refine((name) => !ours.test(name), 'expected a header that Moat does not set itself'), secret).default({}).meta({ zh: '另加的请求头，如 Authorization', en: 'more request headers, such as Authorization' }),
  },
  limits,

  render: (notice) => ({ id: notice.id, json: fitting(notice) }),

  async send({ id, json }, settings, context) {
    const url = serviceUrl(context.secret(settings.url));
    const timestamp = String(Math.floor(context.now() / 1000));
    const headers: Record<string, string> = { 'x-moat-event-id': id, 'x-moat-timestamp': timestamp };
    if (settings.secret !== undefined) headers['x-moat-signature'] = `sha256=${createHmac('sha256', context.secret(settings.secret)).update(`${timestamp}.${json}`).digest('hex')}`;
    // What is no header (a line break in a file) must not end up in an error's text.
    for (const [name, from] of Object.entries(settings.headers)) headers[name] = context.secret(from).replace(/[^\x20-\x7e]/g, '').slice(0, headerMax);
    const reply = await post(url, json, context, headers);
    return reply.kind === 'reply' ? statusOutcome(reply) ?? { kind: 'sent' } : reply;
  },

  target: ({ url }, secretOf) => targetOf(serviceUrl(secretOf(url))),
});

/** All alerts that fit; `more` counts the others. */
function fitting(notice: Notice): string {
  const { id, time, lang, level, host, items, dropped } = notice;
  const alerts = items.map((item) => ({
    id: item.id, level: item.level, title: item.title, host: item.host, time: iso(item.time), last_time: iso(item.last), count: item.count,
    facts: item.facts.map(({ label, value }) => ({ label, value: cutBytes(value, 4096) })), ...(item.means !== undefined && { meaning: item.means }), ...(item.advice !== undefined && { advice: item.advice }), next: item.next,
  }));
  const head = (kept: typeof alerts): string => JSON.stringify({ id, time: iso(time), lang, level, host, title: titleOf(notice), alerts: kept, more: alerts.length - kept.length, dropped });
  let left = limits.bytes - bytesOf(head([])) - 16;
  const kept: typeof alerts = [];
  for (const alert of alerts) {
    left -= bytesOf(JSON.stringify(alert)) + 1;
    if (left < 0) break;
    kept.push(alert);
  }
  return head(kept);
}

const iso = (ms: number): string => new Date(ms).toISOString();
