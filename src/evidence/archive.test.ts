import { execFileSync, spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync, statSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchiveOptions, type Sink, writeArchive, type Written } from './archive.ts';
import { handOver } from './handover.ts';
import { type Collected, type Item, missed, nameFor, once, textItem } from './item.ts';
import { passingKey } from './key.ts';
import { fileSink } from './sink.ts';
import { fileItem } from './sources.ts';
import { blockBytes, headerOf, padding, readTar, trailer } from './tar.ts';
import { type EvidenceVerdict, verifyArchive } from './verify.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-evidence-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const key = passingKey();

class Memory implements Sink {
  readonly parts: Buffer[] = [];
  write(bytes: Buffer): Promise<void> { this.parts.push(Buffer.from(bytes)); return Promise.resolve(); }
  end(): Promise<void> { return Promise.resolve(); }
  get bytes(): Buffer { return Buffer.concat(this.parts); }
}

const options = (sink: Sink, more: Partial<ArchiveOptions> = {}): ArchiveOptions => ({
  sink, signer: key, now: Date.now, limits: { ms: 20_000, bytes: 64 << 20 }, most: 1 << 30, custody: { to: 'operator:li', how: 'moat incident evidence' },
  head: { id: 'evidence-web1-1', tool: 'moat', host: 'web1', kernel: '6', why: 'a test', by: 'operator:li', began: new Date().toISOString(), clock: { now: new Date().toISOString(), zone: 'UTC' }, kept: 'passing' },
  ...more,
});
async function* list(items: readonly Collected[]): AsyncGenerator<Collected> { await Promise.resolve(); yield* items; }
async function archive(items: readonly Collected[], more: Partial<ArchiveOptions> = {}): Promise<{ bytes: Buffer; written: Written }> {
  const sink = new Memory();
  const written = await writeArchive(list(items), options(sink, more));
  return { bytes: sink.bytes, written };
}
const verify = (bytes: Buffer, more: { key?: string; head?: string } = {}): Promise<EvidenceVerdict> => verifyArchive(once(bytes), more);
const faults = ({ faults: found }: EvidenceVerdict): string[] => [...new Set(found.map(({ what }) => what))];
const streamed = (name: string, ...pieces: Buffer[]): Item => ({ name, source: name, open: () => ({ read: (async function* () { await Promise.resolve(); yield* pieces; })() }) });

const three = [textItem('a.txt', '/a', () => 'first\n'), textItem('b/empty', '/b', () => ''), textItem(`c/${'deep/'.repeat(40)}name`, '/c', () => 'x'.repeat(1500))];

/** Members as they stand, header and padding included. */
async function cut(bytes: Buffer): Promise<{ name: string; bytes: Buffer }[]> {
  const members: { name: string; at: number }[] = [];
  const reader = readTar(once(bytes));
  let end = 0;
  for (;;) {
    const { done, value } = await reader.next();
    if (done === true) { end = value.end; break; }
    members.push({ name: value.name.slice(value.name.indexOf('/') + 1), at: value.at });
  }
  return members.map(({ name, at }, i) => ({ name, bytes: bytes.subarray(at, members[i + 1]?.at ?? end) }));
}
const glue = (members: readonly { bytes: Buffer }[]): Buffer => Buffer.concat([...members.map(({ bytes }) => bytes), trailer]);

