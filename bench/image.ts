/** How many entries of an image are indexed in a second and what they take, and what a file costs in a walk through ten million. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openImage } from '../src/linux/image/open.ts';
import type { FileStat, Tree } from '../src/linux/tree.ts';
import { walk } from '../src/scan/walk.ts';
import { member } from '../test/image-maker.ts';
import { row, type Row } from './report.ts';

const entries = 200_000;
const millions = 10_000_000;
const perFolder = 2000;
const { signal } = new AbortController();
const count = (): undefined => undefined;

export async function benchImage(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-image-'));
  try {
    const path = join(folder, 'root.tar');
    write(path);
    const start = process.cpuUsage();
    const image = await openImage(path, { signal });
    const { user, system } = process.cpuUsage(start);
    const seconds = (user + system) / 1e6;
    const bytes = image.tree.memory / image.tree.files;
    const from = performance.now();
    let files = 0;
    for (const _ of walk(image.tree, { signal, machine: undefined, count, onFault: count })) files++;
    const us = (performance.now() - from) * 1000 / files;
    image.close();
    return [
      row(`Image of ${entries.toLocaleString('en-US')} empty files, indexed`, entries / seconds, 'entries/s of processor time'),
      row('The same, memory', bytes, 'bytes an entry'),
      row('The same, walked', us, 'µs a file'),
      ...walkMillions(),
    ];
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

function write(path: string): void {
  const file = openSync(path, 'w');
  writeSync(file, member({ name: 'etc/', type: '5' }));
  for (let i = 0; i < entries; i += 1000) writeSync(file, Buffer.concat(Array.from({ length: 1000 }, (_, n) => member({ name: `usr/share/d${Math.floor((i + n) / 200)}/file-${i + n}.txt` }))));
  writeSync(file, Buffer.alloc(1024));
  closeSync(file);
}

function walkMillions(): Row[] {
  const stat: FileStat = { kind: 'file', mode: 0o644, uid: 0, gid: 0, size: 1, allocated: 4096, links: 1, inode: 1, device: 1, modified: 0, changed: 0, born: undefined };
  const folder: FileStat = { ...stat, kind: 'folder' };
  function* names(of: string): Iterable<string> {
    if (of === '/') for (let i = 0; i < millions / perFolder; i++) yield `d${i}`;
    else for (let i = 0; i < perFolder; i++) yield `file-${i}`;
  }
  const tree: Tree = {
    kind: 'image', name: 'millions', names, list: (of) => [...names(of)], stat: (path) => (path.lastIndexOf('/') === 0 ? folder : stat),
    real: (path) => path, link: count, read: count, open: count, attribute: count, flags: count, outside: count,
  };
  let files = 0;
  let most = 0;
  const before = process.memoryUsage().rss;
  const start = performance.now();
  for (const _ of walk(tree, { signal, machine: undefined, count, onFault: count })) if (++files % 500_000 === 0) most = Math.max(most, process.memoryUsage().rss - before);
  const us = (performance.now() - start) * 1000 / files;
  return [row(`Walk through ${millions.toLocaleString('en-US')} files that nobody asks the disk for`, us, 'µs a file'), row('The same, most memory beyond the start', most / 2 ** 20, 'MB')];
}
