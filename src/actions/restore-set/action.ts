/**
 * Puts a set of files back out of one snapshot of a backup repository. They are taken out into a folder of Moat's own first, looked at
 * there, and then exchanged one by one; what was there goes into the vault. One file that cannot be restored does not keep the others
 * from it: the state says which and why.
 */
import { closeSync, constants, existsSync, fchmodSync, fchownSync, lstatSync, mkdirSync, openSync, readSync, readdirSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Action, ActionErrorCode } from '../../core/action.ts';
import { MoatError, saidBy } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import type { BackupRepository } from '../../linux/backup/repository.ts';
import { bytesOf } from '../../linux/file-names.ts';
import { parsePath, realPlace, withPlace } from '../../linux/place.ts';
import { isSame, lookAt, type FileState } from '../file-state.ts';
import { applySwap, lookToSwap, planSwap, swapMax, undoSwap, verifySwap, type SwapState } from '../file-swap.ts';
import type { FileWorld } from '../file-world.ts';
import { badInput, fieldsOf } from '../input.ts';
import { newVaultId } from '../vault.ts';
import { looksWhole } from './health.ts';

export interface RestoreSetWorld extends FileWorld {
  /** By the name in the configuration. */
  backups: (name: string) => BackupRepository | undefined;
  /** A folder of Moat's own. */
  staging: string;
}

/** `unsure`: only when what is there now proves to be broken. `folder`: a folder that is gone, and how it was. */
export interface RestoreSetInput { repository: string; snapshot: string; files: readonly { path: string; unsure: boolean }[]; folders: readonly { path: string; mode: number; uid: number; gid: number }[]; why: string; by: string }

/** `same`: it is as in the snapshot already. `newer`: changed by others and whole. `missing`: it could not be restored. */
export type SetEntry = { path: string } & ({ is: 'open' | 'done'; swap: SwapState } | { is: 'same' | 'newer' } | { is: 'missing'; why: Text; /** It was begun. */ swap?: SwapState });
export interface RestoreSetState { repository: string; snapshot: string; staged: string; files: SetEntry[]; /** Made for it, outermost first. */ made: string[]; folders: RestoreSetInput['folders'] }

const setFilesMax = 100;
const foldersMax = 200;
const atOnce = 10;
const whyMax = 1000, byMax = 200;
const extractMs = 100_000;
const pieceBytes = 1 << 20;
const headBytes = 64 * 1024;
/** Left behind by a process that was killed before it was written down what it wanted. */
const oldMs = 24 * 3_600_000;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** Archives of borg are mostly named by host and time of day. */
const snapshotPattern = /^[^\s/:-][^\0\n/]{0,254}$/;

