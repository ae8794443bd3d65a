import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openGeo } from './geo.ts';

let folder = '';
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'moat-geo-')); });
afterAll(() => { rmSync(folder, { recursive: true }); });

describe('country tables', () => {
  it.each(['no.mmdb', 'none'])('says that %s is not there', (name) => {
    expect(() => openGeo(join(folder, name))).toThrow(expect.objectContaining({ code: 'unreadable', message: expect.stringContaining(name) as string }));
  });

  it.each([['nothing', Buffer.alloc(0)], ['zeros', Buffer.alloc(5000)], ['a bare marker', Buffer.from('abcdef4d61784d696e642e636f6d', 'hex')], ['text', Buffer.from('<html>404</html>')]])('refuses %s as MMDB', (_, bytes) => {
    const path = join(folder, 'x.mmdb');
    writeFileSync(path, bytes);
    expect(() => openGeo(path)).toThrow(expect.objectContaining({ code: 'unreadable' }));
  });

  it('reads the text table and leaves broken rows out', () => {
    const path = join(folder, 'geoip');
    writeFileSync(path, '# c\n3405803776,3405804031,AU\n1,x,CN\n');
    expect([openGeo(path).country('203.0.113.9'), openGeo(path).country('198.51.100.1'), openGeo(path).country('10.0.0.1')]).toEqual(['AU', undefined, 'ZZ']);
  });
});
