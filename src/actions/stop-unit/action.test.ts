import { chmodSync, existsSync, lstatSync, lutimesSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Action, Receipt } from '../../core/action.ts';
import { runner } from '../../linux/run.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { canLock, removeLocked, sh } from '../../../test/scenes/files.ts';
import { everyFile, planted, scene, unitWorld } from '../../../test/scenes/stop-unit.ts';
import { bare, lacksSystemd, startSystemd, type Systemd } from '../../../test/systemd.ts';
import { stopUnit, type UnitState } from './action.ts';

function keepsFlags(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'moat-units-'));
  try { return canLock(probe); } finally { rmSync(probe, { recursive: true }); }
}
const asAction = (world: ReturnType<typeof unitWorld>): Action[] => [stopUnit(world)];
const run = (response: Response, unit: string, more: { force?: boolean; asker?: number } = {}): Promise<Receipt> => response.runner.run({ action: 'stop-unit', input: { unit, ...more }, by: 'operator:test', why: '', via: 'test', ...(more.force && { force: true }) });
const undo = (response: Response, id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });

describe.skipIf(lacksSystemd())('stop-unit with a systemd that runs', () => {
  let systemd: Systemd, dir: string, response: Response;
  beforeAll(async () => {
    systemd = await startSystemd(planted);
    await systemd.systemctl('enable', '--now', 'evil.timer', 'evil.socket', 'evil.service');
    dir = mkdtempSync(join(tmpdir(), 'moat-units-'));
    response = openResponse(dir, () => asAction(unitWorld(systemd.root, systemd.run)));
  });
  afterAll(async () => {
    await response.close();
    await systemd.close();
    rmSync(dir, { recursive: true });
  });
  const argument = (): string => `${systemd.pid}:${systemd.root}`;
  const service = (text: string, install = ''): string => `${bare}[Service]\n${text}\n${install}`;
  const stateOf = async (name: string): Promise<string> => (await systemd.run('systemctl', ['show', '--property=ActiveState', '--value', name])).stdout.trim();

  describe('contract', () => actionContract(() => scene(argument())));

  describe('kill -9', () => {
    crashContract({ module: join(import.meta.dirname, '../../../test/scenes/stop-unit.ts'), get argument() { return argument(); }, open: scene, cuts: 10 });
  });

  it('ends what no signal but the last ends and what its own file would keep, and runs nothing of it at its end', async () => {
    systemd.plant('etc/systemd/system/stubborn.service', service('ExecStart=/bin/sh -c \'trap "" TERM; sleep 1000 & while :; do sleep 1; done\'\nKillMode=none\nTimeoutStopSec=infinity\nRestart=always\nExecStop=/bin/touch /root/stopped\nExecStopPost=/bin/touch /root/stopped'));
    await systemd.systemctl('daemon-reload');
    await systemd.systemctl('start', 'stubborn');
    const { id } = await run(response, 'stubborn');
    expect((await systemd.run('ps', ['ax', '-o', 'args'])).stdout).not.toContain('sleep 1000');
    expect(existsSync(join(systemd.root, 'root/stopped'))).toBe(false);
    expect((await systemd.run('systemctl', ['start', 'stubborn'])).stderr).toContain('masked');
    await undo(response, id);
    expect(await stateOf('stubborn')).toBe('active');
  });

  it('lets what a package ships end by its own rules, when it is forced', async () => {
    systemd.plant('etc/systemd/system/shipped.service', service('ExecStart=/bin/sleep 1000\nExecStop=/bin/touch /root/ended-well'));
    await systemd.systemctl('daemon-reload');
    await systemd.systemctl('start', 'shipped');
    const world = unitWorld(systemd.root, systemd.run, { owner: (path) => Promise.resolve(path.endsWith('/shipped.service') ? { manager: 'dpkg', name: 'hello', version: '1', intact: true } : undefined) });
    const other = mkdtempSync(join(tmpdir(), 'moat-units-'));
    const own = openResponse(other, () => asAction(world));
    try {
      await expect(run(own, 'shipped')).rejects.toMatchObject({ code: 'refused', hint: '--force', message: expect.stringContaining('hello') as string });
      expect(await stateOf('shipped')).toBe('active');
      await run(own, 'shipped', { force: true });
      expect([await stateOf('shipped'), existsSync(join(systemd.root, 'root/ended-well'))]).toEqual(['inactive', true]);
    } finally { await own.close(); rmSync(other, { recursive: true }); }
  });

  it('takes the service along that a timer of another name starts, by its other name, and leaves one of a package alone', async () => {
    systemd.plant('etc/systemd/system/job.service', service('ExecStart=/bin/sleep 1000'));
    systemd.plant('etc/systemd/system/when.timer', `${bare}[Timer]\nOnCalendar=yearly\nUnit=job.service\n[Install]\nAlias=whenever.timer\n`);
    await systemd.systemctl('daemon-reload');
    await systemd.systemctl('enable', '--now', 'when.timer');
    await systemd.systemctl('start', 'job');
    const before = everyFile(join(systemd.root, 'etc/systemd'));
    const receipt = await run(response, 'whenever.timer');
    expect((receipt.state as UnitState).units.map(({ name }) => name)).toEqual(['when.timer', 'job.service']);
    for (const name of ['job', 'when.timer']) expect(['inactive', 'failed']).toContain(await stateOf(name));
    await undo(response, receipt.id);
    expect(everyFile(join(systemd.root, 'etc/systemd'))).toEqual(before);
    expect([await stateOf('job'), await stateOf('when.timer')]).toEqual(['active', 'active']);
    const world = unitWorld(systemd.root, systemd.run, { owner: (path) => Promise.resolve(path.endsWith('/job.service') ? { manager: 'dpkg', name: 'hello', version: '1', intact: true } : undefined) });
    const plan = await stopUnit(world).plan({ unit: 'when.timer' }, { force: true, now: Date.now() });
    expect(plan.target).toBe('unit when.timer');
    expect(plan.steps.at(-1)?.text.en).toContain('job.service, which belongs to it, stays');
  });

  it('stops transient units for good, and says so', async () => {
    expect((await systemd.run('systemd-run', ['--unit=passing', '--property=DefaultDependencies=no', 'sleep', '1000'])).code).toBe(0);
    const receipt = await run(response, 'passing');
    expect(receipt).toMatchObject({ status: 'applied', reversible: false });
    expect(receipt.steps.at(-1)?.text.en).toContain('transient');
    await expect(undo(response, receipt.id)).rejects.toMatchObject({ code: 'not-reversible' });
  });

  it('masks above what stands above /etc/systemd/system', async () => {
    systemd.plant('run/systemd/system.control/high.service', service('ExecStart=/bin/sleep 1000'));
    await systemd.systemctl('daemon-reload');
    await systemd.systemctl('start', 'high');
    const { id } = await run(response, 'high');
    expect((await systemd.run('systemctl', ['start', 'high'])).stderr).toContain('masked');
    await undo(response, id);
    expect(existsSync(join(systemd.root, 'etc/systemd/system.control'))).toBe(false);
    expect(await stateOf('high')).toBe('active');
    await systemd.systemctl('stop', 'high');
  });

  it('says when there is nothing to stop, or it is stopped already', async () => {
    await expect(run(response, 'nobody')).rejects.toMatchObject({ code: 'not-there' });
    systemd.plant('etc/systemd/system/idle.service', service('ExecStart=/bin/true'));
    await systemd.systemctl('daemon-reload');
    const { id } = await run(response, 'idle');
    await expect(run(response, 'idle')).rejects.toMatchObject({ code: 'not-there' });
    await undo(response, id);
    expect((await systemd.run('systemctl', ['start', 'idle'])).code).toBe(0);
  });

  it('overwrites nothing that others have put in its place since', async () => {
    systemd.plant('etc/systemd/system/swap.service', service('ExecStart=/bin/true'));
    await systemd.systemctl('daemon-reload');
    const { id } = await run(response, 'swap');
    const at = join(systemd.root, 'etc/systemd/system/swap.service');
    rmSync(at);
    writeFileSync(at, service('ExecStart=/bin/false'));
    expect((await response.runner.verify(id)).is).toBe('between');
    await expect(undo(response, id)).rejects.toMatchObject({ code: 'failed' });
    expect(readFileSync(at, 'utf8')).toContain('/bin/false');
  });

  it('holds back the unit that Moat or the asker runs in', async () => {
    systemd.plant('etc/systemd/system/home.service', service('ExecStart=/bin/sleep 1000'));
    await systemd.systemctl('daemon-reload');
    await systemd.systemctl('start', 'home');
    const pid = Number((await systemd.systemctl('show', '--property=MainPID', '--value', 'home')).trim());
    // As that systemd numbers them.
    const procfs = { read: (name: string) => (name === `${pid}/cgroup` ? '0::/system.slice/home.service\n' : undefined) };
    for (const more of [{ self: pid }, { self: 1 }]) {
      const action = stopUnit(unitWorld(systemd.root, systemd.run, { ...more, procfs: procfs as never }));
      await expect(action.plan({ unit: 'home.service', asker: pid }, { force: true, now: 0 })).rejects.toMatchObject({ code: 'refused', hint: undefined });
    }
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/bin/systemctl'] }))('stop-unit on a root without systemd', () => {
  let root: string, dir: string, response: Response;
  const shipped = '/usr/lib/systemd/system';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'moat-units-'));
    root = join(dir, 'root');
    for (const one of ['ssh', 'getty@', 'systemd-journald', 'networking', 'cron']) plant(`${shipped}/${one}.service`, `[Service]\nExecStart=/usr/sbin/${one}\n[Install]\nWantedBy=multi-user.target\n`);
    plant('/etc/systemd/system/evil.service', '[Service]\nExecStart=/opt/evil\n[Install]\nWantedBy=multi-user.target\nAlias=good.service\n');
    response = openResponse(join(dir, 'store'), () => asAction(unitWorld(root, runner(), { owner: (path) => Promise.resolve(path.startsWith(join(root, 'usr')) ? { manager: 'dpkg', name: 'os', version: '1', intact: true } : undefined) })));
  });
  afterEach(async () => {
    await response.close();
    removeLocked(dir);
  });
  const plant = (path: string, text: string): string => {
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
    return at;
  };
  const systemctl = (...args: string[]): Promise<{ stdout: string }> => runner()('systemctl', [`--root=${root}`, ...args]);
  const enabled = async (unit: string): Promise<string> => (await systemctl('is-enabled', unit)).stdout.trim();

  it('masks as systemctl does, and gives back links with their times and owners', async () => {
    await systemctl('enable', 'evil.service', 'cron.service');
    const link = join(root, 'etc/systemd/system/multi-user.target.wants/evil.service');
    sh('chown', '-h', '4711:4712', link);
    lutimesSync(link, 1_600_000_000, 1_600_000_001);
    chmodSync(join(root, 'etc/systemd/system/evil.service'), 0o600);
    const before = everyFile(join(root, 'etc'));
    expect(await enabled('evil')).toBe('enabled');
    const { id } = await run(response, 'good');
    expect([await enabled('evil'), await enabled('cron')]).toEqual(['masked', 'enabled']);
    expect(lstatSync(link, { throwIfNoEntry: false })).toBeUndefined();
    await undo(response, id);
    expect(everyFile(join(root, 'etc'))).toEqual(before);
    expect(await enabled('evil')).toBe('enabled');
  });

  it('takes links of instances, of requires, and those that lead elsewhere', async () => {
    plant('/etc/systemd/system/work@.service', '[Service]\nExecStart=/opt/work %i\n[Install]\nWantedBy=multi-user.target\n');
    await systemctl('enable', 'work@a.service', 'work@b.service');
    mkdirSync(join(root, 'etc/systemd/system/x.target.requires'));
    symlinkSync('/opt/elsewhere', join(root, 'etc/systemd/system/x.target.requires/work@a.service'));
    const before = everyFile(join(root, 'etc'));
    const receipt = await run(response, 'work@a');
    expect((receipt.state as UnitState).units[0]!.links.map(({ path }) => path.slice(root.length))).toEqual(['/etc/systemd/system/multi-user.target.wants/work@a.service', '/etc/systemd/system/x.target.requires/work@a.service']);
    expect([await enabled('work@a.service'), await enabled('work@b.service')]).toEqual(['masked', 'enabled']);
    await undo(response, receipt.id);
    expect(everyFile(join(root, 'etc'))).toEqual(before);
  });

  it.runIf(keepsFlags())('gets past files that were made immutable, and locks them again', async () => {
    const file = join(root, 'etc/systemd/system/evil.service');
    sh('chattr', '+i', file);
    const { id } = await run(response, 'evil');
    expect(await enabled('evil')).toBe('masked');
    await undo(response, id);
    expect(sh('lsattr', file).slice(0, 20)).toContain('i');
  });

  it('refuses what the machine is run by, and lets force only where somebody may know better', async () => {
    for (const [unit, force] of [['ssh', true], ['networking', true], ['getty@tty1', true], ['cron', true], ['systemd-journald', false]] as const) {
      await expect(run(response, unit), unit).rejects.toMatchObject({ code: 'refused', hint: force ? '--force' : undefined });
      const forced = response.runner.plan('stop-unit', { unit }, { force: true });
      if (force) expect((await forced).plan.steps.length).toBeGreaterThan(0);
      else await expect(forced).rejects.toMatchObject({ code: 'refused' });
    }
    plant('/etc/systemd/system/moat.service', '[Service]\nExecStart=/usr/bin/moat up\n');
    await expect(run(response, 'moat', { force: true })).rejects.toMatchObject({ code: 'refused' });
    // A name is not enough.
    plant('/etc/systemd/system/systemd-helperd.service', '[Service]\nExecStart=/opt/evil\n');
    expect((await run(response, 'systemd-helperd')).status).toBe('applied');
    for (const unit of ['evil@.service', '../evil.service', 'multi-user.target', 'a b.service', '.service', '@x.service', `${'x'.repeat(300)}.service`]) await expect(run(response, unit), unit).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('asks when nobody knows whose it is', async () => {
    const action = stopUnit(unitWorld(root, runner(), { owner: () => Promise.resolve('unknown') }));
    await expect(action.plan({ unit: 'evil.service' }, { force: false, now: 0 })).rejects.toMatchObject({ code: 'refused', hint: '--force' });
  });
});