export function restoreSet(world: RestoreSetWorld): Action<RestoreSetInput, RestoreSetState> {
  const { vault, fileProtection, fileChanges, backups, staging } = world;
  return {
    id: 'restore-set',
    title: { zh: '从备份恢复一组文件', en: 'Restore files from a backup' },
    blind: { zh: '正在使用旧文件的进程继续用旧的；备份里没有记下的（chattr 标志、目录的时间）不会恢复；文件名不是 UTF-8 的不能从备份中点名取出。', en: 'Processes that hold the files of before go on with them; what the backup does not hold (flags of chattr, times of folders) does not come back; files whose names are no UTF-8 cannot be named to the backup.' },
    automatic: 'never',
    halfDone: 'finish',

    parse(input) {
      const { repository, snapshot, files, folders = [], why, by } = fieldsOf(input);
      if (typeof repository !== 'string' || !namePattern.test(repository)) throw badInput('the name of a backup repository', repository);
      if (typeof snapshot !== 'string' || !snapshotPattern.test(snapshot)) throw badInput('a snapshot', snapshot);
      if (!Array.isArray(files) || files.length === 0 || files.length > setFilesMax) throw badInput(`1 to ${setFilesMax} files`, files);
      if (!Array.isArray(folders) || folders.length > foldersMax) throw badInput(`at most ${foldersMax} folders`, folders);
      const number = (value: unknown, most: number): number => { if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > most) throw badInput('a number', value); return value as number; };
      return {
        repository, snapshot,
        files: files.map((one: unknown) => { const { path, unsure } = fieldsOf(one); return { path: parsePath(path), unsure: unsure === true }; }),
        folders: folders.map((one: unknown) => { const { path, mode, uid, gid } = fieldsOf(one); return { path: parsePath(path), mode: number(mode, 0o7777), uid: number(uid, 2 ** 32 - 2), gid: number(gid, 2 ** 32 - 2) }; }),
        why: typeof why === 'string' ? why.slice(0, whyMax) : '', by: typeof by === 'string' ? by.slice(0, byMax) : '',
      };
    },

    async plan(asked, { now }) {
      const { repository, snapshot, files, folders } = asked;
      const backup = backups(repository);
      if (backup === undefined) throw new MoatError<ActionErrorCode>('not-there', `no backup repository ${repository} in the configuration`, { text: { zh: `配置中没有名为 ${repository} 的备份仓库`, en: `no backup repository ${repository} in the configuration` }, hint: 'recovery.repositories' });
      const staged = makeStaged(now);
      try {
        vault.ensureRoom(0);
        await backup.extract(snapshot, files.map(({ path }) => path), staged, AbortSignal.timeout(extractMs));
        const entries: SetEntry[] = [];
        for (const one of files) entries.push(await look(one, staged, asked, now));
        const count = (is: SetEntry['is']): number => entries.filter((one) => one.is === is).length;
        const open = count('open');
        if (open === 0) rmSync(staged, { recursive: true, force: true });
        if (open === 0 && count('missing') === files.length) throw new MoatError<ActionErrorCode>('not-there', `none of them can be restored from ${repository}: ${entries.flatMap((one) => (one.is === 'missing' ? [one.why.en] : []))[0] ?? ''}`, { text: { zh: `都不能从 ${repository} 恢复：${entries.flatMap((one) => (one.is === 'missing' ? [one.why.zh] : []))[0] ?? ''}`, en: `none of them can be restored from ${repository}: ${entries.flatMap((one) => (one.is === 'missing' ? [one.why.en] : []))[0] ?? ''}` } });
        const [first = ''] = entries.map(({ path }) => path);
        return {
          target: `${repository} ${snapshot.slice(0, 12)} ${first}${files.length > 1 ? ` +${files.length - 1}` : ''}`,
          title: { zh: `从 ${repository} 恢复 ${open} 个文件（${dirname(first)} 等）`, en: `Restore ${open} files from ${repository} (${dirname(first)} …)` },
          steps: [
            { text: { zh: `取快照 ${snapshot.slice(0, 12)} 中的 ${files.length} 个文件到 Moat 自己的目录，由 ${repository} 逐块校验`, en: `take ${files.length} files of snapshot ${snapshot.slice(0, 12)} into a folder of Moat’s own; ${repository} checks each piece` } },
            { text: { zh: `${open} 个：现在的存入隔离区，再换成快照里的；${count('same')} 个已是如此，${count('newer')} 个更新且完好，不覆盖，${count('missing')} 个无法恢复`, en: `${open}: what is there goes into quarantine and the one of the snapshot takes its place; ${count('same')} are so already, ${count('newer')} are newer and whole and are not overwritten, ${count('missing')} cannot be restored` } },
          ],
          risk: 'medium', reversible: true, state: { repository, snapshot, staged, files: entries, made: [], folders },
        };
      } catch (error) {
        rmSync(staged, { recursive: true, force: true });
        throw error;
      }
    },

    async apply(given, context) {
      let state = given;
      const save = async (next: RestoreSetState): Promise<void> => { state = next; await context.save(next); };
      const made = missingFolders(state);
      // Written down first: what is made is taken away again.
      if (made.length > 0 && state.made.length === 0) await save({ ...state, made });
      for (const path of state.made) await makeFolder(path, state.folders);
      for (let i = 0; i < state.files.length; i++) {
        const one = state.files[i]!;
        if (one.is !== 'open') continue;
        context.signal.throwIfAborted();
        // So many at a time are written down as begun: a sync of the disk with the whole state for each would take longer than the files.
        if (!one.swap.begun) { await begin(i); i--; continue; }
        let swap: SwapState = one.swap;
        const put = (entry: SetEntry): RestoreSetState => ({ ...state, files: state.files.with(i, entry) });
        try {
          swap = await applySwap(world, swap, { ...context, save: async (next) => { swap = next as SwapState; await save(put({ ...one, swap })); } }, {
            action: 'restore-set', write: async (_, fd, signal) => { await copyTo(stagedPath(state.staged, one.path), fd, signal); },
          });
          state = put({ ...one, is: 'done', swap });
        } catch (error) {
          context.signal.throwIfAborted();
          // As it was; what stands in the way of that shows when it is looked at.
          await undoSwap(world, swap).catch(() => undefined);
          await save(put({ path: one.path, is: 'missing', why: saidBy(error), swap }));
        }
      }
      const failed = state.files.flatMap((one) => (one.is === 'missing' ? [one.why] : []));
      await save(state);
      if (failed.length > 0 && state.files.every(({ is }) => is === 'missing')) throw new MoatError<ActionErrorCode>('failed', failed[0]!.en, { text: failed[0] });
      rmSync(state.staged, { recursive: true, force: true });

      async function begin(from: number): Promise<void> {
        const files = [...state.files];
        let n = 0;
        for (let at = from; at < files.length && n < atOnce; at++) {
          const entry = files[at]!;
          if (entry.is !== 'open') continue;
          n++;
          let { folder } = entry.swap;
          // Its folder was made just now.
          if (folder.inode === '') ({ folder } = await lookToSwap(entry.swap.path, await fileChanges()));
          files[at] = { ...entry, swap: { ...entry.swap, folder, begun: true } };
        }
        await save({ ...state, files });
      }
    },

    async verify(state) {
      let finished = 0, former = 0;
      const odd: string[] = [];
      for (const one of state.files) {
        if (!('swap' in one) || one.swap === undefined) continue;
        const { is } = await verifySwap(world, one.swap);
        if (one.is === 'missing' ? is === 'former' : false) continue;
        if (is === 'finished') finished++;
        else if (is === 'former') former++;
        else odd.push(one.path);
      }
      const missing = state.files.filter(({ is }) => is === 'missing').length;
      if (odd.length > 0 || (finished > 0 && former > 0)) {
        const [first = state.files[0]?.path ?? ''] = odd;
        return { is: 'between', evidence: { zh: `${odd.length + former} 个与应有的不符（如 ${first}）`, en: `${odd.length + former} are not as they should be (such as ${first})` } };
      }
      if (former > 0) return { is: 'former', evidence: { zh: `${former} 个与之前完全一致`, en: `${former} are as they were before` } };
      return { is: 'finished', evidence: { zh: `${finished} 个已就位，摘要与快照一致${missing > 0 ? `；${missing} 个无法恢复` : ''}`, en: `${finished} are in place with the digests of the snapshot${missing > 0 ? `; ${missing} could not be restored` : ''}` } };
    },

    async undo(state) {
      const failed: Error[] = [];
      for (const one of state.files) {
        if (!('swap' in one) || one.swap === undefined) continue;
        try {
          await undoSwap(world, one.swap);
        } catch (error) { failed.push(error as Error); }
      }
      for (const path of state.made.toReversed()) {
        try {
          rmdirSync(bytesOf(path));
        } catch (error) {
          // Others use it now, or somebody took it away.
          if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) failed.push(error as Error);
        }
      }
      rmSync(state.staged, { recursive: true, force: true });
      if (failed.length > 0) throw new MoatError<ActionErrorCode>('changed', `${failed.length} of ${state.files.length} files stay as they are: ${failed[0]!.message}`, { text: { zh: `${failed.length} 个文件没有还原：${saidBy(failed[0]).zh}`, en: `${failed.length} of ${state.files.length} files stay as they are: ${saidBy(failed[0]).en}` }, cause: failed[0] });
    },
  };

  /** What became of one file in the snapshot, and what is to be done. */
  async function look({ path: asked, unsure }: RestoreSetInput['files'][number], staged: string, { why, by, folders }: RestoreSetInput, now: number): Promise<SetEntry> {
    try {
      const changes = await fileChanges();
      const at = stagedPath(staged, asked);
      if (lstatSync(bytesOf(at), { throwIfNoEntry: false }) === undefined) return { path: asked, is: 'missing', why: { zh: '快照里没有它，或取不出来', en: 'the snapshot does not hold it, or it could not be taken out' } };
      const found = await withPlace(at, (place) => lookAt(place, changes, swapMax));
      if (found === undefined) return { path: asked, is: 'missing', why: { zh: '取不出来', en: 'it could not be taken out' } };
      const { flags: _, ...plain } = found;
      const after: FileState = { ...plain, device: '', inode: '', links: 1, changed: found.modified };
      const path = realOrGone(asked, folders);
      await fileProtection.mayChange(path, { force: true, edit: true });
      if (!existsSync(bytesOf(dirname(path)))) return { path: asked, is: 'open', swap: { vault: newVaultId(now), path, folder: { inode: '', uid: 0 }, after, why, by, added: now, begun: false } };
      const { before, folder } = await lookToSwap(path, changes);
      if (before !== undefined && before.sha256 === after.sha256 && before.kind === after.kind && isSame(before, { ...after, attributes: after.attributes, modified: before.modified, accessed: before.accessed })) return { path: asked, is: 'same' };
      if (unsure && before?.kind === 'file' && after.kind === 'file' && looksWhole(await headOf(path), await headOf(at))) return { path: asked, is: 'newer' };
      // What the place itself has stays with it.
      const label = before?.attributes.filter(({ name }) => name === 'security.selinux') ?? [];
      const dressed = { ...after, attributes: [...after.attributes.filter(({ name }) => name !== 'security.selinux' || label.length === 0), ...label].sort((a, b) => (a.name < b.name ? -1 : 1)) };
      return { path: asked, is: 'open', swap: await planSwap(world, { path, folder, before, after: dressed, why, by, now }) };
    } catch (error) {
      return { path: asked, is: 'missing', why: saidBy(error) };
    }
  }

  function makeStaged(now: number): string {
    mkdirSync(staging, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(staging)) {
      const made = Number.parseInt(name.slice(0, 8), 36);
      if (/^[0-9a-z]{10,40}$/.test(name) && now - made > oldMs) rmSync(join(staging, name), { recursive: true, force: true });
    }
    const staged = join(staging, newVaultId(now));
    mkdirSync(staged, { mode: 0o700 });
    return staged;
  }
}

