/**
 * The HTTPS server: routes as data become handlers behind one chain of checks: name of the host, rate, log-on, permission, forged requests,
 * shape. What is not in the table of routes is not there.
 */
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { timingSafeEqual } from 'node:crypto';
import { isIP, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { permissionsOf, type Scope } from '../core/account.ts';
import { MoatError, saidBy } from '../core/error.ts';
import type { ServerCertificate } from './access/certificate.ts';
import { callerOf } from './access/caller.ts';
import { actorOf, findSession, findToken, type Place, tokenPrefix } from './access/sessions.ts';
import { contract, contractHeader, oldest, versionHeader } from './contract/revision.ts';
import type { Actor, Call, Download, Route } from './contract/route.ts';
import { addApprovePage } from './approve-page.ts';
import { serveConsole } from './console.ts';
import { startOf, tagOf } from './download.ts';
import { openApi } from './openapi.ts';
import { Problem, problemBody } from './problem.ts';
import { Repeats } from './repeats.ts';
import { answerByLink, approvalOf } from './routes/approve.ts';
import { accessTable } from './access/table.ts';
import { toldAccounts } from './access/told.ts';
import { routes as allRoutes } from './routes/catalogue.ts';
import { streamFeed } from './stream.ts';
import type { World } from './world.ts';

export interface ServerOptions {
  address: string;
  /** 0: any that is free. */
  port: number;
  /** Undefined: plain HTTP, which is for loopback alone. */
  certificate: ServerCertificate | undefined;
  /** Names by which it may be asked, beside its address and those of loopback: others are somebody's page that points its name here. */
  names: readonly string[];
  world: World;
  /** Requests a minute from one caller. */
  perMinute?: number;
  /** How long a connection may take for the TLS handshake and for one request, and how often that is looked at; for tests. */
  patience?: { handshakeMs: number; requestMs: number; lookMs: number };
  routes?: readonly Route<World>[];
  /** The earliest contract that is understood; for tests. */
  oldest?: number;
  /** Folder of the built console; none, no console. */
  consoleFolder?: string;
  /** Answers that do not have the shape that the contract says are faults: for tests. */
  strict?: boolean;
}

interface Answered { status: number; body: unknown; download?: Download | undefined }
export interface RunningServer { url: string; port: number; app: FastifyInstance; close(): Promise<void> }

const base = '/api/v1';
const bodyMax = 1 << 20;
const defaultPerMinute = 600;
const usualPatience = { handshakeMs: 10_000, requestMs: 30_000, lookMs: 5000 };
const connectionsMost = 1000;
/** A proxy before the server is one caller too. Beyond it others are still let in. */
const connectionsOfOne = 250;
/** Each log-on costs 19 MiB and 30 ms. */
const logOnPerMinute = 20;
const loopback = new Set(['localhost', '127.0.0.1', '::1']);
/** How often something passes while an answer is made that is watched over its own connection. */
const talkMs = 300;

/** Throws when it cannot listen, and MoatError 'bad-input' for plain HTTP beyond loopback. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { certificate, address } = options;
  const { handshakeMs, requestMs, lookMs } = options.patience ?? usualPatience;
  const { store } = options.world;
  const world: World = { ...options.world, store: { ...store, accounts: toldAccounts(store.accounts, options.world.feed) } };
  if (certificate === undefined && !loopback.has(address)) throw new MoatError('bad-input', `expected HTTPS at ${address}: plain HTTP is for loopback alone`, { zh: `${address} 必须用 HTTPS：不加密的 HTTP 只能用于本机回环地址` });
  const app = fastify({
    ...(certificate ? { https: { key: certificate.key, cert: certificate.cert, minVersion: 'TLSv1.2' as const, handshakeTimeout: handshakeMs, headersTimeout: requestMs, connectionsCheckingInterval: lookMs } } : { http: { headersTimeout: requestMs, connectionsCheckingInterval: lookMs } }),
    bodyLimit: bodyMax, requestTimeout: requestMs, connectionTimeout: 60_000, keepAliveTimeout: 60_000, trustProxy: false, return503OnClosing: true, forceCloseConnections: true,
    // And what Node's own parser refuses, which never becomes a request.
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => {
      const large = error.code === 'HPE_HEADER_OVERFLOW', late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
      // Before TLS is agreed on nothing can be said: what is written would wait, and hold the connection, for ever.
      if (!socket.writable || !(late || error.code?.startsWith('HPE_'))) { socket.destroy(); return; }
      const body = JSON.stringify(problemBody(new Problem(large ? 'too-large' : 'bad-input', large ? { zh: '请求头或地址太长', en: 'the header or the address is too long' } : late ? { zh: '请求发送得太慢', en: 'the request came too slowly' } : { zh: '请求不合 HTTP 规范', en: 'the request is not HTTP' })));
      // Whoever keeps their half open keeps no connection by it.
      socket.once('finish', () => { socket.destroy(); }).end(`HTTP/1.1 ${large ? '413 Payload Too Large' : '400 Bad Request'}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
    },
    // What the framework refuses before any route (a part of the path that is too long, a broken escape) is told in the same form.
    frameworkErrors: (error: unknown, _request: FastifyRequest, reply: FastifyReply) => { answerProblem(reply, problemOf(error, world)); },
    routerOptions: { maxParamLength: 300, caseSensitive: true, ignoreTrailingSlash: false },
  } as Parameters<typeof fastify>[0]) as unknown as FastifyInstance;
  app.server.maxConnections = connectionsMost;
  limitEach(app.server, connectionsOfOne);
  // Only JSON is taken.
  app.removeContentTypeParser('text/plain');
  const names = new Set([...loopback, address, ...options.names].map((name) => name.toLowerCase()));
  app.addHook('onRequest', (request, _reply, next) => {
    const host = request.hostname.replace(/^\[|\]$/g, '').toLowerCase();
    if (names.has(host) || (isIP(host) !== 0 && host === request.socket.localAddress?.replace(/^::ffff:/, ''))) next();
    else next(new Problem('wrong-host', { zh: `不认得主机名 ${host.slice(0, 100)}`, en: `expected a request for this server's own name, got ${host.slice(0, 100)}` }, { hint: 'server.names' }));
  });
  app.addHook('onRequest', (request, reply, next) => {
    void reply.header(versionHeader, options.world.version).header(contractHeader, `${contract}`);
    const theirs = request.headers[contractHeader];
    const revision = typeof theirs === 'string' && /^\d{1,6}$/.test(theirs) ? Number(theirs) : undefined;
    if (revision !== undefined && revision < (options.oldest ?? oldest)) next(new Problem('too-old', { zh: `请求方太旧（接口修订 ${revision}，本服务为 Moat ${options.world.version}，至少要 ${options.oldest ?? oldest}）`, en: `whoever asks is too old (contract ${revision}; this server is Moat ${options.world.version} and understands ${options.oldest ?? oldest} and later)` }));
    else next();
  });
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'script-src': ["'self'"], 'style-src': ["'self'"], 'img-src': ["'self'", 'data:'], 'font-src': ["'self'"], 'connect-src': ["'self'"], 'frame-ancestors': ["'none'"], 'base-uri': ["'none'"], 'form-action': ["'self'"] } },
    strictTransportSecurity: certificate ? { maxAge: 31_536_000 } : false, frameguard: { action: 'deny' }, referrerPolicy: { policy: 'no-referrer' }, crossOriginOpenerPolicy: { policy: 'same-origin' }, crossOriginResourcePolicy: { policy: 'same-origin' },
  });
  await app.register(cookie);
  await app.register(rateLimit, { max: options.perMinute ?? defaultPerMinute, timeWindow: 60_000, cache: 20_000, keyGenerator: (request) => callerOf(request.ip), errorResponseBuilder: (_request, { ttl }) => new Problem('too-many', { zh: '请求太频繁', en: 'too many requests' }, { retryAfter: Math.ceil(ttl / 1000) }) });
  app.setErrorHandler((error, _request, reply) => { answerProblem(reply, problemOf(error, world)); });
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (_request, reply) => { answerProblem(reply, new Problem('no-route', { zh: '没有这个地址', en: 'there is nothing at this address' }, { hint: `${base}/openapi.json` })); });
  const secure = certificate !== undefined;
  // A cookie with this prefix is of this host, this path and an encrypted connection alone.
  const cookieName = secure ? '__Host-moat' : 'moat';
  const repeats = new Repeats(world.now);

  const actorFor = (request: FastifyRequest, isUse = true): { actor: Actor; csrf: string | undefined } | undefined => {
    const bearer = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined) {
      const actor = bearer.startsWith(tokenPrefix) ? findToken(world.store.accounts, bearer, world.now(), world.place(), isUse) : undefined;
      return actor && { actor, csrf: undefined };
    }
    const secret = request.cookies[cookieName];
    const found = secret === undefined ? undefined : findSession(world.store.accounts, secret, world.now(), isUse);
    return found && { actor: actorOf(world.store.accounts, found.account, found.session, world.now(), world.place()), csrf: found.session.csrf };
  };
  /** Throws Problem. */
  const mayAsk = (route: Pick<Route, 'access' | 'method'>, request: FastifyRequest): Actor | undefined => {
    if (route.method !== 'GET') fromHere(request.headers, secure);
    if (route.access === 'anyone') return undefined;
    const known = actorFor(request);
    if (known === undefined) throw new Problem('not-logged-in', { zh: '请先登录', en: 'log on first' }, { hint: 'POST /api/v1/session' });
    const { actor, csrf } = known;
    if (route.method !== 'GET' && csrf !== undefined && !isSame(request.headers['x-moat-csrf'], csrf)) throw new Problem('csrf', { zh: '缺少防伪造标记', en: 'expected the header x-moat-csrf with the value that the session gave' });
    const may = route.access === 'person' ? actor.session !== undefined : actor.may.has(route.access);
    if (!may && actor.outside !== undefined && route.access !== 'person' && permissionsOf(actor.role).has(route.access)) throw outOfScope(actor.outside, world.place());
    if (!may) throw new Problem('not-permitted', { zh: `“${actor.role}”无权这样做`, en: `expected an account with the permission ${route.access}, the role ${actor.role} has it not` });
    return actor;
  };

  for (const route of options.routes ?? allRoutes) {
    // A permission that was changed in passing, or a route that nobody thought about, does not start.
    if (accessTable[route.id] !== route.access) throw new Error(`expected the route ${route.id} in src/api/access/table.ts with the permission ${route.access}, got ${accessTable[route.id] ?? 'no row'}`);
    app.route({
      method: route.method, url: base + route.path,
      ...(route.access === 'anyone' && route.method !== 'GET' && { config: { rateLimit: { max: logOnPerMinute, timeWindow: 60_000 } } }),
      handler: async (request, reply) => {
        const actor = mayAsk(route, request);
        const call = callOf(route, request, actor);
        const key = request.headers['idempotency-key'];
        const once = route.method === 'POST' && actor && typeof key === 'string';
        const work = async (): Promise<Answered> => {
          const talk = route.keepsTalking === true ? setInterval(() => { if (!reply.raw.headersSent && !reply.raw.destroyed) reply.raw.writeProcessing(); }, talkMs) : undefined;
          const { body, status = 200, session, download } = await Promise.resolve(route.run(call as Call<never, never, never>, world)).finally(() => clearInterval(talk));
          if (options.strict && download === undefined) mustFit(route, body);
          if (session === 'end') void reply.clearCookie(cookieName, { path: '/', secure, httpOnly: true, sameSite: 'strict' });
          else if (session) void reply.setCookie(cookieName, session.secret, { path: '/', secure, httpOnly: true, sameSite: 'strict', expires: new Date(session.expires) });
          return { status, body, download };
        };
        const { status, body, download }: Answered = once ? await repeats.once(`${actor.account} ${key}`, `${request.url} ${JSON.stringify(request.body)}`, work) : await work();
        void reply.header('cache-control', 'no-store');
        if (download !== undefined) return sendFile(request, reply, download);
        const { revision } = (body ?? {}) as { revision?: unknown };
        if (route.hasRevision && typeof revision === 'number') {
          void reply.header('etag', `"${revision}"`);
          if (route.method === 'GET' && request.headers['if-none-match'] === `"${revision}"`) return reply.code(304).send();
        }
        return reply.code(status).send(selected(body, (call.query as { fields?: string } | undefined)?.fields) ?? null);
      },
    });
  }
  await addApprovePage(app, { look: (token) => approvalOf(token, world), answer: (token, answer, from) => answerByLink(token, answer, from, world), fromHere: (headers) => fromHere(headers, secure), problemOf: (error) => problemOf(error, world) }, { max: logOnPerMinute, timeWindow: 60_000 });
  const document = openApi(allRoutes);
  app.get(`${base}/openapi.json`, () => document);
  app.get(`${base}/stream`, async (request, reply) => {
    mayAsk({ access: 'read', method: 'GET' }, request);
    const may = (): boolean => {
      try {
        return actorFor(request, false)?.actor.may.has('read') === true;
      } catch (error) {
        // Nobody waits for this answer: what cannot be looked up is no permission.
        world.fault(error);
        return false;
      }
    };
    await streamFeed(request, reply, world.feed, may);
  });
  if (options.consoleFolder !== undefined) serveConsole(app, options.consoleFolder);
  await app.listen({ host: address, port: options.port }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new MoatError('port-taken', `expected port ${options.port} of ${address} to be free, got another program there`, { hint: 'set another server.port, or server.enabled: false' }) : error;
  });
  const { port } = app.server.address() as { port: number };
  return { url: `${secure ? 'https' : 'http'}://${isIP(address) === 6 ? `[${address}]` : address}:${port}`, port, app, close: () => app.close() };
}

