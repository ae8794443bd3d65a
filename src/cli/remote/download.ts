/** A file of a server, piece by piece: a connection that breaks goes on where it was, as long as the file is the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage } from 'node:http';
import { MoatError } from '../../core/error.ts';
import { type Asked, openStream } from './http.ts';
import type { RemoteErrorCode, Target } from './profiles.ts';

/** How often it is tried anew before it is given up; each waits longer. */
const triesMost = 5;
const waitMs = 500;
const tagPattern = /^"([0-9A-Za-z-]{1,200})"$/;

export interface Remote { /** What it is as long as it is the same: part of a file name. */ tag: string; bytes: number; /** From where it was begun. */ pieces: AsyncIterable<Buffer> }

/** `from`: where it goes on, once the tag is known. Throws MoatError as any request does; `retried` is told of each new beginning. */
export async function download(target: Target, path: string, query: Asked['query'], { fromOf = () => 0, retried = () => undefined }: { fromOf?: (tag: string, bytes: number) => number; retried?: (error: MoatError) => void } = {}): Promise<Remote> {
  const first = await open(target, path, query);
  const { tag, bytes } = first;
  const from = fromOf(tag, bytes);
  if (from > 0) first.response.destroy();
  return { tag, bytes, pieces: following(from === 0 ? first : undefined, from) };

  async function* following(begun: Opened | undefined, start: number): AsyncGenerator<Buffer> {
    let at = start, source = begun;
    for (let tries = 0; at < bytes;) {
      try {
        source ??= await open(target, path, query, { from: at, tag });
        for await (const piece of source.response as AsyncIterable<Buffer>) {
          if (at + piece.length > bytes) throw new Error('it is longer than was said');
          at += piece.length;
          yield piece;
          tries = 0;
        }
        if (at < bytes) throw new Error('cut off');
      } catch (error) {
        const said = error instanceof MoatError ? error : source!.gone(error as Error);
        source = undefined;
        // What was refused is refused again.
        if (said.code !== 'not-running' || ++tries > triesMost) throw said;
        retried(said);
        await sleep(waitMs * tries);
      }
    }
  }
}

interface Opened { response: IncomingMessage; gone: (error: Error) => MoatError; tag: string; bytes: number }

async function open(target: Target, path: string, query: Asked['query'], going?: { from: number; tag: string }): Promise<Opened> {
  const { response, gone } = await openStream(target, { method: 'GET', path, ...(query && { query }) }, going === undefined ? {} : { 'if-match': `"${going.tag}"`, ...(going.from > 0 && { range: `bytes=${going.from}-` }) });
  const { etag = '', 'content-length': length = '', 'content-range': range } = response.headers;
  const tag = tagPattern.exec(etag)?.[1];
  const left = /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  const isWhole = going === undefined || going.from === 0;
  if (tag === undefined || left === undefined || (!isWhole && (response.statusCode !== 206 || tag !== going.tag || range?.startsWith(`bytes ${going.from}-`) !== true))) {
    response.destroy();
    throw new MoatError<RemoteErrorCode>('remote', `${target.url} does not send files as a Moat server does`, { zh: `${target.url} 发送文件的方式不像 Moat 服务` });
  }
  return { response, gone, tag, bytes: left + (isWhole ? 0 : going.from) };
}
