import { connect } from 'node:tls';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { ListBuilder } from '../../engine/intelligence/list.ts';
import { Lists } from '../../engine/intelligence/lists.ts';
import { addValue } from '../../engine/intelligence/recognise.ts';
import type { Level } from '../../core/level.ts';
import type { Event, Kind } from '../../core/gen/event.ts';
import { httpHost, tlsServerName, walletWords } from '../first-bytes.ts';
import { make, tryOut, unfilled, type Trial } from '../testing.ts';
import { intelligenceMatch } from './behaviour.ts';

const now = Date.UTC(2026, 5, 1);
const sha256 = 'ab'.repeat(32);
const wallet = `4${'7Xy'.repeat(31)}z`;

function list(name: string, what: string, level: Level, values: readonly string[]): ReturnType<ReturnType<ListBuilder['seal']>['next']>['value'] {
  const builder = new ListBuilder({ name, what, level, own: false }, now);
  for (const value of values) addValue(builder, value, undefined);
  const sealing = builder.seal();
  for (;;) { const step = sealing.next(); if (step.done) return step.value; }
}

const lists = new Lists(() => now);
lists.use([
  list('c2', 'c2', 'critical', ['203.0.113.0/28', 'control.example', sha256]), list('pools', 'miner', 'high', ['pool.example', wallet]),
  list('scan', 'scanner', 'medium', ['198.51.100.7', '198.51.100.8']), list('tor', 'tor', 'low', ['192.0.2.1']),
].flatMap((table) => table ?? []));

const trial = (settings = {}): Trial => tryOut(intelligenceMatch, settings, undefined, { intelligence: lists });
function see(t: Trial, kind: Kind, fields: Partial<Event>): void { t.run.observe(make(kind, now, fields)); }
function said(t: Trial): string[] {
  expect(t.found.flatMap(unfilled)).toEqual([]);
  return t.found.map((d) => `${d.level} ${d.key}`);
}

it('tells connections out to listed addresses, and in at a low level as one', () => {
  const t = trial();
  see(t, 'network_connection', { direction: 'outbound', destination_ip: '203.0.113.9', destination_port: 443, process_path: '/tmp/x' });
  see(t, 'network_connection', { direction: 'outbound', destination_ip: '203.0.113.16', destination_port: 443, process_path: '/tmp/x' });
  see(t, 'network_connection', { direction: 'inbound', source_ip: '198.51.100.7', destination_port: 22 });
  see(t, 'network_connection', { direction: 'inbound', source_ip: '198.51.100.8', destination_port: 80 });
  see(t, 'network_connection', { direction: 'inbound', source_ip: '203.0.113.1', destination_port: 80 });
  expect(said(t)).toEqual(['critical out:203.0.113.0/28:/tmp/x', 'info in:scan:scanner', 'info in:scan:scanner', 'medium in:c2:c2']);
  expect(t.found[0]?.group).toMatchObject({ target: '203.0.113.9 443', what: 'c2', list: 'c2' });
  const quiet = trial({ inbound: false });
  see(quiet, 'network_connection', { direction: 'inbound', source_ip: '198.51.100.7' });
  expect(said(quiet)).toEqual([]);
});

it('tells names asked for, and names in the first bytes of a connection', async () => {
  const t = trial();
  see(t, 'dns_query', { destination_host: 'eu.Pool.example', process_path: '/usr/bin/dig' });
  see(t, 'dns_query', { destination_host: 'example' });
  see(t, 'flow', { direction: 'outbound', payload: 'GET /x HTTP/1.1\r\nUser-Agent: x\r\nHost: control.example:8080\r\n\r\n', process_name: 'curl' });
  see(t, 'flow', { direction: 'outbound', payload: 'CONNECT control.example:443 HTTP/1.1\r\n', process_name: 'curl' });
  see(t, 'flow', { direction: 'outbound', payload: 'GET http://203.0.113.3/x HTTP/1.1\r\n', process_name: 'curl' });
  see(t, 'flow', { direction: 'outbound', payload: await clientHello('deep.control.example'), process_name: 'openssl' });
  see(t, 'flow', { direction: 'inbound', payload: 'GET / HTTP/1.1\r\nHost: control.example\r\n\r\n' });
  expect(said(t)).toEqual(['high out:pool.example:/usr/bin/dig', 'critical out:control.example:curl', 'critical out:control.example:curl', 'critical out:203.0.113.0/28:curl', 'critical out:control.example:openssl']);
});

