/**
 * One file becomes another at once: the one that was there goes into the vault, the new one is written beside it, checked, and takes
 * its name. What actions that put a file in place share; each step may be cut off and done again.
 */
import { closeSync } from 'node:fs';
import type { ActionContext, ActionErrorCode, Verdict } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { isLocked, type FileChanges } from '../linux/file-change.ts';
import { withPlace, type FolderIdentity, type Place } from '../linux/place.ts';
import { changedMeanwhile, ensureRights, inFolder, isSame, isStill, lookAt, make, setFlags, unlock, type FileState } from './file-state.ts';
import { folderOf, sameFolder, type FileWorld } from './file-world.ts';
import { newVaultId } from './vault.ts';

export interface SwapState {
  /** Of what was there; also names the new file while it is written. */
  vault: string;
  path: string;
  folder: FolderIdentity & { flags?: number };
  /** Undefined: nothing was there. */
  before?: FileState;
  after: FileState;
  why: string;
  by: string;
  added: number;
  /** Stored before the name is touched: until then nothing is to be put back. */
  begun: boolean;
}

export interface SwapSteps<S extends SwapState> {
  /** For the description in the vault. */
  action: string;
  /** Writes the new content; what it writes is compared with `after`. */
  write: (state: S, fd: number, signal: AbortSignal) => Promise<void>;
  /** Looks at the new file, under `name`, before it takes its place. Throws when it must not. */
  check?: (state: S, place: Place, name: string) => Promise<void>;
}

/** Larger files are refused: reading them would take longer than a response may. */
export const swapMax = 1 << 30;

const newOf = ({ vault }: SwapState): string => `.moat-${vault}.new`;

/** What is there now and in which folder; changes nothing. `path` is real. Throws MoatError 'refused' for what is neither file nor link. */
export async function lookToSwap(path: string, changes: FileChanges, most = swapMax): Promise<{ before: FileState | undefined; folder: SwapState['folder'] }> {
  return await withPlace(path, async (place) => ({ before: await lookAt(place, changes, most), folder: folderOf(place, changes) }));
}

/** Throws MoatError 'refused' when this process could not do it or not take it back, 'no-room'. */
export async function planSwap({ vault }: FileWorld, { path, folder, before, after, why, by, now }: { path: string; folder: SwapState['folder']; before: FileState | undefined; after: FileState; why: string; by: string; now: number }): Promise<SwapState> {
  await withPlace(path, (place) => ensureRights(place, { ...before ?? after, attributes: [...before?.attributes ?? [], ...after.attributes] }, isLocked(folder.flags)));
  vault.ensureRoom((before?.size ?? 0) + 2 * after.size);
  return { vault: newVaultId(now), path, folder, ...(before && { before }), after, why, by, added: now, begun: false };
}

/** Is it done? It is so too when somebody else did it. */
const isSwapped = (found: FileState | undefined, { after }: Pick<SwapState, 'after'>): boolean => found !== undefined && isSame(found, after);

export async function applySwap<S extends SwapState>({ vault, fileChanges }: FileWorld, given: S, { signal, save }: ActionContext, { action, write, check }: SwapSteps<S>): Promise<S> {
  const changes = await fileChanges();
  let state = given;
  const { path, before, after } = state;
  const mark = async (begun: boolean): Promise<void> => { if (state.begun !== begun) { state = { ...state, begun }; await save(state); } };
  await inFolder(path, state.folder.flags, changes, async (place) => {
    sameFolder(place, state);
    const found = await lookAt(place, changes, swapMax);
    if (!(state.begun && isSwapped(found, state))) {
      const isUntouched = (): boolean => { const now = place.stat(); return before === undefined ? now === undefined : now !== undefined && isStill(before, now); };
      // What is not ours is left alone, and then there is nothing to put back either.
      const replaced = async (): Promise<never> => { place.remove(newOf(state)); await mark(false); throw changedMeanwhile(path); };
      if (!isUntouched()) return await replaced();
      if (before !== undefined) await keep(state, before, place);
      await make(place, newOf(state), after, changes, (fd) => write(state, fd, signal));
      try {
        const made = await lookAt(place, changes, swapMax, newOf(state));
        if (made === undefined || !isSame(made, after)) throw new MoatError<ActionErrorCode>('failed', `expected the new content of ${path} with the digest ${after.sha256}, got ${made?.sha256 ?? 'none'}`);
        await check?.(state, place, newOf(state));
      } catch (error) {
        place.remove(newOf(state));
        throw error;
      }
      await mark(true);
      if (!isUntouched()) return await replaced();
      if (before === undefined) {
        if (!changes.renameNew(place.at(newOf(state)), place.at())) return await replaced();
      } else {
        unlock(place, place.name, before, changes);
        place.rename(newOf(state), place.name);
      }
    }
    place.remove(newOf(state));
    setFlags(place, place.name, after.flags, changes);
    place.sync();
  });
  return state;

  async function keep({ vault: id, why, by, added }: S, file: FileState, place: Place): Promise<void> {
    const item = { id, path, action, why, by, added, file };
    if (file.kind === 'symlink') { await vault.put(item, undefined, signal); return; }
    const fd = place.open();
    try { await vault.put(item, fd, signal); } finally { closeSync(fd); }
  }
}

