/** Kind words to servers that are older or newer, and downloads over connections that break: servers of the test's own, on loopback. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { contract } from '../../api/contract/revision.ts';
import { download } from './download.ts';
import { fetchFrom } from './http.ts';
import type { Target } from './profiles.ts';
import { mustKnow, standing } from './version.ts';

async function withServer(answer: (asked: IncomingMessage, reply: ServerResponse) => void, work: (target: Target) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  try {
    await work({ name: 'shop', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, named: true, token: () => 'moat_x' });
  } finally { await new Promise((done) => { server.close(done); server.closeAllConnections(); }); }
}
const problem = (reply: ServerResponse, status: number, body: object, headers = {}): void => { reply.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(JSON.stringify(body)); };

it('an older server is told from one that has nothing there, before the command begins; what the first revision had works', async () => {
  const asked: string[] = [];
  // As the first revision answered.
  await withServer((request, reply) => { asked.push(`${request.method!} ${request.url!}`); problem(reply, 404, { code: 'not-found', detail: request.url!.includes('/alerts/') ? 'no such alert' : 'there is nothing at this address', detail_zh: '没有' }); }, async (target) => {
    const fetch = fetchFrom(target);
    await expect(mustKnow(target.url, 'incident evidence', fetch)).rejects.toMatchObject({ code: 'other-version', message: expect.stringContaining('(contract 1)') as string, hintText: { zh: expect.stringContaining('请升级那台机器上的 Moat') as string, en: expect.stringContaining('incident evidence') as string } });
    await mustKnow(target.url, 'alerts list', fetch);
    expect(asked, 'nothing but the question').toEqual(['GET /api/v1/about']);
    await expect(fetch({ method: 'POST', path: '/grants', body: {} })).rejects.toMatchObject({ code: 'other-version', message: expect.stringMatching(/does not know POST \/grants yet; nothing was done/) as string });
    await expect(fetch({ method: 'GET', path: '/alerts/x' })).rejects.toMatchObject({ code: 'not-found' });
  });
});

it('a newer server that understands this one is used; one that does not says so before anything is done', async () => {
  const said = { 'x-moat-version': '9.1.0', 'x-moat-contract': '9' };
  let heard: string | undefined;
  await withServer((request, reply) => { heard = request.headers['x-moat-contract'] as string; reply.writeHead(200, { ...said, 'content-type': 'application/json' }).end(JSON.stringify({ version: '9.1.0', contract: 9, oldest: 1, more: 'unknown here' })); }, (target) => mustKnow(target.url, 'intel list', fetchFrom(target)));
  expect(heard).toBe(String(contract));
  await withServer((_, reply) => reply.writeHead(200, { ...said, 'content-type': 'application/json' }).end(JSON.stringify({ version: '9.1.0', contract: 9, oldest: 9 })), async (target) => {
    await expect(mustKnow(target.url, 'intel list', fetchFrom(target))).rejects.toMatchObject({ code: 'other-version', message: expect.stringContaining('no longer understands this moat') as string });
  });
  await withServer((_, reply) => problem(reply, 426, { code: 'too-old', detail: 'x' }, said), async (target) => {
    await expect(fetchFrom(target)({ method: 'GET', path: '/status' })).rejects.toMatchObject({ code: 'other-version', message: expect.stringContaining('Moat 9.1.0') as string, hintText: { en: expect.stringContaining('update the moat of this machine') as string } });
  });
  await withServer((_, reply) => problem(reply, 400, { code: 'bad-input', detail: 'body: unknown', detail_zh: '不认得' }, said), async (target) => {
    await expect(fetchFrom(target)({ method: 'GET', path: '/status' })).rejects.toMatchObject({ code: 'refused', hintText: { en: expect.stringContaining('the contract there is 9') as string } });
  });
});

it('how two revisions stand to each other', () => {
  expect([standing({ contract, oldest: 1 }), standing({ contract: contract - 1, oldest: 1 }), standing({ contract: contract + 1, oldest: 1 }), standing({ contract: contract + 5, oldest: contract + 1 }), standing({ contract: 0, oldest: 0 })]).toEqual(['same', 'older', 'newer', 'too-new', 'too-old']);
});

it('a file goes on where its connection broke, and not when it became another', async () => {
  const whole = Buffer.from('the evidence of a case, in many pieces'.repeat(100));
  let tag = 'one', breaks = 2;
  const ranges: (string | undefined)[] = [];
  const answer = (request: IncomingMessage, reply: ServerResponse): void => {
    ranges.push(request.headers.range);
    if (request.headers['if-match'] !== undefined && request.headers['if-match'] !== `"${tag}"`) { problem(reply, 412, { code: 'changed-meanwhile', detail: 'it was changed meanwhile' }, { 'x-moat-contract': String(contract), 'x-moat-version': '1' }); return; }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    reply.writeHead(from > 0 ? 206 : 200, { 'etag': `"${tag}"`, 'content-length': whole.length - from, ...(from > 0 && { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` }) });
    if (breaks-- > 0) { reply.write(whole.subarray(from, from + 1000)); setTimeout(() => reply.destroy(), 50); } else reply.end(whole.subarray(from));
  };
  const all = async (target: Target): Promise<Buffer> => { const pieces: Buffer[] = []; for await (const piece of (await download(target, '/file', {})).pieces) pieces.push(piece); return Buffer.concat(pieces); };
  await withServer(answer, async (target) => {
    expect((await all(target)).equals(whole)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=1000-', 'bytes=2000-']);
    breaks = 1;
    const { pieces } = await download(target, '/file', {});
    tag = 'two';
    await expect((async () => { for await (const _ of pieces) { /* to its end */ } })()).rejects.toMatchObject({ message: expect.stringContaining('changed meanwhile') as string });
  });
});