describe('an archive', () => {
  it('is proved untouched, with what could not be looked at', async () => {
    const { bytes, written } = await archive([...three, missed('d', '/d', { zh: '没有权限', en: 'denied' })]);
    const verdict = await verify(bytes, { key: key.fingerprint, head: written.head });
    expect(verdict).toMatchObject({ ok: true, faults: [], known: true, head: written.head, digest: written.digest, bytes: bytes.length });
    expect(verdict.manifest?.items.map(({ name, bytes: size }) => [name, size])).toEqual([['items/a.txt', 6], ['items/b/empty', 0], [`items/c/${'deep/'.repeat(40)}name`, 1500]]);
    expect(verdict.manifest?.missed).toEqual([{ name: 'd', source: '/d', why: { zh: '没有权限', en: 'denied' } }]);
    expect(verdict.custody).toMatchObject([{ number: 1, did: 'collected', to: 'operator:li', before: '' }]);
  });

  it('is proved by tar, sha256sum, cksum and openssl alone, hand-overs too', async () => {
    const path = join(folder, 'plain.tar');
    writeFileSync(path, (await archive([...three, streamed('long', Buffer.alloc(20 << 20, 7))])).bytes);
    const other = passingKey();
    await handOver(path, { by: 'operator:li', from: 'li', to: 'court', how: 'by hand', why: 'asked for', host: 'web1', time: Date.now() }, other);
    execFileSync('tar', ['-xf', path], { cwd: folder });
    const at = join(folder, 'evidence-web1-1');
    const run = (program: string, ...args: string[]): string => execFileSync(program, args, { cwd: at, encoding: 'utf8' });
    expect(run('sha256sum', '-c', 'SHA256SUMS').match(/: OK$/gm)).toHaveLength(6);
    expect(run('cksum', '--check', 'SM3SUMS').match(/: OK$/gm)).toHaveLength(6);
    expect(run('openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', 'key.pem', '-rawin', '-in', 'manifest.json', '-sigfile', 'manifest.json.sig')).toContain('Verified Successfully');
    for (const n of ['0001', '0002']) expect(run('openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', `custody/${n}.pem`, '-rawin', '-in', `custody/${n}.json`, '-sigfile', `custody/${n}.json.sig`)).toContain('Verified Successfully');
    const print = execFileSync('sha256sum', { input: execFileSync('openssl', ['pkey', '-pubin', '-in', 'key.pem', '-outform', 'DER'], { cwd: at }), encoding: 'utf8' });
    expect(`sha256:${print.slice(0, 64)}`).toBe(key.fingerprint);
    expect(run('sh', '-c', 'cat items/long.part* | wc -c').trim()).toBe(String(20 << 20));
    appendByte(join(at, 'items/a.txt'));
    expect(() => run('sha256sum', '--quiet', '-c', 'SHA256SUMS')).toThrow();
    expect((await verifyArchive(createReadStream(path))).custody.map(({ to }) => to)).toEqual(['operator:li', 'court']);
  });

  it('marks what is not whole: too long, too slow, broken off, grown', async () => {
    const never = (name: string, size?: number): Item => ({ name, source: name, limits: { ms: 50, bytes: 1 << 20 }, open: () => ({ ...(size !== undefined && { size }), read: (async function* () { yield Buffer.from('begun'); await new Promise(() => undefined); })() }) });
    const growing = join(folder, 'growing');
    writeFileSync(growing, 'before');
    const grows = fileItem(growing);
    const { bytes, written } = await archive([
      never('slow'), never('slow-sized', 100), { name: 'hangs', source: 'hangs', limits: { ms: 50, bytes: 1 }, open: () => new Promise(() => undefined) },
      { ...streamed('much', Buffer.alloc(3000, 1)), limits: { ms: 1000, bytes: 1000 } }, { name: 'big', source: 'big', limits: { ms: 1000, bytes: 10 }, open: () => ({ size: 100, read: once(Buffer.alloc(100, 1)) }) },
      { name: 'fails', source: 'fails', open: () => ({ size: 9, read: (async function* () { yield Buffer.from('half'); await Promise.resolve(); throw new Error('disk on fire'); })() }) },
      { ...grows, async open(signal) { const opened = await grows.open(signal); writeFileSync(growing, 'before and after'); return opened; } },
      { name: 'throws', source: 'throws', open: () => { throw Object.assign(new Error('EACCES: denied'), { code: 'EACCES' }); } },
    ]);
    const rows = Object.fromEntries(written.manifest.items.map(({ source, bytes: size, marks }) => [source, [size, ...marks?.map(({ what }) => what) ?? []]]));
    expect(rows).toEqual({ slow: [5, 'time-limit'], 'slow-sized': [100, 'time-limit'], much: [1000, 'size-limit'], big: [10, 'size-limit'], fails: [9, 'failed'], [growing]: [6, 'grew'] });
    expect(written.manifest.missed.map(({ source, why }) => [source, why.zh])).toEqual([['hangs', '50 毫秒内没有答复'], ['throws', '没有权限']]);
    expect((await verify(bytes)).ok).toBe(true);
  });

  it('a slow target costs time and nothing else; one that is full ends it', async () => {
    const sink = new Memory();
    const slow: Sink = { write: async (bytes) => { await new Promise((resolve) => { setTimeout(resolve, 30); }); await sink.write(bytes); }, end: () => sink.end() };
    const item: Item = { ...streamed('sized', ...Array.from({ length: 20 }, () => Buffer.alloc(100, 1))), limits: { ms: 200, bytes: 1 << 20 } };
    const sized: Item = { ...item, open: async (signal) => ({ ...await item.open(signal), size: 2000 }) };
    const written = await writeArchive(list([sized, item]), options(slow));
    expect(written.manifest.items.map(({ bytes, marks }) => [bytes, marks])).toEqual([[2000, undefined], [2000, undefined]]);
    expect((await verify(sink.bytes)).ok).toBe(true);
    const full: Sink = { write: () => Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })), end: () => Promise.resolve() };
    await expect(writeArchive(list(three), options(full))).rejects.toMatchObject({ code: 'ENOSPC' });
    // So much must be left on the target's disk; the rest is missed, and said so.
    const nearly = new Memory();
    const { manifest } = await writeArchive(list([textItem('a', '/a', () => 'x'), streamed('b', Buffer.alloc(100, 1))]), options({ write: (bytes) => nearly.write(bytes), end: () => nearly.end(), room: () => (64 << 20) + 10 }));
    expect([manifest.items.map(({ source }) => source), manifest.missed.map(({ source, why }) => [source, why.zh])]).toEqual([['/a'], [['b', '存档已到大小上限，或目标磁盘将满']]]);
    expect((await verify(nearly.bytes)).ok).toBe(true);
  });

  it('a source that changes while it is read is marked: shorter, longer, another in its place', async () => {
    const changing = async (change: (path: string) => void): Promise<{ bytes: Buffer; marks: string[]; ok: boolean }> => {
      const path = join(folder, 'changing');
      writeFileSync(path, Buffer.alloc(3 << 20, 1));
      const plain = fileItem(path);
      const item: Item = {
        ...plain,
        async open(signal) {
          const opened = await plain.open(signal);
          return { ...opened, read: (async function* () { let n = 0; for await (const piece of opened.read) { yield piece; if (n++ === 0) change(path); } })() };
        },
      };
      const { bytes, written } = await archive([item]);
      return { bytes, marks: written.manifest.items[0]!.marks?.map(({ what }) => what) ?? [], ok: (await verify(bytes)).ok };
    };
    expect(await changing((path) => truncateSync(path, 1 << 20))).toMatchObject({ marks: ['shrank'], ok: true });
    expect(await changing((path) => writeFileSync(path, Buffer.alloc(4 << 20, 1)))).toMatchObject({ marks: ['grew'], ok: true });
    // Renamed over: the one that was opened is read to its end.
    expect(await changing((path) => { writeFileSync(`${path}.new`, 'another'); renameSync(`${path}.new`, path); })).toMatchObject({ marks: [], ok: true });
  });

  it('keeps to its size as a whole, and says what was left out', async () => {
    const { bytes, written } = await archive([textItem('a', '/a', () => 'x'.repeat(100)), textItem('b', '/b', () => 'x'.repeat(9000)), textItem('c', '/c', () => 'y')], { most: 5000 });
    expect(written.manifest.items.map(({ source }) => source)).toEqual(['/a', '/c']);
    expect(written.manifest.missed.map(({ source }) => source)).toEqual(['/b']);
    expect((await verify(bytes)).ok).toBe(true);
  });

  it('gives two items of one name two names, and hostile names harmless ones', async () => {
    const { written } = await archive([textItem('x', '/x', () => '1'), textItem('x', '/x', () => '2'), textItem(nameFor('/tmp/../a b\n\u001b[31m/é/-rf'), '/y', () => '3')]);
    expect(written.manifest.items.map(({ name }) => name)).toEqual(['items/x', 'items/x~2', 'items/tmp/%2E%2E/a%20b%0A%1B%5B31m/%C3%A9/-rf']);
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (path) => {
      expect(nameFor(path)).toMatch(/^(?:[A-Za-z0-9._+@=%~-]+(?:\/[A-Za-z0-9._+@=%~-]+)*)?$/);
      expect(nameFor(path).split('/')).not.toContain('..');
    }));
  });

  it('writes sizes beyond eight gigabytes as every tar reads them', async () => {
    const head = headerOf('evidence-1/items/kcore', 12_000_000_000, 0);
    const reader = readTar(once(head));
    expect((await reader.next()).value).toMatchObject({ name: 'evidence-1/items/kcore', size: 12_000_000_000 });
    writeFileSync(join(folder, 'large.tar'), head);
    expect(execFileSync('sh', ['-c', `tar -tvf large.tar 2>&1 || true`], { cwd: folder, encoding: 'utf8' })).toContain('12000000000');
  });
});