/** Cuts off what one caller opens beyond `most`, so that none can keep all others out by connections that ask for nothing. */
function limitEach(server: Server, most: number): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const caller = callerOf(socket.remoteAddress ?? '');
    const count = (open.get(caller) ?? 0) + 1;
    if (count > most) { socket.destroy(); return; }
    open.set(caller, count);
    socket.once('close', () => {
      const left = open.get(caller)! - 1;
      if (left > 0) open.set(caller, left); else open.delete(caller);
    });
  });
}

function callOf(route: Route<World>, request: FastifyRequest, actor: Actor | undefined): Call<unknown, unknown, unknown> {
  const read = (shape: Route['params'], value: unknown, place: string): unknown => {
    if (shape === undefined) return undefined;
    const found = shape.safeParse(value);
    if (found.success) return found.data;
    const [issue] = found.error.issues;
    const at = [place, ...(issue?.path ?? [])].join('.');
    throw new Problem('bad-input', { zh: `${at}：${issue?.message ?? ''}`, en: `${at}: ${issue?.message ?? ''}` });
  };
  // Of a file it is the tag, which is looked at when it is sent.
  const match = route.isDownload === true ? undefined : request.headers['if-match'];
  const revision = match === undefined ? undefined : /^"(\d{1,15})"$/.exec(match)?.[1];
  if (match !== undefined && revision === undefined) throw new Problem('bad-input', { zh: 'If-Match 应为 "修订号"', en: 'expected If-Match to be a revision in quotes' });
  return {
    params: read(route.params, request.params, 'path'), query: read(route.query, request.query, 'query'), body: read(route.body, request.body ?? {}, 'body'),
    actor, address: request.ip, connection: connectionOf(request), agent: request.headers['user-agent'] ?? '', revision: revision === undefined ? undefined : Number(revision),
  };
}

