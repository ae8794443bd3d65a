/** Lists of the operator against real traffic on loopback: connection, DNS query, TLS server name, wallet. */
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askControl } from '../../src/agent/control.ts';
import type { ListState } from '../../src/agent/intelligence.ts';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';

const wallet = `4${'7Xy'.repeat(31)}z`;
const folder = mkdtempSync(join(tmpdir(), 'moat-intel-live-'));
const list = join(folder, 'list.txt');
writeFileSync(list, `127.0.0.99\ncontrol.example\ngreeting.example\n${wallet}\n`);

describe.skipIf(await lacksKernel())('an intelligence list in moat up', () => {
  let watch: Watch;
  let server: Server;
  let names: Socket;
  let port: number;

  beforeAll(async () => {
    watch = await startWatch({ behaviours: ['intelligence-match'], yaml: `intelligence:\n  lists: [{ name: ours, file: "${list}", what: c2, level: critical }]` });
    const ready = async (): Promise<boolean> => (await askControl(join(watch.folder, 'data'), 'intelligence') as ListState[]).every((state) => state.state === 'live');
    while (!(await ready())) await sleep(50);
    server = createServer((socket) => { socket.on('error', () => socket.destroy()); socket.on('data', () => socket.end()); });
    await new Promise<void>((resolve) => { server.listen(0, '0.0.0.0', resolve); });
    port = (server.address() as { port: number }).port;
    names = createSocket('udp4');
    await new Promise<void>((resolve) => { names.bind(53, '127.0.0.98', resolve); });
  });
  afterAll(async () => {
    await watch?.end();
    server?.close();
    names?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A program of its own, so that the kernel sensor sees another process than the test. */
  async function run(code: string): Promise<void> {
    const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
    await new Promise((resolve) => child.once('exit', resolve));
  }
  const alert = (title: string, what: string): Promise<unknown> => watch.waitFor((one) => one.rule_id === 'behaviour.intelligence-match' && (one as unknown as { summary: string }).summary.includes(title), what);

  it('tells a connection to a listed address', async () => {
    await run(`require('net').connect(${port}, '127.0.0.99').on('connect', function () { this.end(); })`);
    expect(await alert('127.0.0.99 on list ours', 'of a listed address')).toMatchObject({ level: 'critical' });
  });

  it('tells a query for a listed name, and the name in a TLS greeting', async () => {
    await run("const r = new (require('dns').Resolver)({ timeout: 200, tries: 1 }); r.setServers(['127.0.0.98']); r.resolve4('asked.control.example', () => {})");
    await alert('contacted asked.control.example: control.example on list ours', 'of a name asked for');
    await run(`require('tls').connect({ port: ${port}, host: '127.0.0.1', servername: 'www.greeting.example' }).on('error', () => {})`);
    await alert('contacted www.greeting.example: greeting.example on list ours', 'of a name in a greeting');
  });

  it('tells a listed wallet in what is sent', async () => {
    await run(`require('net').connect(${port}, '127.0.0.1').on('connect', function () { this.write('{"method":"login","params":{"login":"' + ${JSON.stringify([wallet.slice(0, 40), wallet.slice(40)])}.join('') + '"}}\\n'); this.on('close', () => {}); })`);
    await alert(`uses wallet ${wallet} on list ours`, 'of a wallet');
  });
});
