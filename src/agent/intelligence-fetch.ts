/** Fetches a list: only when it changed, only so much, only so long. */
import { open } from 'node:fs/promises';
import { MoatError } from '../core/error.ts';
import { listBytesMax } from './intelligence-file.ts';
import type { IntelligenceErrorCode } from './intelligence.ts';

export interface FetchOptions { etag: string | undefined; modified: string | undefined; agent: string; signal: AbortSignal; bytesMax?: number; timeoutMs?: number }
export interface Fetched { changed: boolean; etag?: string | undefined; modified?: string | undefined }

const timeoutMs = 5 * 60_000;

/** Writes the answer to `path` when there is a new one. Throws MoatError 'unreachable' or 'too-large'. */
export async function fetchList(url: string, path: string, options: FetchOptions): Promise<Fetched> {
  const limit = options.bytesMax ?? listBytesMax;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs ?? timeoutMs)]);
  try {
    const answer = await fetch(url, { signal, headers: { 'user-agent': options.agent, ...(options.etag !== undefined && { 'if-none-match': options.etag }), ...(options.modified !== undefined && { 'if-modified-since': options.modified }) } });
    if (url.startsWith('https:') && !answer.url.startsWith('https:')) {
      await answer.body?.cancel();
      throw fault('unreachable', 'expected https all the way, got a redirect to http');
    }
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
