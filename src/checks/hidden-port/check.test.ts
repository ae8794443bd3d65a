import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { scanMachine } from '../../../test/live-machine.ts';
import { machineFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, shown, type Planted } from '../../../test/throwaway-root.ts';
import { openProbes } from '../../linux/probes.ts';
import { Procfs } from '../../linux/procfs.ts';
import type { DiagSocket } from '../../linux/sock-diag.ts';
import { hiddenPort, netlinkView, procView } from './check.ts';

const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (port: number, state = '0A', ip = '00000000'): string => `   0: ${ip}:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0\n`;
const tables = (tcp: string, udp = ''): Planted => ({ ...machineFiles, '/proc/net/tcp': header + tcp, '/proc/net/udp': header + udp });
const socket = (localPort: number, state = 10): DiagSocket => ({ localIp: '0.0.0.0', localPort, remoteIp: '0.0.0.0', remotePort: 0, state, uid: 0, inode: 4242 });

describe('on recorded tables', () => {
  it('finds a listener that only one of netlink and /proc/net shows', async () => {
    const root = makeRoot(tables(row(22) + row(80)));
    const report = await scanRoot([hiddenPort], root, recorded(root, { sockets: (family, protocol) => (family === 'ipv4' && protocol === 'tcp' ? [socket(22), socket(31_337)] : []) }));
    expect(report.findings.map(({ level, title }) => `${level} ${title.en}`).sort()).toEqual([
      'critical tcp port 31337 (0.0.0.0) is listened on, and /proc/net does not show it', 'critical tcp port 80 (0.0.0.0) is listened on, and netlink (ss) does not show it',
    ]);
  });

  it('finds a port that cannot be taken and that neither shows; one that only is held is a note', async () => {
    const root = makeRoot(tables(row(22)));
    const report = await scanRoot([hiddenPort], root, recorded(root, {
      sockets: (family, protocol) => (family === 'ipv4' && protocol === 'tcp' ? [socket(22)] : []), port: (protocol, port) => ((protocol === 'tcp' && (port === 4444 || port === 5555)) || (protocol === 'udp' && port === 53_000) || port === 22 ? 'taken' : 'free'), accepts: (port) => port === 4444,
    }));
    // UDP 22 is taken too and no table of UDP has it.
    expect(report.findings.map(({ level, kind, title }) => `${level} ${kind} ${title.en.split(' is ')[0]}`).sort()).toEqual(['critical intrusion tcp port 4444', 'critical intrusion udp port 22', 'critical intrusion udp port 53000', 'low notice tcp port 5555']);
  });

  it('is silent when all agree, for races, and for ports of connections that have ended', async () => {
    const root = makeRoot(tables(row(22) + row(50_000, '06')));
    let asked = 0;
    const report = await scanRoot([hiddenPort], root, recorded(root, {
      sockets: (family, protocol) => (family === 'ipv4' && protocol === 'tcp' ? [socket(22), ...(asked++ === 0 ? [socket(8080)] : [])] : []), port: (protocol, port) => (port === 50_000 && protocol === 'tcp' ? 'taken' : 'free'),
    }));
    expect(shown(report)).toEqual([]);
  });

  it('says when there is nothing to compare with', async () => {
    const root = makeRoot(tables(row(22)));
    expect((await scanRoot([hiddenPort], root, recorded(root))).blind).toHaveLength(1);
    expect((await scanRoot([hiddenPort], root, recorded(root, { sockets: () => undefined }))).blind.map(({ what }) => what)).toEqual(['netlink tcp', 'netlink udp']);
  });
});

describe('on this machine', () => {
  it('sees a real listener in both views, and cannot take its port', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => { server.once('listening', resolve); });
    const { port } = server.address() as { port: number };
    const probes = await openProbes();
    const key = `127.0.0.1 ${port}`;
    expect([procView(new Procfs('/'), 'tcp')!.listening.has(key), netlinkView(probes, 'tcp')!.listening.has(key), probes.port('tcp', port)]).toEqual([true, true, 'taken']);
    const { findings } = await scanMachine([hiddenPort]);
    server.close();
    expect(findings.filter(({ kind }) => kind === 'intrusion')).toEqual([]);
  }, 120_000);
});
