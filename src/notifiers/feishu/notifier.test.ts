import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { feishuServer, type Service } from '../../../test/notice-servers.ts';
import { deliverBy, growing, hostileNotice, sampleItem, sampleNotice } from '../../../test/notices.ts';
import { feishu } from './notifier.ts';

const secret = 'gGp7Hh2kQ9wErT5yUiO1pA';
let now = Date.UTC(2026, 10, 22, 4);
const clock = { now: () => now };
let service: Service | undefined;
afterEach(async () => { await service?.close(); service = undefined; });

interface Card { header: { title: { tag: string; content: string } }; elements: { tag: string; text?: { tag: string; content: string } }[] }
const card = (n = 0): Card => service!.taken[n]!.json['card'] as Card;

describe('Feishu', () => {
  it('takes a signed card whose text is plain, whatever stands in it', async () => {
    service = await feishuServer(clock, { secret });
    expect(await deliverBy(feishu, { url: service.url, secret }, sampleNotice(), clock.now)).toEqual({ kind: 'sent' });
    expect(await deliverBy(feishu, { url: service.url, secret, mention: ['all'], mention_level: 'critical' }, hostileNotice(), clock.now)).toEqual({ kind: 'sent' });
    expect(card().header.title).toEqual({ tag: 'plain_text', content: '【高危】shop-1：SSH 暴力破解' });
    expect(card().elements[0]!.text!.content).toContain('下一步：moat origin 203.0.113.9，moat alerts show 3f2a90c1d4e5b677');
    const texts = card(1).elements.flatMap(({ text }) => (text ? [text] : []));
    expect(new Set(texts.map(({ tag }) => tag))).toEqual(new Set(['plain_text']));
    for (const { content } of texts) expect(content).not.toMatch(/@|:\/\//);
  });

  it.skipIf(lacks({ files: ['/usr/bin/openssl'], why: 'signs once more' }))('signs as OpenSSL does: the key is time and secret, the message empty', async () => {
    service = await feishuServer(clock, { secret });
    await deliverBy(feishu, { url: service.url, secret }, sampleNotice(), clock.now);
    const { timestamp, sign } = service.taken[0]!.json as { timestamp: string; sign: string };
    const key = Buffer.from(`${timestamp}\n${secret}`).toString('hex');
    const { stdout } = spawnSync('/usr/bin/openssl', ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${key}`, '-binary'], { input: '' });
    expect([timestamp, sign]).toEqual([String(now / 1000), stdout.toString('base64')]);
  });

  it('calls whom the configuration names, from its level on', async () => {
    service = await feishuServer(clock);
    await deliverBy(feishu, { url: service.url, mention: ['ou_0a1b2c', 'all'], mention_level: 'high' }, sampleNotice({ items: [sampleItem({ title: '<at id=all></at>' })] }), clock.now);
    expect(card().elements.filter(({ text }) => text?.tag === 'lark_md')).toEqual([{ tag: 'div', text: { tag: 'lark_md', content: '<at id=ou_0a1b2c></at> <at id=all></at>' } }]);
  });

  it('keeps below 20 KB whatever is told', async () => {
    service = await feishuServer(clock, { secret });
    const notices = [hostileNotice(300), ...Array.from({ length: 30 }, (_, n) => growing(n * 31 + 1))];
    for (const notice of notices) {
      now += 1000;
      expect(await deliverBy(feishu, { url: service.url, secret }, notice, clock.now)).toEqual({ kind: 'sent' });
    }
    expect(Math.max(...service.taken.map(({ text }) => Buffer.byteLength(text)))).toBeGreaterThan(15_000);
  });

  it('reads errors out of replies with status 200', async () => {
    service = await feishuServer(clock, { secret, keyword: '护城河' });
    expect(await deliverBy(feishu, { url: service.url, secret: 'wrong-secret' }, sampleNotice(), clock.now)).toMatchObject({ kind: 'refused', about: 'channel', code: '19021' });
    expect(await deliverBy(feishu, { url: service.url, secret }, sampleNotice(), () => now + 2 * 3_600_000)).toMatchObject({ kind: 'refused', about: 'channel', code: '19021' });
    expect(await deliverBy(feishu, { url: service.url, secret }, sampleNotice(), clock.now)).toMatchObject({ kind: 'refused', about: 'channel', code: '19024' });
    expect(await deliverBy(feishu, { url: service.url.replace('0a1b', 'ffff'), secret }, sampleNotice(), clock.now)).toMatchObject({ kind: 'refused', about: 'channel', code: '19001' });
    now += 60_000;
    const outcomes = [];
    for (let i = 0; i < 6; i++) outcomes.push(await deliverBy(feishu, { url: service.url, secret }, sampleNotice({ keyword: '护城河' }), clock.now));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['sent', 'sent', 'sent', 'sent', 'sent', 'retry-after']);
    expect(outcomes[5]).toMatchObject({ code: '11232', ms: 60_000 });
  });
});
