import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { journalOf, journalWriter, makeJournal } from '../../test/journal-maker.ts';
import { lacks } from '../../test/need.ts';
import { packedLz4, packedXz, packedZstd, unpackValue } from './journal-value.ts';

const max = 64 * 1024;
const text = 'sshd: accepted a key; '.repeat(100);

/** LZ4 of a value as journald keeps it: literals, then a run that overlaps itself. */
function lz4(size: number, { claimed = size } = {}): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(claimed));
  const run = size - 1 - 5 - 4;
  const long = Buffer.alloc(Math.floor((run - 15) / 255) + 1, 255);
  long[long.length - 1] = (run - 15) % 255;
  return Buffer.concat([head, Buffer.from([0x1f, 65, 1, 0]), long, Buffer.from([0x50]), Buffer.from('AAAAA')]);
}

const zstd = (input: string | Buffer, ...args: string[]): Buffer => spawnSync('zstd', ['-q', '-c', '--no-check', ...args], { input, maxBuffer: 1 << 26 }).stdout;
/** A frame that tells a size, with blocks that repeat one byte. */
function runs(size: number, blocks: number, each: number): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
  head.writeUInt32LE(size, 5);
  return Buffer.concat([head, ...Array.from({ length: blocks }, (_, i) => { const block = Buffer.alloc(4, 65); block.writeUIntLE((each << 3) | 2 | Number(i === blocks - 1), 0, 3); return block; })]);
}

describe('packed values of a journal', () => {
  it('are laid open', () => {
    expect(unpackValue(packedLz4, lz4(5000), max)?.toString()).toBe('A'.repeat(5000));
    expect(unpackValue(packedZstd, runs(3000, 1, 3000), max)?.toString()).toBe('A'.repeat(3000));
  });

  it('are refused when they are longer than they say, than the bound, broken, cut, or packed by xz', () => {
    for (const claimed of [10, 4999, 5001, max + 1, 2 ** 40]) expect(unpackValue(packedLz4, lz4(5000, { claimed }), max)).toBeUndefined();
    expect(unpackValue(packedLz4, lz4(5000).subarray(0, 12), max)).toBeUndefined();
    expect(unpackValue(packedLz4, Buffer.from([5, 0, 0, 0, 0, 0, 0, 0, 0x10, 65, 9, 0]), max)).toBeUndefined(); // copies from before the beginning
    expect(unpackValue(packedLz4, Buffer.alloc(3), max)).toBeUndefined();
    for (const [size, blocks, each] of [[3000, 1, 2999], [3000, 1, 3001], [3000, 2, 3000], [max + 1, 1, 1000], [0xffff_ffff, 1, 1000], [3000, 1000, 3]] as const) expect(unpackValue(packedZstd, runs(size, blocks, each), max)).toBeUndefined();
    expect(unpackValue(packedZstd, runs(3000, 1, 3000).subarray(0, 10), max)).toBeUndefined();
    expect(unpackValue(packedXz, Buffer.from('fd377a585a00', 'hex'), max)).toBeUndefined();
    for (const packing of [0, 3, 5, 7]) expect(unpackValue(packing, lz4(5000), max)).toBeUndefined();
  });

  it('come to an end for noise', () => {
    const good = [runs(3000, 1, 3000), lz4(5000)];
    let n = 1;
    const random = (): number => (n = (n * 1_103_515_245 + 12_345) & 0x7fff_ffff);
    for (let i = 0; i < 4000; i++) {
      const bytes = Buffer.from(good[i % 2]!);
      for (let k = 0; k < 3; k++) bytes[random() % bytes.length] = random() & 255;
      expect(unpackValue(i % 2 === 0 ? packedZstd : packedLz4, bytes, max)?.length ?? 0).toBeLessThanOrEqual(max);
    }
  });

  it.skipIf(lacks({ files: ['/usr/bin/zstd'] }))('are what zstd packs', () => {
    const sized = (input: string): string[] => [`--stream-size=${Buffer.byteLength(input)}`];
    expect(unpackValue(packedZstd, zstd(text, ...sized(text)), max)?.toString()).toBe(text);
    expect(unpackValue(packedZstd, zstd(text), max)).toBeUndefined(); // its size is not told
  });

  it.skipIf(lacks({ files: [journalWriter] })).each(['ZSTD', 'LZ4'] as const)('are what systemd writes by %s', (packing) => {
    const journal = journalOf(makeJournal([{ time: 1_760_000_000_000, fields: { MESSAGE: text.trimEnd(), SYSLOG_IDENTIFIER: 'sshd' } }, { time: 1_760_000_000_001, fields: { MESSAGE: 'y'.repeat(100_000) } }], { packing }));
    const [first, second] = [...journal.entries()];
    expect(journal.fields(first!, new Set(['MESSAGE'])).get('MESSAGE')).toBe(text.trimEnd());
    expect(journal.left).toBe(0);
    expect(journal.fields(second!, new Set(['MESSAGE'])).size).toBe(0);
    expect(journal.left).toBe(1);
  });
});
