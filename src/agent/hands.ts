/**
 * What changes files, units and accounts is done by a process of its own: the agent reads everything that strangers wrote, so it has the
 * rights to read only; the hands have the rights to write, read nothing but the agent's requests, and end when there is nothing to do.
 * One connection for each step of an action, JSON, one message a line. The socket is root's alone.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { chmodSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Action, ActionContext, Plan, PlanOptions, Verdict } from '../core/action.ts';
import { MoatError, saidBy } from '../core/error.ts';
import type { PackageFile } from '../core/lineage.ts';
import type { Text } from '../core/text.ts';
import { sealed, unsealed } from './hands-seal.ts';

export type HandsErrorCode = 'no-hands' | 'bad-request';

type Owner = PackageFile | 'unknown' | undefined;
type Request = { action: string } & ({ step: 'plan'; input: unknown; options: PlanOptions } | { step: 'apply' | 'verify' | 'undo'; state: unknown } | { step: 'look'; input: unknown });
/** What the hands say; `save` and `owner` wait for an answer. */
type Said = { kind: 'save'; state: unknown } | { kind: 'owner'; path: string } | { kind: 'done'; value: unknown } | { kind: 'fault'; code: string; message: string; text: Text; hint?: string | Text };
type Answer = { kind: 'saved' } | { kind: 'owner'; owner?: Exclude<Owner, undefined> };

/** A state holds a line of a file, or the names of some thousand processes. */
const messageMax = 16 * 1024 * 1024;
const connectionsMax = 32;
/** The two take turns: there is one message under way. */
const aheadMax = 4;
const stepMs = 120_000;
const firstMs = 30_000;

/** Asks the agent who owns a file, for the action that is being done. */
interface Asking { ask(what: Said): Promise<Answer> }
const current = new AsyncLocalStorage<Asking>();

/** For the protection of files in the hands: the agent has the index of packages. */
export async function ownerByHead(path: string): Promise<Owner> {
  const answer = await current.getStore()?.ask({ kind: 'owner', path });
  return answer?.kind === 'owner' ? answer.owner : 'unknown';
}

/** Changes nothing, but needs rights that the agent has not. */
export type Look = (input: unknown, signal: AbortSignal) => Promise<unknown>;

export interface HandsOptions { actions: readonly Action[]; /** By name, which no action has. */ looks?: Readonly<Record<string, Look>>; now: () => number; /** What states are sealed with; asked for when there is something to do. */ key: () => Buffer; /** Told when nobody asked for so long; never when undefined. */ idleMs: number | undefined; onIdle: () => void }

/** A socket to make, or the descriptor of one that systemd hands over. */
export type HandsSocket = { path: string } | { fd: number };

export async function serveHands(where: HandsSocket, { actions, looks = {}, now, key, idleMs, onIdle }: HandsOptions): Promise<Server> {
  const byId = new Map(actions.map((action) => [action.id, action]));
  const wait = (): NodeJS.Timeout | undefined => (idleMs === undefined ? undefined : setTimeout(onIdle, idleMs));
  let idle = wait(), open = 0;
  const server = createServer((socket) => {
    clearTimeout(idle);
    open++;
    socket.on('close', () => { if (--open === 0) idle = wait(); });
    void serve(socket, byId, looks, { now, key });
  });
  server.on('close', () => clearTimeout(idle));
  server.maxConnections = connectionsMax;
  // Root's alone from its first moment.
  const mask = 'path' in where ? process.umask(0o177) : undefined;
  try {
    await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(where, resolve); });
  } finally { if (mask !== undefined) process.umask(mask); }
  if ('path' in where) chmodSync(where.path, 0o600);
  return server;
}

async function serve(socket: Socket, actions: ReadonlyMap<string, Action>, looks: Readonly<Record<string, Look>>, { now, key }: Pick<HandsOptions, 'now' | 'key'>): Promise<void> {
  const line = new Lines(socket);
  const gone = new AbortController();
  socket.on('close', () => gone.abort(new Error('the agent went away')));
  const say = (said: Said): void => { socket.write(`${JSON.stringify(said)}\n`); };
  // One question at a time, each answered by the next line.
  let last: Promise<unknown> = Promise.resolve();
  const ask = (what: Said): Promise<Answer> => {
    const answer = last.then(() => { say(what); return line.next<Answer>(); });
    last = answer.catch(() => undefined);
    return answer;
  };
  try {
    // Who connects and says nothing keeps nobody waiting.
    socket.setTimeout(firstMs, () => socket.destroy());
    const request = readRequest(await line.next<unknown>(), now());
    socket.setTimeout(0);
    if (request.step === 'look') {
      const look = Object.hasOwn(looks, request.action) ? looks[request.action] : undefined;
      if (look === undefined) throw new MoatError<HandsErrorCode>('bad-request', `expected something to look at, got ${request.action.slice(0, 100)}`);
      say({ kind: 'done', value: await look(request.input, gone.signal) });
      socket.end();
      return;
    }
    const action = actions.get(request.action);
    if (action === undefined) throw new MoatError<HandsErrorCode>('bad-request', `expected an action, got ${request.action.slice(0, 100)}`);
    const context: ActionContext = { signal: gone.signal, now, save: async (state) => { await ask({ kind: 'save', state: sealed(key(), request.action, state) }); } };
    const value = await current.run({ ask }, () => does(action, request, context, key()));
    say({ kind: 'done', value });
  } catch (error) {
    const { code, message, hintText, hint } = error as MoatError;
    say({ kind: 'fault', code: code ?? 'failed', message, text: saidBy(error), ...(hint !== undefined && { hint: hintText ?? hint }) });
  }
  socket.end();
}