describe('what was done to an archive is found', () => {
  let whole: Buffer, head: string, members: { name: string; bytes: Buffer }[];
  beforeAll(async () => {
    const path = join(folder, 'whole.tar');
    writeFileSync(path, (await archive(three)).bytes);
    ({ head } = await handOver(path, { by: 'li', to: 'wang', how: 'disk', why: '', host: 'web1', time: Date.now() }, key));
    whole = readFileSync(path);
    members = await cut(whole);
    expect(await verify(whole, { head, key: key.fingerprint })).toMatchObject({ ok: true });
  });
  const index = (name: string): number => members.findIndex((one) => one.name === name);
  const without = (name: string): Buffer => glue(members.filter((one) => !one.name.startsWith(name)));

  it('any byte, anywhere', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const copy = Buffer.from(whole);
      copy[at]! ^= by;
      expect((await verify(copy, { head, key: key.fingerprint })).ok).toBe(false);
    }), { numRuns: 400 });
  });

  it('any cut', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
      expect(faults(await verify(whole.subarray(0, length)))).toContain('truncated');
    }), { numRuns: 200 });
  });

  it('an item changed together with its header, missing, added, in another place', async () => {
    const changed = [...members];
    const content = Buffer.from('FIRST\n');
    changed[index('items/a.txt')] = { name: '', bytes: Buffer.concat([headerOf('evidence-web1-1/items/a.txt', content.length, 0), content, Buffer.alloc(padding(content.length))]) };
    expect(faults(await verify(glue(changed)))).toEqual(['item-changed']);
    expect(faults(await verify(without('items/b/empty')))).toEqual(['item-missing']);
    const added = { name: '', bytes: headerOf('evidence-web1-1/items/more', 0, 0) };
    for (const at of [1, members.length]) expect(faults(await verify(glue(members.toSpliced(at, 0, added))))).toEqual(['item-added']);
    const [first, second] = [index('items/a.txt'), index('items/b/empty')];
    expect(faults(await verify(glue(members.with(first, members[second]!).with(second, members[first]!))))).toEqual(['order']);
    expect(faults(await verify(glue(members.toSpliced(first, 0, members[first]!))))).toContain('item-added');
  });

  it('the manifest changed, or signed anew by somebody else', async () => {
    const at = index('manifest.json');
    const text = Buffer.from(members[at]!.bytes.toString('latin1').replace('a test', 'a TEST'), 'latin1');
    expect(faults(await verify(glue(members.with(at, { name: '', bytes: text }))))).toContain('manifest');
    const forged = await archive(three, { signer: passingKey() });
    expect((await verify(forged.bytes)).ok).toBe(true);
    expect(faults(await verify(forged.bytes, { key: key.fingerprint }))).toEqual(['key']);
  });

  it('an entry of the chain of custody removed, the last one by the head that was told', async () => {
    expect(faults(await verify(without('custody/0001')))).toContain('custody');
    expect(faults(await verify(without('custody')))).toContain('custody');
    expect(faults(await verify(without('custody/0002.json.sig')))).toContain('custody');
    expect(faults(await verify(without('custody/0002'), { head }))).toEqual(['custody']);
  });

  it('a hand-over that was cut off leaves what was before, and is done again', async () => {
    const path = join(folder, 'again.tar');
    const end = whole.length - trailer.length;
    writeFileSync(path, Buffer.concat([whole.subarray(0, end), Buffer.alloc(blockBytes), Buffer.alloc(700, 9)]));
    expect(faults(await verifyArchive(createReadStream(path)))).toEqual(['unfinished']);
    await handOver(path, { by: 'li', to: 'zhao', how: '', why: '', host: 'web1', time: Date.now() }, key);
    const verdict = await verifyArchive(createReadStream(path), { head });
    expect(verdict).toMatchObject({ ok: true });
    expect(verdict.custody.map(({ to }) => to)).toEqual(['operator:li', 'wang', 'zhao']);
    truncateSync(path, 4096);
    await expect(handOver(path, { by: 'li', to: 'zhao', how: '', why: '', host: 'web1', time: Date.now() }, key)).rejects.toThrow('untouched');
  });

  it('noise, and things that are no archive', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => { expect((await verify(Buffer.from(bytes))).ok).toBe(false); }), { numRuns: 100 });
    expect(faults(await verify(trailer))).toEqual(['manifest']);
  });
});

