/** One request to a Moat server and its whole answer, or an error that says what to do. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, type ConnectionOptions, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { MoatError } from '../../core/error.ts';
import { contract, contractHeader, versionHeader } from '../../api/contract/revision.ts';
import type { RemoteErrorCode, Target } from './profiles.ts';
import { type Server, serverNewer, serverOlder } from './version.ts';

export interface Asked { method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'; path: string; query?: Readonly<Record<string, string | number | boolean | undefined>>; body?: unknown; /** The revision that was seen. */ revision?: number | undefined }
export type Fetch = (asked: Asked) => Promise<unknown>;

const answerMax = 64 << 20;
/** Without a byte. Stories, plans and reports take their time. */
const idleMs = 130_000;
const connectMs = 10_000;

interface ProblemBody { code?: unknown; detail?: unknown; detail_zh?: unknown; hint?: unknown }

/** Throws MoatError: 'not-running' when the server cannot be reached or leaves in mid answer, 'not-trusted', 'remote-token', 'other-version', 'refused' with its reason. */
export function fetchFrom(target: Target): Fetch {
  return async (asked) => {
    const { response, gone } = await send(target, asked);
    const answer = await textOf(response, gone);
    return read(target, asked, response, answer);
  };
}

/** One answer as it comes, for what is too large to be held; `headers` are sent along. What the server refuses is thrown as above. */
export async function openStream(target: Target, asked: Asked, headers: Readonly<Record<string, string>> = {}): Promise<{ response: IncomingMessage; gone: (error: Error) => MoatError }> {
  const sent = await send(target, asked, headers);
  const { statusCode: status = 0 } = sent.response;
  if (status < 200 || status >= 300) read(target, asked, sent.response, await textOf(sent.response, sent.gone));
  return sent;
}

/** The answer as JSON. Throws what the server refused. */
function read(target: Target, asked: Asked, response: IncomingMessage, answer: string): unknown {
  const { statusCode: status = 0 } = response;
  let value: unknown;
  try {
    value = JSON.parse(answer === '' ? 'null' : answer);
  } catch (cause) { throw new MoatError<RemoteErrorCode>('remote', `${target.url} answered ${status}, and not as a Moat server does`, { zh: `${target.url} 的回答（${status}）不像 Moat 服务`, cause }); }
  if (status >= 200 && status < 300) return value;
  throw refusal(target, status, typeof value === 'object' && value !== null ? value : {}, serverOf(response), `${asked.method} ${asked.path}`);
}

function serverOf({ headers }: IncomingMessage): Server {
  const { [versionHeader]: version, [contractHeader]: theirs } = headers;
  return { version: typeof version === 'string' ? version.slice(0, 40) : undefined, contract: typeof theirs === 'string' && /^\d{1,6}$/.test(theirs) ? Number(theirs) : 1 };
}

function send(target: Target, { method, path, query = {}, body, revision }: Asked, headers: Readonly<Record<string, string>> = {}): Promise<{ response: IncomingMessage; gone: (error: Error) => MoatError }> {
  const url = new URL(`/api/v1${path}`, target.url);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const isPlain = url.protocol === 'http:';
    const asked = (isPlain ? plainRequest : secureRequest)(url, {
      method, agent: false,
      headers: {
        authorization: `Bearer ${target.token()}`, accept: 'application/json', 'user-agent': 'moat', [contractHeader]: String(contract),
        ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...(method === 'POST' && { 'idempotency-key': randomUUID() }), ...(revision !== undefined && { 'if-match': `"${revision}"` }), ...headers,
      },
      ...(!isPlain && { ca: target.ca, minVersion: 'TLSv1.2' as const, allowPartialTrustChain: true }),
    });
    asked.setTimeout(idleMs, () => asked.destroy(new Error('no answer')));
    const early = setTimeout(() => asked.destroy(new Error('no connection')), connectMs);
    asked.once('socket', (socket) => socket.once(isPlain ? 'connect' : 'secureConnect', () => clearTimeout(early)));
    asked.once('close', () => clearTimeout(early));
    asked.on('error', (error) => { reject(unreachable(target, error, false, method)); });
    asked.on('response', (response) => resolve({ response, gone: (error) => unreachable(target, error, true, method) }));
    asked.end(text);
  });
}

async function textOf(response: IncomingMessage, gone: (error: Error) => MoatError): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > answerMax) throw new Error(`the answer is larger than ${answerMax} bytes`);
      pieces.push(piece);
    }
  } catch (error) { throw gone(error as Error); }
  if (!response.complete) throw gone(new Error('cut off'));
  return Buffer.concat(pieces).toString();
}

