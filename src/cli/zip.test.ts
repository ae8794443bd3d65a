import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { zipOf } from './zip.ts';

describe.skipIf(lacks({ files: ['/usr/bin/python3'] }))('a zip file with a password', () => {
  it('is read by another program, whatever its size', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'moat-zip-'));
    try {
      for (const size of [0, 1, 4095, 300_000]) {
        const content = randomBytes(size), file = join(dir, 'x.zip');
        async function* pieces(): AsyncGenerator<Buffer> { for (let at = 0; at < size; at += 70_000) yield await Promise.resolve(content.subarray(at, at + 70_000)); }
        const parts: Buffer[] = [];
        for await (const part of zipOf('名.bin', pieces(), new Date('2026-11-22T01:02:04Z'), 'infected', randomBytes)) parts.push(part);
        expect(size === 300_000 && Buffer.concat(parts).includes(content.subarray(0, 100))).toBe(false);
        writeFileSync(file, Buffer.concat(parts));
        const read = execFileSync('/usr/bin/python3', ['-c', 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); i = z.infolist()[0]; assert i.filename == "名.bin" and i.date_time == (2026, 11, 22, 1, 2, 4), i; sys.stdout.buffer.write(z.read(i, pwd=b"infected"))', file], { maxBuffer: 1 << 20, env: { PYTHONUTF8: '1' } });
        expect(read.equals(content)).toBe(true);
      }
    } finally { rmSync(dir, { recursive: true }); }
  });
});
