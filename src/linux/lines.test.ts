import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineSplitter, chunkBytes, noLines, readLines } from './lines.ts';
import type { Lines, ReadOptions } from './lines.ts';

let dir = '';
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'moat-lines-')); });
afterAll(() => { rmSync(dir, { recursive: true }); });

/** What must come out, said in the plainest way. */
function plainly(bytes: Buffer, maxLine: number): { lines: string[]; offsets: number[]; cut: number } {
  const out = noLines();
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline;
    const long = end - at > maxLine;
    const text = bytes.toString('utf8', at, long ? at + maxLine : end);
    out.lines.push(!long && text.endsWith('\r') ? text.slice(0, -1) : text);
    out.offsets.push(at);
    if (long) out.cut++;
    at = end + 1;
  }
  return out;
}

async function all(path: string, options?: ReadOptions): Promise<Lines & { numbers: number[] }> {
  const out = { ...noLines(), numbers: [] as number[] };
  for await (const chunk of readLines(path, options)) {
    out.lines.push(...chunk.lines);
    out.offsets.push(...chunk.offsets);
    out.numbers.push(chunk.first);
    out.cut += chunk.cut;
  }
  return out;
}

const piece = fc.oneof(
  fc.constantFrom('\n', '\r\n', '\r', '\0', 'é', '登录', '😀', 'plain text ', '\u001b[31m'),
  fc.string({ maxLength: 20 }),
).map((s) => Buffer.from(s));
const anyBytes = fc.array(fc.oneof(piece, fc.uint8Array({ maxLength: 4 }).map((a) => Buffer.from(a)), fc.integer({ min: 1, max: 90 }).map((n) => Buffer.alloc(n, 'x'))), { maxLength: 60 }).map((parts) => Buffer.concat(parts));

it('gives the same lines and offsets however the bytes are cut into chunks', () => {
  fc.assert(fc.property(anyBytes, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }), (bytes, sizes) => {
    const splitter = new LineSplitter({ maxLine: 64 });
    const out = noLines();
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length]!;
      splitter.push(bytes.subarray(at, at + size), out);
      at += size;
    }
    splitter.end(out);
    expect(out).toEqual(plainly(bytes, 64));
    expect(splitter.offset).toBe(bytes.length);
  }), { numRuns: 500 });
});

it('reads a file larger than its buffer, of text that is not all ASCII', async () => {
  const path = join(dir, 'large.log');
  const bytes = Buffer.concat(Array.from({ length: 9000 }, (_, i) => Buffer.from(`${i} ${i % 3 === 0 ? '登录失败 é' : 'login failed'} ${'z'.repeat(i % 200)}${i % 7 === 0 ? '\r\n' : '\n'}`)));
  expect(bytes.length).toBeGreaterThan(chunkBytes * 4);
  writeFileSync(path, bytes);
  const got = await all(path);
  const want = plainly(bytes, 65536);
  expect(got.lines).toEqual(want.lines);
  expect(got.offsets).toEqual(want.offsets);
  expect(got.numbers[0]).toBe(1);
  const from = want.offsets[5000]!;
  expect((await all(path, { start: from })).lines).toEqual(want.lines.slice(5000));
});

it('cuts a line of 10 MB and goes on behind it', async () => {
  const path = join(dir, 'long.log');
  writeFileSync(path, `first\n${'a'.repeat(10 * 2 ** 20)}\nlast`);
  const got = await all(path);
  expect(got.lines.map((l) => l.length)).toEqual([5, 65536, 4]);
  expect(got.cut).toBe(1);
});

describe('gzip', () => {
  it('is known by its first bytes, members one after the other are read as one', async () => {
    const path = join(dir, 'two.log.1');
    writeFileSync(path, Buffer.concat([gzipSync('one\ntwo\n'), gzipSync('three\n')]));
    const got = await all(path);
    expect(got.lines).toEqual(['one', 'two', 'three']);
    expect((await all(path, { start: 4 })).lines).toEqual(['two', 'three']);
    expect((await all(path, { gz: false })).lines).not.toEqual(got.lines);
  });

  it('that is cut off gives what is there, then says so', async () => {
    const path = join(dir, 'cut.gz');
    const bytes = gzipSync(Array.from({ length: 200_000 }, (_, i) => `line ${i} ${Math.imul(i, 2654435761)}\n`).join(''));
    writeFileSync(path, bytes);
    truncateSync(path, Math.floor(bytes.length / 2));
    let lines = 0;
    await expect((async () => { for await (const c of readLines(path)) lines += c.lines.length; })()).rejects.toMatchObject({ code: 'damaged' });
    expect(lines).toBeGreaterThan(50_000);
  });

  it('that unpacks without end is stopped', async () => {
    const path = join(dir, 'bomb.gz');
    writeFileSync(path, gzipSync(Buffer.alloc(64 * 2 ** 20)));
    await expect(all(path, { maxBytes: 2 ** 20 })).rejects.toMatchObject({ code: 'expansion' });
  });
});

it('says that a file cannot be read', async () => {
  await expect(all(join(dir, 'absent'))).rejects.toMatchObject({ code: 'unreadable' });
  await expect(all(dir)).rejects.toMatchObject({ code: 'unreadable' });
});

it('reads standard input, plain and packed', () => {
  const script = `import { readLines } from ${JSON.stringify(join(import.meta.dirname, 'lines.ts'))}; (async () => { for await (const c of readLines('-')) console.log(JSON.stringify(c.lines)); })();`;
  for (const input of [Buffer.from('a\nb'), gzipSync('a\nb')]) {
    const run = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { input, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.stdout.trim().split('\n').flatMap((l) => JSON.parse(l) as string[])).toEqual(['a', 'b']);
  }
});
