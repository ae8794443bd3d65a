import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentOf, foreignEnding, isOrdinary, noteName, twinOf } from './names.ts';

describe('names', () => {
  it.each(['README_DECRYPT.txt', 'HOW_TO_RECOVER_FILES.html', 'how to decrypt files.hta', 'RESTORE-MY-FILES.txt', '!!!READ_ME_TO_DECRYPT!!!.txt', 'YOUR_FILES_ARE_ENCRYPTED.txt', 'DECRYPT_INSTRUCTIONS.html', 'recovery_instructions.txt', 'HOW-TO-RESTORE.md', '文件已加密.txt', '如何恢复文件.html', '解密说明.txt', 'unlock_info.txt', 'All files locked.txt'])('%s is a note', (name) => { expect(noteName(`/srv/x/${name}`)).toBe(name); });
  it.each(['README.md', 'readme.txt', 'CHANGELOG.md', 'INSTALL.txt', 'restore.sh', 'backup.log', 'index.html', 'LICENSE.txt', 'contact.html', 'notes.txt', 'decryption.py', 'file_list.txt', '说明.txt', '部署文档.md'])('%s is none', (name) => { expect(noteName(`/srv/x/${name}`)).toBeUndefined(); });

  it.each([
    ['/srv/a.docx', '/srv/a.docx.locked', '.locked'], ['/srv/a.docx', '/srv/a.lockbit', '.lockbit'], ['/srv/a.docx', '/srv/9f3c11.akira', '.akira'], ['/srv/a.jpg', '/srv/a.jpg.id-31F2.[x@example.org].dharma', '.id-31f2.[x@example.org].dharma'], ['/srv/a.sql', '/srv/a.sql-crypted', '-crypted'],
  ])('%s → %s', (from, to, ending) => { expect(foreignEnding(from, to)).toBe(ending); });
  it.each([
    ['/srv/a.txt', '/srv/a.txt.bak'], ['/srv/a.txt', '/srv/a.txt~'], ['/srv/a.sql', '/srv/a.sql.1'], ['/srv/a.sql', '/srv/a.sql.2026-11-22'], ['/srv/a.sql', '/srv/a.sql-20261122'], ['/srv/a.jpeg', '/srv/a.jpg'], ['/srv/a.jpg', '/srv/a.jpg_original'], ['/srv/a.csv', '/srv/a.csv.done'], ['/srv/a.docx', '/home/b/a.docx'], ['/srv/a.conf.yml', '/srv/a.conf.yml.dpkg-old'], ['/srv/a.txt', '/srv/a'], ['/srv/a.html', '/srv/a.html.gz'],
  ])('%s → %s is ordinary', (from, to) => { expect(foreignEnding(from, to)).toBeUndefined(); });

  it('finds the document that a new file stands for', () => {
    expect(twinOf('/srv/a.docx.enc')).toEqual({ original: '/srv/a.docx', ending: '.enc' });
    expect(twinOf('/srv/a.docx.[id].x')).toEqual({ original: '/srv/a.docx', ending: '.[id].x' });
    expect(twinOf('/srv/a.locked')).toBeUndefined();
    expect(documentOf('/srv/node_modules/x/a.js')).toBeUndefined();
    expect(documentOf('/srv/.txt')).toBeUndefined();
    expect(documentOf('/home/b/x.tar.GZ')).toEqual({ class: 'archive', ending: 'gz' });
  });

  it('takes anything', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 300 }), (a, b) => { expect(() => [documentOf(a), foreignEnding(a, b), noteName(a), twinOf(a), isOrdinary(b)]).not.toThrow(); }));
    for (const long of ['!'.repeat(5000), `/a${'.txt'.repeat(2000)}`, `how_to_${'_'.repeat(5000)}`]) expect(() => [noteName(long), twinOf(long), foreignEnding('/a.txt', long)]).not.toThrow();
  });
});
