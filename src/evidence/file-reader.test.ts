import { execFileSync } from 'node:child_process';
import { lutimesSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchiveOptions, writeArchive, type Written } from './archive.ts';
import { batchFiles, FileReader } from './file-reader.ts';
import { type Collected, once, textItem } from './item.ts';
import { passingKey } from './key.ts';
import { smallBytes } from './small-file.ts';
import { fileItem } from './sources.ts';
import { verifyArchive } from './verify.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-small-'));
const program = join(folder, 'file-worker.js');
beforeAll(async () => {
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  await build({ entryPoints: [fileURLToPath(new URL('file-worker.ts', import.meta.url))], outfile: program, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function archive(items: readonly Collected[], more: Partial<ArchiveOptions>): Promise<Written & { tar: Buffer }> {
  const parts: Buffer[] = [];
  const now = new Date().toISOString();
  const written = await writeArchive((async function* () { await Promise.resolve(); yield* items; })(), {
    sink: { write: (bytes) => { parts.push(Buffer.from(bytes)); return Promise.resolve(); }, end: () => Promise.resolve() }, signer: passingKey(), now: Date.now, limits: { ms: 20_000, bytes: 1 << 20 }, most: 1 << 30,
    custody: { to: 'li', how: 'test' }, head: { id: 'small', tool: 'moat', host: 'web1', kernel: '', why: '', by: 'li', began: now, clock: { now, zone: 'UTC' }, kept: 'passing' }, ...more,
  });
  return { ...written, tar: Buffer.concat(parts) };
}
/** Reading a link changes when it was read. */
const shape = ({ manifest: { items, missed } }: Written): unknown => ({ items: items.map(({ taken: _taken, ms: _ms, facts, ...item }) => ({ ...item, facts: { ...facts, accessed: '' } })), missed });

describe('small files of an archive', () => {
  it('read together are what they are when each is read on its own, in their order among the rest', async () => {
    const at = join(folder, 'tree');
    mkdirSync(at);
    const paths: string[] = [];
    const put = (name: string, content: string | Buffer): void => { paths.push(join(at, name)); writeFileSync(paths.at(-1)!, content); utimesSync(paths.at(-1)!, 1_700_000_000, 1_700_000_000); };
    for (let i = 0; i < 2 * batchFiles + 3; i++) put(`f${i}`, `${i}`.repeat(i * 7));
    put('empty', '');
    put('whole', Buffer.alloc(smallBytes, 1));
    put('large', Buffer.alloc(smallBytes + 1, 2));
    symlinkSync('/nowhere\n', join(at, 'link'));
    lutimesSync(join(at, 'link'), 1_700_000_000, 1_700_000_000);
    execFileSync('mkfifo', [join(at, 'fifo')]);
    paths.push(...['link', 'fifo', 'absent'].map((name) => join(at, name)));
    const items = [...paths.map((path, i) => fileItem(path, i % 9 === 0 ? { facts: { story: true } } : {})), fileItem(join(at, 'f9'), { limits: { ms: 20_000, bytes: 4 } }), fileItem(join(at, 'f9'), { limits: { ms: 20_000, bytes: 4 }, tail: true })];
    items.splice(70, 0, textItem('between', 'between', () => 'text'));
    const together = await archive(items, { fileProgram: program }), alone = await archive(items, {});
    expect(together.manifest.items).toHaveLength(paths.length - 2 + 3);
    expect(together.manifest.missed.map(({ source }) => source)).toEqual([join(at, 'fifo'), join(at, 'absent')]);
    expect(shape(together)).toEqual(shape(alone));
    expect(await verifyArchive(once(together.tar))).toMatchObject({ ok: true, faults: [] });
    writeFileSync(join(folder, 'o.tar'), together.tar);
    execFileSync('tar', ['-xf', 'o.tar'], { cwd: folder });
    for (const { name, source } of together.manifest.items.filter(({ source: from }) => /\/f\d+$/.test(from)).slice(0, -2)) expect(readFileSync(join(folder, 'small', name))).toEqual(readFileSync(source));
  });

  it('keeps to the size of the whole', async () => {
    for (const name of ['one', 'two', 'three']) writeFileSync(join(folder, name), 'x'.repeat(name === 'two' ? 9000 : 100));
    const { manifest } = await archive(['one', 'two', 'three'].map((name) => fileItem(join(folder, name))), { fileProgram: program, most: 5000 });
    expect([manifest.items, manifest.missed].map((rows) => rows.map(({ source }) => source.slice(folder.length + 1)))).toEqual([['one', 'three'], ['two']]);
  });

  it('a thread that hangs at a file costs that file; one that ends costs nothing', async () => {
    const thread = async (code: string): Promise<Written> => {
      const path = join(folder, 'bad.mjs');
      writeFileSync(path, `import { parentPort } from 'node:worker_threads';\n${code}`);
      return await archive(['one', 'two', 'three'].map((name) => fileItem(join(folder, name), { limits: { ms: 1000, bytes: 1 << 20 } })), { fileProgram: path });
    };
    const hung = await thread(`parentPort.on('message', ({ at }) => { Atomics.store(new Int32Array(at), 0, 1); for (;;); });`);
    expect(hung.manifest.items.map(({ source }) => source.slice(folder.length + 1))).toEqual(['one', 'three']);
    expect(hung.manifest.missed.map(({ source, why }) => [source.slice(folder.length + 1), why.zh])).toEqual([['two', '1000 毫秒内没有答复']]);
    for (const code of [`parentPort.on('message', () => process.exit(1));`, `parentPort.on('message', () => { throw new Error('broken'); });`, 'throw new Error("at once");']) expect((await thread(code)).manifest.items).toHaveLength(3);
  });

  it('is left alone after it hung again and again', async () => {
    const path = join(folder, 'hangs.mjs');
    writeFileSync(path, `import { parentPort } from 'node:worker_threads'; parentPort.on('message', ({ at }) => { Atomics.store(new Int32Array(at), 0, 0); for (;;); });`);
    const reader = new FileReader(path);
    for (const usable of [true, false]) {
      expect((await reader.read([{ path: '/a', most: 1, ms: 50 }, { path: '/b', most: 1, ms: 50 }])).read).toEqual([{ why: { zh: '50 毫秒内没有答复', en: 'no answer within 50 ms' } }, { other: true }]);
      expect(reader.usable).toBe(usable);
    }
    await reader.close();
  });
});