describe('while it is written', () => {
  it('kill -9 leaves an archive that is told to be cut off', async () => {
    const path = join(folder, 'killed.tar');
    const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, '../../test/evidence-child.ts'), path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => { child.on('close', resolve); });
    await new Promise((resolve) => { child.stdout.on('data', () => { if (existsSync(path) && statSync(path).size > 5 << 20) resolve(undefined); }); });
    child.kill('SIGKILL');
    await ended;
    expect(faults(await verifyArchive(createReadStream(path)))).toEqual(['truncated', 'manifest']);
  });

  it('memory does not grow with what is collected', () => {
    const most = (megabytes: number): number => {
      const source = join(folder, 'source'), target = join(folder, `of-${megabytes}.tar`);
      writeFileSync(source, '');
      truncateSync(source, megabytes << 20);
      const kib = Number(execFileSync(process.execPath, ['--import', 'tsx', join(import.meta.dirname, '../../test/evidence-child.ts'), target, source], { encoding: 'utf8' }).split(' ')[0]);
      expect(statSync(target).size).toBeGreaterThan(megabytes << 20);
      rmSync(target);
      return kib / 1024;
    };
    expect(most(300) - most(3)).toBeLessThan(60);
  });

  it('an archive is never written over', () => {
    const path = join(folder, 'there.tar');
    writeFileSync(path, 'mine');
    expect(() => fileSink(path)).toThrow('already');
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });
});

function appendByte(path: string): void { writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('!')])); }
