/** Sensors and behaviours together on this machine: real load, a real service that fails, a real listener. */
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcp, type AddressInfo, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { healthDown } from '../src/behaviours/health-down/behaviour.ts';
import { portWhitelist } from '../src/behaviours/port-whitelist/behaviour.ts';
import { sustainedCpu } from '../src/behaviours/sustained-cpu/behaviour.ts';
import { tryOut, unfilled } from '../src/behaviours/testing.ts';
import { healthSensor } from '../src/sensors/health/sensor.ts';
import { metricsSensor } from '../src/sensors/metrics/sensor.ts';
import { processSensor } from '../src/sensors/process/sensor.ts';
import { start, type Trial } from '../src/sensors/trial.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-live-'));
const children: ChildProcess[] = [];
const servers: TcpServer[] = [];
let trial: Trial | undefined;

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await trial?.stop();
  trial = undefined;
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => { rmSync(folder, { recursive: true }); });

async function listen(server: TcpServer, port = 0): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  return (server.address() as AddressInfo).port;
}

async function shut(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
}

it('a busy loop raises one alarm that names it, and an idle process none', async () => {
  const miner = join(folder, 'kworkerd');
  copyFileSync('/bin/sh', miner);
  const { run, found } = tryOut(sustainedCpu, { percent: 25, seconds: 3, gapSeconds: 4 });
  trial = start(metricsSensor({ everyMs: 500 }), {}, (event) => { run.observe(event); });
  const idle = spawn('/bin/sleep', ['304'], { stdio: 'ignore' });
  const busy = spawn(miner, ['-c', 'while :; do :; done'], { cwd: folder, stdio: 'ignore' });
  children.push(idle, busy);
  await trial.when(() => found.some((d) => d.events[0]?.pid === busy.pid), 40);
  const ours = found.filter((d) => d.events[0]?.pid === busy.pid);
  expect(ours).toHaveLength(1);
  const [alarm] = ours;
  expect(alarm).toMatchObject({ ruleId: 'behaviour.sustained-cpu', level: 'high', attack: ['T1496.001'], group: { program: realpathSync(miner), command: `${miner} -c while :; do :; done`, limit: '25' } });
  expect(alarm?.key).toBe(`${busy.pid}:${alarm?.events[0]?.process_started}`);
  expect(alarm && unfilled(alarm)).toEqual([]);
  expect(found.some((d) => d.events[0]?.pid === idle.pid)).toBe(false);
});

it('a web service that fails raises one alarm after three checks, and its return is told', async () => {
  let status = 200;
  const listener: RequestListener = (_request, response) => { response.writeHead(status).end(); };
  const server = createServer(listener);
  const port = await listen(server);
  const { run, found } = tryOut(healthDown);
  trial = start(healthSensor({ urls: [`http://127.0.0.1:${port}/`], everyMs: 60 }), {}, (event) => { run.observe(event); });
  await trial.until((e) => e.outcome === 'success');
  status = 502;
  await trial.until((e) => e.http_status === 502);
  await shut(server);
  await trial.when(() => (trial?.events.filter((e) => e.outcome === 'failure').length ?? 0) >= 5);
  expect(found.map((d) => d.level)).toEqual(['high']);
  status = 200;
  await listen(createServer(listener), port);
  await trial.when(() => found.length > 1);
  expect(found.map((d) => `${d.level} ${d.title.en}`)).toEqual(['high Web service does not answer', 'info Web service answers again']);
  expect(found.flatMap(unfilled)).toEqual([]);
});

it('a listener that is on no list is told with its program', async () => {
  const { run, found } = tryOut(portWhitelist, { ports: ['1-1023/udp'] });
  trial = start(processSensor({ everyMs: 100, socketsEveryMs: 200 }), {}, (event) => { if (event.kind === 'listener') run.observe(event); });
  const port = await listen(createTcp());
  await trial.when(() => found.some((d) => d.events[0]?.destination_port === port));
  const alarm = found.find((d) => d.events[0]?.destination_port === port);
  expect(alarm).toMatchObject({ ruleId: 'behaviour.port-whitelist', level: 'low', group: { program: process.execPath, address: '127.0.0.1', protocol: 'tcp' } });
});
