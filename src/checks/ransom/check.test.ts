import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown, type Planted } from '../../../test/throwaway-root.ts';
import { ransom } from './check.ts';
import { originalOf } from './signs.ts';

const english = 'Hello!\nAll your files have been encrypted with a strong cipher.\nTo get the decryption key pay 0.5 BTC to our wallet.\nWrite to us with the Tor Browser. Do not rename anything.\n';
const chinese = '你的文件已经全部被加密。\n请支付比特币赎金，72小时内联系邮箱，否则永远无法恢复。\n不要重命名文件，我们有解密工具。\n';
const family = (ending: string, make: (i: number) => Buffer | string, n = 24): Record<string, Buffer | string> => Object.fromEntries(Array.from({ length: n }, (_, i) => [`/srv/data/d${i % 4}/f${i}.docx${ending}`, make(i)]));
const told = async (planted: Planted) => (await scanRoot([ransom], planted)).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);

describe('ransom', () => {
  it('finds notes in several languages', async () => {
    for (const text of [english, chinese]) expect(await told({ '/srv/README_TO_DECRYPT.txt': text })).toEqual(['intrusion high /srv/README_TO_DECRYPT.txt']);
    expect(await told({ '/srv/CONTACT_US.hta': '<p>We have exfiltrated 300 GB of your data. Write to us with qTox. After 3 days we publish it.</p>' })).toEqual([expect.stringMatching(/^intrusion (?:medium|high) /)]);
    expect(await told({ '/srv/contact.html': '<p>Contact us at help@corp.example. Your data is encrypted at rest; within 3 days we answer.</p>' })).toEqual([]);
    const root = makeRoot(Object.fromEntries(['a', 'b', 'c', 'd'].map((folder) => [`/srv/${folder}/如何恢复文件.txt`, chinese])));
    const report = await scanRoot([ransom], root);
    expect(shown(report)).toEqual(['critical /srv/d/如何恢复文件.txt']);
    expect(report.findings[0]?.title.en).toContain(': 4 of them');
    rmSync(join(root, 'srv'), { recursive: true });
    expect(shown(await scanRoot([ransom], root))).toEqual([]);
  });

  it('finds families of encrypted files, one finding each', async () => {
    const report = await scanRoot([ransom], family('.id-4F2A.[x@example.com].q7lock', () => randomBytes(3000)));
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]).toMatchObject({ kind: 'intrusion', level: 'critical' });
    expect(report.findings[0]?.title.en).toContain('24 files are encrypted and end in .q7lock');
    expect(report.findings[0]?.evidence.find(({ what }) => what.en === 'folders')?.value.split('\n')).toHaveLength(4);
  });

  it('is silent for ordinary neighbours', async () => {
    expect(await told(family('.q7note', () => 'plain words, again and again. '.repeat(60)))).toEqual([]);
    expect(await told(family('.q7lock', () => randomBytes(3000), 10))).toEqual([]);
    expect(await told(family('.q7zip', () => Buffer.concat([Buffer.from('PK\x03\x04'), randomBytes(3000)])))).toEqual([]);
    expect(await told({ ...family('.thumbx', () => randomBytes(3000)), ...family('', () => 'the file itself') })).toEqual([]);
    expect(await told({ '/opt/app/README.txt': 'How to restore backups: run restore.sh. Files are encrypted with age; keep the private key.\n', '/opt/app/HOWTO.md': 'Pay attention: payment by bitcoin is not supported.\n', '/usr/share/doc/x/readme.txt': { text: english, package: 'x-doc' } })).toEqual([]);
    for (const name of ['a.tar.gz', 'a.log.1', 'a.js.map', 'a.jpg.webp', 'a.conf.dpkg-old', 'a.sql.gpg', 'a.docx', 'jquery.min.js', 'a.txt.20260101']) expect(originalOf(name), name).toBeUndefined();
    expect(originalOf('a.b.docx.locked')).toBe('a.b.docx');
  });

  it('bears hostile names and texts', async () => {
    expect(await told({ [`/srv/${'.doc'.repeat(60)}`]: 'x', '/srv/readme.txt': 'files '.repeat(10_000), '/srv/decrypt.html': `${'<'.repeat(30_000)}${'a.onion'.repeat(4000)}`, '/srv/help.txt': '1'.repeat(60_000) })).toEqual([]);
    const many = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`/srv/m/a.pdf.x${i}y`, 'x']));
    expect((await scanRoot([ransom], many)).counts).toMatchObject({ 'endings of files seen once and left out': 200 });
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    expect((await scanWithout([ransom], makeRoot({ '/srv/DECRYPT.txt': english }), '/srv/DECRYPT.txt')).blind.map(({ what }) => what)).toContain('/srv/DECRYPT.txt');
  });
});
