import { beforeEach, describe, expect, it } from 'vitest';
import { alertOf, attacker, connect, type Disk, emptyDisk, logOn, pool, worldOf, write } from '../../../test/story-scenes.ts';
import { clock, event, Machine, t0 } from '../../../test/told-machine.ts';
import { MoatError } from '../../core/error.ts';
import type { Alert } from '../../core/alert.ts';
import type { CleanupPlan } from '../../core/incident.ts';
import { makePlan, type PlanWorld } from './plan.ts';
import { tellStory } from './story.ts';

let machine: Machine, disk: Disk;
beforeEach(() => {
  clock.now = t0;
  machine = new Machine();
  disk = emptyDisk();
});

const standing = ['freeze-tree', 'kill-tree', 'block-address', 'remove-line', 'quarantine-file'];

/** Actions that would do what they are asked, and refuse what these tests say is protected. */
function worldWith(actions: readonly string[], refused: Record<string, string> = {}, more: Partial<PlanWorld> = {}): PlanWorld {
  return {
    actions: new Set(actions), now: () => clock.now, until: Infinity,
    plan(action, input) {
      const { path, address, pid, unit, user, line, module, container } = input as Record<string, string | number | undefined>;
      const target = String(path ?? address ?? unit ?? user ?? module ?? container ?? `pid ${String(pid)}`);
      const why = refused[target];
      if (why === 'not-there') throw new MoatError('not-there', 'it is gone');
      if (why !== undefined) throw new MoatError('refused', why, { text: { zh: `拒绝：${why}`, en: why } });
      const isKill = action === 'kill-tree';
      return Promise.resolve({ action: { automatic: isKill ? 'never' : 'guard' } as const, plan: { target, title: { zh: action, en: `${action} ${target}${line === undefined ? '' : `:${String(line)}`}` }, steps: [], risk: isKill ? 'high' : 'low', reversible: !isKill, state: {} } });
    },
    ...more,
  };
}

const planOf = (alert: Alert, world: PlanWorld): Promise<CleanupPlan> => makePlan(tellStory({ alerts: [alert], findings: [] }, worldOf(machine, disk)), { id: 'p1', incident: alert.id, title: alert.title }, world);
const titles = (plan: CleanupPlan): string[] => plan.steps.map(({ title }) => title.en);
const aloneOf = (plan: CleanupPlan, node: RegExp): string | undefined => plan.left_alone.find((one) => node.test(one.node))?.why.en;

/** A log-on whose script drops a miner, a job and a unit. */
function intrusion(): { alert: Alert; miner: number; script: number } {
  const { shell } = logOn(machine, 'root', attacker);
  const script = machine.run(shell, '/bin/sh', 'sh /tmp/.a/go.sh');
  write(machine, disk, script, '/tmp/.a/miner', 'elf');
  write(machine, disk, script, '/etc/cron.d/apache', '* * * * * root /tmp/.a/miner\n');
  write(machine, disk, script, '/etc/crontab', 'SHELL=/bin/sh\n17 * * * * root run-parts /etc/cron.hourly\n* * * * * root /tmp/.a/miner\n*/5 * * * * root /tmp/.a/miner -w\n', { isNew: false });
  write(machine, disk, script, '/etc/systemd/system/kworker.service', '[Service]\nExecStart=/tmp/.a/miner\n');
  write(machine, disk, script, '/root/.bash_history', '');
  write(machine, disk, script, '/etc/hosts', '127.0.0.1 localhost\n', { isNew: false });
  machine.run(script, '/usr/sbin/useradd', 'useradd -o -u 0 svc');
  const miner = machine.run(script, '/tmp/.a/miner', '/tmp/.a/miner');
  disk.files.set('/tmp/.a/go.sh', { text: 'x', born: clock.now });
  return { alert: alertOf(connect(machine, miner, pool, 3333)), miner, script };
}

