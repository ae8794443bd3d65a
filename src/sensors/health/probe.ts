/** One HTTP look at a service. */
import type { IncomingMessage } from 'node:http';

export type Answer =
  | { type: 'answered'; status: number; ms: number }
  /** Something accepted the connection and closed it without a word, as a site that answers only to its own names does. */
  | { type: 'closed'; ms: number; error: string }
  | { type: 'refused'; ms: number; error: string }
  | { type: 'failed'; ms: number; error: string };

export interface ProbeOptions { timeoutMs: number; signal: AbortSignal }

const maxRedirects = 3;
const maxBody = 64 * 1024;

const isLoopbackHost = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);

/**
 * GETs the url. Redirects are followed at most three times and only within the same host: a redirect to
 * elsewhere is an answer, and a check must not be led to another machine. Certificates are not verified on
 * loopback, where no certificate is made out for the address. At most 64 KiB of a body are read.
 */
export async function probe(url: string, options: ProbeOptions): Promise<Answer> {
  const began = performance.now();
  const took = (): number => Math.round(performance.now() - began);
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  let target = new URL(url);
  try {
    for (let redirects = 0; ; redirects++) {
      const { status, location } = await get(target, signal);
      const next = status >= 300 && status < 400 && location !== undefined && URL.canParse(location, target.href) ? new URL(location, target) : undefined;
      const follow = next !== undefined && next.hostname === target.hostname && (next.protocol === 'http:' || next.protocol === 'https:');
      if (!follow) return { type: 'answered', status, ms: took() };
      if (redirects === maxRedirects) return { type: 'failed', ms: took(), error: `more than ${maxRedirects} redirects` };
      target = next;
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const text = signal.aborted && !options.signal.aborted ? `no answer within ${options.timeoutMs} ms` : `${code ?? 'error'}: ${message}`.slice(0, 300);
    if (signal.aborted) return { type: 'failed', ms: took(), error: text };
    if (code === 'ECONNREFUSED') return { type: 'refused', ms: took(), error: text };
    // A reset, an end without a word, or a TLS server that knows no such name.
    if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'EPROTO' || code?.startsWith('ERR_SSL_')) return { type: 'closed', ms: took(), error: text };
    return { type: 'failed', ms: took(), error: text };
  }
}

async function get(url: URL, signal: AbortSignal): Promise<{ status: number; location: string | undefined }> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: 'GET', agent: false, signal, maxHeaderSize: 32 * 1024, rejectUnauthorized: !isLoopbackHost(url.hostname),
      headers: { 'user-agent': 'moat-health', accept: '*/*', connection: 'close' },
    }, (response: IncomingMessage) => {
      const answer = { status: response.statusCode ?? 0, location: response.headers.location };
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBody) { resolve(answer); sent.destroy(); }
      });
      response.on('end', () => { resolve(answer); });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}
