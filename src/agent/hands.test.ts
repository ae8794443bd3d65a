import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Action, PlanOptions } from '../core/action.ts';
import { lookByHand, serveHands } from './hands.ts';
import { filesOf } from './service-look.ts';

let folder: string, path: string, server: Server, asked: PlanOptions[];
const action: Action = {
  id: 'noting', title: { zh: '记', en: 'Note' }, blind: { zh: '无', en: 'nothing' }, automatic: 'never', halfDone: 'undo',
  parse: (input) => input,
  plan(input, options) { asked.push(options); return Promise.resolve({ target: 'x', title: { zh: 'x', en: 'x' }, steps: [], risk: 'low', reversible: true, state: { input } }); },
  apply: () => Promise.resolve(), undo: () => Promise.resolve(),
  verify: () => Promise.resolve({ is: 'former', evidence: { zh: 'x', en: 'x' } }),
};
const noon = Date.parse('2026-11-22T12:00:00Z');

async function ask(text: string): Promise<{ kind: string; code?: string; value?: unknown }> {
  const socket = createConnection(path);
  socket.write(`${text}\n`);
  let said = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) said += chunk.toString();
  return JSON.parse(said) as { kind: string };
}

beforeEach(async () => {
  asked = [];
  folder = mkdtempSync(join(tmpdir(), 'moat-hands-'));
  path = join(folder, 'hands.sock');
  server = await serveHands({ path }, { actions: [action], looks: { services: (input, signal) => Promise.resolve({ input, running: !signal.aborted }) }, now: () => noon, idleMs: undefined, onIdle: () => undefined });
});
afterEach(async () => {
  await new Promise((resolve) => { server.close(resolve); });
  rmSync(folder, { recursive: true });
});

describe('the hands', () => {
  it('go by their own clock, and force only on a plain yes', async () => {
    for (const options of [{ force: 'yes', now: 1 }, { force: true, now: noon + 1e12 }, undefined, 7]) expect(await ask(JSON.stringify({ action: 'noting', step: 'plan', input: {}, options }))).toMatchObject({ kind: 'done' });
    expect(asked).toEqual([{ force: false, now: noon }, { force: true, now: noon }, { force: false, now: noon }, { force: false, now: noon }]);
  });

  it('answer what is no request with a fault, and go on', async () => {
    for (const text of ['null', '7', '[]', '{}', '{"action":7}', '{"action":"noting"}', '{"action":"noting","step":"__proto__"}', '{"action":"noting","step":"apply"}', '{"action":"noting","step":"undo","state":"x"}', '{"action":"toString","step":"plan"}']) {
      expect(await ask(text), text).toMatchObject({ kind: 'fault', code: 'bad-request' });
    }
    expect(await ask('{"action":"noting","step":"verify","state":{}}')).toMatchObject({ kind: 'done' });
  });

  it('look at what the agent may not, by name alone', async () => {
    expect(await lookByHand(path, 'services', { files: ['/srv/a.db'] }, AbortSignal.timeout(5000))).toEqual({ input: { files: ['/srv/a.db'] }, running: true });
    await expect(lookByHand(path, 'toString', {}, AbortSignal.timeout(5000))).rejects.toMatchObject({ code: 'bad-request' });
    await expect(lookByHand(path, 'noting', {}, AbortSignal.timeout(5000))).rejects.toMatchObject({ code: 'bad-request' });
    for (const input of [undefined, {}, { files: 'x' }, { files: [7] }, { files: ['x'.repeat(5000)] }]) expect(() => filesOf(input)).toThrow('a list of files');
  });

  it('are reached by nobody else', () => { expect(statSync(path).mode & 0o777).toBe(0o600); });
});
