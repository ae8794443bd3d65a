/** The integrity baseline of trees in which file systems are mounted that others answer for, or that nobody answers for. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeBaseline } from '../src/agent/baseline.ts';
import { compareInProcess } from '../src/agent/baseline-process.ts';
import { abandonedChildren } from '../src/agent/child.ts';
import { runWatched } from '../src/agent/watched.ts';
import { moatBin } from './live/moat.ts';
import { mountNeeds, Mounts, openMounts } from './mounts.ts';
import { lacks } from './need.ts';
import { makeRoot } from './throwaway-root.ts';

interface Ran { status: number | null; out: string; err: string }

function moat(mounts: Mounts, data: string, ...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(mounts.within[0]!, [...mounts.within.slice(1), process.execPath, moatBin, '--lang', 'en', '--data', data, 'baseline', ...args], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
  return { status, out: stdout, err: stderr };
}

describe.skipIf(lacks(mountNeeds))('moat baseline', () => {
  it('says which folder it could not look at, ends with 2, takes nothing there for removed and waits for nobody', async () => {
    const root = makeRoot({ '/etc/hosts': 'x', '/etc/cron.d/job': 'x', '/srv/www/a': 'x', '/opt/b': 'x' });
    const data = join(makeRoot(), 'data');
    const mounts = await openMounts();
    const folders = ['--root', root, '--exclude', '/etc/cron.d.silent', '--folder', '/etc', '--folder', '/srv/www', '--folder', '/opt', '--folder', '/gone'];
    const before = moat(mounts, data, 'create', ...folders);
    expect([before.status, before.err]).toEqual([2, expect.stringContaining('could not look: /gone: there is no such folder')]);
    await mounts.fuse(join(root, 'etc/cron.d'), 'folder', true);
    await mounts.fuse(join(root, 'srv/www'), 'folder', true);
    const diff = moat(mounts, data, 'diff', '--root', root, '--json');
    expect([diff.status, diff.out]).toEqual([2, '']);
    expect(diff.err).toMatch(/could not look: \/etc\/cron\.d: what is mounted here \(fuse\.moat-test, moat-test\) is not looked into/);
    expect(diff.err).toMatch(/could not look: \/srv\/www: /);
    expect(diff.err).toMatch(/could not be looked at: 4\n/);
    // Taken over or not, what was known of it stays.
    writeFileSync(join(root, 'etc/hosts'), 'other');
    expect(moat(mounts, data, 'accept', '--all', '--root', root)).toMatchObject({ status: 2, out: expect.stringContaining('1 changes taken over') as string });
    expect(moat(mounts, data, 'diff', '--root', root, '--without-mount', '/')).toMatchObject({ status: 0 });
    mounts.run(`umount -l '${root}/etc/cron.d' '${root}/srv/www'`);
    expect(moat(mounts, data, 'diff', '--root', root)).toMatchObject({ status: 0, err: '' });
    await mounts.fuse(join(root, 'opt'), 'folder', false);
    expect(moat(mounts, data, 'create', ...folders.slice(0, 10))).toMatchObject({ status: 2, err: expect.stringContaining('could not look: /opt: what is mounted here') as string });
    const into = moat(mounts, data, 'diff', '--root', root, '--into-mount', '/opt', '--json');
    expect([into.status, into.out]).toEqual([1, expect.stringContaining('"/opt/job"')]);
  });

  it('looks at what is mounted from this machine, memory and read-only images among it', async () => {
    const root = makeRoot({ '/etc/hosts': 'x' });
    const data = join(makeRoot(), 'data');
    const mounts = await openMounts(`mkdir -p '${root}/etc/cron.d'; mount -t tmpfs tmpfs '${root}/etc/cron.d'; echo x > '${root}/etc/cron.d/job'`);
    expect(moat(mounts, data, 'create', '--root', root, '--folder', '/etc').status).toBe(0);
    mounts.run(`echo y > '${root}/etc/cron.d/job'`);
    expect(moat(mounts, data, 'diff', '--root', root, '--json')).toMatchObject({ status: 1, out: expect.stringContaining('/etc/cron.d/job') as string });
  });
});

describe.skipIf(lacks(mountNeeds))('a baseline of what stops answering', () => {
  afterEach(async () => {
    // What waited was let go with the servers, and then the kill that was sent reaches it.
    await expect.poll(abandonedChildren, { timeout: 60_000 }).toBe(0);
  });

  it('is given up, and says what it waits for', async () => {
    const root = makeRoot({ '/data/x': 'x' });
    const data = join(makeRoot(), 'data');
    mkdirSync(join(root, 'far'));
    const signal = new AbortController().signal;
    await makeBaseline({ data, root, folders: ['/data', '/far'], now: 1, signal, warn: () => undefined, blind: () => undefined, count: () => undefined });
    const mounts = await Mounts.open();
    try {
      await mounts.fuse(join(root, 'far'), 'folder', true);
      const said: string[] = [];
      const words = [moatBin, '--data', data, 'baseline', 'diff', '--root', root, '--into-mount', '/far'];
      expect(await runWatched({ words, within: mounts.within, afterMs: 4000, onStill: ({ en }) => said.push(en) })).toBe(2);
      expect(said).toEqual([expect.stringMatching(/^nothing moved for 4 seconds, it waits for .*\/far.*, on the mount .*\/far \(fuse\.moat-test\): unmount it/)]);
      const options = { signal, maxMemoryMb: 512, warn: () => undefined, stillAfterMs: 4000, within: mounts.within };
      await expect(compareInProcess({ data, root, mounts: { into: ['/far'] }, accept: false, now: 2 }, options)).rejects.toMatchObject({ code: 'not-compared', text: { en: expect.stringContaining('it waits for') as string } });
      expect(abandonedChildren()).toBe(1);
      expect((await compareInProcess({ data, root, accept: false, now: 2 }, options)).blind).toMatchObject([{ path: '/far' }]);
    } finally { await mounts.close(); }
  });
});