const stagedPath = (staged: string, path: string): string => `${staged}${path}`;

/** Links of folders followed; where the folder is gone, those that are left of it. */
function realOrGone(path: string, folders: RestoreSetInput['folders']): string {
  if (existsSync(bytesOf(dirname(path)))) return realPlace(path);
  const above = folders.find((one) => one.path === dirname(path));
  if (above === undefined) throw new MoatError<ActionErrorCode>('not-there', `the folder of ${path} is not there any more`, { text: { zh: `${path} 所在的目录已不在`, en: `the folder of ${path} is not there any more` } });
  return `${realOrGone(above.path, folders)}/${path.slice(path.lastIndexOf('/') + 1)}`;
}

/** Outermost first. */
function missingFolders({ files }: RestoreSetState): string[] {
  const missing = new Set<string>();
  for (const one of files) {
    if (one.is !== 'open') continue;
    for (let at = dirname(one.swap.path); at !== '/' && !missing.has(at) && !existsSync(bytesOf(at)); at = dirname(at)) missing.add(at);
  }
  return [...missing].sort((a, b) => a.length - b.length);
}

/** As the backup has it, else closed to others. Nothing is done where it is there already. */
async function makeFolder(path: string, folders: RestoreSetInput['folders']): Promise<void> {
  const like = folders.find((one) => one.path === path) ?? { mode: 0o700, uid: 0, gid: 0 };
  await withPlace(path, (place) => {
    if (place.stat() !== undefined) return;
    mkdirSync(place.at(), { mode: 0o700 });
    const fd = openSync(place.at(), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      fchownSync(fd, like.uid, like.gid);
      fchmodSync(fd, like.mode);
    } finally { closeSync(fd); }
    place.sync();
  });
}

async function headOf(path: string): Promise<Buffer> {
  return await withPlace(path, (place) => {
    const fd = place.open();
    try {
      const bytes = Buffer.alloc(headBytes);
      return bytes.subarray(0, readSync(fd, bytes, 0, headBytes, 0));
    } finally { closeSync(fd); }
  });
}

/** In pieces, between which others have their turn. */
async function copyTo(from: string, to: number, signal: AbortSignal): Promise<void> {
  await withPlace(from, async (place) => {
    const fd = place.open();
    try {
      const piece = Buffer.allocUnsafe(pieceBytes);
      for (let at = 0; ;) {
        signal.throwIfAborted();
        const n = readSync(fd, piece, 0, piece.length, at);
        if (n === 0) return;
        for (let done = 0; done < n;) done += writeSync(to, piece, done, n - done);
        at += n;
        await breathe();
      }
    } finally { closeSync(fd); }
  });
}
