/** Engines that run containers: Docker's API over its Unix socket (Docker, Podman), or a command line of the same words (podman, nerdctl, docker). */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import type { Run } from './run.ts';

export type EngineErrorCode = 'no-engine' | 'engine';

export interface RestartPolicy { Name: string; MaximumRetryCount: number }

export interface Container {
  id: string;
  name: string;
  image: string;
  running: boolean;
  paused: boolean;
  /** The engine removes it as soon as it stops. */
  passing: boolean;
  restart: RestartPolicy;
  labels: Readonly<Record<string, string>>;
}

/** Each throws MoatError 'engine' with the engine's own words, 'no-engine' when it does not answer. What is so already is no error. */
export interface Engine {
  readonly name: string;
  /** By id, start of an id, or name; undefined when it has none such. */
  inspect(id: string): Promise<Container | undefined>;
  /** Asks it to end, and ends it after so many seconds. */
  stop(id: string, seconds: number): Promise<void>;
  /** By SIGKILL. */
  kill(id: string): Promise<void>;
  start(id: string): Promise<void>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  setRestart(id: string, policy: RestartPolicy): Promise<void>;
}

const sockets: readonly { name: string; path: string }[] = [{ name: 'docker', path: '/run/docker.sock' }, { name: 'podman', path: '/run/podman/podman.sock' }];
const programs = ['docker', 'podman', 'nerdctl'] as const;
const callMs = 15_000;
const answerMax = 4 << 20;

/** Those of this machine; sockets first, since they need no program. */
export function engines(root: string, run: Run): Engine[] {
  const bySocket = sockets.filter(({ path }) => existsSync(join(root, path))).map(({ name, path }) => socketEngine(name, join(root, path)));
  const others = programs.filter((program) => !bySocket.some(({ name }) => name === program) && ['usr/bin', 'usr/sbin', 'bin', 'sbin'].some((folder) => existsSync(join(root, folder, program))));
  return [...bySocket, ...others.map((program) => cliEngine(program, run))];
}

export function socketEngine(name: string, socketPath: string): Engine {
  const call = async (method: 'GET' | 'POST', path: string, { ok, body, timeoutMs = callMs }: { ok: readonly number[]; body?: object; timeoutMs?: number }): Promise<{ status: number; text: string }> => {
    const answer = await ask(name, socketPath, method, path, timeoutMs, body);
    if (!ok.includes(answer.status)) throw failed(name, answer.text, answer.status);
    return answer;
  };
  const at = (id: string, what: string): string => `/containers/${encodeURIComponent(id)}/${what}`;
  return {
    name,
    async inspect(id) {
      const { status, text } = await call('GET', at(id, 'json'), { ok: [200, 404] });
      return status === 404 ? undefined : readContainer(name, text);
    },
    async stop(id, seconds) { await call('POST', at(id, `stop?t=${seconds}`), { ok: [204, 304], timeoutMs: callMs + seconds * 1000 }); },
    // 409: it does not run any more.
    async kill(id) { await call('POST', at(id, 'kill?signal=SIGKILL'), { ok: [204, 409] }); },
    async start(id) { await call('POST', at(id, 'start'), { ok: [204, 304] }); },
    async pause(id) { await call('POST', at(id, 'pause'), { ok: [204] }); },
    async unpause(id) { await call('POST', at(id, 'unpause'), { ok: [204] }); },
    async setRestart(id, policy) { await call('POST', at(id, 'update'), { ok: [200], body: { RestartPolicy: policy } }); },
  };
}

function cliEngine(name: typeof programs[number], run: Run): Engine {
  const call = async (args: readonly string[], timeoutMs = callMs): Promise<string> => {
    const { code, stdout, stderr } = await run(name, args, { timeoutMs, outputMax: answerMax });
    if (code !== 0) throw failed(name, stderr || stdout);
    return stdout;
  };
  return {
    name,
    async inspect(id) {
      const { code, stdout, stderr } = await run(name, ['container', 'inspect', '--', id], { timeoutMs: callMs, outputMax: answerMax });
      if (code === 0) return readContainer(name, stdout);
      if (/no such (?:container|object)|no container/i.test(stderr)) return undefined;
      throw failed(name, stderr || stdout);
    },
    async stop(id, seconds) { await call(['stop', '--time', String(seconds), '--', id], callMs + seconds * 1000); },
    async kill(id) { await call(['kill', '--signal', 'SIGKILL', '--', id]); },
    async start(id) { await call(['start', '--', id]); },
    async pause(id) { await call(['pause', '--', id]); },
    async unpause(id) { await call(['unpause', '--', id]); },
    async setRestart(id, { Name, MaximumRetryCount }) { await call(['update', `--restart=${Name || 'no'}${Name === 'on-failure' && MaximumRetryCount > 0 ? `:${MaximumRetryCount}` : ''}`, '--', id]); },
  };
}

const failed = (name: string, text: string, status?: number): MoatError<EngineErrorCode> => new MoatError<EngineErrorCode>('engine', `${name}${status === undefined ? '' : ` (${status})`}: ${messageOf(text)}`);

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message.slice(0, 500);
  } catch { /* plain text, of a command line */ }
  return text.trim().slice(0, 500);
}

function ask(name: string, socketPath: string, method: string, path: string, timeoutMs: number, body: object | undefined): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => reject(new MoatError<EngineErrorCode>('no-engine', `expected ${name} to answer at ${socketPath}: ${why}`, { cause }));
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const sent = request({ socketPath, method, path, headers: { host: 'localhost', ...(payload !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }) }, signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
      const pieces: Buffer[] = [];
      let size = 0;
      answer.on('data', (piece: Buffer) => {
        size += piece.length;
        if (size > answerMax) { fail(`more than ${answerMax} bytes`); sent.destroy(); } else pieces.push(piece);
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') }));
      answer.on('error', (error) => fail(error.message, error));
    });
    sent.on('error', (error) => fail(error.name === 'TimeoutError' || error.name === 'AbortError' ? `nothing within ${timeoutMs} ms` : error.message, error));
    sent.end(payload);
  });
}

/** What `inspect` says, of the API an object, of a command line a list with one. */
function readContainer(engine: string, text: string): Container {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) { throw new MoatError<EngineErrorCode>('engine', `expected JSON from ${engine}, got ${text.slice(0, 100)}`, { cause: error }); }
  const whole = record(Array.isArray(parsed) ? parsed[0] : parsed);
  const state = record(whole['State']), host = record(whole['HostConfig']), config = record(whole['Config']), policy = record(host['RestartPolicy']);
  const id = whole['Id'];
  if (typeof id !== 'string' || !/^[0-9a-f]{12,64}$/.test(id) || typeof state['Running'] !== 'boolean') throw new MoatError<EngineErrorCode>('engine', `expected a container from ${engine}, got ${text.slice(0, 100)}`);
  const count = policy['MaximumRetryCount'];
  return {
    id, name: textOf(whole['Name']).replace(/^\//, '') || id.slice(0, 12), image: textOf(config['Image']), running: state['Running'], paused: state['Paused'] === true || state['Status'] === 'paused',
    passing: host['AutoRemove'] === true, restart: { Name: textOf(policy['Name']), MaximumRetryCount: typeof count === 'number' ? count : 0 },
    labels: Object.fromEntries(Object.entries(record(config['Labels'])).filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
  };
}

const record = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null ? { ...value } : {});
const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 300) : '');
