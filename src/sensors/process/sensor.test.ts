import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { bootId, uptime } from '../../linux/proc-host.ts';
import { Procfs } from '../../linux/procfs.ts';
import { whole } from '../../linux/slices.ts';
import { Users } from '../../linux/users.ts';
import { start, type Trial } from '../trial.ts';
import { processSensor } from './sensor.ts';
import { SocketTable } from './sockets.ts';
import { ProcessTable } from './table.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-process-'));
const children: ChildProcess[] = [];
const servers: Server[] = [];
const clients: Socket[] = [];
let trial: Trial | undefined;

function run(file: string, args: readonly string[] = []): ChildProcess {
  const child = spawn(file, args, { cwd: folder, stdio: 'ignore' });
  children.push(child);
  return child;
}

async function listen(): Promise<number> {
  const server = createServer((socket) => { clients.push(socket); });
  servers.push(server);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return (server.address() as AddressInfo).port;
}

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const client of clients.splice(0)) client.destroy();
  for (const server of servers.splice(0)) server.close();
  await trial?.stop();
  trial = undefined;
});
afterAll(() => { rmSync(folder, { recursive: true }); });

describe('processes', () => {
  it('tells a start in full, and the end', async () => {
    const before = run('/bin/sleep', ['300']);
    trial = start(processSensor({ everyMs: 100 }));
    const seen = await trial.until((e) => e.pid === before.pid);
    expect([seen.kind, seen.action]).toEqual(['process_creation', 'process-seen']);

    // A name that a careless reader of /proc/[pid]/stat takes for the fields after it.
    const odd = join(folder, 'x) S 1 (y');
    copyFileSync('/bin/sleep', odd);
    const child = run(odd, ['301', '1s']);
    const started = await trial.until((e) => e.pid === child.pid && e.process_path === realpathSync(odd));
    expect(started).toMatchObject({
      kind: 'process_creation', category: 'process', process_name: 'x) S 1 (y', process_cmdline: `${odd} 301 1s`, process_cwd: realpathSync(folder),
      parent_pid: process.pid, parent_path: process.execPath, uid: process.getuid?.(), host: 'testhost',
    });
    expect(['process-start', 'process-exec']).toContain(started.action);
    expect(Math.abs((started.process_started ?? 0) - Date.now())).toBeLessThan(120_000);

    child.kill('SIGKILL');
    const ended = await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    expect(ended).toMatchObject({ action: 'process-end', process_path: realpathSync(odd), process_started: started.process_started });
    expect(new Set(trial.events.map((e) => e.id)).size).toBe(trial.events.length);
  });

  it('notices that a known process became another program', async () => {
    const child = run('/bin/sh', ['-c', 'until [ -e go ]; do sleep 0.05; done; exec sleep 302']);
    trial = start(processSensor({ everyMs: 100 }));
    await trial.until((e) => e.pid === child.pid);
    writeFileSync(join(folder, 'go'), '');
    const became = await trial.until((e) => e.pid === child.pid && e.process_cmdline === 'sleep 302');
    expect(became).toMatchObject({ action: 'process-exec', process_name: 'sleep' });
  });

  it('after a restart tells what started in between as a start', async () => {
    const procfs = new Procfs();
    const ticks = Math.floor(uptime(procfs) * 100) - 1;
    const child = run('/bin/sleep', ['303']);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    trial = start(processSensor({ everyMs: 100 }), { process: `${bootId(procfs)} ${ticks}` });
    expect((await trial.until((e) => e.pid === child.pid)).action).toBe('process-start');
    expect((await trial.until((e) => e.pid === process.pid)).action).toBe('process-seen');
    await trial.when(() => trial?.positions.has('process') === true);
    expect(trial.positions.get('process')).toMatch(/^[0-9a-f-]{36} \d+$/);
  });

  it('reads no more new processes in one look than its limit, and the rest in the next', () => {
    const procfs = new Procfs();
    const table = new ProcessTable(procfs, new Users(), 0, { processes: 40, newPerLook: 10, againPerLook: 4 });
    let dropped = 0;
    const first = [...table.look(1, (n) => { dropped += n; })];
    expect(first.length).toBeLessThanOrEqual(10);
    for (let i = 0; i < 20; i++) Array.from(table.look(2 + i, (n) => { dropped += n; }));
    expect(table.size).toBe(Math.min(40, procfs.pids().length));
    if (procfs.pids().length > 41) expect(dropped).toBeGreaterThan(0);
  });
});

