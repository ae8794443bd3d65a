import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTls } from 'node:https';
import { createServer as createTcp, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { start, type Trial } from '../trial.ts';
import { probe } from './probe.ts';
import { healthSensor } from './sensor.ts';

const servers: TcpServer[] = [];
const sockets: Socket[] = [];
let trial: Trial | undefined;

async function open(server: TcpServer, port = 0): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  return (server.address() as AddressInfo).port;
}
const web = (listener: RequestListener): Server => createServer(listener);

async function close(server: TcpServer): Promise<void> {
  if ('closeAllConnections' in server) (server as Server).closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
}

const ask = (url: string, timeoutMs = 2000): ReturnType<typeof probe> => probe(url, { timeoutMs, signal: new AbortController().signal });

afterEach(async () => {
  await trial?.stop();
  trial = undefined;
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) if (server.listening) await close(server);
});

describe('one look', () => {
  it('takes the status, and follows redirects within the host only', async () => {
    let asked = 0;
    const port = await open(web((request, response) => {
      asked++;
      switch (request.url) {
        case '/moved': response.writeHead(302, { location: '/well' }).end(); break;
        case '/loop': response.writeHead(301, { location: '/loop' }).end(); break;
        case '/away': response.writeHead(302, { location: 'http://192.0.2.1/' }).end(); break;
        case '/file': response.writeHead(302, { location: 'file:///etc/passwd' }).end(); break;
        case '/broken': response.writeHead(503).end('no'); break;
        default: response.end('well');
      }
    }));
    const base = `http://127.0.0.1:${port}`;
    expect(await ask(`${base}/`)).toMatchObject({ type: 'answered', status: 200 });
    expect(await ask(`${base}/moved`)).toMatchObject({ type: 'answered', status: 200 });
    expect(await ask(`${base}/away`)).toMatchObject({ type: 'answered', status: 302 });
    expect(await ask(`${base}/file`)).toMatchObject({ type: 'answered', status: 302 });
    expect(await ask(`${base}/broken`)).toMatchObject({ type: 'answered', status: 503 });
    asked = 0;
    expect(await ask(`${base}/loop`)).toMatchObject({ type: 'failed', error: 'more than 3 redirects' });
    expect(asked).toBe(4);
  });

  it('gives up on one that never answers or never ends', async () => {
    const silent = await open(createTcp((socket) => { sockets.push(socket); }));
    expect(await ask(`http://127.0.0.1:${silent}/`, 300)).toMatchObject({ type: 'failed', error: 'no answer within 300 ms' });
    const endless = await open(web((_request, response) => {
      const write = (): void => { while (!response.destroyed && response.write(Buffer.alloc(16_384))) continue; };
      response.on('drain', write);
      write();
    }));
    expect(await ask(`http://127.0.0.1:${endless}/`)).toMatchObject({ type: 'answered', status: 200 });
  });

  it('tells refused from closed without a word', async () => {
    const shut = await open(createTcp((socket) => { socket.destroy(); }));
    expect((await ask(`http://127.0.0.1:${shut}/`)).type).toBe('closed');
    const [server] = servers.splice(0);
    if (server) await close(server);
    expect((await ask(`http://127.0.0.1:${shut}/`)).type).toBe('refused');
  });

  it.skipIf(lacks({ files: ['/usr/bin/openssl'] }))('takes any certificate on loopback', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'moat-tls-'));
    execFileSync('/usr/bin/openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', join(folder, 'key'), '-out', join(folder, 'cert'), '-subj', '/CN=shop.example', '-days', '2'], { stdio: 'ignore' });
    const port = await open(createTls({ key: readFileSync(join(folder, 'key')), cert: readFileSync(join(folder, 'cert')) }, (_request, response) => { response.end('well'); }));
    rmSync(folder, { recursive: true });
    expect(await ask(`https://127.0.0.1:${port}/`)).toMatchObject({ type: 'answered', status: 200 });
  });
});

it('tells how a service is, whether it answers well or badly', async () => {
  let status = 204;
  const port = await open(web((_request, response) => { response.writeHead(status).end(); }));
  const url = `http://127.0.0.1:${port}/`;
  trial = start(healthSensor({ urls: [url], everyMs: 60 }));
  const well = await trial.until((e) => e.outcome === 'success');
  expect(well).toMatchObject({ kind: 'sensor', category: 'service', action: 'health', service: url, http_status: 204 });
  expect(well.value).toBeGreaterThanOrEqual(0);
  status = 502;
  expect(await trial.until((e) => e.http_status === 502)).toMatchObject({ outcome: 'failure', message: 'HTTP 502' });
  // Not there, but not allowed either: the service lives.
  status = 404;
  expect(await trial.until((e) => e.http_status === 404)).toMatchObject({ outcome: 'success' });
});

it('waits for a default service to come, and takes its end for a failure', async () => {
  const server = web((_request, response) => { response.end(); });
  const port = await open(server);
  await close(server);
  trial = start(healthSensor({ defaultUrls: [`http://127.0.0.1:${port}/`], everyMs: 60 }));
  await trial.when(() => trial?.health.get(`http://127.0.0.1:${port}/`) === 'waiting');
  expect(trial.events).toEqual([]);
  const later = web((_request, response) => { response.end(); });
  await open(later, port);
  await trial.until((e) => e.outcome === 'success');
  await close(later);
  expect((await trial.until((e) => e.outcome === 'failure')).message).toContain('ECONNREFUSED');
});

it('refuses urls that it cannot ask', () => {
  expect(() => healthSensor({ urls: ['ftp://127.0.0.1/'] })).toThrow('expected an http or https url, got "ftp://127.0.0.1/" in health urls');
  expect(() => healthSensor({ urls: ['nonsense'] })).toThrow('nonsense');
  expect(() => healthSensor({ urls: Array.from({ length: 65 }, () => 'http://127.0.0.1/') })).toThrow('at most 64');
});
