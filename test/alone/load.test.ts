/**
 * Miners known by how they work, not by what they say: real load by programs without a name, started over ssh from a
 * client in a network namespace, with connections that carry nothing readable. The spells are short by settings; the
 * clock is the machine's.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entranceNeeds, openEntrance, type Entrance } from '../live/entrance.ts';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';
import type { AlertLine } from '../live/moat.ts';
import { lacks } from '../need.ts';

type Told = AlertLine & { origin?: string; origin_ip?: string };

const folder = mkdtempSync(join(tmpdir(), 'load-'));
const at = (name: string): string => join(folder, name);

/** One file under several names: node, renamed. */
function program(name: string): string {
  const path = at(name);
  mkdirSync(join(path, '..'), { recursive: true });
  linkSync(at('node'), path);
  return path;
}

describe.skipIf(lacks(entranceNeeds) || lacks({ files: ['/usr/bin/chrt'], why: 'load of a shape of its own' }) || await lacksKernel())('miners by their load', () => {
  let watch: Watch;
  let door: Entrance;
  let far: ChildProcess;

  beforeAll(async () => {
    copyFileSync(process.execPath, at('node'));
    watch = await startWatch({
      behaviours: ['miner', 'split-miner', 'sustained-cpu', 'host-cpu', 'tidal-load'], metrics: true, yaml: 'metrics: { every_seconds: 1 }',
      settings: {
        miner: { busyMinutes: 0.1, steadyMinutes: 0.15, lonelyMinutes: 0.1 }, 'sustained-cpu': { percent: 15, seconds: 4 }, 'host-cpu': { percent: 60, seconds: 4 },
        'tidal-load': { highPercent: 20, periodMinutes: 8 / 60, longestDropMinutes: 0.1, drops: 3 },
      },
    });
    door = await openEntrance('203.0.113');
    // Takes what comes and says nothing.
    far = spawn('ip', ['netns', 'exec', door.namespace, process.execPath, '-e', `require('net').createServer((socket) => socket.resume().on('error', () => socket.destroy())).listen(443, '${door.address}', () => process.stdout.write('.'))`], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => { far.stdout?.once('data', resolve); });
    // A connection that carries noise, and threads that work: for `busy` ms of each `cycle`, `seconds` in all.
    writeFileSync(at('work.js'), `
      const { Worker, isMainThread, workerData } = require('worker_threads');
      const [threads, busy, cycle, seconds] = isMainThread ? process.argv.slice(2).map(Number) : workerData;
      if (isMainThread) {
        require('net').connect(443, '${door.address}', function () { this.write(require('crypto').randomBytes(64)); }).on('error', () => undefined);
        for (let i = 0; i < threads; i++) new Worker(__filename, { workerData: [threads, busy, cycle, seconds] });
        setTimeout(() => process.exit(), seconds * 1000);
      } else {
        const rest = new Int32Array(new SharedArrayBuffer(4));
        for (;;) { const end = Date.now() + busy; while (Date.now() < end); if (cycle > busy) Atomics.wait(rest, 0, 0, cycle - busy); }
      }`);
  });
  afterAll(async () => {
    far?.kill('SIGKILL');
    await door?.close();
    await watch?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The alert, which must name the program, and the session and address it began with. */
  async function told(id: string, text: string, ms = 60_000): Promise<Told> {
    const alert = await watch.waitFor((one) => one.rule_id === `behaviour.${id}` && one.summary.includes(text), `${id} of ${text}`, ms) as Told;
    expect([alert.origin, alert.origin_ip ?? alert.source_ip], alert.summary).toEqual([expect.stringContaining(`ssh log-on of root from ${door.address}`), door.address]);
    return alert;
  }

  /** Starts a program that works like this over ssh; the answer ends it. By itself it ends within a minute. */
  function begin(how: string, file: string, threads: number, busy: number, cycle: number): () => Promise<void> {
    const pidFile = `${file}.pid`;
    const over = door.run(`echo $$ > ${pidFile}; exec ${how} ${file} ${at('work.js')} ${threads} ${busy} ${cycle} 60`);
    return async () => {
      process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
      await over;
    };
  }

  it('throttled, niced on all cores, and tidal: each told with whoever logged on', async () => {
    const throttled = program('.sys/indexd'), tidal = program('.ebb/sync'), everything = program('.cache-x/dbus-daemond');
    // First in line for the cores, so that their shape is theirs on a busy machine too.
    const tides = begin('chrt -r 1', tidal, 1, 5500, 8000);
    const steady = begin('chrt -r 1', throttled, 1, 40, 100);
    const steadily = await told('miner', throttled);
    expect(steadily.summary).toContain('steady CPU load for long');
    expect(steadily.summary).toContain(`one long-lived connection only, ${door.address}:443`);
    expect(steadily.level).toBe('high');
    await steady();
    const all = begin('nice -n 19', everything, availableParallelism(), 1000, 1000);
    const working = await told('miner', everything);
    // On a busy machine a niced program works less than a core.
    expect(working.summary).toMatch(/CPU at|steady CPU load/);
    expect(['high', 'critical']).toContain(working.level);
    expect((await told('sustained-cpu', everything)).level).toBe('high');
    // The whole machine is nobody's tree; the alert names who works most.
    expect((await watch.waitFor((one) => one.rule_id === 'behaviour.host-cpu', 'of the machine')).summary).toMatch(/most by: .*%/);
    await all();
    expect((await told('tidal-load', '.ebb/sync')).summary).toContain('3 times in a row');
    await tides();
  });

  it('in parts that cron and a session started: one alert that names both', async () => {
    if (lacks({ files: ['/usr/sbin/cron'], why: 'parts that cron starts' })) return;
    const parts = ['journald-gc', 'auditd-flush', 'rsyslogd-net'].map((name) => at(`.parts/${name}`));
    mkdirSync(at('.parts'));
    for (const part of parts) copyFileSync('/bin/bash', part);
    mkdirSync(at('cron/spool/crontabs'), { recursive: true });
    mkdirSync(at('cron/cron.d'));
    writeFileSync(at('cron/cron.d/sync'), `@reboot root ${parts[0]} -c 'read -t 8 < /dev/zero; true'\n`, { mode: 0o644 });
    writeFileSync(at('cron/crontab'), 'SHELL=/bin/sh\n');
    // In a mount namespace of its own, so that this machine's tables are not touched and cron thinks it has just started.
    const cron = spawn('/usr/bin/unshare', ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', 'mount --bind "$1/cron.d" /etc/cron.d && mount --bind "$1/crontab" /etc/crontab && mount --bind "$1/spool" /var/spool/cron && mount -t tmpfs tmpfs /run && exec /usr/sbin/cron -f', 'sh', at('cron')], { stdio: 'ignore' });
    try {
      writeFileSync(at('greet'), `exec 3<>/dev/tcp/${door.address}/443\nprintf '%s\\n' '{"id":1,"method":"mining.subscribe","params":["worker/1"]}' >&3\nread -t 1 -r line <&3\n`);
      await door.run(`${parts[1]} -c 'sleep 0.5; true'; ${parts[2]} ${at('greet')}; true`);
      const alert = await watch.waitFor((one) => one.rule_id === 'behaviour.split-miner' && parts.every((part) => one.summary.includes(part)), 'of the parts') as Told;
      expect(alert.summary).toMatch(/Started by: .*the cron job/);
      expect(alert.summary).toContain(`the log-on session of root from ${door.address}`);
      expect(alert.source_ip).toBe(door.address);
      expect(alert.level).toBe('critical');
    } finally {
      const gone = new Promise((resolve) => { cron.once('exit', resolve); });
      cron.kill('SIGKILL');
      await gone;
    }
  });
});
