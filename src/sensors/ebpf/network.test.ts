import { createServer, type AddressInfo, type Server } from 'node:net';
import { createSocket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { freePort } from '../../../test/port.ts';
import type { Event } from '../../core/gen/event.ts';
import { lacksEbpf, openStage, type Stage } from './testing.ts';

let stage: Stage;
beforeAll(async () => { stage = await openStage(); });
afterEach(() => stage.clear());
afterAll(() => { stage.remove(); });

async function listen(host: string): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => { socket.on('error', () => undefined); socket.resume(); });
  await new Promise<void>((resolve) => { server.listen(0, host, resolve); });
  return { port: (server.address() as AddressInfo).port, server };
}

const of = (events: readonly Event[], kind: Event['kind'], pid: number | undefined): Event[] => events.filter((e) => e.kind === kind && e.pid === pid);

describe.skipIf(lacks({ files: ['/usr/bin/python3'] }) || await lacksEbpf(lacks))('network', () => {
  it.each([['127.0.0.1', 'AF_INET'], ['::1', 'AF_INET6']])('tells a call to %s with who called, and what was said first', async (host, family) => {
    const { port, server } = await listen(host);
    const trial = await stage.live({ files: false, calls: false });
    const child = stage.python(`
import socket, sys, time
s = socket.socket(socket.${family}, socket.SOCK_STREAM); s.connect(('${host}', ${port}))
s.send(b'{"id":1,"method":"mining.subscribe"}\\n' + b'\\xff' * 400); s.send(b'later'); time.sleep(0.3)`);
    const flow = await trial.until((e) => e.kind === 'flow' && e.pid === child.pid);
    const connection = of(trial.events, 'network_connection', child.pid);
    expect(connection).toHaveLength(1);
    expect(connection[0]).toMatchObject({
      action: 'connect', outcome: 'success', protocol: 'tcp', direction: 'outbound', category: 'network', destination_ip: host, destination_port: port, source_ip: undefined, source_port: undefined,
      process_path: expect.stringContaining('python3') as string, parent_pid: process.pid, user: 'root', extra: { Initiated: 'true' },
    });
    expect(flow).toMatchObject({ action: 'first-bytes', direction: 'outbound', protocol: 'tcp', destination_ip: host, destination_port: port });
    expect(flow.payload).toBe(`{"id":1,"method":"mining.subscribe"}\n${'\xff'.repeat(256)}`.slice(0, 256));
    await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    expect(of(trial.events, 'flow', child.pid)).toHaveLength(1);
    server.close();
  });

  it('tells calls that are refused or unanswered', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const port = await freePort();
    const refused = stage.python(`import socket\ntry: socket.create_connection(('127.0.0.1', ${port}))\nexcept OSError: pass`);
    expect(await trial.until((e) => e.kind === 'network_connection' && e.pid === refused.pid)).toMatchObject({ action: 'connect-attempt', outcome: 'failure', destination_port: port });
    // A queue of one that is full answers no more.
    const silent = stage.python(`
import socket, time
l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(0)
keep = []
for i in range(3):
  s = socket.socket(); s.setblocking(False); keep.append(s)
  try: s.connect(l.getsockname())
  except BlockingIOError: pass
time.sleep(20)`);
    const unanswered = await trial.until((e) => e.pid === silent.pid && e.action === 'connect-attempt');
    expect(unanswered.outcome).toBe('unknown');
    expect(trial.events.filter((e) => e.pid === silent.pid && e.action === 'connect').length).toBeGreaterThan(0);
  });

  it('tells listeners, over IPv4 and IPv6, TCP and UDP', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const [tcp, udp] = [await freePort(), 5999];
    const child = stage.python(`
import socket, time
a = socket.create_server(('127.0.0.1', ${tcp})); b = socket.create_server(('::1', ${tcp}), family=socket.AF_INET6)
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.bind(('127.0.0.1', ${udp}))
d = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); d.bind(('::1', ${udp}))
e = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); e.bind(('127.0.0.1', 0))
time.sleep(20)`);
    await trial.when(() => of(trial.events, 'listener', child.pid).length >= 4);
    expect(of(trial.events, 'listener', child.pid).map((e) => [e.action, e.direction, e.protocol, e.destination_ip, e.destination_port])).toEqual([
      ['listener-start', 'listening', 'tcp', '127.0.0.1', tcp], ['listener-start', 'listening', 'tcp', '::1', tcp],
      ['listener-start', 'listening', 'udp', '127.0.0.1', udp], ['listener-start', 'listening', 'udp', '::1', udp],
    ]);
  });

  it('tells who accepted a call from elsewhere', async () => {
    const trial = await stage.live({ files: false, calls: false });
    // The test's own namespace, joined to its peer by a pair of interfaces: addresses are documentation ones.
    const child = stage.run('/usr/bin/unshare', ['-n', '/bin/sh', '-c', `
ip link set lo up; ip addr add 198.51.100.7/32 dev lo; ip addr add 192.0.2.9/32 dev lo
exec /usr/bin/python3 -c "
import socket, threading
l = socket.create_server(('198.51.100.7', 8022))
def call():
  s = socket.create_connection(('198.51.100.7', 8022), source_address=('192.0.2.9', 0)); s.recv(1)
t = threading.Thread(target=call); t.start()
c, a = l.accept(); c.send(b'x'); t.join()"`]);
    const accepted = await trial.until((e) => e.pid === child.pid && e.action === 'accept');
    expect(accepted).toMatchObject({ kind: 'network_connection', direction: 'inbound', source_ip: '192.0.2.9', destination_ip: '198.51.100.7', destination_port: 8022, outcome: 'success', extra: { Initiated: 'false' } });
    const called = await trial.until((e) => e.pid === child.pid && e.action === 'connect');
    expect(accepted.source_port).toBeGreaterThan(1023);
    expect(called).toMatchObject({ destination_ip: '198.51.100.7', source_ip: undefined });
  });

  it('tells the names that are asked for, over sockets that are connected or not, and TCP', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const child = stage.run('/usr/bin/unshare', ['-n', '/bin/sh', '-c', `
ip link set lo up
exec /usr/bin/python3 -c "
import socket
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.53', 53))
l = socket.create_server(('127.0.0.53', 53))
def question(name, kind): return bytes([7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + b''.join(bytes([len(p)]) + p for p in name.split(b'.')) + bytes([0, 0, kind, 0, 1])
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.sendto(question(b'One.example.org', 1), ('127.0.0.53', 53)); a.sendto(question(b'one.example.org', 28), ('127.0.0.53', 53))
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b.connect(('127.0.0.53', 53)); b.send(question(b'two.example.org', 1))
q = question(b'three.example.org', 1); t = socket.create_connection(('127.0.0.53', 53)); t.send(len(q).to_bytes(2, 'big') + q)
d, peer = u.recvfrom(999); u.sendto(d[:2] + bytes([0x81, 0x80]) + d[4:], peer)"`]);
    await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    expect(of(trial.events, 'dns_query', child.pid).map((e) => [e.destination_host, e.protocol, e.destination_ip, e.destination_port, e.direction])).toEqual([
      ['one.example.org', 'udp', '127.0.0.53', 53, 'outbound'], ['two.example.org', 'udp', '127.0.0.53', 53, 'outbound'], ['three.example.org', 'tcp', '127.0.0.53', 53, 'outbound'],
    ]);
    expect([...trial.counts.keys()]).toEqual([]);
  });

  it('tells a UDP conversation once', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
    const { port } = socket.address();
    const trial = await stage.live({ files: false, calls: false });
    const child = stage.python(`
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(20): s.sendto(b'x', ('127.0.0.1', ${port}))`);
    await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    const told = of(trial.events, 'network_connection', child.pid);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ action: 'connect', protocol: 'udp', direction: 'outbound', destination_ip: '127.0.0.1', destination_port: port });
    socket.close();
  });
});
