import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { connect as tls } from 'node:tls';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isSocksGreeting, proxyTarget, serverName } from './tls.ts';

/** The first bytes that a client sends to a listener, as the kernel sensor hands them over. */
async function firstBytes(client: (port: number) => { destroy(): void }): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const got = new Promise<string>((resolve) => { server.once('connection', (socket) => { socket.once('data', (data) => { resolve(data.toString('latin1').slice(0, 256)); socket.destroy(); }); }); });
  const speaker = client((server.address() as AddressInfo).port);
  const text = await got;
  speaker.destroy();
  server.close();
  return text;
}

it('reads the server name of a real ClientHello', async () => {
  const payload = await firstBytes((port) => tls({ port, host: '127.0.0.1', servername: 'xmr.pool.example.org', rejectUnauthorized: false }).on('error', () => undefined));
  expect(serverName(payload)).toBe('xmr.pool.example.org');
  // Cut anywhere it says nothing, and never throws.
  for (let n = 0; n < payload.length; n++) expect([undefined, 'xmr.pool.example.org']).toContain(serverName(payload.slice(0, n)));
});

it('other first bytes have none', async () => {
  const payload = await firstBytes((port) => connect(port, '127.0.0.1').on('error', () => undefined).on('connect', function hello(this: { write(s: string): void }) { this.write('GET / HTTP/1.1\r\n\r\n'); }));
  expect([serverName(payload), proxyTarget(payload), isSocksGreeting(payload)]).toEqual([undefined, undefined, false]);
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 256 }), (text) => { expect(() => [serverName(`\x16\x03\x01${text}`), proxyTarget(`\x05\x01\x00${text}`), isSocksGreeting(text)]).not.toThrow(); }));
});

it('names whom a proxy is asked for', () => {
  expect(proxyTarget('CONNECT Pool.example.org:3333 HTTP/1.1\r\n')).toEqual({ host: 'pool.example.org', port: 3333 });
  expect(proxyTarget('\x05\x01\x00\x05\x01\x00\x03\x0cabcdef.onion\x0d\x05')).toEqual({ host: 'abcdef.onion', port: 3333 });
  expect(isSocksGreeting('\x05\x01\x00')).toBe(true);
  expect(isSocksGreeting('\x05\x02\x00\x02')).toBe(true);
  expect(isSocksGreeting('\x05hello')).toBe(false);
});
