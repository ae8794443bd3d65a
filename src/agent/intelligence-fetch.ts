/** Fetches a list: only when it changed, only so much, only so long. */
import { lookup } from 'node:dns/promises';
import { open } from 'node:fs/promises';
import { isIP } from 'node:net';
import { canonicalIp, isPublic } from '../core/address.ts';
import { MoatError } from '../core/error.ts';
import { listBytesMax } from './intelligence-file.ts';
import type { IntelligenceErrorCode } from './intelligence.ts';

export interface FetchOptions { etag: string | undefined; modified: string | undefined; agent: string; signal: AbortSignal; bytesMax?: number; timeoutMs?: number }
export interface Fetched { changed: boolean; etag?: string | undefined; modified?: string | undefined }

const timeoutMs = 5 * 60_000;
const redirectsMost = 5;

/** Writes the answer to `path` when there is a new one. Throws MoatError 'unreachable' or 'too-large'. */
export async function fetchList(url: string, path: string, options: FetchOptions): Promise<Fetched> {
  const limit = options.bytesMax ?? listBytesMax;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs ?? timeoutMs)]);
  try {
    const answer = await follow(url, { signal, headers: { 'user-agent': options.agent, ...(options.etag !== undefined && { 'if-none-match': options.etag }), ...(options.modified !== undefined && { 'if-modified-since': options.modified }) } });
    if (answer.status === 304) return { changed: false };
    if (answer.status !== 200 || !answer.body) {
      await answer.body?.cancel();
      throw fault('unreachable', `expected status 200, got ${answer.status}`);
    }
    await save(answer.body, path, limit);
    return { changed: true, etag: answer.headers.get('etag') ?? undefined, modified: answer.headers.get('last-modified') ?? undefined };
  } catch (error) {
    if (error instanceof MoatError) throw error;
    options.signal.throwIfAborted();
    throw fault('unreachable', (error as Error).name === 'TimeoutError' ? 'expected an answer in time, got none' : `expected an answer, got ${reason(error)}`, error);
  }
}

async function follow(url: string, init: RequestInit): Promise<Response> {
  let at = new URL(url);
  for (let hops = 0; ; hops++) {
    const answer = await fetch(at.href, { ...init, redirect: 'manual' });
    const location = answer.headers.get('location');
    if (answer.status < 300 || answer.status >= 400 || location === null) return answer;
    await answer.body?.cancel();
    if (hops === redirectsMost) throw fault('unreachable', `expected at most ${redirectsMost} redirects, got more`);
    const next = URL.canParse(location, at.href) ? new URL(location, at.href) : undefined;
    const why = next === undefined ? 'to no address' : await refusedRedirect(at, next);
    if (why !== undefined) throw fault('unreachable', `expected the list, got a redirect ${why}: write the final address in the configuration`);
    at = next!;
  }
}

/**
 * Why a redirect is not followed; undefined when it is. Whoever serves a list must not lead this machine to what only it, or its network,
 * reaches: a service on loopback, the metadata of the cloud. A list that is itself inside may go on inside. A name is resolved here and again when
 * it is asked, so who answers DNS may still lead one request elsewhere; its answer is read as a list and shown to nobody.
 */
export async function refusedRedirect(from: URL, to: URL, resolve: (name: string) => Promise<string[]> = addressesOf): Promise<string | undefined> {
  if (to.protocol !== 'https:' && (to.protocol !== 'http:' || from.protocol === 'https:')) return `to ${to.protocol.replace(':', '')}, not https all the way`;
  if (to.hostname === from.hostname) return undefined;
  const host = hostOf(to), inside = isIP(hostOf(from)) === 0 ? !hostOf(from).includes('.') : !isPublic(canonicalIp(hostOf(from)) ?? '');
  const addresses = isIP(host) === 0 ? await resolve(host) : [host];
  return addresses.map((one) => canonicalIp(one) ?? '').every((one) => isPublic(one) || (inside && !isLinkLocal(one))) ? undefined : `to ${to.host}, which is not of the internet`;
}

const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');
const isLinkLocal = (address: string): boolean => /^169\.254\.|^fe[89ab]/.test(address) || address === '';
const addressesOf = async (name: string): Promise<string[]> => (await lookup(name, { all: true })).map(({ address }) => address);

async function save(body: AsyncIterable<Uint8Array>, path: string, limit: number): Promise<void> {
  const file = await open(path, 'w', 0o600);
  let bytes = 0;
  try {
    for await (const piece of body) {
      bytes += piece.length;
      if (bytes > limit) throw fault('too-large', `expected at most ${limit} bytes, got more`);
      await file.write(piece);
    }
    await file.sync();
  } finally { await file.close(); }
}

const fault = (code: IntelligenceErrorCode, message: string, cause?: unknown): MoatError<IntelligenceErrorCode> => new MoatError(code, message, { cause });

/** fetch hides what happened in its cause. */
function reason(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : (error as Error).message;
}
