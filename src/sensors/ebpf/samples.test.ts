import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { Event } from '../../core/gen/event.ts';
import type { Trial } from '../trial.ts';
import { entropyOf, Samples } from './samples.ts';
import { lacksEbpf, openStage, type Stage } from './testing.ts';

const plain = 'name,address,amount\n'.repeat(500);

describe('entropy', () => {
  it('tells noise from text', () => {
    expect(entropyOf(randomBytes(4096))).toBeGreaterThan(7.8);
    expect(entropyOf(randomBytes(512))).toBeGreaterThan(7.2);
    expect(entropyOf(Buffer.from(plain))).toBeLessThan(5);
    expect(entropyOf(new Uint8Array(100))).toBe(0);
  });
});

describe('which files are looked at', () => {
  const write = (pid: number, inode: number, path = `/nowhere/${inode}.txt`, parent = 1): Event => Object.assign(new Event(`${pid}${inode}`, 0, 'file_event'), { action: 'write', pid, parent_pid: parent, file_inode: inode, file_path: path });

  it('bounds what waits, and counts the rest', () => {
    const counts = new Map<string, number>();
    const samples = new Samples({ tell: () => undefined, count: (what) => { counts.set(what, (counts.get(what) ?? 0) + 1); } });
    for (let pid = 2; pid < 20; pid++) for (let inode = 0; inode < 40; inode++) samples.saw(write(pid, inode), 1000);
    for (let inode = 0; inode < 40; inode++) samples.saw(write(99, inode, `/var/lib/db/${inode}`), 1000);
    // Of each of 18 processes, 32 a minute; 64 wait.
    expect([...counts.values()]).toEqual([18 * 32 - 64]);
    samples.end();
  });
});

describe.skipIf(lacks({ files: ['/usr/bin/python3'] }) || await lacksEbpf(lacks))('files rewritten in a row', () => {
  let stage: Stage;
  let trial: Trial;
  beforeAll(async () => {
    stage = await openStage();
    trial = await stage.live({ calls: false });
  });
  afterAll(async () => {
    await stage.clear();
    stage.remove();
  });

  const files = (folder: string, n: number): string[] => {
    mkdirSync(join(stage.folder, folder));
    return Array.from({ length: n }, (_, i) => {
      const path = join(stage.folder, folder, `${i}.csv`);
      writeFileSync(path, plain);
      return path;
    });
  };
  const sampled = (folder: string): Event[] => trial.events.filter((e) => e.extra?.['entropy'] !== undefined && e.file_path?.startsWith(join(stage.folder, folder, '/')) === true);

  it('are told once more with what stands in them: noise or text', async () => {
    const noise = files('noise', 8), text = files('text', 8);
    const child = stage.python(`
import os, sys
for path in sys.argv[1:9]:
  with open(path, 'r+b') as f: f.write(os.urandom(len(f.read()) or 1)); f.seek(0); f.write(os.urandom(9500))
for path in sys.argv[9:]: open(path, 'w').write('another text, with words of several kinds\\n' * 300)`, ...noise, ...text);
    await trial.when(() => sampled('noise').length >= 6 && sampled('text').length >= 8);
    // The first two are no row yet.
    expect(sampled('noise').map((e) => e.file_path)).toEqual(noise.slice(2));
    for (const event of sampled('noise')) {
      expect(Number(event.extra?.['entropy'])).toBeGreaterThan(7.5);
      expect(event).toMatchObject({ kind: 'file_event', action: 'write', pid: child.pid, source: 'ebpf', process_path: expect.stringContaining('python3') as string });
    }
    for (const event of sampled('text')) expect(Number(event.extra?.['entropy'])).toBeLessThan(6);
    expect(new Set(trial.events.map((e) => e.id)).size).toBe(trial.events.length);
  });

  it('are left alone when they are few, gone, or another file stands there', async () => {
    const few = files('few', 2), odd = files('odd', 6);
    // Each below a shell of its own: what children of one parent write is one row.
    const child = stage.run('/bin/sh', ['-c', `/usr/bin/python3 -c "
import os, sys
for path in sys.argv[1:3]:
  for i in range(4): open(path, 'r+b').write(os.urandom(9000))" "$@"; exit 0`, 'sh', ...few]);
    await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    const other = stage.run('/bin/sh', ['-c', `/usr/bin/python3 -c "
import os, sys
a, b, gone, link, pipe, last = sys.argv[1:]
for path in sys.argv[1:]: open(path, 'r+b').write(os.urandom(9000))
for path in (gone, link, pipe): os.unlink(path)
os.symlink(a, link); os.mkfifo(pipe)" "$@"; exit 0`, 'sh', ...odd]);
    await trial.until((e) => e.kind === 'process_termination' && e.pid === other.pid);
    await trial.when(() => sampled('odd').length > 0);
    expect(sampled('odd').map((e) => e.file_path)).toEqual([odd[5]]);
    expect(sampled('few')).toEqual([]);
    expect(odd.map((path) => existsSync(path))).toEqual([true, true, false, true, true, true]);
  });
});
