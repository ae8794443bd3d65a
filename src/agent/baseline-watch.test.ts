/** The baseline of a small system in a folder, watched with the real sensors while real programs change it. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { lacks } from '../../test/need.ts';
import { makeRoot, type Planted } from '../../test/throwaway-root.ts';
import type { Detection } from '../core/alert.ts';
import type { Event } from '../core/gen/event.ts';
import type { Sensor } from '../core/ports.ts';
import { Health } from '../engine/health.ts';
import { defaultBounds } from '../engine/origin/memory.ts';
import { Origins } from '../engine/origin/origins.ts';
import { openFanotify } from '../linux/fanotify.ts';
import { watchPackages } from '../linux/packages/live.ts';
import { connectorSensor } from '../sensors/connector/sensor.ts';
import { ebpfSensor } from '../sensors/ebpf/sensor.ts';
import { lacksEbpf, openStage, type Stage } from '../sensors/ebpf/testing.ts';
import { fanotifySensor } from '../sensors/fanotify/sensor.ts';
import { KernelView } from '../sensors/kernel-view.ts';
import { start } from '../sensors/trial.ts';
import { acceptBaseline, baselinePath, baselineSummary, makeBaseline } from './baseline.ts';
import { BaselineWatch } from './baseline-watch.ts';
import { configSchema, type Config } from './config-schema.ts';
import { originHost } from './origin-host.ts';

const elf = Buffer.from('\x7fELF a program', 'latin1');
const nothing = (): void => undefined;

interface Watched {
  watch: BaselineWatch;
  health: Health;
  raised: Detection[];
  events: Event[];
  /** The first alert about this path after those seen. */
  alert: (path: string, skip?: number) => Promise<Detection>;
  about: (path: string) => Detection[];
  /** The packages of the system that the sensors see are known. */
  packages: () => boolean;
  until: (what: string, condition: () => boolean) => Promise<void>;
  stop: () => Promise<void>;
}

