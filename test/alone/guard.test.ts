/** A miner's stand-in under the whole of `moat up` in guard mode: it is alerted, frozen where it stands, and goes on when a person says so. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';
import { moatBin } from '../live/moat.ts';

const wallet = '44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A';
const login = `{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"${wallet}","pass":"x","agent":"logd/1.0","algo":["rx/0"]}}`;
const folder = mkdtempSync(join(tmpdir(), 'moat-guard-'));
/** Speaks to its pool, with a helper beside it, and works for half a minute at most. */
const script = `my $child = fork; if (!$child) { sleep 30; exit } use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[0]) or die; print $s '${login}'."\\n"; $s->flush; sleep 30; kill 9, $child;`;

const stateOf = (pid: number): string => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '?';
const childOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

describe.skipIf(await lacksKernel())('guard mode', () => {
  let watch: Watch;
  let pool: Server;
  let miner: ChildProcess;

  beforeAll(async () => {
    // What else the machine does is nobody's to judge, and its firewall stays as it is.
    watch = await startWatch({ behaviours: ['miner'], yaml: 'response: { mode: observe, firewall: off, overrides: [{ rule: behaviour.miner, mode: guard }] }' });
    pool = createServer((socket) => { socket.on('error', () => socket.destroy()); });
    await new Promise<void>((resolve) => { pool.listen(0, '127.0.0.1', resolve); });
    copyFileSync('/usr/bin/perl', join(folder, 'logd'));
    execFileSync('chmod', ['755', join(folder, 'logd')]);
  });
  afterAll(async () => {
    miner.kill('SIGKILL');
    pool?.close();
    await watch?.end();
    rmSync(folder, { recursive: true });
  });

  it('freezes a miner with all that came of it, and lets it go on at a word', async () => {
    miner = spawn(join(folder, 'logd'), ['-e', script, String((pool.address() as AddressInfo).port)], { stdio: 'ignore' });
    const pid = miner.pid!;
    const alert = await watch.waitFor(({ rule_id }) => rule_id === 'behaviour.miner', 'of the miner');
    const helper = childOf(pid);
    // One after the other, and the alert may be out before both are.
    const states = (): string[] => [stateOf(pid), stateOf(helper)];
    for (let i = 0; i < 400 && !states().every((state) => state === 'T'); i++) await sleep(20);
    expect(states()).toEqual(['T', 'T']);
    const cli = (...args: string[]): Record<string, unknown>[] => execFileSync(process.execPath, [moatBin, '--data', join(watch.folder, 'data'), '--lang', 'en', ...args, '--json']).toString().trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    const [receipt] = cli('actions');
    expect(receipt).toMatchObject({ action: 'freeze-tree', status: 'applied', by: 'link:freeze-miner', from: alert.id, target: `pid ${pid}` });
    cli('undo', String(receipt?.['id']));
    expect(states().some((state) => state === 'T')).toBe(false);
    process.kill(helper, 'SIGKILL');
  });
});
