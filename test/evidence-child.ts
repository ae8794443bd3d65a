/** Writes an archive that does not end by itself, to be killed: `evidence-child.ts FILE`. */
import { writeArchive } from '../src/evidence/archive.ts';
import type { Item } from '../src/evidence/item.ts';
import { passingKey } from '../src/evidence/key.ts';
import { fileSink } from '../src/evidence/sink.ts';

const path = process.argv[2];
if (path === undefined) throw new Error('expected a file');
const piece = Buffer.alloc(1 << 20, 5);
async function* endless(): AsyncGenerator<Item> {
  for (let n = 0; ; n++) {
    await Promise.resolve();
    process.stdout.write('.');
    yield { name: `n${n}`, source: `n${n}`, open: () => ({ size: piece.length, read: (async function* () { await Promise.resolve(); yield piece; })() }) };
  }
}
const now = new Date().toISOString();
await writeArchive(endless(), {
  sink: fileSink(path), signer: passingKey(), now: Date.now, limits: { ms: 10_000, bytes: 1 << 30 }, most: 2 ** 30, custody: { to: 'nobody', how: 'test' },
  head: { id: 'evidence-child', tool: 'moat', host: 'child', kernel: '', why: '', by: '', began: now, clock: { now, zone: 'UTC' }, kept: 'passing' },
});