/** What was there is there again. `otherwise` is asked when others changed the file since: false when it cannot help. Throws MoatError 'changed' then. */
export async function undoSwap({ vault, fileChanges }: FileWorld, state: SwapState, otherwise: (place: Place, found: FileState, changes: FileChanges) => Promise<boolean> = () => Promise.resolve(false)): Promise<void> {
  const changes = await fileChanges();
  const { path, before, after } = state;
  if (!state.begun) { await tidy(state); return; }
  await inFolder(path, state.folder.flags, changes, async (place) => {
    if (place.identity().uid !== state.folder.uid) throw new MoatError<ActionErrorCode>('changed', `the folder of ${path} belongs to somebody else now`, { hint: `moat quarantine export ${state.vault} FILE` });
    const found = await lookAt(place, changes, swapMax);
    const isBack = before === undefined ? found === undefined : found !== undefined && isSame(found, before);
    if (!isBack) {
      if (found !== undefined && !isSame(found, after)) {
        if (await otherwise(place, found, changes)) { place.remove(newOf(state)); place.sync(); return; }
        throw new MoatError<ActionErrorCode>('changed', `${path} was changed by others since, and is not overwritten`, {
          text: { zh: `${path} 之后又被他人改动，不会覆盖它`, en: `${path} was changed by others since, and is not overwritten` }, hint: before === undefined ? `look at it, then remove it by hand` : `move it away, or: moat quarantine export ${state.vault} FILE`,
        });
      }
      if (before !== undefined) await make(place, newOf(state), before, changes, (fd) => vault.writeTo(state.vault, fd));
      if (found !== undefined) unlock(place, place.name, found, changes);
      if (before === undefined) place.remove(place.name);
      else if (found !== undefined) place.rename(newOf(state), place.name);
      else if (!changes.renameNew(place.at(newOf(state)), place.at())) throw changedMeanwhile(path);
    }
    place.remove(newOf(state));
    if (before !== undefined) setFlags(place, place.name, before.flags, changes);
    place.sync();
  });
}

export async function verifySwap({ fileChanges }: FileWorld, state: SwapState): Promise<Verdict & { found: FileState | undefined }> {
  const { path, before } = state;
  const changes = await fileChanges();
  const found = await lookOrGone(path, changes);
  if (!state.begun) return { is: 'former', evidence: { zh: `${path} 未被动过`, en: `${path} was not touched` }, found };
  const flagsAre = (file: FileState): boolean => (found?.flags ?? 0) === (file.flags ?? 0);
  if (before === undefined ? found === undefined : found !== undefined && isSame(found, before) && flagsAre(before)) return { is: 'former', evidence: { zh: `${path} 与之前完全一致`, en: `${path} is as it was` }, found };
  if (isSwapped(found, state)) return { is: 'finished', evidence: { zh: `${path} 已就位（SHA-256 ${state.after.sha256}）`, en: `${path} is in place (SHA-256 ${state.after.sha256})` }, found };
  return { is: 'between', evidence: found === undefined ? { zh: `${path} 已不在`, en: `${path} is not there any more` } : { zh: `${path} 处是另一个文件，或已被改动`, en: `another file is at ${path}, or it was changed` }, found };
}

/** What was cut off while it was being written beside the file. */
async function tidy(state: SwapState): Promise<void> {
  try {
    await withPlace(state.path, (place) => { if (place.stat(newOf(state)) !== undefined) place.remove(newOf(state)); });
  } catch (error) {
    // Its folder is another or gone: nothing of ours lies in it.
    if (!['not-there', 'changed'].includes((error as MoatError).code)) throw error;
  }
}

async function lookOrGone(path: string, changes: FileChanges): Promise<FileState | undefined> {
  try {
    return await withPlace(path, (place) => lookAt(place, changes, swapMax));
  } catch (error) {
    // Its folder went as well: it is not in its place.
    if ((error as MoatError).code === 'not-there') return undefined;
    throw error;
  }
}