describe('sockets', () => {
  it('tells listeners and connections with the process that holds them', async () => {
    const early = await listen();
    trial = start(processSensor({ everyMs: 100, socketsEveryMs: 200 }));
    const seen = await trial.until((e) => e.kind === 'listener' && e.destination_port === early);
    expect(seen).toMatchObject({ action: 'listener-seen', destination_ip: '127.0.0.1', direction: 'listening', protocol: 'tcp', pid: process.pid, process_path: process.execPath });

    const late = await listen();
    // Where another program closes a listener in the same moment, the kernel's counters stand still: it is seen with the next full look.
    const opened = await trial.until((e) => e.kind === 'listener' && e.destination_port === late);
    expect(opened).toMatchObject({ action: 'listener-start', pid: process.pid, category: 'network' });

    clients.push(connect(late, '127.0.0.1'));
    const connection = await trial.until((e) => e.kind === 'network_connection' && e.destination_port === late);
    expect(connection).toMatchObject({ direction: 'outbound', destination_ip: '127.0.0.1', pid: process.pid, source_ip: undefined, extra: { Initiated: 'true' } });

    // A connection that came later has been told: the looks that told it did not tell the first one again.
    const again = await listen();
    clients.push(connect(again, '127.0.0.1'));
    await trial.until((e) => e.kind === 'network_connection' && e.destination_port === again);
    expect(trial.events.filter((e) => e.kind === 'network_connection' && e.destination_port === late)).toHaveLength(1);
  });

  it('under a flood from outside still tells a call outwards', () => {
    const root = join(folder, 'flood');
    mkdirSync(join(root, 'proc/net'), { recursive: true });
    mkdirSync(join(root, 'proc/sys/net/ipv4'), { recursive: true });
    writeFileSync(join(root, 'proc/sys/net/ipv4/ip_local_port_range'), '32768\t60999\n');
    const row = (local: string, remote: string, state: string, inode: number): string => `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0`;
    const table = (rows: readonly string[]): void => { writeFileSync(join(root, 'proc/net/tcp'), ['head', ...rows].join('\n')); };
    const service = row('00000000:0050', '00000000:0000', '0A', 1);
    table([service]);
    const procfs = new Procfs(root);
    const sockets = new SocketTable(procfs, { connections: 5000, listeners: 10, newPerLook: 50, descriptors: 10 });
    const counts = new Map<string, number>();
    const count = (what: string, n: number): void => { counts.set(what, (counts.get(what) ?? 0) + n); };
    expect(whole(sockets.look(0, () => [], count)).map((s) => s.type)).toEqual(['listener']);
    const hex = (n: number): string => n.toString(16).toUpperCase().padStart(4, '0');
    const flood = Array.from({ length: 4000 }, (_, i) => row('0A0200C0:0050', `0971${hex(i)}:C000`, '01', 1000 + i));
    table([service, ...flood, row('0A0200C0:9C40', '096433C6:115C', '01', 9)]);
    const news = whole(sockets.look(40_000, () => [], count));
    expect(news.filter((s) => s.type === 'outbound').map((s) => `${s.socket.remoteIp}:${s.socket.remotePort}`)).toEqual(['198.51.100.9:4444']);
    expect(news.filter((s) => s.type === 'inbound')).toHaveLength(50);
    expect(counts.get('new connections beyond the limit of one look, not told')).toBe(3950);
    // All are known now: the same table tells nothing.
    expect(whole(sockets.look(80_000, () => [], count))).toEqual([]);
  });
});