function unreachable({ url, name }: Target, error: Error, begun: boolean, method: string): MoatError {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (/^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT)/.test(code)) {
    return new MoatError<RemoteErrorCode>('not-trusted', `the certificate of ${url} is not the one that was pinned (${error.message})`, { zh: `${url} 的证书与保存的不符（${error.message}）`, hint: { zh: `不要继续，除非你知道服务器换了证书；那时：moat remote add ${name ?? 'NAME'} ${url} --replace`, en: `do not go on unless you know that the server has a new one; then: moat remote add ${name ?? 'NAME'} ${url} --replace` }, cause: error });
  }
  if (begun) {
    const maybe = method === 'GET' ? undefined : { zh: '要求的事也许已经做了：moat actions', en: 'what was asked may have been done: moat actions' };
    return new MoatError('not-running', `${url} went away in the middle of its answer (${error.message})`, { zh: `${url} 的回答中途断开`, hint: maybe, cause: error });
  }
  return new MoatError('not-running', `no Moat server answers at ${url} (${error.message})`, { zh: `${url} 上没有 Moat 服务应答（${error.message}）`, hint: { zh: '在那台机器上看：moat server', en: 'look on that machine: moat server' }, cause: error });
}

function refusal({ url }: Target, status: number, { code, detail, detail_zh: zh, hint }: ProblemBody, server: Server, what: string): MoatError {
  const en = typeof detail === 'string' ? detail : `${url} answered ${status}`;
  const text = { zh: typeof zh === 'string' ? zh : en, en };
  if (status === 401) return new MoatError<RemoteErrorCode>('remote-token', `the token is not, or no longer, good at ${url}`, { zh: `令牌在 ${url} 无效或已过期`, hint: { zh: '在控制台“系统”中另发一个', en: 'make another in the console (System)' } });
  // Before revision 2 an address that is not there had no code of its own.
  if (code === 'no-route' || (status === 404 && server.version === undefined && detail === 'there is nothing at this address')) return serverOlder(url, server, what);
  if (code === 'too-old') return serverNewer(url, server);
  if (code === 'bad-input' && server.contract !== contract) return new MoatError('refused', en, { text, hint: { zh: `那里的接口修订为 ${server.contract}，这里为 ${contract}：可能是版本不同（moat remote check）`, en: `the contract there is ${server.contract}, here ${contract}: it may be the version (moat remote check)` } });
  if (code === 'not-permitted') return new MoatError('refused', en, { text: { zh: `令牌没有这个权限：${text.zh}`, en: `the token may not do this: ${text.en}` } });
  if (code === 'not-found') return new MoatError('not-found', en, { text, ...(typeof hint === 'string' && { hint }) });
  return new MoatError('refused', en, { text, ...(typeof hint === 'string' && { hint }) });
}

export interface Seen { /** SHA-256 of the server's own certificate, as `moat server` shows it there. */ fingerprint: string; /** What is to be trusted from now on: the authority that it comes with, or itself. */ ca: string; issuer: string; ends: string }

/** Looks at the certificate of a server; sends nothing. Throws MoatError when there is none, or it does not come from what it comes with. */
export async function lookAt(url: string): Promise<Seen> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const leaf = await peer(url, { host, port: Number(port || 443), rejectUnauthorized: false });
  let top = leaf;
  for (let depth = 0; depth < 8 && top.issuerCertificate !== undefined && top.issuerCertificate !== top && top.issuerCertificate.fingerprint256 !== top.fingerprint256; depth++) top = top.issuerCertificate;
  const ca = `-----BEGIN CERTIFICATE-----\n${top.raw.toString('base64').replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END CERTIFICATE-----\n`;
  // Anybody can send somebody else's authority along: it must have signed what was shown, for this name.
  await peer(url, { host, port: Number(port || 443), ca, allowPartialTrustChain: true });
  return { fingerprint: leaf.fingerprint256, ca, issuer: String(top.subject.CN ?? ''), ends: leaf.valid_to };
}

function peer(url: string, options: ConnectionOptions & { host: string }): Promise<DetailedPeerCertificate> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => { reject(new MoatError<RemoteErrorCode>('remote', `cannot look at the certificate of ${url}: ${error.message}`, { zh: `看不到 ${url} 的证书：${error.message}`, cause: error })); };
    const socket: TLSSocket = connect({ ...options, minVersion: 'TLSv1.2', ...(/^[\d.]+$|:/.test(options.host) ? {} : { servername: options.host }) }, () => {
      const certificate = socket.getPeerCertificate(true);
      socket.end();
      if (certificate.raw === undefined) fail(new Error('it showed none')); else resolve(certificate);
    });
    socket.setTimeout(connectMs, () => socket.destroy(new Error('no answer')));
    socket.on('error', fail);
  });
}

/** Two ways of writing the same. */
export const isSameFingerprint = (a: string, b: string): boolean => plainHex(a) === plainHex(b);
const plainHex = (text: string): string => text.replace(/^sha-?256[:= ]*/i, '').replaceAll(/[: ]/g, '').toUpperCase();
