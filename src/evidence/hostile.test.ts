/** Archives that somebody else made, by real tar: `evidence verify` reads them, refuses what Moat does not write, and puts nothing anywhere. */
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { headerOf, padding, trailer } from './tar.ts';
import { type EvidenceVerdict, verifyArchive } from './verify.ts';

let dir: string, outside: string, inside: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'moat-hostile-'));
  [outside, inside] = [join(dir, 'outside'), join(dir, 'in')];
  for (const folder of [outside, inside, join(inside, 'E1')]) mkdirSync(folder);
});
afterEach(() => rmSync(dir, { recursive: true }));

const tar = (...more: string[]): Promise<EvidenceVerdict> => {
  const file = join(dir, 'a.tar');
  execFileSync('tar', ['--owner=0', '--group=0', '--mtime=@0', '-cf', file, '-C', inside, ...more], { stdio: 'pipe' });
  return verifyArchive(createReadStream(file) as AsyncIterable<Buffer>);
};
const of = async (...pieces: Buffer[]): Promise<EvidenceVerdict> => await verifyArchive((async function* () { for (const piece of pieces) yield await Promise.resolve(piece); })());
const member = (name: string, content = 'x'): Buffer => { const bytes = Buffer.from(content); return Buffer.concat([headerOf(name, bytes.length, 0), bytes, Buffer.alloc(padding(bytes.length))]); };
const codes = ({ ok, faults }: EvidenceVerdict): unknown => ({ ok, faults: [...new Set(faults.map(({ what }) => what))] });
const refused = { ok: false, faults: ['broken', 'manifest'] };

it('a link and then a file through it, hard links, devices, pipes, sparse files, folders', async () => {
  symlinkSync(outside, join(inside, 'E1/way'));
  expect(codes(await tar('E1/way'))).toEqual(refused);
  writeFileSync(join(inside, 'E1/one'), 'x');
  linkSync(join(inside, 'E1/one'), join(inside, 'E1/two'));
  for (const format of ['ustar', 'gnu', 'posix']) expect({ format, ...await tar(`--format=${format}`, 'E1/one', 'E1/two').then(codes) as object }).toEqual({ format, ...refused });
  execFileSync('mkfifo', [join(inside, 'E1/pipe')]);
  expect(codes(await tar('E1/pipe'))).toEqual(refused);
  expect(codes(await tar('-P', '/dev/null', '--transform', 's,^/dev,E1,')), 'a device').toEqual(refused);
  writeFileSync(join(inside, 'E1/holes'), 'x');
  truncateSync(join(inside, 'E1/holes'), 1 << 30);
  expect(codes(await tar('--sparse', 'E1/holes'))).toEqual(refused);
  expect(codes(await tar('E1')), 'a folder').toEqual(refused);
  expect(readdirSync(outside)).toEqual([]);
});

it('names that lead elsewhere, even in the form that Moat writes', async () => {
  for (const name of ['../outside/x', '/tmp/moat-hostile-x', 'E1', '/', './E1/x', '']) expect({ name, ok: (await of(member(name), trailer)).ok }).toEqual({ name, ok: false });
  const verdict = await of(member('E1/../../outside/x'), member(`E1/${'../'.repeat(200)}etc/x`), member('E2/x'), trailer);
  expect(codes(verdict)).toEqual(refused);
  expect(verdict.faults[0]!.text.en).toContain('"E2/x"');
  expect([readdirSync(outside), existsSync('/tmp/moat-hostile-x')]).toEqual([[], false]);
});

it('one name twice: what it keeps is kept once, what it compares is told', async () => {
  for (const name of ['manifest.json', 'key.pem', 'custody/0001.json']) expect(codes(await of(member(`E1/${name}`), member(`E1/${name}`, 'y'), trailer)), name).toEqual(expect.objectContaining({ ok: false, faults: expect.arrayContaining(['broken']) as unknown }));
});

it('sizes that no archive has, and a header that is all name', async () => {
  expect(codes(await of(headerOf('E1/x', 2 ** 52, 0)))).toEqual({ ok: false, faults: ['truncated', 'manifest'] });
  expect(codes(await of(headerOf(`E1/${'n'.repeat(100_000)}`, 0, 0), trailer)), 'records of 100 kB').toEqual(refused);
  expect(codes(await of(headerOf('E1/manifest.json', (256 << 20) + 1, 0)))).toEqual(refused);
  expect(codes(await of(headerOf('E1/key.pem', (64 << 10) + 1, 0)))).toEqual(refused);
});

it('hand-overs without end are not kept without end', async () => {
  let read = 0;
  const content = 'x'.repeat(64 << 10);
  const verdict = await verifyArchive((async function* () {
    for (let n = 1; n <= 20_000; n++) { read++; yield await Promise.resolve(member(`E1/custody/${n}.json`, content)); }
    yield trailer;
  })());
  expect(verdict.faults.map(({ what }) => what)).toContain('broken');
  expect(verdict.faults[0]!.text.en).toContain('files of 33554432 bytes together');
  expect(read).toBeLessThan(600);
});
