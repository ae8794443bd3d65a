import { closeSync, fstatSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { parseNetwork } from '../../core/networks.ts';
import { packetFilter } from '../../linux/packet-filter.ts';
import { once } from '../item.ts';
import { addressKey, touches } from './addresses.ts';
import { BlockStore, packetsOf } from './blocks.ts';
import { Keeper } from './keeper.ts';
import { KeptFiles, openKeptFiles } from './kept-files.ts';
import { blocksOf, type FileBlock, sectionStart } from './pcapng.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-kept-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A block as the kernel writes it, of IPv4 packets from these addresses. */
function block(...sources: string[]): Buffer {
  const head = Buffer.alloc(48);
  head.writeUInt32LE(sources.length, 12);
  head.writeUInt32LE(48, 16);
  const packets = sources.map((source, i) => {
    const one = Buffer.alloc(112);
    one.writeUInt32LE(i === sources.length - 1 ? 0 : one.length, 0);
    one.writeUInt32LE(1000 + i, 4);
    one.writeUInt32LE(40, 12);
    one.writeUInt32LE(40, 16);
    one.writeUInt16LE(72, 26);
    one[72] = 0x45;
    for (const [j, part] of source.split('.').entries()) one[84 + j] = Number(part);
    return one;
  });
  return Buffer.concat([head, ...packets]);
}
async function read(bytes: Buffer): Promise<{ found: FileBlock[]; broken: number[] }> {
  const found: FileBlock[] = [], broken: number[] = [];
  for await (const one of blocksOf(once(bytes), (at) => broken.push(at))) found.push({ ...one });
  return { found, broken };
}

it('holds the newest blocks, as many as there is room for, and keeps each packet once', () => {
  const one = block('203.0.113.9', '198.51.100.7');
  const store = new BlockStore(one.length * 3 + 50);
  for (let i = 0; i < 10; i++) expect(store.add(one)).toBeDefined();
  expect([[...store].length, [...store].flatMap((held) => [...packetsOf(held)]).length]).toEqual([3, 6]);
  expect(store.add(Buffer.alloc(one.length * 4))).toBeUndefined();
  const written: number[] = [];
  const keeper = new Keeper(1 << 20, (bytes) => { written.push(bytes.length); });
  keeper.take(one);
  keeper.want([addressKey('203.0.113.9')!], 0n, 10n ** 18n);
  keeper.want([addressKey('203.0.113.9')!], 0n, 10n ** 18n);
  keeper.take(one);
  expect(keeper.counts()).toMatchObject({ kept: 2, wanted: 1, unwritten: 0 });
  keeper.tick(10n ** 18n + 1n);
  keeper.take(one);
  expect(keeper.counts()).toMatchObject({ kept: 2, wanted: 0 });
  const full = new Keeper(1 << 20, () => { throw new Error('ENOSPC'); });
  full.take(one);
  full.want([addressKey('198.51.100.7')!], 0n, 1n);
  expect(full.counts()).toMatchObject({ kept: 0, unwritten: 1 });
});

it('blocks and files that nobody would write neither throw nor go on for ever', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), async (noise, at, value) => {
    expect([...packetsOf(Buffer.from(noise))].length).toBeLessThan(10);
    const bent = block('203.0.113.9', '198.51.100.7');
    bent[at % bent.length] = value;
    expect([...packetsOf(bent)].length).toBeLessThanOrEqual(3);
    touches(new Set([1]), Buffer.from(noise), 0, noise.length);
    const { found } = await read(Buffer.concat([Buffer.from(noise), sectionStart('x', 0)]));
    expect(found.length).toBeLessThanOrEqual(2);
  }), { numRuns: 300 });
});

it('two files take turns, and a section that was cut off is passed over', async () => {
  const files = openKeptFiles(folder);
  const start = sectionStart('moat test', 100);
  const kept = new KeptFiles(files.descriptors, { most: 4000, start });
  for (let i = 0; i < 20; i++) kept.write(Buffer.alloc(300));
  expect(files.descriptors.map((fd) => fstatSync(fd).size).every((size) => size > 0 && size <= 2000)).toBe(true);
  expect(kept.gone).toBeGreaterThan(0);
  expect(statSync(join(folder, 'a.pcapng')).mode & 0o777).toBe(0o600);
  files.close();
  for (const fd of files.descriptors) expect(() => closeSync(fd)).toThrow();
  const torn = Buffer.concat([start, start.subarray(0, 21), start]);
  const { found, broken } = await read(torn);
  expect([found.filter(({ kind }) => kind === 'section').length, broken.length]).toEqual([2, 1]);
  expect(readFileSync(join(folder, 'b.pcapng')).subarray(0, 4).toString('hex')).toBe('0a0d0d0a');
});

it('a filter that has no room for a network says so', () => {
  const many = Array.from({ length: 1000 }, (_, i) => parseNetwork(`2001:db8:${i.toString(16)}::1`)!);
  const { over, program } = packetFilter({ without: many, ports: [22, 2222], snap: 100 });
  expect(over).toBeGreaterThan(0);
  expect(program.length / 8).toBeLessThanOrEqual(4096);
  expect(packetFilter({ without: many.slice(0, 100), ports: [], snap: 100 }).over).toBe(0);
});
