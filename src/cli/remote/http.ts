/** One request to a Moat server and its whole answer, or an error that says what to do. */
import { randomUUID } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, type ConnectionOptions, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { MoatError } from '../../core/error.ts';
import type { RemoteErrorCode, Target } from './profiles.ts';

export interface Asked { method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'; path: string; query?: Readonly<Record<string, string | number | boolean | undefined>>; body?: unknown; /** The revision that was seen. */ revision?: number | undefined }
export type Fetch = (asked: Asked) => Promise<unknown>;

const answerMax = 64 << 20;
/** Without a byte. Stories, plans and reports take their time. */
const idleMs = 130_000;
const connectMs = 10_000;

interface ProblemBody { code?: unknown; detail?: unknown; detail_zh?: unknown; hint?: unknown }

/** Throws MoatError: 'not-running' when the server cannot be reached or leaves in mid answer, 'not-trusted', 'remote-token', 'refused' with its reason. */
export function fetchFrom(target: Target): Fetch {
  return async ({ method, path, query = {}, body, revision }) => {
    const url = new URL(`/api/v1${path}`, target.url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    const text = body === undefined ? undefined : JSON.stringify(body);
    const { status, answer } = await exchange(target, url, method, text, revision);
    let value: unknown;
    try {
      value = JSON.parse(answer === '' ? 'null' : answer);
    } catch (cause) { throw new MoatError<RemoteErrorCode>('remote', `${target.url} answered ${status}, and not as a Moat server does`, { zh: `${target.url} 的回答（${status}）不像 Moat 服务`, cause }); }
    if (status >= 200 && status < 300) return value;
    throw refusal(target, status, typeof value === 'object' && value !== null ? value : {});
  };
}

function exchange(target: Target, url: URL, method: string, body: string | undefined, revision: number | undefined): Promise<{ status: number; answer: string }> {
  return new Promise((resolve, reject) => {
    const isPlain = url.protocol === 'http:';
    const asked = (isPlain ? plainRequest : secureRequest)(url, {
      method, agent: false,
      headers: {
        authorization: `Bearer ${target.token()}`, accept: 'application/json', 'user-agent': 'moat',
        ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...(method === 'POST' && { 'idempotency-key': randomUUID() }), ...(revision !== undefined && { 'if-match': `"${revision}"` }),
      },
      ...(!isPlain && { ca: target.ca, minVersion: 'TLSv1.2' as const, allowPartialTrustChain: true }),
    });
    let begun = false;
    const gone = (error: Error): void => { reject(unreachable(target, error, begun, method)); };
    asked.setTimeout(idleMs, () => asked.destroy(new Error('no answer')));
    const early = setTimeout(() => asked.destroy(new Error('no connection')), connectMs);
    asked.once('socket', (socket) => socket.once(isPlain ? 'connect' : 'secureConnect', () => clearTimeout(early)));
    asked.once('close', () => clearTimeout(early));
    asked.on('error', gone);
    asked.on('response', (response) => {
      begun = true;
      const pieces: Buffer[] = [];
      let size = 0;
      response.on('data', (piece: Buffer) => {
        size += piece.length;
        if (size > answerMax) { response.destroy(new Error(`the answer is larger than ${answerMax} bytes`)); return; }
        pieces.push(piece);
      });
      response.on('error', gone);
      response.on('end', () => { if (response.complete) resolve({ status: response.statusCode ?? 0, answer: Buffer.concat(pieces).toString() }); else gone(new Error('cut off')); });
    });
    asked.end(body);
  });
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

function refusal({ url }: Target, status: number, { code, detail, detail_zh: zh, hint }: ProblemBody): MoatError {
  const en = typeof detail === 'string' ? detail : `${url} answered ${status}`;
  const text = { zh: typeof zh === 'string' ? zh : en, en };
  if (status === 401) return new MoatError<RemoteErrorCode>('remote-token', `the token is not, or no longer, good at ${url}`, { zh: `令牌在 ${url} 无效或已过期`, hint: { zh: '在控制台“系统”中另发一个', en: 'make another in the console (System)' } });
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
