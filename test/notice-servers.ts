/**
 * The services that notices go to, on loopback, as strict as the real ones: signatures, clocks, sizes, limits, and errors in replies
 * with status 200. `clock` is what they take the time from.
 */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Clock { now: () => number }
export interface Request { time: number; path: string; query: URLSearchParams; headers: IncomingHttpHeaders; text: string; json: Record<string, unknown> }
export interface Service {
  /** Whole address with the token. */
  url: string;
  /** What was taken. */
  taken: Request[];
  /** Every code that was answered, in order. */
  codes: (number | string)[];
  /** When anything came, taken or not. */
  times: number[];
  close: () => Promise<void>;
}

type Judge = (request: Request, response: ServerResponse) => { code: number | string; taken: boolean };

async function serve(pathAndQuery: string, clock: Clock, judge: Judge): Promise<Service> {
  const taken: Request[] = [];
  const codes: (number | string)[] = [];
  const times: number[] = [];
  const server: Server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const text = new TextDecoder('utf8', { fatal: true }).decode(bytes);
      const url = new URL(incoming.url ?? '/', 'http://x');
      let json: Record<string, unknown> = {};
      try { json = JSON.parse(text) as Record<string, unknown>; } catch { json = {}; /* judged by the service */ }
      const request = { time: clock.now(), path: url.pathname, query: url.searchParams, headers: incoming.headers, text, json };
      times.push(request.time);
      const verdict = judge(request, response);
      codes.push(verdict.code);
      if (verdict.taken) taken.push(request);
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${pathAndQuery}`, taken, codes, times, close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(() => resolve()); }) };
}

const bytesOf = (text: string): number => Buffer.byteLength(text);
const hour = 3_600_000, minute = 60_000;
const answer = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body));
};
/** Counts what came in the last `ms`, with this one. */
function counter(ms: number): (now: number) => number {
  let seen: number[] = [];
  return (now) => {
    seen = [...seen.filter((time) => time > now - ms), now];
    return seen.length;
  };
}

/** 20 a minute, then blocked for ten; 20,000 bytes; signature over the time, at most an hour old; a keyword when one is set. */
export function dingtalkServer(clock: Clock, { token = 'd1ngt0kend1ngt0kend1ngt0ken', secret, keyword }: { token?: string; secret?: string; keyword?: string } = {}): Promise<Service> {
  const perMinute = counter(minute);
  let blockedUntil = 0;
  return serve(`/robot/send?access_token=${token}`, clock, ({ time, path, query, headers, text, json }, response) => {
    const say = (errcode: number, errmsg: string) => { answer(response, 200, { errcode, errmsg }); return { code: errcode, taken: errcode === 0 }; };
    if (path !== '/robot/send' || !String(headers['content-type']).startsWith('application/json')) return say(43004, 'content type');
    if (query.get('access_token') !== token) return say(300001, `token ${query.get('access_token')} is not exist`);
    if (time < blockedUntil) return say(130101, 'send too fast, exceed 20 times per minute');
    if (perMinute(time) > 20) { blockedUntil = time + 10 * minute; return say(130101, 'send too fast, exceed 20 times per minute'); }
    if (bytesOf(text) > 20_000) return say(460101, 'message too long, exceed 20000 bytes');
    if (secret !== undefined) {
      const timestamp = query.get('timestamp') ?? '';
      if (!/^\d{13}$/.test(timestamp) || Math.abs(Number(timestamp) - time) > hour) return say(310000, 'invalid timestamp');
      if (query.get('sign') !== createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64')) return say(310000, 'sign not match');
    }
    const markdown = json['markdown'] as { title?: unknown; text?: unknown } | undefined;
    if (json['msgtype'] !== 'markdown' || typeof markdown?.title !== 'string' || typeof markdown.text !== 'string') return say(40035, 'missing parameter');
    if (keyword !== undefined && !`${markdown.title}${markdown.text}`.includes(keyword)) return say(310000, 'keywords not in content');
    return say(0, 'ok');
  });
}

/** 20 a minute; content of Markdown 4,096 bytes, of text 2,048. */
export function wecomServer(clock: Clock, key = '693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa'): Promise<Service> {
  const perMinute = counter(minute);
  return serve(`/cgi-bin/webhook/send?key=${key}`, clock, ({ time, path, query, json }, response) => {
    const say = (errcode: number, errmsg: string) => { answer(response, 200, { errcode, errmsg }); return { code: errcode, taken: errcode === 0 }; };
    if (path !== '/cgi-bin/webhook/send' || query.get('key') !== key) return say(93000, `invalid webhook url ${query.get('key')}`);
    if (perMinute(time) > 20) return say(45009, 'api freq out of limit');
    const kind = String(json['msgtype']);
    const content = (json[kind] as { content?: unknown } | undefined)?.content;
    if (typeof content !== 'string' || content === '') return say(40008, 'invalid message type');
    if (bytesOf(content) > (kind === 'markdown' ? 4096 : 2048)) return say(40058, `${kind}.content exceed max length`);
    return say(0, 'ok');
  });
}

/** 100 a minute, 5 a second; 20 KB; signature over the time, at most an hour old. */
export function feishuServer(clock: Clock, { hook = '0a1b2c3d-4e5f-6789-abcd-ef0123456789', secret, keyword }: { hook?: string; secret?: string; keyword?: string } = {}): Promise<Service> {
  const perMinute = counter(minute);
  const perSecond = counter(1000);
  return serve(`/open-apis/bot/v2/hook/${hook}`, clock, ({ time, path, text, json }, response) => {
    const say = (code: number, msg: string) => { answer(response, 200, { code, msg, data: {} }); return { code, taken: code === 0 }; };
    if (path !== `/open-apis/bot/v2/hook/${hook}`) return say(19001, 'param invalid: incoming webhook access token invalid');
    const isBusy = [perMinute(time) > 100, perSecond(time) > 5].includes(true);
    if (isBusy) return say(11232, 'frequency limited psm[lark.oapi.app_platform_runtime]');
    if (bytesOf(text) > 20 * 1000) return say(9499, 'Bad Request');
    if (secret !== undefined) {
      const timestamp = String(json['timestamp']);
      if (!/^\d{10}$/.test(timestamp) || Math.abs(Number(timestamp) * 1000 - time) > hour) return say(19021, 'sign match fail or timestamp is not within one hour from current time');
      if (json['sign'] !== createHmac('sha256', `${timestamp}\n${secret}`).digest('base64')) return say(19021, 'sign match fail or timestamp is not within one hour from current time');
    }
    if (json['msg_type'] !== 'interactive' || typeof json['card'] !== 'object') return say(9499, 'Bad Request');
    if (keyword !== undefined && !text.includes(keyword)) return say(19024, 'Key Words Not Found');
    return say(0, 'success');
  });
}

interface SlackBlock { type?: string; text?: { type?: string; text?: string } }

/** One a second; at most 50 blocks, 150 characters in a header, 3,000 in a section. Answers a word. */
export function slackServer(clock: Clock, path = '/services/T00000000/B00000000/aBcDeFgHiJkLmNoPqRsTuVwX'): Promise<Service> {
  let last = Number.NEGATIVE_INFINITY;
  return serve(path, clock, (request, response) => {
    const say = (status: number, word: string, headers: Record<string, string> = {}) => { response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(word); return { code: word, taken: status === 200 }; };
    if (request.path !== path) return say(404, 'no_service');
    if (request.time - last < 1000) return say(429, 'rate_limited', { 'retry-after': '7' });
    last = request.time;
    const { text, blocks } = request.json;
    if (typeof text !== 'string' || text === '') return say(400, 'no_text');
    if (!Array.isArray(blocks) || blocks.length > 50) return say(400, 'invalid_blocks');
    for (const block of blocks as SlackBlock[]) {
      const length = block.text?.text?.length ?? 0;
      if (length < 1 || length > (block.type === 'header' ? 150 : 3000)) return say(400, 'invalid_blocks');
    }
    return say(200, 'ok');
  });
}

/** Checks `X-Moat-Signature` over `timestamp.body`, at most five minutes old; `fail` says how many first requests fail, and how. */
export function webhookServer(clock: Clock, secret: string, fail: { times: number; status: number; headers?: Record<string, string> } = { times: 0, status: 500 }): Promise<Service> {
  return serve('/hooks/8c1f7a90f2d34b51', clock, ({ time, path, headers, text }, response) => {
    const say = (status: number) => { answer(response, status, {}, status === fail.status ? fail.headers : {}); return { code: status, taken: status === 200 }; };
    if (path !== '/hooks/8c1f7a90f2d34b51') return say(404);
    if (fail.times > 0) { fail.times--; return say(fail.status); }
    const timestamp = String(headers['x-moat-timestamp']);
    if (!/^\d{10}$/.test(timestamp) || Math.abs(Number(timestamp) * 1000 - time) > 5 * minute) return say(401);
    if (headers['x-moat-signature'] !== `sha256=${createHmac('sha256', secret).update(`${timestamp}.${text}`).digest('hex')}`) return say(401);
    if (!/^[0-9a-f]{24}$/.test(String(headers['x-moat-event-id']))) return say(400);
    return say(200);
  });
}
