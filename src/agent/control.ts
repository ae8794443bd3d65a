/**
 * The agent's own socket in its data folder: one JSON request a line, one JSON answer a line. Only the owner
 * of the folder can reach it (folder 0700, socket 0600).
 */
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { MoatError, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';

export type ControlErrorCode = 'not-running' | 'refused';
/** An answer may take its time; shorter than the caller waits. */
export type Handlers = Readonly<Record<string, (argument: unknown) => unknown>>;

/** The longest is a line of a file, escaped. */
const requestMax = 512 * 1024;
const idleMs = 10_000;
/** For whoever asks for something that takes its time: a large file is read three times. */
const workMs = 120_000;
const socketPath = (dataFolder: string): string => join(dataFolder, 'moat.sock');

export async function serveControl(dataFolder: string, handlers: Handlers): Promise<Server> {
  const path = socketPath(dataFolder);
  // The store's lock says that no other agent runs here, so a socket that is left over is dead.
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > requestMax) { socket.destroy(); return; }
      const end = text.indexOf('\n');
      if (end < 0) return;
      // One request is answered; what comes behind it is not read.
      socket.setTimeout(workMs);
      socket.removeAllListeners('data').resume();
      void reply(socket, text.slice(0, end), handlers);
    });
  });
  server.maxConnections = 32;
  await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(path, resolve); });
  chmodSync(path, 0o600);
  return server;
}

async function reply(socket: Socket, line: string, handlers: Handlers): Promise<void> {
  socket.end(`${JSON.stringify(await answer(line, handlers))}\n`);
}

type Reply = { ok: true; value: unknown } | { ok: false; error: string; hint?: string; text?: Text };

async function answer(line: string, handlers: Handlers): Promise<Reply> {
  try {
    const request: unknown = JSON.parse(line);
    const { op, argument } = (typeof request === 'object' && request !== null ? request : {}) as { op?: unknown; argument?: unknown };
    if (typeof op !== 'string' || !Object.hasOwn(handlers, op)) return { ok: false, error: `expected op to be one of ${Object.keys(handlers).join(', ')}, got ${JSON.stringify(op)?.slice(0, 80) ?? 'none'}` };
    return { ok: true, value: (await handlers[op]?.(argument)) ?? null };
  } catch (error) {
    const { message, hint, text } = error as MoatError;
    return { ok: false, error: message, ...(hint !== undefined && { hint }), ...(text !== undefined && { text }) };
  }
}

/** Asks the running agent. `patient`: what is asked for may take a minute. Throws MoatError 'not-running' when none answers, 'refused' with its reason when it declines. */
export function askControl(dataFolder: string, op: string, argument?: unknown, { patient = false }: { patient?: boolean } = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = createConnection(socketPath(dataFolder));
    socket.setEncoding('utf8');
    socket.setTimeout(patient ? workMs : idleMs, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => socket.write(`${JSON.stringify({ op, argument })}\n`));
    socket.on('data', (chunk: string) => { text += chunk; });
    socket.on('error', (error) => reject(new MoatError<ControlErrorCode>('not-running', `no agent answers at ${socketPath(dataFolder)} (${error.message})`, { zh: `${socketPath(dataFolder)} 上没有 Moat 在运行（${saidBy(error).zh}）`, hint: { zh: '先启动：moat up', en: 'start it with: moat up' }, cause: error })));
    socket.on('end', () => {
      let reply: Reply;
      try {
        reply = JSON.parse(text) as Reply;
      } catch (error) { reject(new MoatError<ControlErrorCode>('refused', 'the agent gave no whole answer', { zh: 'Moat 没有给出完整的回答', cause: error })); return; }
      if (reply.ok) resolve(reply.value);
      else reject(new MoatError<ControlErrorCode>('refused', reply.error, reply));
    });
  });
}
