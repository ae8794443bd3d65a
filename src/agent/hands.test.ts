import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Action, PlanOptions } from '../core/action.ts';
import { lookByHand, serveHands } from './hands.ts';
import { filesOf } from './service-look.ts';

let folder: string, path: string, server: Server, asked: PlanOptions[], states: unknown[];
const action: Action = {
  id: 'noting', title: { zh: '记', en: 'Note' }, blind: { zh: '无', en: 'nothing' }, automatic: 'never', halfDone: 'undo',
  parse: (input) => input,
  plan(input, options) { asked.push(options); return Promise.resolve({ target: 'x', title: { zh: 'x', en: 'x' }, steps: [], risk: 'low', reversible: true, state: { input } }); },
  apply(state) { states.push(state); return Promise.resolve(); }, undo(state) { states.push(state); return Promise.resolve(); },
  verify: (state) => { states.push(state); return Promise.resolve({ is: 'former', evidence: { zh: 'x', en: 'x' } }); },
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
  states = [];
  folder = mkdtempSync(join(tmpdir(), 'moat-hands-'));
  path = join(folder, 'hands.sock');
  server = await serveHands({ path }, { actions: [action, { ...action, id: 'other' }], looks: { services: (input, signal) => Promise.resolve({ input, running: !signal.aborted }) }, now: () => noon, key: () => Buffer.alloc(32, 7), idleMs: undefined, onIdle: () => undefined });
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
    expect(await ask('{"action":"noting","step":"plan","input":1}')).toMatchObject({ kind: 'done' });
  });

  it('take back no state but one that they have sealed, for the action they sealed it for', async () => {
    const plan = (await ask('{"action":"noting","step":"plan","input":{"path":"/tmp/x"}}')).value as { state: Record<string, unknown> };
    expect(plan.state).toMatchObject({ input: { path: '/tmp/x' }, seal: expect.any(String) as string });
    const step = (state: unknown, what = 'apply', id = 'noting'): Promise<{ kind: string; code?: string }> => ask(JSON.stringify({ action: id, step: what, state }));
    for (const what of ['apply', 'verify', 'undo']) expect(await step(plan.state, what)).toMatchObject({ kind: 'done' });
    expect(states).toEqual([{ input: { path: '/tmp/x' } }, { input: { path: '/tmp/x' } }, { input: { path: '/tmp/x' } }]);
    for (const forged of [{ ...plan.state, input: { path: '/etc/ld.so.preload' } }, { ...plan.state, more: 1 }, { input: plan.state['input'] }, { ...plan.state, seal: 7 }, { ...plan.state, seal: '' }, {}]) {
      for (const what of ['apply', 'verify', 'undo']) expect(await step(forged, what), JSON.stringify(forged)).toMatchObject({ kind: 'fault', code: 'unsealed' });
    }
    expect(await step(plan.state, 'undo', 'other')).toMatchObject({ kind: 'fault', code: 'unsealed' });
    // When it ends by itself is lifted by a person, without them.
    expect(await step({ ...plan.state, confirmBy: 7 })).toMatchObject({ kind: 'done' });
    expect(states).toHaveLength(4);
  });

  it('look at what the agent may not, by name alone', async () => {
    expect(await lookByHand(path, 'services', { files: ['/srv/a.db'] }, AbortSignal.timeout(5000))).toEqual({ input: { files: ['/srv/a.db'] }, running: true });
    await expect(lookByHand(path, 'toString', {}, AbortSignal.timeout(5000))).rejects.toMatchObject({ code: 'bad-request' });
    await expect(lookByHand(path, 'noting', {}, AbortSignal.timeout(5000))).rejects.toMatchObject({ code: 'bad-request' });
    for (const input of [undefined, {}, { files: 'x' }, { files: [7] }, { files: ['x'.repeat(5000)] }]) expect(() => filesOf(input)).toThrow('a list of files');
  });

  it('are reached by nobody else', () => { expect(statSync(path).mode & 0o777).toBe(0o600); });
});
