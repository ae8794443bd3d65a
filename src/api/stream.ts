/** The live stream as server-sent events: what changed, by number; `Last-Event-ID` goes on where it was cut off. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Feed, itemText, resetText } from './feed.ts';
import { Problem } from './problem.ts';

const watchersMax = 300;
/** Proxies cut what is silent; and who may watch no more is sent away then. */
const beatMs = 15_000;
/** A watcher that does not read is cut off rather than waited for. */
const waitingMax = 256 * 1024;

export async function streamFeed(request: FastifyRequest, reply: FastifyReply, feed: Feed, may: () => boolean): Promise<void> {
  if (feed.watching >= watchersMax) throw new Problem('too-many', { zh: '实时连接太多', en: 'too many live streams' }, { retryAfter: 10 });
  const header = request.headers['last-event-id'];
  const from = header === undefined ? undefined : Number(header);
  reply.hijack();
  const { raw } = reply;
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  // Whether it still may is asked again each time: a stream must not outlive its session.
  const say = (text: string): void => {
    if (raw.writableEnded || raw.destroyed) return;
    if (!may()) raw.end();
    else if (raw.writableLength > waitingMax) raw.destroy();
    else raw.write(text);
  };
  const missed = from === undefined ? [] : feed.after(from);
  if (missed === undefined) raw.write(resetText(feed.last));
  else {
    raw.write(`: connected\nid: ${feed.last}\n\n`);
    for (const item of missed) say(itemText(item));
  }
  const unwatch = feed.watch(say);
  const beat = setInterval(() => { say(': beat\n\n'); }, beatMs);
  raw.on('error', () => raw.destroy());
  await new Promise<void>((resolve) => { raw.on('close', resolve); });
  clearInterval(beat);
  unwatch();
}
