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
import { haltOf, readProcess } from '../linux/process-tree.ts';
import { openSqliteStore, type SqliteStore } from '../stores/sqlite/store.ts';
import { lacks } from '../../test/need.ts';
import { procfs, startTree, type Tree } from '../../test/process-trees.ts';

const config = parseConfig('', 'moat.yml');
const bin = fileURLToPath(new URL('../../bin/moat', import.meta.url));

describe.skipIf(lacks({ files: ['/usr/bin/perl', '/usr/bin/setsid', '/usr/bin/script'] }))('moat kill, freeze and thaw', () => {
  let dir: string, store: SqliteStore, response: Response, server: Server, tree: Tree;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'moat-cli-processes-'));
    store = openSqliteStore({ dir });
    response = new Response(config.response, { policy: config.firewall, ipv6: config.ipv6, store, health: new Health(Date.now), log: { debug: () => undefined, info: () => undefined, warn: () => undefined }, now: Date.now, dataFolder: dir, ownPaths: [], deny: new DenyBook(store.ledger, { ready: true, settle: () => Promise.resolve(undefined) }, dir).port(), packages: { ready: true, index: undefined, owner: () => undefined, settle: () => Promise.resolve(undefined) } });
    server = await serveControl(dir, response.handlers());
    tree = await startTree('plain', ['grandchild']);
  });
  afterAll(async () => {
    tree.end();
    server.close();
    await response.stop();
    store.close();
    rmSync(dir, { recursive: true });
  });
  const halts = (): string[] => ['root', 'child', 'grandchild'].map((name) => {
    const one = readProcess(procfs, tree.at(name));
    return one === undefined ? 'ended' : haltOf(procfs, one);
  });
  const all = (what: string): string[] => [what, what, what];

  async function run(program: string, args: readonly string[], input = ''): Promise<{ status: number; out: string; err: string }> {
    const child = spawn(program, args, { env: { ...process.env, LANG: 'C.UTF-8', LC_ALL: '', FORCE_COLOR: '' } });
    let out = '', err = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    child.stdin.end(input);
    const [status] = await once(child, 'close') as [number];
    return { status, out, err };
  }
  const moat = (...args: string[]) => run(process.execPath, [bin, '--data', dir, ...args]);

  it('shows the plan, freezes, and thaws by the pid of any member or by the receipt', async () => {
    const { pid } = tree;
    const plan = await moat('freeze', String(pid), '--plan');
    expect(plan.out).toContain(`Freeze process ${pid} (perl) and what came of it, 3 in all`);
    expect(plan.out).toMatch(new RegExp(`^ {6}${tree.at('grandchild')}  perl `, 'm'));
    expect(halts()).toEqual(all('running'));

    const frozen = await moat('freeze', String(pid), '--why', 'looks like a miner');
    expect(frozen).toMatchObject({ status: 0, out: expect.stringContaining('3 processes stand still') as string });
    expect(halts()).toEqual(all('halted'));
    expect((await moat('thaw', String(tree.at('grandchild')))).out).toContain('looks like a miner');
    expect(halts()).toEqual(all('running'));

    const again = JSON.parse((await moat('freeze', String(pid), '--for', '1h', '--json')).out) as { id: string; action: string; until: string; state?: unknown };
    expect(again).toMatchObject({ action: 'freeze-tree', until: expect.stringMatching(/^\d{4}-/) as string });
    expect(again).not.toHaveProperty('state');
    expect((await moat('thaw', again.id)).status).toBe(0);
    expect(halts()).toEqual(all('running'));
    expect(await moat('thaw', String(pid))).toMatchObject({ status: 2, err: expect.stringContaining('is not frozen') as string });
  });

  it('asks before it kills: no terminal, no kill; a no is a no', async () => {
    expect(await moat('kill', String(tree.pid))).toMatchObject({ status: 2, err: expect.stringContaining('--yes') as string });
    const asked = (answer: string) => run('script', ['-qec', `${process.execPath} ${bin} --data ${dir} kill ${tree.pid}`, '/dev/null'], `${answer}\n`);
    expect((await asked('n')).out).toContain('nothing was done');
    expect(halts()).toEqual(all('running'));
    expect((await asked('y')).out).toContain('all 3 processes have ended');
    expect(halts()).toEqual(all('ended'));
  });

  // Never more than a plan: what is asked for here is this machine's own.
  it('refuses what is protected with a reason, and what is no process', async () => {
    expect(await moat('kill', '1', '--plan', '--force')).toMatchObject({ status: 2, err: expect.stringContaining('the first process') as string });
    expect(await moat('freeze', String(process.pid), '--plan', '--force')).toMatchObject({ status: 2, err: expect.stringMatching(/Moat|the session/) as string });
    expect(await moat('kill', String(tree.pid), '--yes', '--lang', 'zh')).toMatchObject({ status: 2, err: expect.stringContaining('已经结束') as string });
    for (const text of ['x', '-1', '0', '1.5', '99999999']) expect((await moat('kill', '--plan', '--', text)).status).not.toBe(0);
  });

  it('ends without asking with --yes, and keeps what ran in the receipt', async () => {
    tree = await startTree('plain', ['grandchild']);
    const { out, status } = await moat('kill', String(tree.pid), '--yes', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ action: 'kill-tree', status: 'applied', reversible: false, by: expect.stringMatching(/^operator:/) as string });
    expect(halts()).toEqual(all('ended'));
  });
});
