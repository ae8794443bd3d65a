import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { openFanotify } from '../../linux/fanotify.ts';
import { KernelView } from '../kernel-view.ts';
import { start, type Trial } from '../trial.ts';
import { fanotifySensor, filterOf, type FanotifyOptions } from './sensor.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'moat-fanotify-')));
const children: ChildProcess[] = [];
const trials: Trial[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const trial of trials.splice(0)) await trial.stop();
});
afterAll(() => { rmSync(folder, { recursive: true }); });

async function permitted(): Promise<boolean> {
  if (lacks({ root: true, files: ['/usr/bin/python3'] })) return false;
  try {
    (await openFanotify()).close();
    return true;
  } catch (error) {
    return !lacks({ files: [`fanotify: ${(error as Error).message}`] });
  }
}

async function live(options: FanotifyOptions = {}): Promise<Trial> {
  const trial = start(fanotifySensor({ ignore: ['/'], watch: [`${folder}/`], ...options }));
  trials.push(trial);
  await trial.when(() => trial.health.get('fanotify') === 'live');
  return trial;
}

/** Lives on for a while, so that it can be looked at. */
function python(code: string): ChildProcess {
  const child = spawn('/usr/bin/python3', ['-c', `import os, time\n${code}\ntime.sleep(60)`], { cwd: folder, stdio: 'inherit' });
  children.push(child);
  return child;
}

describe.skipIf(!await permitted())('fanotify', () => {
  it('tells what is made, written, changed in rights, renamed and removed, with who did it', async () => {
    const trial = await live();
    const child = python(`
open('made', 'w').write('x')
os.chmod('made', 0o4755)
os.rename('made', 'renamed')
os.mkdir('sub'); os.symlink('/etc/hosts', 'sub/link')
os.unlink('renamed')`);
    await trial.until((e) => e.action === 'delete');
    const at = (name: string): string => join(folder, name);
    const events = trial.events.filter(({ pid }) => pid === child.pid);
    const told = events.map((e) => `${e.action} ${e.file_from ? `${e.file_from} → ` : ''}${e.file_path}`);
    expect(told).toEqual(expect.arrayContaining([`create ${at('made')}`, `write ${at('made')}`, `attributes ${at('made')}`, `create ${at('sub')}`, `create ${at('sub/link')}`, `delete ${at('renamed')}`]));
    expect(told.some((text) => text === `rename ${at('made')} → ${at('renamed')}` || text === `rename ${at('renamed')}`)).toBe(true);
    expect(events[0]).toMatchObject({ kind: 'file_event', category: 'file', source: 'fanotify', host: 'testhost', user: 'root', parent_pid: process.pid, process_path: expect.stringContaining('python3') as string, process_cmdline: expect.stringContaining('os.rename') as string });
    expect(events.find((e) => e.file_path === at('sub'))?.extra).toEqual({ folder: 'true' });
    expect(new Set(trial.events.map((e) => e.id)).size).toBe(trial.events.length);
  });

  it('says that it lost something when more happens than the kernel keeps for it', async () => {
    let losses = 0;
    const trial = await live({ onLoss: () => { losses++; } });
    // This thread makes them, so nobody reads meanwhile.
    mkdirSync(join(folder, 'many'));
    for (let i = 0; i < 17_500; i++) closeSync(openSync(join(folder, 'many', String(i)), 'w'));
    await trial.when(() => losses > 0);
    expect(trial.counts.get('changes of files lost, the queue was full')).toBe(losses);
  });

  it('stays silent while the kernel sensor tells of files, and takes its place when that ends', async () => {
    const view = new KernelView(['ebpf']);
    view.tell('ebpf', { processes: true, sockets: true, files: true });
    const trial = start(fanotifySensor({ view, ignore: ['/'], watch: [`${folder}/`] }));
    trials.push(trial);
    await trial.when(() => trial.health.get('fanotify') === 'waiting');
    expect(view.files).toBe('ebpf');
    view.tell('ebpf', { processes: false, sockets: false, files: false });
    await trial.when(() => view.files === 'fanotify');
    const child = python('open(\'late\', \'w\').close()');
    await trial.until((e) => e.pid === child.pid && e.file_path === join(folder, 'late'));
    view.tell('ebpf', { processes: true, sockets: true, files: true });
    writeFileSync(join(folder, 'wakes it'), '');
    await trial.when(() => trial.health.get('fanotify') === 'waiting' && view.files === 'ebpf');
  });
});

it('goes by the longest beginning of a path', () => {
  const wanted = filterOf(['/', '/run/user/'], ['/run/']);
  expect(['/etc/x', '/run/x', '/run/user/1', 'x'].map(wanted)).toEqual([true, false, true, false]);
});
