import { afterEach, describe, expect, it } from 'vitest';
import { wecomServer, type Service } from '../../../test/notice-servers.ts';
import { deliverBy, growing, hostileNotice, sampleItem, sampleNotice } from '../../../test/notices.ts';
import { wecom } from './notifier.ts';

let now = Date.UTC(2026, 10, 22, 4);
const clock = { now: () => now };
let service: Service | undefined;
afterEach(async () => { await service?.close(); service = undefined; });
const content = (n = 0): string => (service!.taken[n]!.json['markdown'] as { content: string }).content;

describe('WeCom', () => {
  it('takes Markdown of at most 4,096 bytes whatever is told', async () => {
    service = await wecomServer(clock);
    const notices = [sampleNotice(), hostileNotice(), hostileNotice(200), ...Array.from({ length: 60 }, (_, n) => growing(n * 13 + 1))];
    for (const notice of notices) {
      now += 60_000;
      expect(await deliverBy(wecom, { url: service.url }, notice, clock.now)).toEqual({ kind: 'sent' });
    }
    expect(content()).toMatch(/^## 【高危】shop-1：SSH 暴力破解\n\*\*【高危】SSH 暴力破解\*\*\n/);
    // A limit that is never come near to tests nothing.
    expect(Math.max(...service.taken.map((_, n) => Buffer.byteLength(content(n))))).toBeGreaterThan(3500);
    for (let n = 0; n < notices.length; n++) expect(content(n)).not.toMatch(/\p{Cs}/u);
  });

  it('calls only whom the configuration names', async () => {
    service = await wecomServer(clock);
    now += 60_000;
    const settings = { url: service.url, mention: ['zhangsan'], mention_level: 'critical' };
    await deliverBy(wecom, settings, sampleNotice({ items: [sampleItem({ level: 'critical', title: '<@lisi>' })] }), clock.now);
    await deliverBy(wecom, settings, hostileNotice(), clock.now);
    expect(content().match(/<@?[^>]*>/g)).toEqual(['<@zhangsan>']);
    expect(content(1)).not.toMatch(/[<>@]|\]\(/);
  });

  it('reads errors out of replies with status 200', async () => {
    service = await wecomServer(clock);
    const wrong = `${service.url}0`;
    const outcome = await deliverBy(wecom, { url: wrong }, sampleNotice(), clock.now);
    expect(outcome).toMatchObject({ kind: 'refused', about: 'channel', code: '93000' });
    expect(JSON.stringify(outcome)).not.toContain('693a91f6');
    now += 120_000;
    for (let i = 0; i < 20; i++) expect(await deliverBy(wecom, { url: service.url }, sampleNotice(), clock.now)).toEqual({ kind: 'sent' });
    expect(await deliverBy(wecom, { url: service.url }, sampleNotice(), clock.now)).toMatchObject({ kind: 'retry-after', code: '45009', ms: 60_000 });
  });
});