describe('a clean-up plan', () => {
  it('cuts the chain first, takes away what comes back, then its files, its processes, its accounts', async () => {
    const { alert, script } = intrusion();
    const plan = await planOf(alert, worldWith([...standing, 'stop-unit', 'lock-account', 'end-sessions']));
    expect(titles(plan).toSorted()).toEqual([
      `freeze-tree pid ${script}`,
      `block-address ${attacker}`, `block-address ${pool}`,
      'quarantine-file /etc/cron.d/apache', 'stop-unit kworker.service', 'remove-line /etc/crontab:4', 'remove-line /etc/crontab:3',
      'quarantine-file /tmp/.a/go.sh', 'quarantine-file /tmp/.a/miner',
      `kill-tree pid ${script}`,
      'end-sessions root', 'lock-account root', 'lock-account svc',
    ].sort());
    expect(titles(plan).filter((title) => title.includes('/etc/crontab'))).toEqual(['remove-line /etc/crontab:4', 'remove-line /etc/crontab:3']);
    expect(plan.steps.map(({ id }) => id)).toEqual(plan.steps.map((_, i) => String(i + 1)));
    const phases = ['freeze-tree', 'block-address', 'remove-line', 'quarantine-file', 'kill-tree', 'lock-account'].map((action) => plan.steps.findLastIndex((step) => step.action === action));
    expect(phases).toEqual(phases.toSorted((a, b) => a - b));
    expect(plan.entry).toMatchObject({ kind: 'login', address: attacker });
  });

  it('asks a person for what cannot be taken back and for accounts, and says what each step rests on', async () => {
    const { alert } = intrusion();
    const plan = await planOf(alert, worldWith([...standing, 'lock-account']));
    for (const { action, approval, evidence, command } of plan.steps) {
      expect(approval).toBe(action === 'kill-tree' || action === 'lock-account');
      expect(evidence.length).toBeGreaterThan(0);
      expect(command.length).toBeGreaterThan(1);
    }
    const line = plan.steps.find(({ action }) => action === 'remove-line');
    expect(line).toMatchObject({ input: { path: '/etc/crontab', line: 4, text: '*/5 * * * * root /tmp/.a/miner -w' }, command: ['moat', 'remove-line', '/etc/crontab', '4'] });
    expect(line?.evidence[0]).toMatchObject({ path: '/etc/crontab', line: 4 });
    expect(plan.steps.find(({ target }) => target === '/tmp/.a/miner')?.evidence.map(({ what }) => what.en)).toContain('wrote');
  });

  it('leaves alone what is protected, what was there before, evidence, and what no action exists for, each with its reason', async () => {
    const { alert, script } = intrusion();
    const plan = await planOf(alert, worldWith(standing, { [`pid ${script}`]: 'the session that you type in', [attacker]: 'root is logged on from it now' }));
    expect(aloneOf(plan, /^process:/)).toBe('the session that you type in');
    expect(aloneOf(plan, /^address:203/)).toBe('root is logged on from it now');
    expect(aloneOf(plan, /^file:\/etc\/hosts/)).toContain('was there before');
    expect(aloneOf(plan, /bash_history/)).toContain('evidence');
    expect(aloneOf(plan, /^account:svc/)).toContain('lock-account');
    expect(aloneOf(plan, /kworker\.service/)).toContain('stop-unit');
    expect(titles(plan).join()).not.toContain('/etc/hosts');
  });

  it('proposes nothing that a package owns unmodified, and says of what was changed how it is restored', async () => {
    const { shell } = logOn(machine, 'root', attacker);
    const sh = machine.run(shell, '/bin/sh', 'sh /tmp/x.sh');
    write(machine, disk, sh, '/usr/bin/ls', 'trojan', { isNew: false });
    write(machine, disk, sh, '/usr/bin/cat', 'as shipped', { isNew: false });
    disk.owners.set('/usr/bin/ls', { manager: 'dpkg', name: 'coreutils', version: '9', intact: false });
    disk.owners.set('/usr/bin/cat', { manager: 'dpkg', name: 'coreutils', version: '9', intact: true });
    const alert = alertOf(connect(machine, sh, pool, 80));
    const without = await planOf(alert, worldWith(standing));
    expect(titles(without).join()).not.toMatch(/\/usr\/bin\//);
    expect(JSON.stringify(without)).not.toContain('/usr/bin/cat');
    expect(aloneOf(without, /\/usr\/bin\/ls/)).toContain('install that package anew');
    expect(titles(await planOf(alert, worldWith([...standing, 'restore-file'])))).toContain('restore-file /usr/bin/ls');
  });

  it('says of data that was sent away, and of a package, what only a person can do', async () => {
    const { shell } = logOn(machine, 'dev', '192.0.2.77');
    const npm = machine.run(shell, '/usr/bin/node', 'npm ci');
    disk.files.set('/srv/a/node_modules/bad/setup.js', { text: 'x', born: clock.now });
    const script = machine.run(npm, '/bin/sh', 'sh -c node setup.js', { process_cwd: '/srv/a/node_modules/bad' });
    const plan = await planOf(alertOf(connect(machine, script, pool, 443), { attack: ['T1048'] }), worldWith(standing));
    expect(titles(plan)).toContain('quarantine-file /srv/a/node_modules/bad/setup.js');
    expect(aloneOf(plan, /^alert:/)).toContain('cannot be brought back');
    expect(aloneOf(plan, /^package:/)).toContain('lock files');
    expect(titles(plan).join()).not.toContain('192.0.2.77');
  });

  it('does not cut off what others use too, nor addresses of the own network', async () => {
    const { shell } = logOn(machine, 'root', '10.1.2.3');
    const admin = logOn(machine, 'harbour', '192.0.2.9');
    const apt = machine.run(admin.shell, '/usr/bin/curl', 'curl https://mirror.example/');
    connect(machine, apt, '198.51.100.50', 443);
    const tool = machine.run(shell, '/tmp/t', '/tmp/t');
    connect(machine, tool, '198.51.100.50', 443);
    connect(machine, tool, '192.0.2.9', 22);
    const plan = await planOf(alertOf(connect(machine, tool, pool, 80)), worldWith(standing));
    expect(plan.steps.flatMap(({ action, target }) => (action === 'block-address' ? [target] : []))).toEqual([pool]);
    expect(aloneOf(plan, /10\.1\.2\.3/)).toContain('private');
    expect(aloneOf(plan, /198\.51\.100\.50/)).toContain('/usr/bin/curl');
    expect(aloneOf(plan, /192\.0\.2\.9/)).toContain('harbour');
  });

  it('never takes a file away that every machine has: only its lines', async () => {
    const { shell } = logOn(machine, 'root', attacker);
    const sh = machine.run(shell, '/bin/sh', 'sh /tmp/x.sh');
    write(machine, disk, sh, '/root/.ssh/authorized_keys', 'ssh-ed25519 AAAA evil\n');
    const plan = await planOf(alertOf(connect(machine, sh, pool, 80)), worldWith(standing));
    expect(titles(plan).join()).not.toContain('authorized_keys');
    expect(aloneOf(plan, /authorized_keys/)).toContain('moat remove-line');
  });

  it('leaves out what is gone, is bounded, and ends in time', async () => {
    const { alert, script } = intrusion();
    expect(titles(await planOf(alert, worldWith(standing, { [`pid ${script}`]: 'not-there' }))).join()).not.toContain('tree');
    const late = await planOf(alert, worldWith(standing, {}, { until: 0 }));
    expect(late.steps).toEqual([]);
    expect(late.left).toBeGreaterThan(5);
    for (let i = 0; i < 8; i++) {
      const child = machine.run(script, '/bin/sh', 'sh -c dd');
      for (let k = 0; k < 60; k++) write(machine, disk, child, `/tmp/.a/f${i}-${k}`, 'x');
    }
    const large = await planOf(alert, worldWith(standing));
    expect(large.steps.length).toBe(300);
    expect(large.left).toBeGreaterThan(100);
  });

  it('is about nothing but addresses when a log alone told', async () => {
    const failed = event('sshd', { action: 'login', outcome: 'failure', source_ip: attacker, user: 'root', pid: 4000 });
    expect(titles(await planOf(alertOf(failed), worldWith(standing)))).toEqual([`block-address ${attacker}`]);
  });
});
