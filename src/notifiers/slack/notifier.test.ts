import { afterEach, describe, expect, it } from 'vitest';
import { slackServer, type Service } from '../../../test/notice-servers.ts';
import { deliverBy, growing, hostileNotice, sampleItem, sampleNotice } from '../../../test/notices.ts';
import { slack } from './notifier.ts';

let now = Date.UTC(2026, 10, 22, 4);
const clock = { now: () => now };
let service: Service | undefined;
afterEach(async () => { await service?.close(); service = undefined; });

interface Block { type: string; text: { type: string; text: string } }
const blocks = (n = 0): Block[] => service!.taken[n]!.json['blocks'] as Block[];

describe('Slack', () => {
  it('takes plain-text blocks, whatever stands in them', async () => {
    service = await slackServer(clock);
    expect(await deliverBy(slack, { url: service.url }, sampleNotice({ lang: 'en', items: [sampleItem({ title: 'SSH brute force' })] }), clock.now)).toEqual({ kind: 'sent' });
    now += 1000;
    expect(await deliverBy(slack, { url: service.url, mention: ['here', 'U0123456'], mention_level: 'low' }, hostileNotice(), clock.now)).toEqual({ kind: 'sent' });
    expect(blocks()[0]).toMatchObject({ type: 'header', text: { type: 'plain_text', text: '[high] shop-1: SSH brute force' } });
    expect(blocks()[1]!.text.text).toContain('since 2026-11-22 10:27:01 GMT+8, last 2026-11-22 10:28:31 GMT+8, 37 times');
    expect(blocks(1).filter(({ text }) => text.type !== 'plain_text')).toEqual([{ type: 'section', text: { type: 'mrkdwn', text: '<!here> <@U0123456>' } }]);
    const { text } = service.taken[1]!.json as { text: string };
    expect(text.match(/<[^>]*>/g)).toEqual(['<!here>', '<@U0123456>']);
    for (const block of blocks(1).slice(2)) expect(block.text.text).not.toMatch(/@|:\/\//);
  });

  it('keeps within blocks and characters whatever is told', async () => {
    service = await slackServer(clock);
    for (const notice of [hostileNotice(300), sampleNotice({ items: Array.from({ length: 400 }, (_, i) => sampleItem({ id: String(i) })) }), ...Array.from({ length: 30 }, (_, n) => growing(n * 31 + 1))]) {
      now += 1000;
      expect(await deliverBy(slack, { url: service.url }, notice, clock.now)).toEqual({ kind: 'sent' });
    }
  });

  it('waits as long as it is told', async () => {
    service = await slackServer(clock);
    now += 1000;
    await deliverBy(slack, { url: service.url }, sampleNotice(), clock.now);
    expect(await deliverBy(slack, { url: service.url }, sampleNotice(), clock.now)).toMatchObject({ kind: 'retry-after', code: 'HTTP 429', ms: 7000 });
  });

  it('names what is wrong without the address', async () => {
    service = await slackServer(clock);
    const outcome = await deliverBy(slack, { url: service.url.replace('aBcDeF', 'xxxxxx') }, sampleNotice(), clock.now);
    expect(outcome).toMatchObject({ kind: 'refused', about: 'channel', code: 'no_service' });
    expect(JSON.stringify(outcome)).not.toContain('GhIjKl');
  });
});
