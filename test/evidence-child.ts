/**
 * Writes an archive, to be killed or measured. `evidence-child.ts FILE`: does not end by itself. `evidence-child.ts FILE SOURCE`: holds
 * this file alone, and prints the most memory that was used, in KiB.
 */
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

async function* one(file: string): AsyncGenerator<Item> { await Promise.resolve(); yield fileItem(file, { limits: { ms: 120_000, bytes: 2 ** 40 } }); }

const now = new Date().toISOString();
await writeArchive(source === undefined ? endless() : one(source), {
  sink: fileSink(path), signer: passingKey(), now: Date.now, limits: { ms: 10_000, bytes: 1 << 30 }, most: 2 ** 40, custody: { to: 'nobody', how: 'test' },
  head: { id: 'evidence-child', tool: 'moat', host: 'child', kernel: '', why: '', by: '', began: now, clock: { now, zone: 'UTC' }, kept: 'passing' },
});
console.log(process.resourceUsage().maxRSS);
