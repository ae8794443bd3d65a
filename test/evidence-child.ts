/**
 * Writes an archive, to be killed or measured. `evidence-child.ts FILE`: does not end by itself. `evidence-child.ts FILE SOURCE`: holds
 * this file alone, or all files of this folder, and prints the most memory that was used, in KiB, and the processor time in microseconds.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeArchive } from '../src/evidence/archive.ts';
import type { Item } from '../src/evidence/item.ts';
import { passingKey } from '../src/evidence/key.ts';
import { fileSink } from '../src/evidence/sink.ts';
import { fileItem } from '../src/evidence/sources.ts';

const [, , path, source] = process.argv;
if (path === undefined) throw new Error('expected a file');
const piece = Buffer.alloc(1 << 20, 5);

async function* endless(): AsyncGenerator<Item> {
  for (let n = 0; ; n++) {
    await Promise.resolve();
    process.stdout.write('.');
    yield { name: `n${n}`, source: `n${n}`, open: () => ({ size: piece.length, read: (async function* () { await Promise.resolve(); yield piece; })() }) };
  }
}

async function* filesOf(place: string): AsyncGenerator<Item> {
  await Promise.resolve();
  const paths = statSync(place).isDirectory() ? readdirSync(place).map((name) => join(place, name)) : [place];
  for (const path of paths) yield fileItem(path, { limits: { ms: 120_000, bytes: 2 ** 40 } });
}

const now = new Date().toISOString();
await writeArchive(source === undefined ? endless() : filesOf(source), {
  sink: fileSink(path), signer: passingKey(), now: Date.now, limits: { ms: 10_000, bytes: 1 << 30 }, most: 2 ** 40, custody: { to: 'nobody', how: 'test' },
  head: { id: 'evidence-child', tool: 'moat', host: 'child', kernel: '', why: '', by: '', began: now, clock: { now, zone: 'UTC' }, kept: 'passing' },
});
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
console.log(`${maxRSS} ${userCPUTime + systemCPUTime}`);
