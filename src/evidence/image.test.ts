import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, closeSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { takeImage } from './image.ts';
import { passingKey } from './key.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-image-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const MiB = 1 << 20;
const device = join(folder, 'disk');
writeFileSync(device, Buffer.concat([randomBytes(70 * MiB), Buffer.from('the last bytes')]));
const options = (folders: string[], signal?: AbortSignal) => ({ device, folders, signer: passingKey(), by: 'operator:li', why: 'a test', host: 'web1', now: Date.now, ...(signal && { signal }) });
const place = (name: string): string => { const at = join(folder, name); mkdirSync(at); return at; };

it('a disk is copied to several places, read back, signed; sha256sum and openssl say the same', async () => {
  const result = await takeImage(options([place('one'), place('two')]));
  expect(result).toMatchObject({ bytes: 70 * MiB + 14, unreadable: 0, resumedAt: 0 });
  for (const copy of result.copies) {
    expect(execFileSync('sha256sum', [copy], { encoding: 'utf8' }).slice(0, 64)).toBe(result.sha256);
    expect(execFileSync('openssl', ['pkeyutl', '-verify', '-pubin', '-inkey', `${copy}.pem`, '-rawin', '-in', `${copy}.json`, '-sigfile', `${copy}.json.sig`], { encoding: 'utf8' })).toContain('Verified');
  }
  await expect(takeImage(options([join(folder, 'one')]))).rejects.toMatchObject({ code: 'bad-input' });
});

it('cut off, it goes on where it was; a copy that changed meanwhile is found', async () => {
  const at = place('cut');
  const stop = new AbortController();
  const cut = { ...options([at], stop.signal), progress: (_: string, done: number) => { if (done > 66 * MiB) stop.abort(); } };
  await expect(takeImage(cut)).rejects.toThrow();
  const result = await takeImage(options([at]));
  expect(result.resumedAt).toBe(64 * MiB);
  expect(readFileSync(result.copies[0]!).equals(readFileSync(device))).toBe(true);
  expect(readdirSync(at).filter((name) => name.endsWith('.progress'))).toEqual([]);

  const spoilt = place('spoilt');
  const again = new AbortController();
  await expect(takeImage({ ...options([spoilt], again.signal), progress: (_: string, done: number) => { if (done > 66 * MiB) again.abort(); } })).rejects.toThrow();
  const fd = openSync(join(spoilt, readdirSync(spoilt).find((name) => name.endsWith('.raw'))!), 'r+');
  writeSync(fd, 'x', 1000);
  closeSync(fd);
  await expect(takeImage(options([spoilt]))).rejects.toMatchObject({ code: 'broken' });
});

it('refuses what cannot be', async () => {
  await expect(takeImage(options([]))).rejects.toThrow('one to three');
  await expect(takeImage(options([join(folder, 'nowhere')]))).rejects.toThrow('expected a folder');
  await expect(takeImage({ ...options([place('x')]), device: '/dev/null' })).rejects.toThrow('block device');
});
