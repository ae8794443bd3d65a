/** The page behind the link of a notice, for people without the console: what is asked, and a button. No script; looking does nothing. */
import type { FastifyInstance } from 'fastify';
import { createHash } from 'node:crypto';
import { markup } from '../core/safe.ts';
import type { Text } from '../core/text.ts';
import { Problem } from './problem.ts';

export interface Approval { answer: 'approve' | 'reject'; what: Text; host: string; expires: number }
export interface ApprovePage {
  /** Throws Problem. */
  look: (token: string) => Promise<Approval>;
  answer: (token: string, answer: 'approve' | 'reject', address: string) => Promise<void>;
  /** Throws Problem for a request that another site sends. */
  fromHere: (headers: Record<string, unknown>) => void;
  /** What an error is to whoever asked; what is a fault of ours is told to the log. */
  problemOf: (error: unknown) => Problem;
}

const style = 'body{font:16px/1.6 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.2rem;color:#1d2733;background:#fff}h1{font-size:1.2rem}p{overflow-wrap:anywhere}button{font:inherit;padding:.6rem 1.6rem;border:0;border-radius:.5rem;background:#1463d6;color:#fff}small{color:#5a6675}@media(prefers-color-scheme:dark){body{color:#e6eaf0;background:#11161d}small{color:#9aa7b5}}';
const styleHash = createHash('sha256').update(style).digest('base64');
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;

/** What is asked may hold what an attacker wrote. */
const page = (title: Text, body: string): string => `<!doctype html><html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>Moat</title><style>${style}</style></head><body><h1>${markup(title.zh)}<br><small lang="en">${markup(title.en)}</small></h1>${body}</body></html>`;

const asks = { approve: { zh: '同意这一操作？', en: 'Approve this?' }, reject: { zh: '拒绝这一操作？', en: 'Reject this?' } } as const;
const does = { approve: { zh: '同意', en: 'Approve' }, reject: { zh: '拒绝', en: 'Reject' } } as const;
const did = { approve: { zh: '已同意', en: 'Approved' }, reject: { zh: '已拒绝', en: 'Rejected' } } as const;

export async function addApprovePage(app: FastifyInstance, { look, answer, fromHere, problemOf }: ApprovePage, rate: object): Promise<void> {
  await app.register((scope, _options, ready) => {
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: 1024 }, (_request, body, done) => { done(null, Object.fromEntries(new URLSearchParams(String(body)))); });
    scope.addHook('onSend', (_request, reply, payload, done) => {
      void reply.header('content-security-policy', policy).header('cache-control', 'no-store').header('referrer-policy', 'same-origin').type('text/html; charset=utf-8');
      done(null, payload);
    });
    scope.setErrorHandler((error, _request, reply) => {
      const problem = problemOf(error);
      if (problem.retryAfter !== undefined) void reply.header('retry-after', String(problem.retryAfter));
      void reply.code(problem.status).send(page(problem.text, ''));
    });
    scope.get('/approve/:token', { config: { rateLimit: rate } }, async (request) => {
      const { answer: wanted, what, host, expires } = await look(tokenOf(request.params));
      return page(asks[wanted], `<p>${markup(what.zh)}</p><p lang="en">${markup(what.en)}</p><p><small>${markup(host)} · ${new Date(expires).toISOString().slice(0, 16).replace('T', ' ')} UTC</small></p><form method="post"><button name="answer" value="${wanted}">${does[wanted].zh} · ${does[wanted].en}</button></form>`);
    });
    scope.post('/approve/:token', { config: { rateLimit: rate } }, async (request) => {
      fromHere(request.headers);
      const given = (request.body as { answer?: unknown } | undefined)?.answer;
      if (given !== 'approve' && given !== 'reject') throw new Problem('bad-input', { zh: '链接无效', en: 'the link is of no use' });
      await answer(tokenOf(request.params), given, request.ip);
      return page(did[given], '');
    });
    ready();
  });
}

function tokenOf(params: unknown): string {
  const { token } = params as { token?: unknown };
  if (typeof token !== 'string' || !/^[\w.-]{1,200}$/.test(token)) throw new Problem('gone', { zh: '链接不完整', en: 'the link is not whole' });
  return token;
}
