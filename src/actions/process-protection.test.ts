import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readProcesses } from '../linux/process-tree.ts';
import { Procfs } from '../linux/procfs.ts';
import { lacks } from '../../test/need.ts';
import { ProcessProtection } from './process-protection.ts';

interface Made { parent?: number; session?: number; tty?: number; exe?: string; kernel?: boolean }

const sshd = '/usr/sbin/sshd';

describe('processes that are not touched', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'moat-protection-'));
    mkdirSync(join(root, 'run/systemd/sessions'), { recursive: true });
    make(1, { exe: '/usr/sbin/init' });
    make(2, { parent: 0, kernel: true });
    make(40, { parent: 2, kernel: true });
  });
  afterEach(() => { rmSync(root, { recursive: true }); });

  function make(pid: number, { parent = 1, session = pid, tty = 0, exe, kernel = false }: Made): void {
    const dir = join(root, 'proc', String(pid));
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'stat'), `${pid} (p${pid}) S ${parent} ${session} ${session} ${tty} -1 ${kernel ? 0x200000 : 0} 0 0 0 0 0 0 0 0 20 0 1 0 ${pid * 10} 0 0 0\n`);
    if (exe !== undefined) symlinkSync(exe, join(dir, 'exe'));
  }
  /** Why not; undefined when it may. */
  function why(pids: number[], { force = false, self = 50, asker }: { force?: boolean; self?: number; asker?: number } = {}): string | undefined {
    const procfs = new Procfs(root);
    const all = readProcesses(procfs);
    try {
      new ProcessProtection({ procfs, self, now: Date.now }).mayTouch(all, pids.map((pid) => all.get(pid)!), force, asker);
      return undefined;
    } catch (error) {
      expect(error).toMatchObject({ code: 'refused', text: { zh: expect.stringMatching(/[\u4e00-\u9fff]/) as string } });
      return (error as Error).message;
    }
  }

  it('are the first process, the kernel, and Moat with what is above and below it, by force or not', () => {
    make(49, {});
    make(50, { parent: 49 });
    make(51, { parent: 50 });
    make(52, { parent: 51 });
    make(60, {});
    for (const force of [false, true]) {
      expect(why([1], { force })).toContain('the first process');
      expect(why([2], { force })).toContain('kernel');
      expect(why([40], { force })).toContain('kernel');
      expect(why([49], { force })).toContain('a parent of Moat');
      expect(why([50], { force })).toContain('Moat itself');
      expect(why([51], { force })).toContain('a child of Moat');
      expect(why([52], { force })).toContain('a child of Moat');
      expect(why([60], { force })).toBeUndefined();
    }
  });

  it('are the session that the asker types in, by force or not', () => {
    make(60, { tty: 34816 });
    make(61, { parent: 60, session: 60, tty: 34816 });
    make(62, { parent: 61, session: 60, tty: 34816 });
    expect(why([60, 61], { asker: 62, force: true })).toContain('process 60 (p60) is the session that you type in (and 1 more)');
    expect(why([60, 61])).toBeUndefined();
  });

  it('are live sessions as logind tells them, their chain but not what was started from it, unless forced', () => {
    make(60, {});
    make(61, { parent: 60, tty: 34816 });
    make(62, { parent: 61, session: 61, tty: 34816 });
    writeFileSync(join(root, 'run/systemd/sessions/3'), 'USER=wang\nLEADER=61\nREMOTE_HOST=192.0.2.7\n');
    expect(why([61, 62])).toContain('process 61 (p61) is a session in which wang is logged on (use --force');
    expect(why([60])).toContain('wang');
    expect(why([62])).toBeUndefined();
    expect(why([61, 62], { force: true })).toBeUndefined();
  });

  it.skipIf(lacks({ files: [sshd, '/usr/bin/dbus-daemon'] }))('are the SSH server, its sessions and basic services, told by their program and not by a name', () => {
    make(60, { exe: sshd });
    make(61, { parent: 60, exe: sshd });
    make(62, { parent: 61, tty: 34816, exe: '/usr/bin/bash' });
    make(63, { exe: '/usr/bin/dbus-daemon' });
    writeFileSync(join(root, 'sshd'), '');
    make(64, { exe: join(root, 'sshd') });
    expect(why([60])).toContain('SSH server');
    // Where neither utmp nor logind is kept.
    expect(why([62])).toContain('is logged on');
    expect(why([63])).toContain('basic service');
    expect(why([64])).toBeUndefined();
    expect(why([60, 62, 63], { force: true })).toBeUndefined();
  });

  it('hold Moat that was started anew from the tree it was stopping', () => {
    make(49, {});
    make(50, { parent: 49 });
    const protection = new ProcessProtection({ procfs: new Procfs(root), self: 50, now: Date.now });
    expect(() => protection.mustNotHoldMoat([{ pid: 49, ticks: 490 }])).toThrow('a parent of Moat');
    expect(() => protection.mustNotHoldMoat([{ pid: 50, ticks: 500 }])).toThrow('Moat itself');
    protection.mustNotHoldMoat([{ pid: 49, ticks: 489 }, { pid: 60, ticks: 600 }]);
  });

  it('what force does not help against is told first', () => {
    make(60, { exe: sshd });
    make(50, { parent: 60 });
    expect(why([60, 50], { force: true })).toContain('a parent of Moat');
  });
});
