/** Each playbook that comes with Moat, run to its end with the real actions: on a process tree and files of the test's own, in a network namespace. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openResponse, type Response } from '../../test/actions.ts';
import { lacks } from '../../test/need.ts';
import { eventually, procfs, startTree, type Tree } from '../../test/process-trees.ts';
import { fileWorld } from '../../test/scenes/files.ts';
import { measureWorld, net } from '../../test/scenes/measure-world.ts';
import { endTree, processWorld } from '../../test/scenes/process-tree.ts';
import { allActions } from '../actions/catalogue.ts';
import type { Alert, AlertEvidence } from '../core/alert.ts';
import type { Answer } from '../core/notice.ts';
import type { Playbook, Value } from '../core/playbook.ts';
import type { Mode } from '../engine/response/linkage.ts';
import { variablesOfAlert } from '../engine/response/playbook.ts';
import { planPlaybook } from '../engine/response/playbook-plan.ts';
import { PlaybookRuns } from '../engine/response/playbook-run.ts';
import { Responder } from '../engine/response/responder.ts';
import { haltOf, readProcess } from '../linux/process-tree.ts';
import { bootTime } from '../linux/proc-host.ts';
import { ticksPerSecond } from '../linux/procfs.ts';
import { noMachine, parsers } from '../../test/action-parsers.ts';
import { readLinkage } from './linkage.ts';
import { readPlaybooks } from './playbooks.ts';

const namespace = `mtp${process.pid}`;
const source = '203.0.113.9', peer = '198.51.100.7';
const ban = { first: 600_000, factor: 6, most: 86_400_000 };
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/setsid', '/usr/bin/perl'] }))('a playbook that comes with Moat', () => {
  let folder: string, response: Response, wall: Awaited<ReturnType<typeof measureWorld>>['wall'], shipped: Map<string, Playbook>, runs: PlaybookRuns, responder: Responder;
  let tree: Tree | undefined, program: string, shell: string, crontab: string, mode: Mode, alerts: Map<string, Alert>, number = 0;
  let asked: Map<string, { what: string; answer?: Answer }>;

  beforeAll(async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    folder = mkdtempSync(join(tmpdir(), 'moat-shipped-'));
    const network = await measureWorld(namespace, { management: { from: [net('192.0.2.200')], ports: [22] }, loggedOn: [] });
    ({ wall } = network);
    const processes = await processWorld();
    response = openResponse(join(folder, 'store'), (parts) => {
      // What the others reach the machine through is not there: they are not to be called.
      const actions = allActions({ ...noMachine, ...network.world(parts), ...fileWorld(folder), ...processes });
      shipped = readPlaybooks(new Map(actions.map((action) => [action.id, (input: unknown) => action.parse(input)])));
      return actions;
    });
    const common = { runner: response.runner, store: response.store.response, log, now: Date.now, count: () => undefined, pausedUntil: () => 0 };
    runs = new PlaybookRuns({
      ...common, journal: response.journal, alert: (id) => alerts.get(id), modeFor: () => mode, ban: () => ban,
      people: {
        ask(id, what) { if (!asked.has(id)) asked.set(id, { what: what.en }); },
        answer(id) { const answer = asked.get(id)?.answer; return answer === undefined ? undefined : { answer, by: 'operator:wang' }; },
        withdraw: () => undefined, tell: () => undefined,
      },
    });
    responder = new Responder(common, { mode: 'guard', overrides: [], links: readLinkage(parsers).links, ban });
  });
  afterAll(async () => {
    await runs.close();
    await response.close();
    wall.close();
    execFileSync('ip', ['netns', 'del', namespace]);
    rmSync(folder, { recursive: true });
  });

  beforeEach(() => {
    alerts = new Map();
    asked = new Map();
    mode = 'guard';
    [program, shell, crontab] = [join(folder, 'kworkerd'), join(folder, 'up.php'), join(folder, 'crontab')];
    writeFileSync(program, 'not a program');
    writeFileSync(shell, '<?php ?>');
    writeFileSync(crontab, '* * * * * root true\n* * * * * root /tmp/kworkerd\n');
  });

  /** The process of the alert, as events name it. */
  const startedOf = (pid: number): number => Math.round(bootTime(procfs) + (readProcess(procfs, pid)!.ticks / ticksPerSecond) * 1000);
  const about = (attack: string[], { evidence = [], ...more }: Partial<Omit<Alert, 'evidence'>> & { evidence?: AlertEvidence[] } = {}): Alert => {
    const id = `a${number++}`, now = Date.now();
    const alert: Alert = {
      id, time: now, last_time: now, level: 'critical', rule_id: 'test', rule_name: 'test', title: { zh: '试', en: 'test' }, host: 'web1', summary: 'it happened', count: 12, attack, matrix: [], key: id, status: 'open', source_ip: source,
      ...(tree !== undefined && { pid: tree.pid }), evidence: [...tree === undefined ? [] : [{ pid: tree.pid, process_started: startedOf(tree.pid), process_path: program }], ...evidence], ...more,
    };
    alerts.set(id, alert);
    return alert;
  };

  /** Runs it with every question approved. What was done, in its order, `?` before what a person was asked for. */
  async function play(id: string, alert: Alert, variables: Record<string, Value> = {}): Promise<string[]> {
    const { id: run } = await runs.begin(shipped.get(id)!, { alert, variables, by: 'rule:test', why: 'a test', via: 'test' });
    for (;;) {
      await runs.settled();
      const stands = response.store.response.playbookRun(run)!;
      if (stands.status !== 'running') {
        expect(stands).toMatchObject({ status: 'done', dropped: 0 });
        const wasAsked = new Set<string>();
        const done: string[] = [];
        for (const { what, step, receipt, note } of stands.entries) {
          if (what === 'approved' && receipt === undefined) wasAsked.add(step);
          if (what === 'failed') done.push(`! ${note.slice(0, 60)}`);
          if (what !== 'done') continue;
          const found = receipt === undefined ? undefined : response.store.response.receipt(receipt);
          done.push(`${wasAsked.has(step) ? '? ' : ''}${found === undefined ? `(${note.replace(/ \(.*/, '').replaceAll(/\d+$/g, '')})` : `${found.action} ${found.target.replace(`pid ${tree?.pid}`, 'pid').replace(folder, '')}`}`);
        }
        return done;
      }
      for (const one of asked.values()) one.answer ??= 'approve';
      runs.tick();
    }
  }
  /** What a dry run says, in the same words. */
  async function plan(id: string, alert: Alert): Promise<string[]> {
    const playbook = shipped.get(id)!;
    const order = ['observe', 'guard', 'strict'];
    const steps = await planPlaybook(playbook, { runner: response.runner, variables: { ...playbook.playbook_variables, ...variablesOfAlert(alert) }, mayAct: ({ action: { automatic } }) => automatic !== 'never' && order.indexOf(mode) >= order.indexOf(automatic) });
    return steps.filter(({ onFailure }) => onFailure === undefined).flatMap(({ commands }) => commands).flatMap((one) => (one.type !== 'moat-action' ? [] : 'refused' in one ? [`! ${one.action}`] : [`${one.asks ? '? ' : ''}${one.action}`]));
  }
  /** Takes back all that can be, newest first. */
  async function back(): Promise<void> {
    for (const { id, reversible } of response.store.response.receipts({ status: ['applied'], limit: 1000 })) if (reversible) await response.runner.undo(id, { by: 'operator:test', via: 'test', why: 'the test is over' });
    expect(await wall.list()).toEqual([]);
    expect(await wall.standing()).toEqual([]);
  }
  async function withTree(work: (tree: Tree) => Promise<void>): Promise<void> {
    const mine = await startTree('plain', ['grandchild']);
    tree = mine;
    try {
      await work(mine);
      await back();
    } finally {
      tree = undefined;
      if (readProcess(procfs, mine.pid) === undefined) mine.end();
      else await endTree(mine);
    }
  }
  const outbound: AlertEvidence = { direction: 'outbound', destination_ip: peer, destination_port: 3333 };
  const gone = ({ pid }: Tree): boolean => readProcess(procfs, pid) === undefined;

  it('miner: source and pool cut, tree frozen, program put aside, tree ended when a person says so', () => withTree(async (one) => {
    const alert = about(['T1496.001'], { evidence: [outbound] });
    expect(await plan('miner', alert)).toEqual(['block-address', 'block-address', 'freeze-tree', 'quarantine-file', '? kill-tree']);
    const known = { pid: one.pid, ticks: readProcess(procfs, one.pid)!.ticks };
    expect(haltOf(procfs, known)).not.toBe('halted');
    expect(await play('miner', alert)).toEqual([`block-address ${source}`, `block-address ${peer}`, 'freeze-tree pid', 'quarantine-file /kworkerd', '? kill-tree pid']);
    expect((await wall.list()).map(({ network }) => network.text).toSorted()).toEqual([peer, source]);
    expect(existsSync(program)).toBe(false);
    await eventually(() => gone(one));
  }));

  it('webshell: visitor cut, what it started frozen, the file that was written put aside', () => withTree(async () => {
    const alert = about(['T1505.003'], { evidence: [{ file_path: shell }] });
    expect(await plan('webshell', alert)).toEqual(['block-address', 'freeze-tree', 'quarantine-file', '? kill-tree']);
    expect(await play('webshell', alert)).toEqual([`block-address ${source}`, 'freeze-tree pid', 'quarantine-file /up.php', '? kill-tree pid']);
    expect([existsSync(shell), existsSync(program)]).toEqual([false, true]);
  }));

  it('backdoor: its port and its lines too, a person asked where the mode does not reach', () => withTree(async () => {
    const alert = about(['T1059.004'], { evidence: [outbound, { direction: 'listening', destination_port: 31_337, protocol: 'tcp' }, { file_path: shell }] });
    expect(await play('backdoor', alert, { __line_path__: crontab, __line__: 2, __line_text__: '* * * * * root /tmp/kworkerd' })).toEqual([
      `block-address ${source}`, `block-address ${peer}`, 'freeze-tree pid', '? close-port port 31337/tcp', 'quarantine-file /kworkerd', '? kill-tree pid', '? quarantine-file /up.php', '? remove-line /crontab',
    ]);
    expect(readFileSync(crontab, 'utf8')).toBe('* * * * * root true\n');
    expect((await wall.standing()).map(({ id }) => id)).toEqual(['close_tcp_31337']);
  }));

  it('ransomware: frozen and off the network at once in strict mode, asked in guard', () => withTree(async (one) => {
    const alert = about(['T1486']);
    expect(await plan('ransomware', alert)).toEqual(['block-address', 'freeze-tree', '? isolate-host']);
    mode = 'strict';
    expect(await plan('ransomware', alert)).toEqual(['block-address', 'freeze-tree', 'isolate-host']);
    expect((await play('ransomware', alert)).toSorted()).toEqual([`block-address ${source}`, 'freeze-tree pid', 'isolate-host host']);
    expect((await wall.standing()).map(({ id }) => id)).toEqual(['isolation']);
    // Not ended: the key may be in its memory. Not put aside: the alert names what it encrypted.
    expect([gone(one), existsSync(program)]).toEqual([false, true]);
  }));

  it.each([['data-theft', ['T1041']], ['container-escape', ['T1611']], ['lateral-movement', ['T1021.004']]])('%s: frozen, off the network in strict mode when it is critical, then ended', (id, attack) => withTree(async () => {
    mode = 'strict';
    const far = id === 'data-theft' ? [`block-address ${peer}`] : [];
    const ends = ['quarantine-file /kworkerd', '? kill-tree pid'];
    expect(await play(id, about(attack, { evidence: [outbound] }))).toEqual([`block-address ${source}`, ...far, 'freeze-tree pid', 'isolate-host host', ...ends]);
    expect((await wall.standing()).map((one) => [one.id, one.until !== undefined])).toEqual([['isolation', true]]);
  }));

  it('data-theft that is not critical keeps the network', () => withTree(async () => {
    mode = 'strict';
    expect(await play('data-theft', about(['T1041'], { level: 'high', evidence: [outbound] }))).toEqual([`block-address ${source}`, `block-address ${peer}`, 'freeze-tree pid', 'quarantine-file /kworkerd', '? kill-tree pid']);
  }));

  it('leaked-key: reader frozen, the line of the key taken out by a person', () => withTree(async () => {
    expect(await play('leaked-key', about(['T1552.004']), { __line_path__: crontab, __line__: 1, __line_text__: '* * * * * root true' })).toEqual([`block-address ${source}`, 'freeze-tree pid', '? remove-line /crontab']);
  }));

  it('ddos and brute-force: source cut, the port lets each come slowly; the port of the log-on stays as it is', async () => {
    const inbound = (port: number): AlertEvidence => ({ direction: 'inbound', destination_port: port, protocol: 'tcp' });
    expect(await play('ddos', about(['T1499.002'], { evidence: [inbound(443)] }))).toEqual([`block-address ${source}`, 'rate-limit limit 443/tcp']);
    expect((await play('brute-force', about(['T1110.001'], { evidence: [inbound(3306)] }))).slice(0, 2)).toEqual([`(Block ${source}: it stands already, by playbook:ddos)`, 'rate-limit limit 3306/tcp']);
    expect((await play('brute-force', about(['T1110.001'], { source_ip: '203.0.113.10', user: 'deploy', evidence: [inbound(22)] })))[1]).toContain('! 22/tcp is a port of the management channel');
    await back();
  });

  it('and the linkage table do one thing once, and the receipt tells of both', () => withTree(async () => {
    const alert = about(['T1110.001', 'T1496.001'], { rule_id: 'behaviour.miner', evidence: [outbound] });
    responder.onAlerts([alert]);
    const [done] = await Promise.all([play('miner', alert), responder.settled()]);
    expect(done).toHaveLength(5);
    const receipts = response.store.response.receipts({ limit: 1000 }).filter(({ created, history }) => created >= alert.time && history.length > 0);
    for (const action of ['freeze-tree', 'block-address']) {
      const mine = receipts.filter((one) => one.action === action && one.target !== peer);
      expect(mine).toHaveLength(1);
      const [one] = mine;
      // Whichever came first did it; the other is told with its reason.
      expect(new Set([one!.by, ...one!.history.filter(({ note }) => note?.startsWith('wanted too: ')).map(({ by }) => by)])).toEqual(new Set([action === 'freeze-tree' ? 'link:freeze-miner' : 'link:ban-guessing', 'playbook:miner']));
    }
    expect(response.store.response.block(source)?.times).toBe(1 + response.store.response.receipts({ action: 'block-address', target: source, limit: 100 }).filter(({ created }) => created < alert.time).length);
  }));
});