/** The role would do, and the machine is another than those that it is for. */
function outOfScope({ groups, environments, outside }: Scope, { group, environment }: Place): Problem {
  const zh = [groups && `主机组 ${groups.join('、')}`, environments && `环境 ${environments.join('、')}`].filter(Boolean).join('，');
  const en = [groups && `hosts of ${groups.join(', ')}`, environments && `the environments ${environments.join(', ')}`].filter(Boolean).join(' and ');
  const may: [string, string] = outside === 'read' ? ['只能查看', 'it may only look'] : ['不能查看或处置', 'it may do nothing'];
  return new Problem('out-of-scope', {
    zh: `您的账号或令牌只用于${zh}；本机属于${group === undefined ? '（未分组）' : `主机组 ${group}`}、环境 ${environment}，在此${may[0]}`,
    en: `this account or token is for ${en}; this machine is ${group === undefined ? 'of no group' : `of ${group}`} and of the environment ${environment}, where ${may[1]}`,
  }, { hint: 'PATCH /api/v1/accounts/:id { scope }' });
}

/** Over loopback (a tunnel of ssh, say) there is none: it is let through whatever happens. */
function connectionOf({ socket: { remoteAddress, remotePort, localPort } }: FastifyRequest): Call<unknown, unknown, unknown>['connection'] {
  const address = remoteAddress?.replace(/^::ffff:/, '').replace(/%.*$/, '');
  return address === undefined || remotePort === undefined || localPort === undefined || address === '::1' || address.startsWith('127.') ? undefined : { address, remote_port: remotePort, port: localPort };
}

