import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
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

  it.each([
    ['Bearer verysecretverysecret', 'verysecretverysecret'],
    [`Basic ${Buffer.from('moat:four score').toString('base64')}`, 'moat:four score'],
    [`basic ${Buffer.from('moat:four score').toString('base64')}`, 'four score'],
    [`Basic ${Buffer.from('moat:four score').toString('base64')}`, Buffer.from('moat:four score').toString('base64')],
  ])('nor the token of %s alone', async (header, repeated) => {
    const url = await listen((request, response) => { response.writeHead(request.headers['authorization'] === header ? 403 : 500).end(`the token ${repeated} is not known`); });
    expect(await deliverBy(webhook, { url, headers: { Authorization: header } }, sampleNotice())).toMatchObject({ code: 'HTTP 403', what: { en: expect.stringContaining('the token *** is not known') as string } });
  });

  it('goes nowhere else: no redirect of any kind is followed, and nothing is sent there', async () => {
    let reached = 0;
    const inside = createServer((_request, response) => { reached++; response.end(); });
    await new Promise<void>((resolve) => { inside.listen(0, '127.0.0.1', resolve); });
    const location = `http://127.0.0.1:${(inside.address() as AddressInfo).port}/latest/meta-data/`;
    for (const status of [301, 302, 303, 307, 308]) {
      const url = await listen((_request, response) => { response.writeHead(status, { location, refresh: `0; url=${location}` }).end(location); });
      const outcome = await deliverBy(webhook, { url, secret, headers: { Authorization: 'Bearer verysecretverysecret' } }, sampleNotice());
      expect(outcome).toMatchObject({ kind: 'refused', about: 'channel', code: `HTTP ${status}` });
      raw?.closeAllConnections();
      raw?.close();
    }
    expect(reached).toBe(0);
    inside.close();
  });

  it.each(['http://203.0.113.9/x', 'http://localhost.example/x', 'http://127.0.0.1.example/x', 'http://[::ffff:127.0.0.1]/x', 'file:///etc/passwd', 'ftp://127.0.0.1/x', 'gopher://127.0.0.1:6379/x', 'unix:/run/docker.sock', 'https://user:verysecret@203.0.113.9/x', 'javascript:1'])('is not sent to %s, which is not repeated', async (url) => {
    const outcome = await deliverBy(webhook, { url }, sampleNotice());
    expect(outcome).toMatchObject({ kind: 'refused', about: 'channel', code: 'url' });
    expect(JSON.stringify(outcome)).not.toMatch(/203|verysecret|passwd|sock|6379/);
  });

  it.skipIf(lacks({ files: ['/usr/bin/openssl'] }))('is sent to nobody whose certificate no authority vouches for', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'moat-webhook-'));
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' });
    let reached = 0;
    const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_request, response) => { reached++; response.end(); });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const outcome = await deliverBy(webhook, { url: `https://localhost:${(server.address() as AddressInfo).port}/hook/aaaabbbbccccddddeeee` }, sampleNotice());
    expect(outcome).toMatchObject({ kind: 'retry-after', code: expect.stringMatching(/CERT|SIGNATURE/) as string });
    expect(JSON.stringify(outcome)).not.toContain('aaaabbbb');
    expect(reached).toBe(0);
    server.close();
    rmSync(dir, { recursive: true });
  });

  it('an answer that repeats address and secret is told without them', async () => {
    const url = await listen((request, response) => { response.writeHead(400).end(`bad: ${request.url} ${request.headers['authorization']}\u001b[31m`); });
    const outcome = await deliverBy(webhook, { url, secret, headers: { Authorization: 'Bearer verysecret' } }, sampleNotice());
    expect(outcome).toMatchObject({ kind: 'refused', about: 'unknown', what: { en: expect.stringContaining('bad: *** ***\\x1b') as string } });
  });
});
