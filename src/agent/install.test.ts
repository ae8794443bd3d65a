import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { handsText, install, uninstall, unitText } from './install.ts';

const installOptions = { lang: 'en' as const, start: false, memoryMb: 300, cpuPercent: 50, say: () => undefined };

describe.skipIf(lacks({ root: true }))('installing into a throwaway root', () => {
  let root: string;
  beforeEach(() => { root = mkdtempSync(join(tmpdir(), 'moat-root-')); });
  afterEach(() => { rmSync(root, { recursive: true, force: true }); });
  const at = (path: string): string => join(root, path);
  const all = (folder = root): string[] => readdirSync(folder, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? all(join(folder, e.name)) : [join(folder, e.name)]));

  it('puts a program there that runs by itself, with folders only root can enter', () => {
    install({ ...installOptions, root });
    expect(statSync(at('/var/lib/moat')).mode & 0o777).toBe(0o700);
    expect(statSync(at('/etc/moat/moat.yml')).mode & 0o777).toBe(0o600);
    expect(readlinkSync(at('/usr/local/bin/moat'))).toBe('/opt/moat/bin/moat');
    // Only what was copied is there to be loaded.
    const said = execFileSync(process.execPath, [at('/opt/moat/bin/moat'), '--data', at('/var/lib/moat'), '--config', at('/etc/moat/moat.yml'), 'config', 'check'], { cwd: '/' }).toString();
    expect(said).toContain('no faults');
    const rules = execFileSync(process.execPath, [at('/opt/moat/bin/moat'), 'rules', 'list', '--json'], { cwd: '/' }).toString();
    expect(rules).toContain('ssh_brute_force');
    expect(readdirSync(at('/opt/moat/intel'))).toContain('pools.txt');
    expect(readdirSync(at('/opt/moat/sensor'))).toContain('base.bpf.o');
  });

  it('is taken away without a trace, and twice installed is once installed', () => {
    mkdirSync(at('/etc/systemd/system'), { recursive: true });
    writeFileSync(at('/etc/systemd/system/other.service'), '[Unit]\n');
    install({ ...installOptions, root });
    install({ ...installOptions, root });
    uninstall({ root, keepData: false, say: () => undefined });
    expect(all()).toEqual([at('/etc/systemd/system/other.service')]);
    expect(() => uninstall({ root, keepData: false, say: () => undefined })).toThrow(/record of an installation/);
  });

  it('keeps data and configuration when asked', () => {
    install({ ...installOptions, root });
    writeFileSync(at('/var/lib/moat/moat.db'), 'history');
    uninstall({ root, keepData: true, say: () => undefined });
    expect(existsSync(at('/var/lib/moat/moat.db'))).toBe(true);
    expect(existsSync(at('/etc/moat/moat.yml'))).toBe(true);
    expect(existsSync(at('/opt/moat'))).toBe(false);
  });

  it('does not overwrite what somebody else put there, nor remove what an edited record names', () => {
    mkdirSync(at('/etc/systemd/system'), { recursive: true });
    writeFileSync(at('/etc/systemd/system/moat.service'), 'mine');
    expect(() => install({ ...installOptions, root })).toThrow(/Moat did not put there/);
    rmSync(at('/etc/systemd/system/moat.service'));
    mkdirSync(at('/precious'));
    install({ ...installOptions, root });
    writeFileSync(at('/opt/moat/installed.json'), JSON.stringify(['/precious', '/opt/moat']));
    uninstall({ root, keepData: false, say: () => undefined });
    expect(existsSync(at('/precious'))).toBe(true);
  });
});

describe.skipIf(lacks({ files: ['/usr/bin/systemd-analyze'] }))('the unit', () => {
  it('is accepted by systemd, and judged safe by its own measure', () => {
    const folder = mkdtempSync(join(tmpdir(), 'moat-unit-'));
    try {
      const file = join(folder, 'moat.service');
      // What packet capture needs is there when it is on, and only then.
      const capturing = unitText({ memoryMb: 300, cpuPercent: 50, captureMb: 64 });
      for (const word of ['CAP_NET_RAW', 'CAP_SETUID', 'AF_PACKET']) expect([capturing.includes(word), unitText({ memoryMb: 300, cpuPercent: 50 }).includes(word)]).toEqual([true, false]);
      writeFileSync(file, unitText({ memoryMb: 300, cpuPercent: 50 }).replaceAll('/opt/moat/dist/moat.js', '/bin/true'));
      // It ends well with keys that it does not know; it says so.
      const verify = (unit: string): string => { const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' }); return `${status} ${stdout}${stderr}`; };
      expect(verify(file)).not.toMatch(/^[^0]|Unknown|[^\w]ignoring/);
      const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], { stdio: 'pipe' }).toString();
      const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1]);
      expect(exposure).toBeLessThan(4);
      // The hands write to the machine: systemd is asked whether it understands the unit only.
      const hands = join(folder, 'moat-hands.service');
      writeFileSync(hands, handsText().replaceAll('/opt/moat/dist/moat.js', '/bin/true').replace('Requires=moat-hands.socket\n', ''));
      expect(verify(hands)).not.toMatch(/^[^0]|Unknown|[^\w]ignoring/);
    } finally { rmSync(folder, { recursive: true, force: true }); }
  });
});
