/** One POST to a service: https only (http to this machine itself), no redirects, bounded in time and size. */
import type { Outcome } from '../core/notice.ts';
import { NotifierError, type SendContext } from './port.ts';
import { type Answer, postThrough, proxyFor } from './proxy.ts';
import { parseUrl } from './scrub.ts';

export interface Reply { kind: 'reply'; status: number; retryAfterMs: number | undefined; text: string }

const timeoutMs = 15_000;
const replyMax = 64 * 1024;
/** Nobody is kept silent for longer by an answer, whatever it asks for. */
const longestWaitMs = 3_600_000;
const loopback = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/** Throws NotifierError 'url', which does not repeat the address: it holds the token. */
export function serviceUrl(text: string): URL {
  const url = parseUrl(text);
  if (!url) throw new NotifierError('url', { zh: '网址写得不对：应为完整的 https 网址', en: 'expected a whole https address, got something else' });
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback.test(url.hostname))) throw new NotifierError('url', { zh: '网址应以 https:// 开头（仅本机可用 http）', en: 'expected an https address (http only to this machine itself)' });
  if (url.username !== '' || url.password !== '') throw new NotifierError('url', { zh: '网址里不要写账号口令；webhook 可用 headers', en: 'expected no account in the address; a webhook takes headers' });
  return url;
}

export const targetOf = (url: URL): { host: string; port: number } => ({ host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) });

/** What came back, or why nothing did. */
export async function post(url: URL, body: string, context: Pick<SendContext, 'signal' | 'now'>, headers: Readonly<Record<string, string>> = {}): Promise<Reply | Outcome> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const all = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'moat', ...headers };
    const proxy = proxyFor(url);
    const answer = proxy === undefined ? await direct(url, body, all, signal) : await postThrough(proxy, url, body, all, signal);
    return { kind: 'reply', status: answer.status, retryAfterMs: retryAfter(answer.header('retry-after'), context.now()), text: await bounded(answer.pieces) };
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof NotifierError) throw error;
    if ((error as Error).name === 'TimeoutError') return { kind: 'retry-after', code: 'timeout', what: { zh: '没有及时答复；检查网络', en: 'no answer in time; look at the network' } };
    const code = reason(error);
    return { kind: 'retry-after', code, what: { zh: `连不上 ${url.hostname}（${code}）；检查 DNS、防火墙与证书`, en: `cannot reach ${url.hostname} (${code}); look at DNS, firewall and certificates` } };
  }
}

async function direct(url: URL, body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer> {
  const answer = await fetch(url, { method: 'POST', body, redirect: 'manual', signal, headers });
  return { status: answer.status, header: (name) => answer.headers.get(name), pieces: (answer.body ?? []) as AsyncIterable<Buffer> };
}

/** Leaving the loop lets go of the rest. */
async function bounded(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > replyMax) break;
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return !Number.isNaN(ms) ? Math.min(Math.max(ms, 0), longestWaitMs) : undefined;
}

/** fetch hides what happened in its cause. */
function reason(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : (error as Error).name;
}

/** What the status alone says; undefined for 2xx. */
export function statusOutcome({ status, retryAfterMs, text }: Reply): Outcome | undefined {
  // Cut to a line later, when secrets are taken out: half a secret would not be known for one.
  const said = text.trim() === '' ? '' : ` ${text.trim()}`;
  const code = `HTTP ${status}`;
  if (status >= 200 && status < 300) return undefined;
  if (status === 429) return { kind: 'retry-after', code, ms: retryAfterMs ?? 60_000, what: { zh: '发得太快，稍后再发', en: 'too fast; sent again later' } };
  if (status >= 500 || status === 408 || status === 425) return { kind: 'retry-after', code, ...(retryAfterMs !== undefined && { ms: retryAfterMs }), what: { zh: `对方出错，稍后再发${said}`, en: `the service failed; sent again later${said}` } };
  if (status >= 300 && status < 400) return { kind: 'refused', about: 'channel', code, what: { zh: '对方要求转到别处；不跟随跳转，请写最终的网址', en: 'the service redirects; redirects are not followed: write the final address' } };
  if (status === 413) return { kind: 'refused', about: 'notice', code, what: { zh: '通知过大', en: 'the notice is too large' } };
  if (status === 400 || status === 422) return { kind: 'refused', about: 'unknown', code, what: { zh: `对方不接受这条通知${said}`, en: `the service does not take this notice${said}` } };
  return { kind: 'refused', about: 'channel', code, what: { zh: `对方拒绝；检查网址、令牌与权限${said}`, en: `refused; look at address, token and rights${said}` } };
}

/** A JSON object of the reply; undefined when it is none. */
export function jsonOf(reply: Reply): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(reply.text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined;
  } catch { return undefined; /* said by the caller: not the service's answer */ }
}

export const notTheService: Outcome = { kind: 'retry-after', code: 'not-json', what: { zh: '答复不是该服务的格式；网址是否写对，中间是否有代理或登录页？', en: 'the answer is not one of this service; is the address right, is a proxy or a log-in page between?' } };

/** What services say that put `errcode` and `errmsg` into replies with status 200; an Outcome when there is none. */
export function errcodeOf(reply: Reply): { kind: 'errcode'; errcode: number; said: string } | Outcome {
  const bad = statusOutcome(reply);
  if (bad) return bad;
  const answer = jsonOf(reply);
  const errcode = answer?.['errcode'];
  if (typeof errcode !== 'number') return notTheService;
  return { kind: 'errcode', errcode, said: typeof answer?.['errmsg'] === 'string' ? ` ${answer['errmsg']}` : '' };
}
