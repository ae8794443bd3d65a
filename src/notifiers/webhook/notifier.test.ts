import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../test/port.ts';
import { webhookServer, type Service } from '../../../test/notice-servers.ts';
import { deliverBy, hostileNotice, hostileTexts, sampleItem, sampleNotice } from '../../../test/notices.ts';
import { webhook } from './notifier.ts';

const secret = 'a shared secret of some length';
const clock = { now: () => Date.UTC(2026, 10, 22, 4) };
let service: Service | undefined;
let raw: Server | undefined;
afterEach(async () => {
  await service?.close();
  raw?.closeAllConnections();
  raw?.close();
  service = raw = undefined;
});
const listen = async (handle: RequestListener): Promise<string> => {
  const server = createServer(handle);
  raw = server;
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/aaaabbbbccccddddeeee`;
};

describe('webhook', () => {
  it('gets signed JSON with an id that stays the same, texts as they are', async () => {
    service = await webhookServer(clock, secret);
    expect(await deliverBy(webhook, { url: service.url, secret, headers: { Authorization: 'Bearer abc\n' } }, hostileNotice(), clock.now)).toEqual({ kind: 'sent' });
    const [{ headers, json }] = service.taken as [Service['taken'][number]];
    expect(headers['x-moat-event-id']).toBe('0123456789abcdef01234567');
    expect(headers['authorization']).toBe('Bearer abc');
    expect(json).toMatchObject({ id: '0123456789abcdef01234567', level: 'high', more: 0, dropped: 0, time: '2026-11-22T02:27:01.000Z' });
    expect((json['alerts'] as { title: string }[]).map(({ title }) => title)).toEqual(hostileTexts);
  });

  it('counts what does not fit', async () => {
    service = await webhookServer(clock, secret);
    await deliverBy(webhook, { url: service.url, secret }, sampleNotice({ items: Array.from({ length: 3000 }, (_, i) => sampleItem({ id: String(i) })) }), clock.now);
    const [{ text, json }] = service.taken as [Service['taken'][number]];
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(256 * 1024);
    expect((json['alerts'] as unknown[]).length + (json['more'] as number)).toBe(3000);
  });

  it('is refused with a wrong secret, and may not replace our headers', async () => {
    service = await webhookServer(clock, secret);
    expect(await deliverBy(webhook, { url: service.url, secret: 'another secret' }, sampleNotice(), clock.now)).toMatchObject({ kind: 'refused', about: 'channel', code: 'HTTP 401' });
    await expect(deliverBy(webhook, { url: service.url, secret, headers: { 'X-Moat-Signature': 'x' } }, sampleNotice(), clock.now)).rejects.toThrow('expected a header that Moat does not set itself');
  });

  it.each([
    [500, {}, { kind: 'retry-after', code: 'HTTP 500' }],
    [503, { 'retry-after': '120' }, { kind: 'retry-after', code: 'HTTP 503', ms: 120_000 }],
    [429, { 'retry-after': 'Sun, 22 Nov 2026 04:01:00 GMT' }, { kind: 'retry-after', code: 'HTTP 429', ms: 60_000 }],
    [429, { 'retry-after': '99999999999999999999' }, { kind: 'retry-after', code: 'HTTP 429', ms: 3_600_000 }],
    [429, { 'retry-after': '9'.repeat(400) }, { kind: 'retry-after', ms: 3_600_000 }],
    [429, { 'retry-after': 'Sun, 22 Nov 2126 04:01:00 GMT' }, { kind: 'retry-after', ms: 3_600_000 }],
    [429, { 'retry-after': '-5' }, { kind: 'retry-after' }],
    [413, {}, { kind: 'refused', about: 'notice' }],
    [404, {}, { kind: 'refused', about: 'channel' }],
    [302, { location: 'http://127.0.0.1:1/stolen' }, { kind: 'refused', about: 'channel', code: 'HTTP 302' }],
  ] as const)('status %d', async (status, headers, expected) => {
    service = await webhookServer(clock, secret, { times: 1, status, headers });
    expect(await deliverBy(webhook, { url: service.url, secret }, sampleNotice(), clock.now)).toMatchObject(expected);
  });

  it('says why nobody answers', async () => {
    expect(await deliverBy(webhook, { url: `http://127.0.0.1:${await freePort()}/x` }, sampleNotice())).toMatchObject({ kind: 'retry-after', code: 'ECONNREFUSED' });
  });

  it('reads no more than it needs of an endless answer', async () => {
    const url = await listen((_, response) => {
      response.writeHead(500);
      const more = (): void => { while (!response.destroyed && response.write('x'.repeat(65_536))); };
      response.on('drain', more);
      more();
    });
    expect(await deliverBy(webhook, { url }, sampleNotice())).toMatchObject({ kind: 'retry-after', code: 'HTTP 500' });
  });

  it('tells no part of a secret, wherever an answer is cut', async () => {
    const token = 'Bearer verysecretverysecretverysecretverysecret';
    for (const before of [150, 190, 250, 290]) {
      const url = await listen((request, response) => { response.writeHead(403).end(`${'x'.repeat(before)}${request.headers['authorization']} ${Buffer.from(token).toString('base64')}`); });
      const outcome = await deliverBy(webhook, { url, headers: { Authorization: token } }, sampleNotice());
      expect(JSON.stringify(outcome)).not.toMatch(/Bear|very|QmVhcmVy/);
      raw?.close();
    }
  });

  it('an answer that repeats address and secret is told without them', async () => {
    const url = await listen((request, response) => { response.writeHead(400).end(`bad: ${request.url} ${request.headers['authorization']}\u001b[31m`); });
    const outcome = await deliverBy(webhook, { url, secret, headers: { Authorization: 'Bearer verysecret' } }, sampleNotice());
    expect(outcome).toMatchObject({ kind: 'refused', about: 'unknown', what: { en: expect.stringContaining('bad: *** ***\\x1b') as string } });
  });
});