/** A machine with its baseline; `open` watches it, again and again. */
async function machine(planted: Planted, folders = ['/etc', '/usr', '/var/www']): Promise<{ root: string; data: string; at: (path: string) => string; request: Parameters<typeof acceptBaseline>[0]; open: (sensors: (view: KernelView) => Sensor[], settings?: Partial<Config['baseline']>) => Watched }> {
  const root = realpathSync(makeRoot(planted));
  const data = mkdtempSync(join(tmpdir(), 'moat-data-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const request = { data, root, signal: new AbortController().signal, warn: nothing, blind: nothing, count: nothing, now: Date.now(), wanted: 'all' as const };
  await makeBaseline({ ...request, folders, exclude: [] });
  const settings = new Map<string, string>();
  return { root, data, request, at: (path) => join(root, path), open: (sensors, more = {}) => {
    const stop = new AbortController();
    const health = new Health(Date.now);
    const [raised, events]: [Detection[], Event[]] = [[], []];
    const count = (what: string, n?: number): void => health.count('test', what, n);
    const own = watchPackages({ root, health: nothing, count, everyMs: 200 });
    const system = watchPackages({ health: nothing, count });
    const origins = new Origins({ host: originHost(count), bounds: defaultBounds, packages: system, count, lang: 'en', now: Date.now });
    const view = new KernelView(['ebpf']);
    const watch = new BaselineWatch({
      config: { ...configSchema.parse({}).baseline, delay_seconds: 0, ...more }, dataFolder: data, root, health, lang: 'en', host: 'testhost', now: Date.now, view,
      log: { debug: (text) => { if (process.env['DEBUG']) console.error(text); }, info: nothing, warn: (text) => { throw new Error(text); } },
      store: { ledger: { setting: (name: string) => settings.get(name), setSetting: (name: string, value: string) => { settings.set(name, value); } } as never },
      push: (batch) => { for (const event of batch.events) { origins.observe(event); events.push(event); } return Promise.resolve(); },
      raise: (detection) => { raised.push(detection); }, settle: () => true,
      lineage: origins.graph, packages: { get index() { return own.index; }, owner: (path) => system.owner(path) },
    });
    const trials = sensors(view).map((sensor) => start(sensor, {}, (event) => { origins.observe(event); watch.observe([event]); }));
    const done = watch.run(stop.signal);
    const about = (path: string): Detection[] => raised.filter((one) => one.events[0]!.file_path === path);
    const until = async (what: string, condition: () => boolean): Promise<void> => {
      for (const end = Date.now() + 60_000; !condition(); await new Promise((resolve) => { setTimeout(resolve, 30); })) {
        if (Date.now() > end) throw new Error(`not within a minute: ${what}; ${JSON.stringify([watch.status(), health.report(), raised.map(({ title }) => title.en)])}`);
      }
    };
    let ended: Promise<void> | undefined;
    const end = (): Promise<void> => ended ??= (async () => { stop.abort(); await done; for (const trial of trials) await trial.stop(); await Promise.all([own.close(), system.close()]); })();
    onTestFinished(end);
    return { watch, health, raised, events, about, until, packages: () => system.ready, stop: end, alert: async (path, skip = 0) => { await until(`an alert about ${path}`, () => about(path).length > skip); return about(path)[skip]!; } };
  } };
}

const children: ChildProcess[] = [];
/** Lives on for a while. */
function python(code: string): ChildProcess {
  const child = spawn('/usr/bin/python3', ['-c', `import os, time\n${code}\ntime.sleep(60)`], { stdio: 'inherit' });
  children.push(child);
  onTestFinished(() => { child.kill('SIGKILL'); });
  return child;
}

const planted: Planted = {
  '/usr/sbin/sshd': { text: elf, mode: 0o755 }, '/usr/bin/frob': { text: elf, mode: 0o755 }, '/usr/lib/security/pam_unix.so': { text: elf }, '/etc/ssh/sshd_config': 'PermitRootLogin no\n', '/etc/frob.conf': 'a',
  '/var/www/html/index.php': '<?php echo 1;', '/etc/dir/inner': 'x',
};

/** What every source tells. */
async function changesAreTold(watched: Watched, at: (path: string) => string, knowsWho: boolean): Promise<void> {
  // A touch, and the same content again, are no changes; what comes after them is told.
  utimesSync(at('/etc/frob.conf'), 1, 1);
  const child = python(`
t = open('${at('/usr/bin/frob')}', 'rb').read(); open('${at('/usr/bin/frob')}', 'wb').write(t)
open('${at('/usr/sbin/sshd')}', 'ab').write(b'more')
os.chmod('${at('/usr/lib/security/pam_unix.so')}', 0o777)
open('${at('/var/www/html/index.php')}', 'a').write('eval($_POST[1]);')
open('${at('/var/www/html/x.new')}', 'w').write('<?php'); os.rename('${at('/var/www/html/x.new')}', '${at('/var/www/html/shell.php')}')`);
  const sshd = await watched.alert('/usr/sbin/sshd');
  expect(sshd).toMatchObject({ ruleId: 'check.integrity', level: 'critical', title: { en: 'the program /usr/sbin/sshd is changed since the baseline' } });
  expect((await watched.alert('/var/www/html/index.php')).level).toBe('medium');
  expect((await watched.alert('/var/www/html/shell.php')).level).toBe('medium');
  await watched.alert('/usr/lib/security/pam_unix.so');
  expect(watched.about('/usr/bin/frob')).toEqual([]);
  expect(watched.about('/etc/frob.conf')).toEqual([]);
  const [event] = sshd.events;
  if (knowsWho) {
    expect(event).toMatchObject({ pid: child.pid, process_path: expect.stringContaining('python3') as string, user: 'root', origin: expect.any(String) as string });
    expect(sshd.group!['by']).toContain(`pid ${child.pid}`);
  } else expect(event!.pid).toBeUndefined();
  // Told once; put right and changed again it is another alert.
  const frobs = watched.about('/usr/sbin/sshd').length;
  // Moat's own process is none of those that are told: another one puts it right.
  execFileSync('/usr/bin/python3', ['-c', `open('${at('/usr/sbin/sshd')}', 'wb').write(b'${elf.toString('latin1').replace('\x7f', '\\x7f')}')`]);
  await watched.until('sshd is right again', () => watched.watch.status().known.critical === 0);
  execFileSync('/bin/sh', ['-c', `printf more >> '${at('/usr/sbin/sshd')}'`]);
  const again = await watched.alert('/usr/sbin/sshd', frobs);
  expect(again.key).not.toBe(sshd.key);
  expect(frobs).toBe(1);
}

const lacking = lacks({ root: true, files: ['/usr/bin/python3'] });
const noEbpf = lacking || await lacksEbpf(lacks);
const noFanotify = lacking || await openFanotify().then((fan) => { fan.close(); return false; }, (error: Error) => lacks({ files: [`fanotify: ${error.message}`] }));
let stage: Stage | undefined;
beforeAll(async () => { if (!lacking) stage = await openStage(); });
afterAll(async () => { await stage?.clear(); stage?.remove(); });

describe.skipIf(lacking)('changes as they happen', () => {
  it.skipIf(noEbpf)('by the kernel sensor, of what is written long after it was opened too', async () => {
    const { open, at } = await machine(planted);
    const watched = open((view) => [ebpfSensor({ objects: join(import.meta.dirname, '../../sensor'), worker: stage!.worker, view, calls: false }), fanotifySensor({ view })]);
    await watched.until('the kernel sensor watches', () => watched.watch.status().live === 'ebpf');
    await changesAreTold(watched, at, true);
    const child = python(`f = open('${at('/etc/ssh/sshd_config')}', 'r+'); time.sleep(2); f.write('PermitRootLogin yes'); f.flush()`);
    expect((await watched.alert('/etc/ssh/sshd_config')).events[0]).toMatchObject({ pid: child.pid });
    // A folder that comes with all that is in it.
    const outside = realpathSync(mkdtempSync(join(dirname(at('/')), 'moat-in-')));
    onTestFinished(() => rmSync(outside, { recursive: true, force: true }));
    mkdirSync(join(outside, 'd/e'), { recursive: true });
    writeFileSync(join(outside, 'd/e/new.php'), '<?php');
    execFileSync('/bin/mv', [join(outside, 'd'), at('/var/www/html/d')]);
    await watched.alert('/var/www/html/d/e/new.php');
  });

  it.skipIf(noFanotify)('by fanotify where there is no kernel sensor', async () => {
    const { open, at } = await machine(planted);
    const watched = open((view) => { view.tell('ebpf', { processes: false, sockets: false }); return [connectorSensor({ view }), fanotifySensor({ view })]; });
    await watched.until('fanotify watches', () => watched.watch.status().live === 'fanotify');
    expect(watched.health.report().parts['baseline live']).toMatchObject({ state: 'live', detail: { en: 'by fanotify' } });
    await changesAreTold(watched, at, true);
  });

  it('by the folders themselves where there is neither', async () => {
    const { open, at } = await machine(planted);
    const watched = open(() => []);
    await watched.until('the folders are watched', () => watched.watch.status().live === 'folders');
    await changesAreTold(watched, at, false);
    mkdirSync(at('/etc/new'));
    writeFileSync(at('/etc/new/crontab'), 'x');
    await watched.alert('/etc/new/crontab');
  });
});

describe('compared by itself', () => {
  it('tells what changed while nobody watched, once, over a restart; tells of the baseline itself', async () => {
    const { open, at, data, request } = await machine(planted);
    let watched = open(() => [], { live: false, every_hours: 0.0005 });
    await watched.until('it was compared', () => watched.watch.status().last !== undefined);
    expect(watched.raised).toEqual([]);
    await watched.stop();
    writeFileSync(at('/usr/bin/frob'), 'other');
    chmodSync(at('/usr/sbin/sshd'), 0o4755);
    writeFileSync(at('/etc/a'), 'x');
    writeFileSync(at('/etc/b'), 'x');
    watched = open(() => [], { live: false, every_hours: 0.0005 });
    expect(await watched.alert('/usr/bin/frob')).toMatchObject({ level: 'high' });
    expect(await watched.alert('/usr/sbin/sshd')).toMatchObject({ level: 'high' });
    // What is but low is one alert a folder.
    expect((await watched.alert('/etc/a')).key).toBe((await watched.alert('/etc/b')).key);
    expect(watched.watch.status()).toMatchObject({ state: 'open', signs: 2, known: { high: 2, low: 2 } });
    await watched.stop();

    watched = open(() => [], { live: false, every_hours: 0.0005 });
    const since = Date.now();
    await watched.until('it was compared again', () => (watched.watch.status().last ?? 0) > since);
    expect(watched.raised).toEqual([]);
    await acceptBaseline(request);
    await watched.until('nothing stands', () => watched.watch.status().signs === 0);
    const bytes = readFileSync(baselinePath(data));
    bytes[bytes.length - 20]! ^= 1;
    writeFileSync(baselinePath(data), bytes);
    expect(await watched.alert(baselinePath(data))).toMatchObject({ level: 'high', title: { en: 'the integrity baseline itself was changed' } });
    await watched.until('it is not used any more', () => watched.watch.status().state === 'closed');
  });

  it.skipIf(lacks({ root: true, files: ['/usr/bin/dpkg-deb'] }))('takes over what dpkg did, with a record, and tells what somebody slipped in beside it', async () => {
    const { open, root, at, data } = await machine({ ...planted, '/usr/bin/tool': { text: 'one', mode: 0o755, package: 'tool' } });
    const deb = mkdtempSync(join(tmpdir(), 'moat-deb-'));
    onTestFinished(() => rmSync(deb, { recursive: true, force: true }));
    mkdirSync(join(deb, 'p/DEBIAN'), { recursive: true });
    mkdirSync(join(deb, 'p/usr/bin'), { recursive: true });
    writeFileSync(join(deb, 'p/usr/bin/tool'), 'two');
    chmodSync(join(deb, 'p/usr/bin/tool'), 0o755);
    writeFileSync(join(deb, 'p/DEBIAN/control'), 'Package: tool\nVersion: 2.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: a tool\n');
    writeFileSync(join(deb, 'p/DEBIAN/md5sums'), `${execFileSync('md5sum', [join(deb, 'p/usr/bin/tool')]).toString().slice(0, 32)}  usr/bin/tool\n`);
    execFileSync('dpkg-deb', ['-b', '--root-owner-group', join(deb, 'p'), join(deb, 'tool.deb')], { stdio: 'ignore' });
    mkdirSync(at('/var/lib/dpkg/updates'), { recursive: true });
    cpSync(at('/var/lib/dpkg/status'), at('/var/lib/dpkg/available'));
    const watched = open((view) => { view.tell('ebpf', { processes: false, sockets: false }); return [fanotifySensor({ view })]; });
    await watched.until('it is watched', () => watched.watch.status().live !== undefined);
    await watched.until('the packages are read', watched.packages);
    const before = baselineSummary({ data }).seal;
    execFileSync('dpkg', [`--root=${root}`, '--force-script-chrootless', '--force-bad-path', '-i', join(deb, 'tool.deb')], { stdio: ['ignore', 'ignore', 'pipe'] });
    execFileSync('/bin/sh', ['-c', `printf 'slipped in' > '${at('/usr/bin/frob')}'`]);
    await watched.alert('/usr/bin/frob');
    await watched.until('the upgrade was taken over', () => baselineSummary({ data }).accepted.some(({ what }) => what === 'tool 1.0 → 2.0'));
    expect(baselineSummary({ data }).seal).not.toBe(before);
    await watched.until('its record is kept', () => watched.events.some(({ action, package_name, package_version }) => action === 'accepted' && package_name === 'tool' && package_version === '2.0'));
    expect(watched.about('/usr/bin/tool')).toEqual([]);
  });
});
