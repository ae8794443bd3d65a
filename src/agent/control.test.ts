import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askControl, serveControl } from './control.ts';

describe('the control socket', () => {
  let folder: string;
  let server: Server;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'moat-control-'));
    server = await serveControl(folder, { add: (n) => Number(n) + 1, fail: () => { throw new Error('no'); } });
  });
  afterEach(async () => {
    await new Promise((done) => { server.close(done); });
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers, and only its owner can reach it', async () => {
    expect(await askControl(folder, 'add', 41)).toBe(42);
    expect(statSync(join(folder, 'moat.sock')).mode & 0o777).toBe(0o600);
  });

  it('says why it refuses', async () => {
    await expect(askControl(folder, 'fail')).rejects.toMatchObject({ code: 'refused', message: 'no' });
    await expect(askControl(folder, 'constructor')).rejects.toMatchObject({ code: 'refused' });
    await expect(askControl(join(folder, 'nowhere'), 'add')).rejects.toMatchObject({ code: 'not-running' });
  });

  it.each(['null', '5', '[]', '{}', '{"op":{"toString":1}}', '{"op":"__proto__"}'])('answers %s plainly', async (text) => {
    const said = await new Promise<string>((done) => {
      const socket = createConnection(join(folder, 'moat.sock'));
      socket.on('data', (chunk) => done(chunk.toString()));
      socket.write(`${text}\n`);
    });
    expect(JSON.parse(said)).toMatchObject({ ok: false, error: expect.stringMatching(/^expected op to be one of /) as string });
  });

  it('survives rubbish, a torrent and a caller that leaves', async () => {
    for (const text of ['\u0000\u0001 not json\n', '{"op":5}\n', 'x'.repeat(200_000), '{"op":"add"']) {
      await new Promise<void>((done) => {
        const socket = createConnection(join(folder, 'moat.sock'));
        socket.on('error', () => done());
        socket.on('close', () => done());
        socket.on('data', () => undefined);
        socket.end(text);
      });
    }
    expect(await askControl(folder, 'add', 1)).toBe(2);
  });
});
