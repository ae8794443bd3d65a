import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { postThrough, proxyFor } from './proxy.ts';

const proxy = { HTTPS_PROXY: 'http://192.0.2.8:3128' };

describe('the proxy for an address', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['https://hooks.example/x', proxy, '192.0.2.8:3128'], ['https://hooks.example/x', { https_proxy: '192.0.2.8:3128' }, '192.0.2.8:3128'], ['https://hooks.example/x', { ALL_PROXY: 'http://192.0.2.8' }, '192.0.2.8'], ['https://hooks.example/x', { HTTP_PROXY: 'http://192.0.2.8' }, undefined],
    ['https://hooks.example/x', { ...proxy, NO_PROXY: '*' }, undefined], ['https://hooks.example/x', { ...proxy, NO_PROXY: 'other.example, .example' }, undefined], ['https://hooks.example/x', { ...proxy, no_proxy: 'hooks.example:443' }, undefined],
    ['https://hooks.example/x', { ...proxy, NO_PROXY: 'hooks.example:8443' }, '192.0.2.8:3128'], ['https://badhooks.example/x', { ...proxy, NO_PROXY: 'hooks.example' }, '192.0.2.8:3128'], ['https://localhost/x', proxy, undefined], ['https://127.0.0.1/x', proxy, undefined], ['https://[::1]/x', proxy, undefined], ['https://hooks.example/x', {}, undefined],
  ])('%s with %j is %s', (url, environment, expected) => { expect(proxyFor(new URL(url), environment)?.host).toBe(expected); });

  it('of another kind is refused without being repeated', () => {
    for (const text of ['socks5://user:topsecret@192.0.2.8', 'https://user:topsecret@192.0.2.8', 'http://']) expect(() => proxyFor(new URL('https://hooks.example/'), { HTTPS_PROXY: text })).toThrow(/^(?!.*topsecret).*expected a proxy/);
  });
});

describe.skipIf(lacks({ files: ['/usr/bin/openssl'] }))('a POST through a proxy', () => {
  let dir: string, ca: string, service: ReturnType<typeof createSecureServer>, relay: ReturnType<typeof createServer>, asked: string[], taken: string[];
  const open: Socket[] = [];
  const portOf = (server: { address: () => unknown }): number => (server.address() as AddressInfo).port;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'moat-proxy-'));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=hooks.example', '-addext', 'subjectAltName=DNS:hooks.example', '-keyout', join(dir, 'key'), '-out', join(dir, 'cert')], { stdio: 'ignore' });
    ca = readFileSync(join(dir, 'cert'), 'utf8');
    asked = [];
    taken = [];
    service = createSecureServer({ key: readFileSync(join(dir, 'key')), cert: ca }, (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      request.on('end', () => { taken.push(`${request.method} ${request.url} ${request.headers.host} ${body}`); response.setHeader('retry-after', '7'); response.end('ok'); });
    });
    relay = createServer();
    relay.on('connect', (request, socket: Socket) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
      if (!(request.url ?? '').startsWith('hooks.example:')) { socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'); return; }
      const onward = connect(portOf(service), '127.0.0.1', () => { socket.write('HTTP/1.1 200 OK\r\n\r\n'); onward.pipe(socket); socket.pipe(onward); });
      for (const one of [onward, socket]) { open.push(one); one.on('error', () => undefined); }
    });
    for (const server of [service, relay]) await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => {
    for (const one of open) one.destroy();
    service.close();
    relay.close();
    rmSync(dir, { recursive: true });
  });
  const post = (url: string, trust?: string) => postThrough(new URL(`http://moat:p%40ss@127.0.0.1:${portOf(relay)}`), new URL(url), '{"a":1}', { 'content-type': 'application/json' }, AbortSignal.timeout(20_000), trust);

  it('arrives over TLS that ends at the service, the proxy told by account', async () => {
    const answer = await post('https://hooks.example/x?y', ca);
    let text = '';
    for await (const piece of answer.pieces) text += piece.toString();
    expect([answer.status, answer.header('retry-after'), answer.header('none'), text]).toEqual([200, '7', null, 'ok']);
    expect([asked, taken]).toEqual([[`hooks.example:443 Basic ${Buffer.from('moat:p@ss').toString('base64')}`], ['POST /x?y hooks.example {"a":1}']]);
  });

  it('is not made where the certificate is not trusted, or the proxy refuses', async () => {
    taken.length = 0;
    await expect(post('https://hooks.example/x')).rejects.toMatchObject({ code: expect.stringContaining('SELF_SIGNED') });
    await expect(post('https://elsewhere.example/x', ca)).rejects.toMatchObject({ cause: { code: 'PROXY_403' } });
    expect(taken).toEqual([]);
  });
});