/** What is asked, as far as it is to be believed: force is a person's word, but the clock is ours. Throws MoatError 'bad-request'. */
function readRequest(value: unknown, now: number): Request {
  const { action, step, input, state, options } = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  if (typeof action !== 'string') throw new MoatError<HandsErrorCode>('bad-request', 'expected an action, got none');
  switch (step) {
    case 'plan': return { action, step, input, options: { force: (options as { force?: unknown } | null | undefined)?.force === true, now } };
    case 'apply': case 'verify': case 'undo':
      if (typeof state !== 'object' || state === null) throw new MoatError<HandsErrorCode>('bad-request', `expected the state of ${action.slice(0, 100)}, got none`);
      return { action, step, state };
    case 'look': return { action, step, input };
    default: throw new MoatError<HandsErrorCode>('bad-request', `expected plan, apply, verify, undo or look, got ${String(step).slice(0, 100)}`);
  }
}

async function does(action: Action, request: Exclude<Request, { step: 'look' }>, context: ActionContext, key: Buffer): Promise<unknown> {
  if (request.step !== 'plan') {
    const state = unsealed(key, request.action, request.state as Readonly<Record<string, unknown>>);
    switch (request.step) {
      case 'apply': return await action.apply(state, context);
      case 'verify': return await action.verify(state, context);
      case 'undo': return await action.undo(state, context);
    }
  }
  // Asked for anew: what the agent says of it is not taken on trust.
  const plan = await action.plan(action.parse(request.input), request.options);
  return { ...plan, state: sealed(key, request.action, plan.state) };
}

/** The action as the agent has it: thought of here, done by the hands. `owner`: which package a file is of. */
export function byHand(action: Action, socketPath: string, owner: (path: string) => Promise<Owner>): Action {
  const ask = <T>(request: Request, { signal, save }: Pick<ActionContext, 'signal' | 'save'>): Promise<T> => converse(socketPath, request, signal, async (said) => {
    if (said.kind === 'owner') {
      const found = await owner(said.path);
      return { kind: 'owner', ...(found !== undefined && { owner: found }) };
    }
    await save(said.state);
    return { kind: 'saved' };
  });
  const { id } = action;
  return {
    ...action,
    // Checked here for the sake of a quick answer, and by the hands for good.
    parse(input) { action.parse(input); return input; },
    ...(action.target && { target: (input) => action.target!(action.parse(input)) }),
    plan: (input, options) => ask<Plan>({ action: id, step: 'plan', input, options }, { signal: AbortSignal.timeout(stepMs), save: () => Promise.resolve() }),
    apply: (state, context) => ask<void>({ action: id, step: 'apply', state }, context),
    verify: (state, context) => ask<Verdict>({ action: id, step: 'verify', state }, context),
    undo: (state, context) => ask<void>({ action: id, step: 'undo', state }, context),
  };
}

/** Asks the hands to look at something. Rejects with their MoatError, or 'no-hands'. */
export const lookByHand = (socketPath: string, what: string, input: unknown, signal: AbortSignal): Promise<unknown> => converse(socketPath, { action: what, step: 'look', input }, signal, () => Promise.reject(new Error('nothing is asked back')));

async function converse<T>(path: string, request: Request, signal: AbortSignal, answer: (said: Extract<Said, { kind: 'save' | 'owner' }>) => Promise<Answer>): Promise<T> {
  const socket = createConnection(path);
  const onAbort = (): void => { socket.destroy(new Error('it took too long, or Moat is ending')); };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const line = new Lines(socket);
    socket.write(`${JSON.stringify(request)}\n`);
    for (;;) {
      const said = await line.next<Said>();
      switch (said.kind) {
        case 'done': return said.value as T;
        case 'fault': throw new MoatError(said.code, said.message, { text: said.text, hint: said.hint });
        default: socket.write(`${JSON.stringify(await answer(said))}\n`);
      }
    }
  } catch (error) {
    if (error instanceof MoatError) throw error;
    throw new MoatError<HandsErrorCode>('no-hands', `expected the hands of Moat at ${path}: ${(error as Error).message}`, { zh: `联系不上 Moat 的执行进程（${path}）：${saidBy(error).zh}`, hint: { zh: '查看 systemctl status moat-hands.socket moat-hands.service', en: 'look at: systemctl status moat-hands.socket moat-hands.service' }, cause: error });
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

/** Messages of a socket, one a line. */
class Lines {
  private readonly waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  private readonly ready: string[] = [];
  private ended: Error | undefined;

  constructor(socket: Socket) {
    let taken = 0;
    socket.on('data', (chunk: Buffer) => {
      taken = chunk.includes(10) ? chunk.length - 1 - chunk.lastIndexOf(10) : taken + chunk.length;
      if (taken > messageMax) socket.destroy(new Error(`a message longer than ${messageMax} bytes`));
    });
    const end = (error: Error): void => {
      this.ended ??= error;
      for (const { reject } of this.waiting.splice(0)) reject(this.ended);
    };
    socket.on('error', end);
    socket.on('close', () => end(new Error('the connection ended')));
    createInterface({ input: socket }).on('line', (line) => {
      const first = this.waiting.shift();
      if (first) first.resolve(line);
      else if (this.ready.length < aheadMax) this.ready.push(line);
      else socket.destroy(new Error(`more than ${aheadMax} messages that nobody asked for`));
    // It hands on the errors of the socket as its own.
    }).on('error', end).on('close', () => end(new Error('the connection ended')));
  }

  /** What it holds is written by the other half of Moat. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type of what the other side sends
  async next<T>(): Promise<T> {
    const line = this.ready.shift() ?? await new Promise<string>((resolve, reject) => {
      if (this.ended) reject(this.ended); else this.waiting.push({ resolve, reject });
    });
    return JSON.parse(line) as T;
  }
}
