import { describe, expect, it } from 'vitest';
import { machineFiles, processFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { ownSignatures } from '../../agent/scan.ts';
import { parseFamilies, rootkitTrace } from './check.ts';

describe('rootkit-trace', () => {
  it('finds files, modules, entries of /proc and processes of known families', async () => {
    const root = makeRoot({
      ...machineFiles, '/usr/_h4x_/acctlog': 'x', '/lib/udev/udev': 'x', '/root/.configrc5/a': 'x', '/proc/modules': 'diamorphine 16384 0 - Live 0x0 (OE)\n', '/proc/knark/pids': '1\n',
      ...processFiles({ pid: 700, exe: '/home/lin/kdevtmpfsi' }), '/home/lin/kdevtmpfsi': 'x',
    });
    const report = await scanRoot([rootkitTrace], root, recorded(root));
    expect(report.findings.map(({ title }) => title.en).sort()).toEqual([
      '/lib/udev/udev is a trace of XorDDoS', '/proc/knark/pids is a trace of Knark', '/root/.configrc5 is a trace of Outlaw (Shellbot)', '/usr/_h4x_ is a trace of KBeast',
      'the kernel module diamorphine is a trace of Diamorphine', 'the process kdevtmpfsi (700) is a trace of Kinsing',
    ]);
    expect(report.verdict).toBe('compromised');
  });

  it('finds what families of recent years leave by default', async () => {
    const root = makeRoot({
      ...machineFiles, '/lib/udev/rules.d/57-reptile.rules': 'x', '/etc/intel_audio/id': 'x', '/lib/libse1inux.so': 'x', '/etc/cron.d/ebpfbackdoor': 'x', '/etc/rc3.d/S60dlump': 'x', '/var/log/cross/auto-color': 'x',
      '/home/lin/.configrc7/a/upd': 'x', '/run/initd.lock': '', '/proc/modules': 'syslogk 16384 0 - Live 0x0 (OE)\n', '/proc/sys/rrootkit': '1\n',
    });
    expect((await scanRoot([rootkitTrace], root, recorded(root))).findings.map(({ level, title }) => `${level} ${title.en}`).sort()).toEqual([
      'high /etc/cron.d/ebpfbackdoor is a trace of TripleCross', 'high /etc/intel_audio is a trace of Melofee', 'high /etc/rc3.d/S60dlump is a trace of WolfsBane and FireWood',
      'high /home/lin/.configrc7 is a trace of Outlaw (Shellbot)', 'high /lib/libse1inux.so is a trace of HiddenWasp', 'high /lib/udev/rules.d/57-reptile.rules is a trace of Reptile',
      'high /proc/sys/rrootkit is a trace of Cloud Snooper', 'high /var/log/cross/auto-color is a trace of Auto-Color', 'high the kernel module syslogk is a trace of Syslogk',
      'medium /run/initd.lock is a trace of BPFDoor, further locks',
    ]);
  });

  it('is silent on a clean root, and for what a package ships by that name', async () => {
    expect(shown(await scanRoot([rootkitTrace], { '/usr/lib/libudev.so': { text: 'x', package: 'libudev-dev' }, '/usr/include/log.h': { text: 'x', package: 'some-dev' }, '/etc/init.d/selinux': { text: 'x', package: 'selinux-basics' } }))).toEqual([]);
    expect(shown(await scanRoot([rootkitTrace], { '/usr/lib/libudev.so': { text: 'evil', shipped: 'x', package: 'libudev-dev' } }))).toEqual(['medium /lib/libudev.so']);
  });

  it('has a table in which each family says where it is known from, and refuses one that is none', () => {
    const families = parseFamilies(ownSignatures('rootkits.yml'));
    expect(families.length).toBeGreaterThan(25);
    for (const { family, source, files, modules, processes, sysctls } of families) {
      expect(source.length, family).toBeGreaterThan(10);
      expect(files.length + modules.length + processes.length + sysctls.length, family).toBeGreaterThan(0);
      for (const path of [...files, ...sysctls]) expect(path).toMatch(/^\/[^/]/);
      for (const name of processes) expect(name.length).toBeLessThan(16);
    }
    expect(() => parseFamilies('a: 1')).toThrow('list of families');
    expect(() => parseFamilies('- family: x\n  source: y\n  files: 3\n')).toThrow('family 1');
  });
});
