import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { canLock, everything, fileActions, removeLocked, tools } from '../../../test/scenes/files.ts';
import { buildDeb, packagedRoot, packagedWorld, program, settings, withApt, type Shipped } from '../../../test/scenes/packaged-root.ts';
import { scene } from '../../../test/scenes/restore-file.ts';
import type { Run } from '../../linux/run.ts';
import { restoreFile } from './action.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-restore-')); folders.push(made); return made; };
afterAll(() => { for (const one of folders) removeLocked(one); });
const debs = ['/usr/bin/dpkg-deb', '/usr/bin/apt-get'];

describe.skipIf(lacks({ root: true, files: [...tools, ...debs] }) || !canLock(folder()))('restore-file', () => {
  describe('contract', () => actionContract(() => scene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/restore-file.ts'), argument: folder(), open: scene, cuts: 6 }));
});

describe.skipIf(lacks({ root: true, files: debs }))('restore-file', () => {
  let dir: string, root: string, response: Response;
  beforeEach(() => { dir = folder(); root = join(dir, 'root'); mkdirSync(root); });
  afterEach(() => response?.close());
  const open = async (shipped: Shipped & { deb?: boolean } = {}, run?: Run): Promise<void> => {
    packagedRoot(root, shipped);
    const world = await packagedWorld(dir, root, run);
    response = openResponse(join(dir, 'store'), () => [restoreFile(world), ...fileActions(world)] as ReturnType<typeof fileActions>);
  };
  const at = (path: string): string => join(root, path);
  const run = (path: string, more: object = {}, force = false): Promise<Receipt> => response.runner.run({ action: 'restore-file', input: { path: at(path), ...more }, by: 'operator:test', why: 'changed', via: 'test', force });
  const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
  const steps = async (path: string, force = false): Promise<string> => (await response.runner.plan('restore-file', { path: at(path) }, { force })).plan.steps.map(({ text }) => text.en).join('\n');
  const mode = (path: string): string => { const { mode: bits, uid, gid } = lstatSync(at(path)); return `${(bits & 0o7777).toString(8)} ${uid}:${gid}`; };

  it('puts a file back that is gone, and takes it away again', async () => {
    await open();
    const before = await everything(at('usr/bin'));
    const { id } = await run('usr/bin/frob');
    expect([readFileSync(at('usr/bin/frob')).equals(program), mode('usr/bin/frob')]).toEqual([true, '755 0:0']);
    await undo(id);
    expect([existsSync(at('usr/bin/frob')), await everything(at('usr/bin'))]).toEqual([false, before]);
  });

  it('finds what is reached by another name, and puts links right', async () => {
    await open({ links: { 'usr/bin/frobber': 'frob' } });
    writeFileSync(at('usr/bin/frob'), 'a back door');
    await run('bin/frob');
    expect(readFileSync(at('usr/bin/frob')).equals(program)).toBe(true);
    writeFileSync(at('usr/bin/frobber'), 'a back door');
    const { id } = await run('usr/bin/frobber');
    expect(readlinkSync(at('usr/bin/frobber'))).toBe('frob');
    await undo(id);
    expect(readFileSync(at('usr/bin/frobber'), 'utf8')).toBe('a back door');
  });

  it('sets the rights that the package’s script and the administrator want', async () => {
    await open({ files: { 'usr/bin/other': 'other\n' }, postinst: '#!/bin/sh\nif setcap cap_net_raw+ep /usr/bin/frob; then\n chmod u-s /usr/bin/frob\nfi\nchown root:frob /usr/bin/frob && chmod 2750 /usr/bin/frob\n' });
    writeFileSync(at('var/lib/dpkg/statoverride'), 'frob frob 4700 /usr/bin/other\n');
    await run('usr/bin/frob');
    expect(mode('usr/bin/frob')).toBe('2750 0:4712');
    expect(execFileSync('/usr/sbin/getcap', [at('usr/bin/frob')], { encoding: 'utf8' })).toContain('cap_net_raw=ep');
    await run('usr/bin/other');
    expect(mode('usr/bin/other')).toBe('4700 4711:4712');
  });

  it('shows what changes in settings and asks for a special word', async () => {
    await open();
    writeFileSync(at('etc/frob/frob.conf'), 'port 1\nshell yes\n');
    await expect(run('etc/frob/frob.conf')).rejects.toMatchObject({ code: 'refused', hint: '--force', message: expect.stringContaining('-shell yes\n+shell no') as string });
    expect(await steps('etc/frob/frob.conf', true)).toContain('-shell yes\n+shell no');
    await run('etc/frob/frob.conf', {}, true);
    expect(readFileSync(at('etc/frob/frob.conf'), 'utf8')).toBe(settings);
  });

  it('refuses what it is already, what nobody owns, folders, and the baseline', async () => {
    await open();
    await run('usr/bin/frob');
    await expect(run('usr/bin/frob')).rejects.toMatchObject({ code: 'not-there' });
    writeFileSync(at('usr/bin/mine'), 'x');
    await expect(run('usr/bin/mine')).rejects.toMatchObject({ code: 'not-packaged' });
    rmSync(at('usr/bin/frob'));
    mkdirSync(at('usr/bin/frob'));
    await expect(run('usr/bin/frob')).rejects.toMatchObject({ code: 'refused' });
    await expect(run('usr/bin/mine', { from: 'baseline' })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('digests') as string });
    for (const from of [7, '', '../x', 'a b']) await expect(run('usr/bin/mine', { from })).rejects.toMatchObject({ code: 'bad-input' });
    expect(readdirSync(at('usr/bin')).sort()).toEqual(['frob', 'mine']);
  });

  it('takes nothing that nobody vouches for', async () => {
    await open({ deb: false });
    const archive = at('var/cache/apt/archives/frob_1%3a1.0_all.deb');
    await expect(run('usr/bin/frob')).rejects.toMatchObject({ code: 'no-original', hint: 'apt-get install --reinstall frob' });
    // A package with another program in it, one that is damaged, none at all, a link to one.
    buildDeb(archive, { files: { 'usr/bin/frob': 'a back door' } });
    await expect(run('usr/bin/frob')).rejects.toMatchObject({ code: 'no-original', message: expect.stringContaining('does not have the digest') as string });
    buildDeb(archive);
    const whole = readFileSync(archive);
    for (const bytes of [whole.subarray(0, whole.length - 300), Buffer.from('x'), Buffer.concat([Buffer.from('!<arch>\n'), Buffer.alloc(6000, ' ')])]) {
      writeFileSync(archive, bytes);
      await expect(run('usr/bin/frob')).rejects.toMatchObject({ code: 'no-original' });
    }
    unlinkSync(archive);
    writeFileSync(join(dir, 'elsewhere.deb'), whole);
    symlinkSync(join(dir, 'elsewhere.deb'), archive);
    await expect(run('usr/bin/frob')).rejects.toMatchObject({ code: 'no-original' });
    expect(readdirSync(at('usr/bin'))).toEqual([]);
  });

  it('takes another version only where it brings the same file, and then no link of it', async () => {
    await open({ deb: false, links: { 'usr/bin/frobber': 'frob' } });
    buildDeb(at('var/cache/apt/archives/frob_2.0_all.deb'), { version: '2.0', links: { 'usr/bin/frobber': 'elsewhere' } });
    await run('usr/bin/frob');
    expect(readFileSync(at('usr/bin/frob')).equals(program)).toBe(true);
    await expect(run('usr/bin/frobber')).rejects.toMatchObject({ code: 'no-original' });
  });

  it('restores from the vault, at the place it was taken from alone', async () => {
    await open();
    writeFileSync(at('etc/mine'), 'mine\n');
    chmodSync(at('etc/mine'), 0o640);
    const { state } = await response.runner.run({ action: 'quarantine-file', input: { path: at('etc/mine') }, by: 'operator:test', why: '', via: 'test' });
    const { vault } = state as { vault: string };
    writeFileSync(at('etc/mine'), 'another\n');
    await expect(run('etc/other', { from: vault })).rejects.toMatchObject({ code: 'refused' });
    const { id } = await run('etc/mine', { from: vault });
    expect([readFileSync(at('etc/mine'), 'utf8'), mode('etc/mine')]).toEqual(['mine\n', '640 0:0']);
    await undo(id);
    expect(readFileSync(at('etc/mine'), 'utf8')).toBe('another\n');
  });

  it('takes back only what is still its own', async () => {
    await open();
    writeFileSync(at('usr/bin/frob'), 'a back door');
    const { id } = await run('usr/bin/frob');
    writeFileSync(at('usr/bin/frob'), 'upgraded since');
    await expect(undo(id)).rejects.toMatchObject({ message: expect.stringContaining('not overwritten') as string });
    expect(readFileSync(at('usr/bin/frob'), 'utf8')).toBe('upgraded since');
  });

  describe('apt', () => {
    /** A repository in a folder, and an apt that knows it and nothing else. */
    const repository = (change: (sha256: string) => string = (one) => one): { run: Run; deb: string } => {
      const repo = join(dir, 'repo'), deb = join(repo, 'frob_1.0_all.deb');
      buildDeb(deb);
      // Whom apt runs as must come as far as this.
      for (const one of [dir, repo]) chmodSync(one, 0o755);
      const bytes = readFileSync(deb);
      const sha256 = change(createHash('sha256').update(bytes).digest('hex'));
      writeFileSync(join(repo, 'Packages'), `Package: frob\nVersion: 1:1.0\nArchitecture: all\nMaintainer: Lin <lin@example.org>\nFilename: ./frob_1.0_all.deb\nSize: ${bytes.length}\nSHA256: ${sha256}\nDescription: x\n`);
      const apt = join(dir, 'apt');
      for (const one of ['etc/apt.conf.d', 'etc/preferences.d', 'etc/sources.list.d', 'state/lists/partial', 'cache/archives/partial']) mkdirSync(join(apt, one), { recursive: true });
      writeFileSync(join(apt, 'etc/sources.list'), `deb [trusted=yes] file:${repo} ./\n`);
      writeFileSync(join(apt, 'status'), '');
      writeFileSync(join(apt, 'apt.conf'), `Dir::Etc "${apt}/etc"; Dir::State "${apt}/state"; Dir::State::status "${apt}/status"; Dir::Cache "${apt}/cache";\n`);
      const run = withApt(join(apt, 'apt.conf'));
      execFileSync('apt-get', ['-qq', 'update'], { env: { PATH: '/usr/bin:/usr/sbin:/bin:/sbin', APT_CONFIG: join(apt, 'apt.conf') }, stdio: 'ignore' });
      return { run, deb };
    };

    it('fetches the version that is installed, as somebody who may do nothing else, and keeps it', async () => {
      const { run: programs } = repository();
      const as: unknown[] = [];
      await open({ deb: false }, (name, args, options) => { if (name === 'apt-get') as.push(options?.as?.uid); return programs(name, args, options); });
      // The account of apt's own in the root of the test.
      writeFileSync(at('etc/passwd'), `${readFileSync(at('etc/passwd'), 'utf8')}_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n`);
      expect(await steps('usr/bin/frob')).toContain('has the digest of the package database, has the SHA-256 of apt’s signed lists');
      await run('usr/bin/frob');
      expect([readFileSync(at('usr/bin/frob')).equals(program), as]).toEqual([true, [42]]);
      expect(readdirSync(join(dir, 'data/packages'))).toEqual(['frob_1%3a1.0_all.deb']);
      expect(statSync(join(dir, 'data/packages/frob_1%3a1.0_all.deb')).mode & 0o777).toBe(0o600);
    });

    it('does not take a kept package whose digest apt does not know', async () => {
      const { run: programs, deb } = repository((one) => one.replace(/^./, (c) => (c === 'a' ? 'b' : 'a')));
      await open({ deb: false }, programs);
      mkdirSync(at('var/cache/apt/archives'), { recursive: true });
      copyFileSync(deb, at('var/cache/apt/archives/frob_1%3a1.0_all.deb'));
      await expect(run('usr/bin/frob')).rejects.toMatchObject({ code: 'no-original', message: expect.stringContaining('not the one in the lists of apt') as string });
    });

    it('tells when the package database was changed to match, and goes by apt with a special word', async () => {
      const { run: programs } = repository();
      await open({ deb: false }, programs);
      writeFileSync(at('usr/bin/frob'), 'a back door');
      writeFileSync(at('var/lib/dpkg/info/frob.md5sums'), `${createHash('md5').update('a back door').digest('hex')}  usr/bin/frob\n`);
      await response.close();
      const world = await packagedWorld(dir, root, programs);
      response = openResponse(join(dir, 'store'), () => [restoreFile(world)] as ReturnType<typeof fileActions>);
      await expect(run('usr/bin/frob')).rejects.toMatchObject({ code: 'refused', hint: '--force', message: expect.stringContaining('database was most likely changed') as string });
      await run('usr/bin/frob', {}, true);
      expect(readFileSync(at('usr/bin/frob')).equals(program)).toBe(true);
    });
  });
});
