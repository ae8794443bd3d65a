/** Files of packages that rpmbuild made and rpm installed, put back out of the package that dnf kept. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { buildRpms } from '../../../test/rpm.ts';
import { everything, fileActions } from '../../../test/scenes/files.ts';
import { packagedWorld } from '../../../test/scenes/packaged-root.ts';
import { restoreFile } from './action.ts';

const work = mkdtempSync(join(tmpdir(), 'moat-restore-rpm-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const parts = `%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc
for i in $(seq 1 5000); do echo "line $i of a tool"; done > %{buildroot}/usr/bin/tool
ln %{buildroot}/usr/bin/tool %{buildroot}/usr/bin/second
echo sends > %{buildroot}/usr/bin/ping
echo conf > %{buildroot}/etc/tool.conf
ln -s tool %{buildroot}/usr/bin/link
%files
%attr(4755,root,mail) /usr/bin/tool
%attr(4755,root,mail) /usr/bin/second
%attr(0750,root,root) %caps(cap_net_raw=ep) /usr/bin/ping
/usr/bin/link
%config(noreplace) /etc/tool.conf
`;

const build = (payload: string, of = parts): string => buildRpms(mkdtempSync(join(work, 'build-')), of, payload)[0]!;

describe.skipIf(lacks({ root: true, files: ['/usr/bin/rpmbuild', '/usr/bin/rpm', '/usr/bin/rpmdb', '/usr/sbin/getcap'] }))('restore-file of an rpm package', () => {
  let dir: string, root: string, cache: string, file: string, response: Response;
  const made = new Map<string, string>();
  beforeAll(() => { for (const payload of ['w9.gzdio', 'w2.xzdio', 'w3.zstdio']) made.set(payload, build(payload)); }, 60_000);
  beforeEach(() => {
    dir = mkdtempSync(join(work, 'case-'));
    root = join(dir, 'root');
    cache = join(root, 'var/cache/dnf/base-0123456789abcdef/packages');
    mkdirSync(join(root, 'etc'), { recursive: true });
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nmail:x:4713:\n');
  });
  afterEach(() => response?.close());
  const open = async (payload = 'w3.zstdio'): Promise<void> => {
    const from = made.get(payload)!;
    execFileSync('rpm', ['--root', root, '--dbpath', '/var/lib/rpm', '--define', '_db_backend sqlite', '-i', '--nodeps', '--noscripts', '--nosignature', '--ignorearch', '--ignoreos', from], { stdio: ['ignore', 'ignore', 'ignore'] });
    file = join(cache, 'tool-1.5-3.noarch.rpm');
    copyFileSync(from, file);
    const world = await packagedWorld(dir, root);
    response = openResponse(join(dir, 'store'), () => [restoreFile(world), ...fileActions(world)] as ReturnType<typeof fileActions>);
  };
  const at = (path: string): string => join(root, path);
  const run = (path: string, force = false): Promise<Receipt> => response.runner.run({ action: 'restore-file', input: { path: at(path) }, by: 'operator:test', why: 'changed', via: 'test', force });
  const rights = (path: string): string => { const { mode, uid, gid } = lstatSync(at(path)); return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`; };

  for (const payload of ['w9.gzdio', 'w2.xzdio', 'w3.zstdio']) {
    it(`packed by ${payload}: content, rights, owner and time as shipped, and as it was when taken back`, async () => {
      await open(payload);
      const shipped = readFileSync(at('usr/bin/tool'));
      const time = lstatSync(at('usr/bin/tool')).mtimeMs;
      appendFileSync(at('usr/bin/tool'), 'a back door\n');
      // Reading a link for the first time changes when it was read.
      await everything(at('usr/bin'));
      const before = await everything(at('usr/bin'));
      const { id, steps } = await run('usr/bin/tool');
      expect([readFileSync(at('usr/bin/tool')).equals(shipped), rights('usr/bin/tool'), lstatSync(at('usr/bin/tool')).mtimeMs]).toEqual([true, '4755 0:4713', time]);
      expect(steps.map(({ text }) => text.en).join('\n')).toContain('has the digest of the package database');
      await response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
      expect(await everything(at('usr/bin'))).toEqual(before);
    });
  }

  it('a second name of a file, a link, capabilities, and settings only with a special word', async () => {
    await open();
    unlinkSync(at('usr/bin/second'));
    await run('usr/bin/second');
    expect([readFileSync(at('usr/bin/second'), 'utf8').endsWith('line 5000 of a tool\n'), rights('usr/bin/second')]).toEqual([true, '4755 0:4713']);
    rmSync(at('usr/bin/link'));
    await run('usr/bin/link');
    expect(readlinkSync(at('usr/bin/link'))).toBe('tool');
    writeFileSync(at('usr/bin/ping'), 'a back door');
    await run('usr/bin/ping');
    expect([readFileSync(at('usr/bin/ping'), 'utf8'), rights('usr/bin/ping'), execFileSync('/usr/sbin/getcap', [at('usr/bin/ping')], { encoding: 'utf8' }).trim().endsWith('cap_net_raw=ep')]).toEqual(['sends\n', '750 0:0', true]);
    writeFileSync(at('etc/tool.conf'), 'mine\n');
    await expect(run('etc/tool.conf')).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    await run('etc/tool.conf', true);
    expect(readFileSync(at('etc/tool.conf'), 'utf8')).toBe('conf\n');
  });

  it('takes nothing out of a package that was changed, is damaged, or is another version, and says where one is to be put', async () => {
    await open();
    appendFileSync(at('usr/bin/tool'), 'x');
    const bytes = readFileSync(file);
    for (const cut of [3, 90, 100, 200, 2000, bytes.length - 300]) {
      writeFileSync(file, bytes.subarray(0, cut));
      await expect(run('usr/bin/tool'), String(cut)).rejects.toMatchObject({ code: 'no-original' });
    }
    // A package of the same name that holds something else: no digest fits.
    copyFileSync(build('w9.gzdio', parts.replaceAll('of a tool', 'of a back door')), file);
    await expect(run('usr/bin/tool')).rejects.toMatchObject({ code: 'no-original', message: expect.stringContaining('digest of the package database') as string });
    writeFileSync(file, bytes);
    renameSync(file, join(cache, 'tool-1.4-1.noarch.rpm'));
    await expect(run('usr/bin/tool')).rejects.toMatchObject({ code: 'no-original', hint: expect.stringContaining('dnf download --destdir') as string });
    // Where the hint says.
    mkdirSync(join(dir, 'data/packages'), { recursive: true });
    writeFileSync(join(dir, 'data/packages/tool-1.5-3.noarch.rpm'), bytes);
    expect((await run('usr/bin/tool')).status).toBe('applied');
  });
});
