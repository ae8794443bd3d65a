/** The way out by a proxy, as the environment names it: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, in capitals or not. */
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Socket } from 'node:net';
import { connect as secure } from 'node:tls';
import { NotifierError } from './port.ts';
import { parseUrl } from './scrub.ts';

export interface Answer { status: number; header: (name: string) => string | null; pieces: AsyncIterable<Buffer> }

type Environment = Readonly<Record<string, string | undefined>>;
const loopback = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/** The proxy for an address; undefined when it is reached directly, as this machine itself always is. Throws NotifierError 'settings' for one that cannot be used; it may hold a password and is not repeated. */
export function proxyFor(url: URL, environment: Environment = process.env): URL | undefined {
  const value = (name: string): string | undefined => environment[name] || environment[name.toLowerCase()] || undefined;
  const text = (url.protocol === 'https:' ? value('HTTPS_PROXY') : value('HTTP_PROXY')) ?? value('ALL_PROXY');
  if (text === undefined || loopback.test(url.hostname) || isExcepted(url, value('NO_PROXY') ?? '')) return undefined;
  const proxy = parseUrl(text.includes('://') ? text : `http://${text}`);
  if (proxy?.protocol !== 'http:' || proxy.hostname === '') throw new NotifierError('settings', { zh: '环境变量中的代理应形如 http://地址:端口', en: 'expected a proxy such as http://ADDRESS:PORT in the environment' });
  return proxy;
}

/** `*`, names with what lies under them, `name:port`. */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
  const own = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true;
    const [, name = '', at] = /^\.?(?:\*\.)?(.+?)(?::(\d{1,5}))?$/.exec(entry.toLowerCase()) ?? [];
    return name !== '' && (at === undefined || at === own) && (hostname === name || hostname.endsWith(`.${name}`));
  });
}

/** A POST over TLS, end to end, through a tunnel of the proxy. `ca`: whom to trust besides the usual, for tests. Rejects with the reason. */
export async function postThrough(proxy: URL, url: URL, body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal, ca?: string): Promise<Answer> {
  const port = Number(url.port) || 443;
  const socket = await tunnel(proxy, `${url.hostname}:${port}`, signal);
  return await new Promise((resolve, reject) => {
    const wire = secure({ socket, servername: url.hostname.replace(/^\[(.*)\]$/, '$1'), ...(ca !== undefined && { ca }) });
    const sent = secureRequest(url, { method: 'POST', signal, headers: { ...headers, 'host': url.host, 'content-length': Buffer.byteLength(body) }, createConnection: () => wire }, (answer) => {
      resolve({ status: answer.statusCode ?? 0, header: (name) => { const found = answer.headers[name]; return found === undefined ? null : String(found); }, pieces: answer as AsyncIterable<Buffer> });
    });
    wire.on('error', reject);
    sent.on('error', reject);
    sent.end(body);
  });
}

function tunnel(proxy: URL, to: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const account = proxy.username === '' ? undefined : Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64');
    const asked = plainRequest({ host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(proxy.port) || 80, method: 'CONNECT', path: to, signal, agent: false, headers: { host: to, ...(account !== undefined && { 'proxy-authorization': `Basic ${account}` }) } });
    asked.on('connect', (answer, socket) => {
      if (answer.statusCode === 200) { resolve(socket); return; }
      socket.destroy();
      reject(Object.assign(new Error('the proxy refuses'), { cause: Object.assign(new Error(), { code: `PROXY_${answer.statusCode ?? 0}` }) }));
    });
    asked.on('response', (answer) => {
      answer.destroy();
      reject(Object.assign(new Error('the proxy refuses'), { cause: Object.assign(new Error(), { code: `PROXY_${answer.statusCode ?? 0}` }) }));
    });
    asked.on('error', reject);
    asked.end();
  });
}
