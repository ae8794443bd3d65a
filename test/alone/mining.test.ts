/**
 * Stand-ins of miners, encryptors and those who cover tracks, under the real kernel sensor, origin graph and
 * detector. The miners speak real stratum, to a listener of this test on loopback; files and logs are the test's
 * own, the logs in a mount namespace of its own; the only process that is signalled is the Moat it started.
 */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';
import { moatBin, type AlertLine } from '../live/moat.ts';

type Told = AlertLine & { path?: string; pid?: number };
const wallet = '44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A';
const login = `{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"${wallet}","pass":"x","agent":"logd/1.0","algo":["rx/0"]}}`;
const subscribe = '{"id":1,"method":"mining.subscribe","params":["worker/1"]}';
const folder = mkdtempSync(join(tmpdir(), 'moat-mining-'));
const bait = join(folder, 'decoy');

describe.skipIf(await lacksKernel())('miners, encryptors and covered tracks', () => {
  let watch: Watch;
  let pool: Server;
  let port = 0;
  const jobs: string[] = [];

  beforeAll(async () => {
    mkdirSync(bait);
    writeFileSync(join(bait, 'accounts.xlsx'), 'x');
    watch = await startWatch({ behaviours: ['miner', 'split-miner', 'mass-change', 'log-tampering', 'blinding'], settings: { 'mass-change': { baits: [bait] } } });
    pool = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', (data) => { jobs.push(data.toString('latin1')); socket.end('{"id":1,"result":{"status":"OK","job":{"job_id":"1"}},"error":null}\n'); });
    });
    await new Promise<void>((resolve) => { pool.listen(0, '127.0.0.1', resolve); });
    ({ port } = pool.address() as AddressInfo);
  });
  afterAll(async () => {
    pool?.close();
    await watch?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const told = async (fits: (alert: Told) => boolean, what: string): Promise<Told> => await watch.waitFor((alert) => fits(alert), what);
  const place = (...parts: string[]): string => { const path = join(folder, ...parts); mkdirSync(join(path, '..'), { recursive: true }); return path; };
  /** What a shell of another name is told to do: greet the pool and wait for its answer. Nothing of it stands on a command line. */
  const greeting = (message: string): string => {
    const file = place('greetings', String(message.length));
    writeFileSync(file, `exec 3<>/dev/tcp/127.0.0.1/${port}\nprintf '%s\\n' '${message}' >&3\nread -t 5 -r line <&3\n`);
    return file;
  };
  const run = async (file: string, args: string[], options: { argv0?: string } = {}): Promise<void> => {
    const child = spawn(file, args, { stdio: 'ignore', cwd: folder, ...options });
    await new Promise<void>((resolve, reject) => { child.once('exit', () => { resolve(); }); child.once('error', reject); });
  };

  it.each<[string, string[], { message?: string; argv0?: string; gone?: boolean }]>([
    ['renamed, in a hidden folder', ['.cache-x', 'sshd'], {}],
    ['posing as a kernel thread', ['kw'], { argv0: '[kworker/0:1]' }],
    ['posing as the log service', ['log', 'rsyslogd'], { message: subscribe }],
    ['deleted while it runs', ['gone'], { gone: true }],
  ])('a miner %s', async (_name, parts, { message = login, argv0, gone = false }) => {
    const file = place(...parts);
    copyFileSync('/bin/bash', file);
    const child = spawn(file, ['-c', `${gone ? 'read -t 0.5 < <(:); sleep 0.5; ' : ''}. ${greeting(message)}`], { stdio: 'ignore', cwd: folder, ...(argv0 !== undefined && { argv0 }) });
    if (gone) setTimeout(() => { unlinkSync(file); }, 150);
    const alert = await told(({ rule_id, pid, summary }) => rule_id === 'behaviour.miner' && pid === child.pid && summary.includes('mining protocol in its traffic'), 'of the miner');
    expect(alert.level).toBe('critical');
    if (message === login) expect(alert.summary).toContain(wallet);
    if (argv0 !== undefined) expect(alert.summary).toContain('poses as [kworker/0:1]');
    expect(jobs.at(-1)).toContain(message);
  });

  it('a miner in node, its wallet and pool in a file', async () => {
    const script = place('app', 'index.js');
    writeFileSync(place('app', 'config.json'), JSON.stringify({ url: `127.0.0.1:${port}`, message: subscribe }));
    writeFileSync(script, `const { url, message } = require('./config.json'); const [host, port] = url.split(':'); const socket = require('net').connect(Number(port), host, () => socket.write(message + '\\n')); socket.on('data', () => process.exit()); setTimeout(() => process.exit(), 8000);`);
    const child = spawn(process.execPath, [script], { stdio: 'ignore' });
    const alert = await told(({ rule_id, pid }) => rule_id === 'behaviour.miner' && pid === child.pid, 'of the script');
    expect(alert.summary).toContain('mining.subscribe');
  });

  it('a miner in four parts that start each other, told as one', async () => {
    const parts = ['journald-gc', 'auditd-flush', 'rsyslogd-net', 'logrotate2'].map((name) => place('.sys', name));
    for (const part of parts) copyFileSync('/bin/bash', part);
    const [first, ...others] = parts;
    await run(first!, ['-c', `${others[0]} -c 'read -t 0.2 line'; ${others[1]} -c '. ${greeting(login)}'; ${others[2]} -c 'read -t 0.1 line'; true`]);
    // Parts come one by one, and the alert grows with them: the stored one names them all.
    const stored = (): Told[] => execFileSync(process.execPath, [moatBin, '--data', join(watch.folder, 'data'), '--lang', 'en', 'alerts', '--json']).toString().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Told);
    let found: Told | undefined;
    for (let i = 0; i < 50 && !found; i++) {
      found = stored().find(({ rule_id, summary }) => rule_id === 'behaviour.split-miner' && parts.every((part) => summary.includes(part)));
      if (!found) await sleep(200);
    }
    expect(found?.level, stored().map(({ rule_id, summary }) => `${rule_id} ${summary}`).join('\n')).toBe('critical');
  });

  const documents = (name: string, n = 30): string[] => Array.from({ length: n }, (_, i) => {
    const path = place(name, `d${i % 4}`, `report${i}.${['docx', 'xlsx', 'txt', 'jpg', 'sql'][i % 5]}`);
    writeFileSync(path, `line ${i}\n`.repeat(200));
    return path;
  });
  const filesOf = (alert: Told): number => Number(/changed (\d+) files/.exec(alert.summary)?.[1]);

  it('an encryptor in node is told by its twentieth file', async () => {
    const list = documents('one');
    const script = place('enc.js');
    writeFileSync(script, `const fs = require('fs'), crypto = require('crypto'); for (const file of ${JSON.stringify(list)}) { fs.writeFileSync(file, crypto.randomBytes(2000)); fs.renameSync(file, file + '.moatlock'); }`);
    const child = spawn(process.execPath, [script], { stdio: 'ignore' });
    const alert = await told(({ rule_id, pid }) => rule_id === 'behaviour.mass-change' && pid === child.pid, 'of the encryptor');
    expect(alert.level).toBe('critical');
    expect(alert.summary).toContain('.moatlock');
    // What is found in one batch is printed once, as it stands then: the first words may already tell of a few more.
    expect(filesOf(alert)).toBeLessThanOrEqual(30);
  });

  it.skipIf(lacks({ files: ['/usr/bin/openssl'] }))('a shell with openssl and rm, a process for each step', async () => {
    documents('two', 24);
    await run('/bin/bash', ['-c', `find ${join(folder, 'two')} -type f | while read -r f; do openssl enc -aes-128-ctr -pass pass:x -pbkdf2 -iter 1 -in "$f" -out "$f.sealed" 2>/dev/null; rm "$f"; done`]);
    const alert = await told(({ rule_id, summary }) => rule_id === 'behaviour.mass-change' && summary.includes('.sealed'), 'of the shell');
    expect(['high', 'critical']).toContain(alert.level);
  });

  it('a bait is enough', async () => {
    await run('/bin/sh', ['-c', `echo y >> ${join(bait, 'accounts.xlsx')}`]);
    const alert = await told(({ rule_id, summary }) => rule_id === 'behaviour.mass-change' && summary.includes('bait'), 'of the bait');
    expect(alert.level).toBe('critical');
  });

  it('a history deleted, and one turned into /dev/null', async () => {
    const history = place('home', '.bash_history');
    writeFileSync(history, 'id\n');
    execFileSync('/bin/rm', [history]);
    await told(({ rule_id, summary }) => rule_id === 'behaviour.log-tampering' && summary.includes(history), 'of the history');
    const evil = place('wipe');
    copyFileSync('/bin/ln', evil);
    execFileSync(evil, ['-s', '/dev/null', place('home', '.zsh_history')]);
    const alert = await told(({ rule_id, summary }) => rule_id === 'behaviour.log-tampering' && summary.includes('/dev/null'), 'of the link');
    expect(alert.level).toBe('high');
  });

  it.skipIf(lacks({ root: true, files: ['/usr/bin/unshare'] }))('records of log-ons edited, in a mount namespace of the test', async () => {
    const evil = place('zap');
    copyFileSync('/bin/bash', evil);
    execFileSync('/usr/bin/unshare', ['--mount', '--propagation', 'private', '/bin/sh', '-c', 'mount -t tmpfs tmpfs /var/log && : > /var/log/wtmp && "$1" -c "echo x > /var/log/wtmp"', 'sh', evil]);
    const alert = await told(({ rule_id, summary }) => rule_id === 'behaviour.log-tampering' && summary.includes('/var/log/wtmp'), 'of wtmp');
    expect(alert.level).toBe('critical');
  });

  it('whoever signals Moat or touches its data', async () => {
    const evil = place('evil');
    copyFileSync('/bin/bash', evil);
    const moat = watch.child.pid ?? 0;
    await run(evil, ['-c', `kill -STOP ${moat}; kill -CONT ${moat}`]);
    const signalled = await told(({ rule_id, summary }) => rule_id === 'behaviour.blinding' && summary.includes('SIGSTOP'), 'of the signal');
    expect(['high', 'critical']).toContain(signalled.level);
    await run(evil, ['-c', `: > ${join(watch.folder, 'data', 'planted')}`]);
    const touched = await told(({ rule_id, path }) => rule_id === 'behaviour.blinding' && path === join(watch.folder, 'data', 'planted'), 'of the file');
    expect(touched.level).toBe('critical');
  });

  it('everyday work beside it stays unsaid', async () => {
    const before = watch.alerts.length;
    documents('three');
    execFileSync('/bin/tar', ['-C', folder, '-czf', place('three.tgz'), 'three']);
    execFileSync('/bin/tar', ['-C', folder, '-xzf', join(folder, 'three.tgz')]);
    execFileSync('/bin/bash', ['-c', `for f in ${join(folder, 'three')}/*/*.txt; do mv "$f" "$f.bak"; gzip "$f.bak"; done; rm -r ${join(folder, 'three')}`]);
    symlinkSync('/dev/null', place('null'));
    // What comes later shows that these were judged before it.
    await run('/bin/sh', ['-c', `echo z > ${join(bait, 'last.txt')}`]);
    await told(({ rule_id, summary }) => rule_id === 'behaviour.mass-change' && summary.includes('last.txt'), 'of the bait at the end');
    expect(watch.alerts.slice(before).filter(({ rule_id }) => rule_id.startsWith('behaviour.')).map((alert) => (alert as Told).summary).filter((summary) => !summary.includes('bait'))).toEqual([]);
  });
});
