import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { canLock, removeLocked, tools } from '../../../test/scenes/files.ts';
import { backupOf, scene, setWorld } from '../../../test/scenes/restore-set.ts';
import { restoreSet, type RestoreSetState } from './action.ts';
import { looksWhole } from './health.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-set-')); folders.push(made); return made; };
afterAll(() => { for (const one of folders) removeLocked(one); });

describe.skipIf(lacks({ root: true, files: [...tools, '/usr/bin/restic'] }) || !canLock(folder()))('restore-set', () => {
  describe('contract', () => actionContract(() => scene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/restore-set.ts'), argument: folder(), open: scene, cuts: 8 }));
});

for (const kind of ['restic', 'borg'] as const) {
  describe.skipIf(lacks({ root: true, files: [`/usr/bin/${kind}`] }))(`restore-set from ${kind}`, () => {
    let dir: string, data: string, response: Response, snapshot: string;
    const at = (path: string): string => join(data, path);
    const put = (path: string, text: string): void => { mkdirSync(join(at(path), '..'), { recursive: true }); writeFileSync(at(path), text); };
    beforeEach(() => { dir = folder(); data = join(dir, 'srv'); });
    afterEach(() => response?.close());
    const begin = (): void => {
      const { settings, backup } = backupOf(join(dir, 'backup'), kind);
      snapshot = backup(data);
      response = openResponse(join(dir, 'store'), () => [restoreSet(setWorld(dir, [settings]))] as never);
    };
    const run = (files: readonly { path: string; unsure?: boolean }[], more: object = {}): Promise<Receipt> => response.runner.run({ action: 'restore-set', input: { repository: kind, snapshot, files: files.map((one) => ({ ...one, path: at(one.path) })), ...more }, by: 'operator:test', why: 'a test', via: 'test' });
    const states = ({ state }: Receipt): string[] => (state as RestoreSetState).files.map(({ is }) => is);

    it('takes names word for word, makes folders again as they were, and takes both back', async () => {
      const names = ['a [1]*?.txt', 'deep/er/b\\c', 'deep/$HOME', 'deep/中文'];
      for (const name of names) put(name, `content of ${name}`);
      chmodSync(at('deep'), 0o750);
      begin();
      rmSync(at('deep'), { recursive: true });
      writeFileSync(at(names[0]!), 'spoilt');
      const like = (path: string, mode: number): object => ({ path: at(path), mode, uid: 0, gid: 0 });
      const receipt = await run(names.map((path) => ({ path })), { folders: [like('deep', 0o750), like('deep/er', 0o755)] });
      expect(states(receipt)).toEqual(['done', 'done', 'done', 'done']);
      expect(names.map((name) => readFileSync(at(name), 'utf8'))).toEqual(names.map((name) => `content of ${name}`));
      expect((statSync(at('deep')).mode & 0o7777).toString(8)).toBe('750');
      expect(readdirSync(join(dir, 'data/recovery/staged'))).toEqual([]);
      await response.runner.undo(receipt.id, { by: 'operator:test', via: 'test', why: '' });
      expect([existsSync(at('deep')), readFileSync(at(names[0]!), 'utf8')]).toEqual([false, 'spoilt']);
    });

    it('leaves what is as it was, what is newer and whole, and says what it cannot restore', async () => {
      for (const name of ['same', 'newer', 'spoilt', 'both']) put(name, `${name}\n`.repeat(50));
      begin();
      writeFileSync(at('newer'), 'written by a person since\n');
      writeFileSync(at('spoilt'), Buffer.from(readFileSync(at('spoilt')).map((byte) => byte ^ 0xa5)));
      writeFileSync(at('both'), 'written by somebody\n');
      mkdirSync(at('none'));
      const receipt = await run([{ path: 'same' }, { path: 'newer', unsure: true }, { path: 'spoilt', unsure: true }, { path: 'both' }, { path: 'none/never' }]);
      expect(states(receipt)).toEqual(['same', 'newer', 'done', 'done', 'missing']);
      expect([readFileSync(at('newer'), 'utf8'), readFileSync(at('spoilt'), 'utf8')]).toEqual(['written by a person since\n', 'spoilt\n'.repeat(50)]);
      // One that others changed since stays; the rest goes back.
      writeFileSync(at('both'), 'changed again');
      await expect(response.runner.undo(receipt.id, { by: 'operator:test', via: 'test', why: '' })).rejects.toThrow('1 of 5 files');
      expect(readFileSync(at('spoilt'))[0]).toBe('s'.charCodeAt(0) ^ 0xa5);
    });

    it('never writes through a link, and says when the password is wrong without telling it', async () => {
      put('real/a', 'a');
      begin();
      mkdirSync(join(dir, 'elsewhere'));
      rmSync(at('real'), { recursive: true });
      symlinkSync(join(dir, 'elsewhere'), at('real'));
      const receipt = await run([{ path: 'real/a' }]);
      // Followed once, when it was planned, and named so.
      expect((receipt.state as { files: { swap: { path: string } }[] }).files[0]?.swap.path).toBe(join(dir, 'elsewhere/a'));
      const { settings } = backupOf(join(dir, 'backup'), kind);
      writeFileSync(settings.password_file!, 'very secret and wrong');
      await expect(run([{ path: 'real/b' }])).rejects.toSatisfy((error: Error) => { expect(error.message).not.toContain('very secret'); return /exit code/.test(error.message); });
      chmodSync(settings.password_file!, 0o644);
      await expect(run([{ path: 'real/b' }])).rejects.toThrow('closed to others');
    });
  });
}

it('tells what is broken from what was written anew by how both begin', () => {
  const text = Buffer.from('名称 name\n'.repeat(20)), png = Buffer.from('\x89PNG\r\n\x1a\n0000', 'latin1');
  const spoilt = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0xa5));
  expect([looksWhole(Buffer.from('anew\n'), text), looksWhole(spoilt(text), text), looksWhole(Buffer.from('\x89PNG\r\n\x1a\n1', 'latin1'), png), looksWhole(spoilt(png), png), looksWhole(Buffer.alloc(0), text)]).toEqual([true, false, true, false, false]);
});
