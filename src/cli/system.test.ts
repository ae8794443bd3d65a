import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../agent/config.ts';
import { serveControl } from '../agent/control.ts';
import { DenyBook } from '../agent/deny.ts';
import { Response } from '../agent/response.ts';
import { Health } from '../engine/health.ts';
import { openSqliteStore, type SqliteStore } from '../stores/sqlite/store.ts';
import { lacks } from '../../test/need.ts';
import { startSession } from '../../test/sessions.ts';

const config = parseConfig('', 'moat.yml');
const bin = fileURLToPath(new URL('../../bin/moat', import.meta.url));
/** Nobody on any machine has it. */
const uid = 471_199;

// What is asked of this machine here is refused or is not there; only the session that the test began is ended.
describe.skipIf(lacks({ root: true, files: ['/usr/bin/setpriv', '/usr/bin/perl', '/proc/self/loginuid'] }))('moat stop-unit, lock, end-sessions, unload', () => {
  let dir: string, store: SqliteStore, response: Response, server: Server;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'moat-cli-system-'));
    store = openSqliteStore({ dir });
    response = new Response(config.response, { policy: config.firewall, ipv6: config.ipv6, store, health: new Health(Date.now), log: { debug: () => undefined, info: () => undefined, warn: () => undefined }, now: Date.now, dataFolder: dir, ownPaths: [], deny: new DenyBook(store.ledger, { ready: true, settle: () => Promise.resolve(undefined) }, dir).port(), packages: { ready: true, owner: () => undefined, settle: () => Promise.resolve(undefined), index: undefined } });
    server = await serveControl(dir, response.handlers());
  });
  afterAll(async () => {
    server.close();
    await response.stop();
    store.close();
    rmSync(dir, { recursive: true });
  });
  async function moat(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    const child = spawn(process.execPath, [bin, '--data', dir, ...args], { env: { ...process.env, LANG: 'C.UTF-8', LC_ALL: '', FORCE_COLOR: '' }, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '', err = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    const [status] = await once(child, 'close') as [number];
    return { status, out, err };
  }

  it('shows the plan, asks before what cannot be taken back, then does it', async () => {
    const session = await startSession(uid);
    try {
      const plan = await moat('end-sessions', String(uid), '--plan');
      expect(plan.out).toContain(`End the sessions of ${uid}, 3 processes in all`);
      expect(await moat('end-sessions', String(uid))).toMatchObject({ status: 2, err: expect.stringContaining('--yes') as string });
      expect(session.lives()).toEqual([true, true, true]);
      expect(await moat('end-sessions', String(uid), '--yes', '--why', 'an intruder')).toMatchObject({ status: 0, out: expect.stringContaining('all 3 processes have ended') as string });
      expect(session.lives()).toEqual([false, false, false]);
    } finally { session.end(); }
  });

  it('says why it does not', async () => {
    expect(await moat('lock', 'root', '--plan')).toMatchObject({ status: 2, err: expect.stringMatching(/root: it is (?:root|the account)/) as string });
    expect(await moat('lock', 'nobody-of-this-name', '--plan')).toMatchObject({ status: 2, err: expect.stringContaining('there is no account') as string });
    expect(await moat('stop-unit', 'no-such-unit-here', '--plan')).toMatchObject({ status: 2, err: expect.stringContaining('there is no unit no-such-unit-here.service') as string });
    expect((await moat('unload', 'no_such_module_here', '--plan')).status).toBe(2);
    expect((await moat('stop-container', 'no-such-container-here', '--plan')).status).toBe(2);
  });
});