/** From where it was cut off, as long as it is the same. */
function sendFile(request: FastifyRequest, reply: FastifyReply, file: Download): FastifyReply {
  const { bytes, name } = file;
  const tag = tagOf(file), { 'if-match': match, range } = request.headers;
  if (match !== undefined && match !== tag) throw new Problem('changed-meanwhile', { zh: '存档在此期间变了，请从头下载', en: 'it was changed meanwhile: begin anew' });
  const from = startOf(range, bytes);
  return reply.code(from > 0 ? 206 : 200).headers({
    'content-type': 'application/octet-stream', 'content-disposition': `attachment; filename="${name.replaceAll(/[^A-Za-z0-9._-]/g, '_')}"`, 'content-length': bytes - from, 'accept-ranges': 'bytes', 'etag': tag,
    ...(from > 0 && { 'content-range': `bytes ${from}-${bytes - 1}/${bytes}` }),
  }).send(Readable.from(file.read(from), { objectMode: false }));
}

/** Throws when the answer is not what the contract says. */
function mustFit(route: Route<World>, body: unknown): void {
  const found = route.answer.safeParse(JSON.parse(JSON.stringify(body ?? null)));
  if (found.success) return;
  throw new Error(`the answer of ${route.id} does not have its shape: ${found.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.')}: ${issue.code === 'unrecognized_keys' ? `unknown ${issue.keys.join(', ')}` : issue.message}`).join('; ')}`);
}

/** A page of somebody else's that sends a form here says where it is from; one that was changed on its way, without encryption, is somebody else's. */
function fromHere(headers: Record<string, unknown>, secure: boolean): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  const page = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined;
  const foreign = origin !== undefined && (page === undefined || page.host !== host || (secure && page.protocol !== 'https:'));
  if (foreign || (site !== undefined && site !== 'same-origin' && site !== 'none')) throw new Problem('csrf', { zh: '请求来自别的网站', en: 'the request comes from another site' });
}

/** In bytes: letters beyond ASCII take more than one, and headers may hold them. */
function isSame(given: unknown, wanted: string): boolean {
  const [one, other] = [Buffer.from(typeof given === 'string' ? given : ''), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Only the fields that were asked for, of each item or of the thing itself. */
function selected(body: unknown, fields: string | undefined): unknown {
  if (fields === undefined || typeof body !== 'object' || body === null) return body;
  const wanted = new Set(fields.split(','));
  const cut = (one: unknown): unknown => (typeof one === 'object' && one !== null ? Object.fromEntries(Object.entries(one).filter(([name]) => wanted.has(name))) : one);
  const { items } = body as { items?: unknown };
  return Array.isArray(items) ? { ...body, items: items.map(cut) } : cut(body);
}

/** Codes of Moat's own errors that say whose fault it is. */
const known: Readonly<Record<string, Problem['code']>> = { 'bad-input': 'bad-input', 'input': 'bad-input', 'no-incident': 'not-found', 'no-plan': 'not-found', 'no-receipt': 'not-found', 'no-run': 'not-found', 'no-item': 'not-found', 'no-archive': 'not-found', 'not-there': 'not-found', 'changed': 'conflict', 'busy': 'conflict', 'ambiguous': 'conflict', 'stale': 'changed-meanwhile', 'full': 'unavailable', 'several': 'conflict', 'no-playbook': 'not-found', 'no-alert': 'not-found', 'no-question': 'conflict', 'unknown-channel': 'not-found', 'unavailable': 'unavailable', 'too-long': 'refused', 'invalid': 'bad-input' };

function problemOf(error: unknown, world: World): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof MoatError) return new Problem(known[error.code] ?? 'refused', saidBy(error), { hint: error.hint, cause: error });
  const { statusCode, message } = error as { statusCode?: number; message: string };
  const plain = (code: Problem['code']): Problem => new Problem(code, { zh: message, en: message });
  if (statusCode === 413) return plain('too-large');
  if (statusCode === 415) return plain('unsupported');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return plain('bad-input');
  // What it was is for the log: it may name paths of this machine.
  world.fault(error);
  return new Problem('fault', { zh: '服务器内部出错，详情见日志', en: 'something went wrong in the server; its log says what' }, { cause: error });
}

function answerProblem(reply: FastifyReply, problem: Problem): void {
  if (problem.retryAfter !== undefined) void reply.header('retry-after', String(problem.retryAfter));
  void reply.code(problem.status).type('application/problem+json').header('cache-control', 'no-store').send(JSON.stringify(problemBody(problem)));
}
