import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { allOf, fill, names, openScene, type RecoveryScene, saveLate, spoil, serviceSays } from '../../test/recovery-scene.ts';
import { backupOf } from '../../test/scenes/restore-set.ts';
import { attacker } from '../../test/story-scenes.ts';
import { Event, type Kind } from '../core/gen/event.ts';
import type { IncidentRecord } from '../core/incident-store.ts';
import type { RecoveredStep, RecoveryPlan } from '../core/recovery.ts';
import { verifyAudit } from '../engine/response/audit.ts';
import type { BackupSettings } from '../linux/backup/repository.ts';
import type { Recovered } from './recovery.ts';

const hour = 3_600_000;

for (const kind of ['restic', 'borg'] as const) {
  describe.skipIf(lacks({ root: true, files: [`/usr/bin/${kind}`] }))(`recovery from ${kind}`, () => {
    let made: string, dir: string, data: string, settings: BackupSettings, healthy: Record<string, string>, began: number;
    const open = new Set<RecoveryScene>();
    let copies = 0;
    beforeAll(async () => {
      // In memory where there is such a folder: what is on disk at which moment is the business of the crash test of the action.
      made = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `moat-recover-${kind}-`));
      dir = join(made, 'machine');
      data = join(dir, 'srv/data');
      fill(data);
      const backup = backupOf(join(made, 'backup'), kind);
      ({ settings } = backup);
      backup.backup(data);
      healthy = allOf(data);
      // One for each test, older than what the intruder does: what is born in that moment is taken for theirs.
      for (; copies < 6; copies++) { fill(join(made, `copy-${copies}`)); saveLate(join(made, `copy-${copies}`)); }
      await sleep(2200);
    });
    afterEach(async () => {
      for (const one of open) await one.close();
      open.clear();
      rmSync(join(dir, 'data'), { recursive: true, force: true });
    });
    afterAll(() => rmSync(made, { recursive: true }));
    const scene = (repositories: readonly BackupSettings[] = [settings], findings?: Parameters<typeof openScene>[3]): RecoveryScene => {
      mkdirSync(join(dir, 'data'), { recursive: true });
      const one = openScene(dir, repositories, began, findings);
      open.add(one);
      return one;
    };
    /** As it was before, then spoilt after the moment at which the intruder comes. */
    const intrude = (): Record<string, string> => {
      rmSync(data, { recursive: true });
      renameSync(join(made, `copy-${--copies}`), data);
      began = Date.now();
      spoil(data);
      return allOf(data);
    };
    const planOf = async (one: RecoveryScene, more: object = {}): Promise<RecoveryPlan> => (await one.ask('recovery-plan', { id: await one.incident(), ...more })) as RecoveryPlan;
    const doAll = async (one: RecoveryScene, plan: RecoveryPlan): Promise<RecoveredStep[]> => {
      const done: RecoveredStep[] = [];
      for (const { id } of plan.steps) done.push((await one.ask('recovery-step', { id: plan.id, step: id })) as RecoveredStep);
      return done;
    };
    const finish = async (one: RecoveryScene, plan: RecoveryPlan, more: object = {}): Promise<Recovered> => {
      await one.ask('recovery-services', { id: plan.id, go: true });
      return (await one.ask('recovery-finish', { id: plan.id, ...more })) as Recovered;
    };

    it('restores sixty files as a set, names what it cannot, waits for a word, and takes every byte back', async () => {
      const broken = intrude();
      const one = scene();
      const plan = await planOf(one);
      expect([plan.steps.map(({ action, paths }) => [action, paths.length]), plan.not_restored.map(({ path, stands }) => [path, stands]), plan.blind]).toEqual([[['restore-set', 50], ['restore-set', 10]], [[join(data, 'mail/never-saved.txt'), true]], []]);
      expect(allOf(data)).toEqual(broken);
      expect((await doAll(one, plan)).map(({ state, restored }) => [state, restored])).toEqual([['done', 50], ['done', 10]]);
      const after = allOf(data);
      expect(Object.fromEntries(names.map((name) => [name, after[name]]))).toEqual(Object.fromEntries(names.map((name) => [name, healthy[name]])));
      expect(after['mail/other.txt']).toBe(broken['mail/other.txt']);

      const end = await finish(one, plan);
      expect([end.summary.tally, end.summary.verified, end.moved, end.incident.status]).toEqual([expect.objectContaining({ items: 61, restored: 60, missing: 1 }), false, false, 'new']);
      expect(end.incident.recovery?.missing).toEqual([expect.objectContaining({ path: join(data, 'mail/never-saved.txt') })]);
      expect(end.incident.tasks.map(({ key }) => key)).toEqual(expect.arrayContaining(['password:deploy', 'entry:login']));
      // By hand neither, without a word.
      await expect(one.ask('incident-change', { id: plan.incident, why: '', deed: { op: 'status', to: 'recovered' } })).rejects.toThrow('1 of 61 not restored');
      const accepted = await finish(one, plan, { accept: 'it was a draft' });
      expect([accepted.moved, accepted.incident.status, accepted.tasks, accepted.incident.recovery?.accepted?.why]).toEqual([true, 'recovered', 0, 'it was a draft']);
      // The watch begins, and tasks are signed.
      expect(one.incidents.status().watches).toEqual([expect.objectContaining({ id: plan.incident, until: one.time.now + 72 * hour, back: 0 })]);
      const [task] = accepted.incident.tasks;
      await one.ask('incident-change', { id: plan.incident, deed: { op: 'task-done', task: task!.id, open: false } });
      expect(one.store.incidents.incident(plan.incident)?.tasks[0]?.done).toEqual({ time: one.time.now, by: 'operator:test' });

      for (const { id } of plan.steps.toReversed()) await one.ask('recovery-undo', { id: plan.id, step: id });
      expect(allOf(data)).toEqual(broken);
      const audit = [...one.store.response.audit(1)];
      expect(audit.map(({ operation }) => operation)).toEqual(expect.arrayContaining(['restore-set', 'undo restore-set', 'incident-recovery', 'incident-task-done']));
      expect(verifyAudit(audit).faults).toEqual([]);
      expect(JSON.stringify(audit)).not.toContain(readFileSync(settings.password_file!, 'utf8'));
    });

    it.skipIf(kind === 'borg')('does not count as verified what could not be looked at, what is found again, or what changed since', async () => {
      intrude();
      let found = true;
      const one = scene([settings], () => (found ? [{ id: 'f', check: 'cron', kind: 'intrusion', level: 'high', title: { zh: '', en: '' }, evidence: [], refs: [], path: join(data, names[3]!) }] : []));
      rmSync(join(data, 'mail/never-saved.txt'));
      // Looked through whole: what nobody touched is whole, what was changed by nobody known and is no text any more is restored, a new text stays.
      writeFileSync(join(data, 'mail/other.txt'), 'a newer text\n');
      const plan = await planOf(one, { folders: [data] });
      const done = await doAll(one, plan);
      expect([plan.steps.reduce((n, step) => n + step.unsure, 0), done.reduce((n, step) => n + step.newer, 0), readFileSync(join(data, 'mail/other.txt'), 'utf8')]).toEqual([1, 1, 'a newer text\n']);
      writeFileSync(join(data, names[5]!), 'changed after it was restored');
      // What whoever asks says of services is not taken: they are asked by the agent.
      await expect(one.ask('recovery-finish', { id: plan.id, services: [serviceSays('sshd', 'ok')] })).rejects.toThrow('services to be looked at first');
      await expect(one.ask('recovery-services', { id: plan.id })).rejects.toThrow('a look that was begun');
      one.services.said = [serviceSays('nginx', 'ok'), serviceSays('MariaDB', 'unknown'), serviceSays('sshd', 'bad')];
      const end = await finish(one, plan);
      expect([end.summary.verified, end.summary.services, end.summary.missing.map(({ path }) => path)]).toEqual([false, { ok: 1, bad: ['sshd'], unknown: ['MariaDB'] }, expect.arrayContaining([join(data, names[5]!)])]);
      found = false;
      await expect(one.ask('recovery-step', { id: plan.id, step: '99' })).rejects.toThrow('expected a step');
      await expect(one.ask('recovery-plan', { id: plan.incident, folders: ['relative'] })).rejects.toThrow('full path');
    });

    it('leaves what others wrote since, and says when no snapshot is old enough or the repository does not answer', async () => {
      intrude();
      const one = scene();
      const backupJob = one.machine.run(1, '/usr/bin/rsync');
      writeFileSync(join(data, names[7]!), 'brought back by a person');
      one.machine.tell('file_event', backupJob, { action: 'write', file_path: join(data, names[7]!), time: one.time.now });
      const plan = await planOf(one);
      expect([plan.not_restored.find(({ path }) => path.endsWith(names[7]!))?.stands, plan.steps.flatMap(({ paths }) => paths).includes(join(data, names[7]!))]).toEqual([false, false]);
      const broken = scene2(one, [{ ...settings, repository: join(made, 'nowhere') }]);
      const blind = await planOf(broken);
      expect([blind.steps.length, blind.blind.length, blind.not_restored_count > 50]).toEqual([0, 1, true]);
    });
    function scene2(before: RecoveryScene, repositories: readonly BackupSettings[]): RecoveryScene {
      void before.close();
      open.delete(before);
      rmSync(join(dir, 'data'), { recursive: true, force: true });
      return scene(repositories);
    }

    it.skipIf(kind === 'borg')('killed half-way it goes on where it was', async () => {
      intrude();
      const bundle = join(import.meta.dirname, `../../.cache/recovery-child-${process.pid}.mjs`);
      await build({
        entryPoints: [join(import.meta.dirname, '../../test/recovery-child.ts')], outfile: bundle, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['@photostructure/sqlite', 'koffi', 'vitest', 'esbuild', '@virustotal/yara-x'],
        banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
      });
      try {
        mkdirSync(join(dir, 'data'), { recursive: true });
        const child = spawn(process.execPath, [bundle, dir, JSON.stringify([settings]), String(began)], { stdio: ['ignore', 'pipe', 'inherit'] });
        for await (const line of createInterface({ input: child.stdout })) if (line === 'plan 2') break;
        // In the middle of the first set: some of its files are exchanged.
        while (child.exitCode === null && !Object.entries(allOf(data)).some(([name, is]) => healthy[name] === is && names.slice(0, 58).includes(name))) await new Promise((resolve) => { setTimeout(resolve, 2); });
        child.kill('SIGKILL');
        await once(child, 'exit');
      } finally { rmSync(bundle, { force: true }); }
      const one = scene();
      await one.runner.recover();
      const { plan, steps } = (await one.ask('recovery-kept', { id: await one.incident() })) as { plan: RecoveryPlan; steps: RecoveredStep[] };
      expect(['done', 'failed']).toContain(steps[0]!.state);
      expect((await doAll(one, plan)).map(({ state }) => state)).toEqual(['done', 'done']);
      const after = allOf(data);
      expect(names.filter((name) => after[name] !== healthy[name])).toEqual([]);
      const receipts = one.store.response.receipts({ action: 'restore-set', status: ['applied'], limit: 10 });
      expect(receipts).toHaveLength(2);
    });

    it.skipIf(kind === 'borg')('is watched for 72 h: an address, a file and a digest that return open the incident again, also after a restart, and not later', async () => {
      intrude();
      rmSync(join(data, 'mail/never-saved.txt'));
      const tool = join(dir, 'tool');
      writeFileSync(tool, 'the tool of the intruder\n'.repeat(40));
      const first = scene();
      first.machine.tell('file_event', first.locker, { action: 'create', file_path: tool });
      const id = await first.incident();
      await first.runner.run({ action: 'quarantine-file', input: { path: tool }, by: 'operator:test', why: '', via: 'test' });
      const recover = async (): Promise<void> => {
        await first.ask('incident-change', { id, why: 'as it is', deed: { op: 'status', to: 'recovered' } });
      };
      const status = (of: RecoveryScene): IncidentRecord => of.store.incidents.incident(id)!;
      const event = (of: RecoveryScene, what: Kind, fields: Partial<Event>): void => of.watch.observe([Object.assign(new Event(`w${Math.random()}`, of.time.now, what), fields)]);
      await recover();
      expect(first.watch.all()[0]!.things.map(({ kind: what, value }) => `${what} ${value}`)).toEqual(expect.arrayContaining([`address ${attacker}`, `file ${tool}`, 'account deploy', expect.stringMatching(/^digest /)]));
      first.time.now += hour;
      event(first, 'access', { source_ip: '198.51.100.200' });
      expect(status(first).status).toBe('recovered');
      event(first, 'sshd', { source_ip: attacker });
      expect([status(first).status, status(first).watch?.back, status(first).notes.at(-1)?.text]).toEqual(['triaged', 1, expect.stringContaining(`the address ${attacker} is back`)]);
      // Told once.
      const { revision } = status(first);
      event(first, 'sshd', { source_ip: attacker });
      expect(status(first).revision).toBe(revision);
      await recover();
      expect(status(first).status).toBe('recovered');
      event(first, 'file_event', { action: 'create', file_path: tool, process_path: '/usr/bin/cp' });
      expect(status(first).notes.at(-1)?.text).toContain(`the file ${tool} is back`);
      await recover();
      // The same content under another name, after a restart.
      first.time.now += hour;
      const later = first.time.now;
      await first.close();
      open.delete(first);
      const second = scene();
      second.time.now = later;
      expect(second.watch.all()).toHaveLength(1);
      writeFileSync(join(dir, 'elsewhere'), 'the tool of the intruder\n'.repeat(40));
      // A system program of which the intruder had a copy is none that came back.
      writeFileSync(join(dir, 'system'), 'the tool of the intruder\n'.repeat(40));
      second.shipped.add(join(dir, 'system'));
      event(second, 'process_creation', { process_path: join(dir, 'system'), pid: 76 });
      await second.watch.lookInto();
      expect(status(second).status).toBe('recovered');
      event(second, 'process_creation', { process_path: join(dir, 'elsewhere'), pid: 77 });
      await second.watch.lookInto();
      expect([status(second).status, status(second).notes.at(-1)?.text]).toEqual(['triaged', expect.stringContaining(join(dir, 'elsewhere'))]);
      await second.ask('incident-change', { id, why: 'as it is', deed: { op: 'status', to: 'recovered' } });
      // Over by itself, and it says so.
      second.time.now += 72 * hour;
      second.watch.tick();
      expect([second.watch.all(), status(second).watch?.ended, status(second).notes.at(-1)?.text]).toEqual([[], second.time.now, expect.stringContaining('nothing came back')]);
      event(second, 'sshd', { source_ip: attacker });
      expect([status(second).status, second.incidents.status().watches]).toEqual(['recovered', []]);
      expect(existsSync(tool)).toBe(false);
    });
  });
}
