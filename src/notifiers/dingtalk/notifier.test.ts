import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { dingtalkServer, type Service } from '../../../test/notice-servers.ts';
import { deliverBy, growing, hostileNotice, sampleItem, sampleNotice } from '../../../test/notices.ts';
import { dingtalk } from './notifier.ts';

const secret = 'SEC0f3b6f2a9c8d7e6f5a4b3c2d1e0f';
let now = Date.UTC(2026, 10, 22, 4);
const clock = { now: () => now };
const open: Service[] = [];
afterEach(async () => { for (const service of open.splice(0)) await service.close(); });
const start = async (options: Parameters<typeof dingtalkServer>[1] = { secret }): Promise<Service> => {
  const service = await dingtalkServer(clock, options);
  open.push(service);
  return service;
};
const markdown = (service: Service, n = 0) => service.taken[n]!.json['markdown'] as { title: string; text: string };

describe('DingTalk', () => {
  it('takes a signed notice that says what, where, how often, what it means and what to do', async () => {
    const service = await start();
    expect(await deliverBy(dingtalk, { url: service.url, secret }, sampleNotice(), clock.now)).toEqual({ kind: 'sent' });
    const { title, text } = markdown(service);
    expect(title).toBe('【高危】shop-1：SSH 暴力破解');
    expect(text).toBe([
      '### 【高危】shop-1：SSH 暴力破解', '**【高危】SSH 暴力破解**', '时间：2026-11-22 10:27:01 GMT+8 起，最近 2026-11-22 10:28:31 GMT+8，共 37 次', '来源地址：203.0.113.9 (NL)', '账号：wang',
      '程序或文件：/usr/sbin/sshd', '含义：有人在猜口令', '下一步：`moat origin 203.0.113.9`，`moat alerts show 3f2a90c1d4e5b677`', '告警编号：3f2a90c1d4e5b677', '',
    ].join('\n\n').trim());
  });

  it.skipIf(lacks({ files: ['/usr/bin/openssl'], why: 'signs once more' }))('signs as OpenSSL does', async () => {
    const service = await start();
    await deliverBy(dingtalk, { url: service.url, secret }, sampleNotice(), clock.now);
    const { stdout } = spawnSync('/usr/bin/openssl', ['dgst', '-sha256', '-hmac', secret, '-binary'], { input: `${now}\n${secret}` });
    expect([service.taken[0]!.query.get('timestamp'), service.taken[0]!.query.get('sign')]).toEqual([String(now), stdout.toString('base64')]);
  });

  it('calls only whom the configuration names, and only from its level on', async () => {
    const service = await start({});
    const settings = { url: service.url, mention: ['13900000000', 'user42', 'all'], mention_level: 'critical' };
    await deliverBy(dingtalk, settings, sampleNotice({ items: [sampleItem({ level: 'critical' })] }));
    await deliverBy(dingtalk, settings, hostileNotice());
    expect(service.taken.map(({ json }) => json['at'])).toEqual([{ atMobiles: ['13900000000'], atUserIds: ['user42'], isAtAll: true }, { atMobiles: [], atUserIds: [], isAtAll: false }]);
    expect(markdown(service).text).toContain('@13900000000');
    expect(markdown(service, 1).text).not.toMatch(/@|\]\(|<|!\[(?!\.)|:\/\//);
  });

  it('keeps below 20,000 bytes whatever is told, and says how much was left out', async () => {
    const service = await start({});
    // Each in a minute of its own.
    for (const n of [1, 7, 39, 120, 399, 1000]) {
      now += 60_000;
      expect(await deliverBy(dingtalk, { url: service.url }, growing(n), clock.now)).toEqual({ kind: 'sent' });
    }
    now += 60_000;
    expect(await deliverBy(dingtalk, { url: service.url }, hostileNotice(300), clock.now)).toEqual({ kind: 'sent' });
    for (const { text } of service.taken) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(20_000);
    now += 60_000;
    await deliverBy(dingtalk, { url: service.url }, sampleNotice({ items: Array.from({ length: 500 }, (_, i) => sampleItem({ id: String(i) })), dropped: 12 }), clock.now);
    const text = markdown(service, 7).text;
    const told = text.split('告警编号').length - 1;
    expect(told).toBeGreaterThan(20);
    expect(text).toContain(`还有 ${500 - told} 条`);
    expect(text).toContain('另有 12 条告警没有发出');
  });

  it('reads errors out of replies with status 200', async () => {
    const service = await start({ secret, keyword: '护城河' });
    expect(await deliverBy(dingtalk, { url: service.url, secret: 'SECwrongwrong' }, sampleNotice(), clock.now)).toMatchObject({ kind: 'refused', about: 'channel', code: '310000' });
    expect(await deliverBy(dingtalk, { url: service.url, secret }, sampleNotice(), () => now - 2 * 3_600_000)).toMatchObject({ kind: 'refused', about: 'channel', code: '310000' });
    expect(await deliverBy(dingtalk, { url: service.url, secret }, sampleNotice(), clock.now)).toMatchObject({ code: '310000', what: { zh: expect.stringContaining('关键词') as string } });
    expect(await deliverBy(dingtalk, { url: service.url, secret }, sampleNotice({ keyword: '护城河' }), clock.now)).toEqual({ kind: 'sent' });
  });

  it('never repeats the token, though DingTalk does', async () => {
    const service = await start({});
    const url = service.url.replace('d1ngt0ken', 'wr0ngt0ken');
    const outcome = await deliverBy(dingtalk, { url }, sampleNotice(), clock.now);
    expect(outcome).toMatchObject({ kind: 'refused', about: 'channel', code: '300001', what: { en: expect.stringContaining('token *** is not exist') as string } });
    expect(JSON.stringify(outcome)).not.toContain('wr0ng');
  });

  it('waits ten minutes when it was too fast', async () => {
    const service = await start({});
    now += 120_000;
    const outcomes = [];
    for (let i = 0; i < 21; i++) outcomes.push(await deliverBy(dingtalk, { url: service.url }, sampleNotice(), clock.now));
    expect(outcomes.slice(0, 20).every(({ kind }) => kind === 'sent')).toBe(true);
    expect(outcomes[20]).toMatchObject({ kind: 'retry-after', code: '130101', ms: 600_000 });
  });

  it('refuses an address that is not https, and says so without it', async () => {
    for (const url of ['http://198.51.100.7/robot/send?access_token=abcdefabcdefabcdef', 'nonsense abcdefabcdef', 'https://user:abcdefabcdef@example.com/']) {
      const outcome = await deliverBy(dingtalk, { url }, sampleNotice());
      expect(outcome).toMatchObject({ kind: 'refused', about: 'channel', code: 'url' });
      expect(JSON.stringify(outcome)).not.toContain('abcdef');
    }
  });
});