it('tells a log-on from a listed address, more than a mere connection', () => {
  const t = trial();
  const login = { category: 'authentication', action: 'login', outcome: 'success', service: 'sshd', user: 'ops' };
  see(t, 'sshd', { ...login, source_ip: '192.0.2.1' });
  see(t, 'sshd', { ...login, source_ip: '198.51.100.7' });
  see(t, 'sshd', { ...login, source_ip: '203.0.113.7' });
  see(t, 'sshd', { ...login, outcome: 'failure', source_ip: '203.0.113.7' });
  see(t, 'sshd', { ...login, source_ip: '198.51.100.99' });
  expect(said(t)).toEqual(['medium login:ops:192.0.2.1', 'high login:ops:198.51.100.7', 'critical login:ops:203.0.113.0/28']);
});

it('tells listed files that run and wallets in arguments and traffic', () => {
  const t = trial();
  see(t, 'process_creation', { process_path: '/opt/a', extra: { sha256: sha256.toUpperCase() } });
  see(t, 'process_creation', { process_path: '/opt/a', extra: { sha256: 7 } });
  see(t, 'process_creation', { process_path: '/opt/b', process_cmdline: `b -o stratum+tcp://other.example:3333 -u ${wallet}.worker1 -p x` });
  see(t, 'process_creation', { process_path: '/opt/c', process_cmdline: `c -u ${wallet}x` });
  see(t, 'flow', { direction: 'outbound', process_name: 'd', payload: `{"id":1,"method":"login","params":{"login":"${wallet}","pass":"x"}}\n` });
  expect(said(t)).toEqual([`critical file:${sha256}:/opt/a`, `high wallet:${wallet}:/opt/b`, `high wallet:${wallet}:d`]);
});

it('does nothing without lists', () => {
  const t = tryOut(intelligenceMatch);
  see(t, 'network_connection', { direction: 'outbound', destination_ip: '203.0.113.9' });
  expect(t.found).toEqual([]);
});

it('reads no names out of other or cut traffic', async () => {
  const hello = await clientHello('control.example');
  expect(tlsServerName(hello)).toBe('control.example');
  for (let length = 0; length < hello.length; length++) expect([undefined, 'control.example']).toContain(tlsServerName(hello.slice(0, length)));
  for (const text of ['', ' ', 'GET', 'get / HTTP/1.1\r\nHost: a.example\r\n', 'SSH-2.0-OpenSSH\r\n', 'GET / HTTP/1.1\r\nHost: a.exam', 'GET / HTTP/1.1\r\nHost: \r\n\r\n', '\x16\x03', `\x16\x03\x01\x00\x00\x01${'\xff'.repeat(250)}`]) expect(tlsServerName(text) ?? httpHost(text)).toBeUndefined();
  expect(httpHost('POST /p HTTP/1.1\r\nhOsT:\t[2001:db8::1]:80\r\n\r\n')).toBe('2001:db8::1');
  expect([...walletWords(`${'a'.repeat(24)} ${'b'.repeat(25)},${'c'.repeat(129)}/${'d'.repeat(128)}`)]).toEqual(['b'.repeat(25), 'd'.repeat(128)]);
});

/** The first bytes that a real TLS client sends. */
async function clientHello(servername: string): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as { port: number };
  const hello = new Promise<string>((resolve) => {
    server.once('connection', (socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', (bytes) => { resolve(bytes.toString('latin1')); socket.destroy(); });
    });
  });
  const client = connect({ port, host: '127.0.0.1', servername });
  client.on('error', () => client.destroy());
  const text = await hello;
  server.close();
  return text.slice(0, 256);
}
