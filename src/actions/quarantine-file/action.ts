/**
 * Takes a file or symbolic link away: its content into the vault, then the name from its folder. Other hard links of the same file
 * and processes that run it go on; the plan tells both.
 */
import { closeSync, readdirSync, statSync } from 'node:fs';
import type { Action, ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { isLocked, type FileChanges } from '../../linux/file-change.ts';
import { parsePath, realPlace, withPlace, type FolderIdentity } from '../../linux/place.ts';
import { changedMeanwhile, ensureRights, inFolder, isSame, isStill, lookAt, make, setFlags, unlock, type FileState } from '../file-state.ts';
import { folderOf, sameFolder, type FileWorld } from '../file-world.ts';
import { newVaultId } from '../vault.ts';

export interface QuarantineInput { path: string; why: string; by: string }

export interface QuarantineState {
  vault: string;
  path: string;
  folder: FolderIdentity & { flags?: number };
  file: FileState;
  why: string;
  by: string;
  added: number;
  /** Stored before the file is touched: until then nothing is to be put back. */
  begun: boolean;
}

/** Larger files are refused: reading them would take longer than a response may. */
const fileMax = 1 << 30;
const runningShown = 20;

export function quarantineFile({ vault, fileProtection, fileChanges }: FileWorld): Action<QuarantineInput, QuarantineState> {
  const asideOf = (state: QuarantineState): string => `.moat-${state.vault}`;
  const newOf = (state: QuarantineState): string => `.moat-${state.vault}.new`;
  return {
    id: 'quarantine-file',
    title: { zh: '隔离文件', en: 'Quarantine a file' },
    blind: { zh: '正在运行它的进程不会停止；同一文件的其他硬链接仍在。', en: 'Processes that run it go on; other hard links of the same file stay.' },
    automatic: 'guard',
    halfDone: 'finish',

    parse(input) {
      const { path, why, by } = (typeof input === 'object' && input !== null ? input : {}) as Partial<Record<keyof QuarantineInput, unknown>>;
      return { path: parsePath(path), why: typeof why === 'string' ? why.slice(0, 1000) : '', by: typeof by === 'string' ? by.slice(0, 200) : '' };
    },

    target: ({ path }) => realPlace(path),

    async plan({ path: asked, why, by }, { force, now }) {
      const path = realPlace(asked);
      const changes = await fileChanges();
      const { file, folder } = await withPlace(path, async (place) => {
        const looked = await lookAt(place, changes, fileMax);
        if (looked === undefined) throw new MoatError<ActionErrorCode>('not-there', `expected a file at ${path}, nothing is there`);
        return { file: looked, folder: folderOf(place, changes) };
      });
      await fileProtection.mayChange(path, { force, edit: false });
      await withPlace(path, (place) => ensureRights(place, file, isLocked(folder.flags)));
      vault.ensureRoom(file.size);
      const owner = await fileProtection.ownedBy(path);
      return {
        target: path,
        title: { zh: `隔离 ${path}`, en: `Quarantine ${path}` },
        steps: stepsOf(path, file, owner?.name),
        risk: owner === undefined && file.links === 1 ? 'low' : 'medium', reversible: true,
        state: { vault: newVaultId(now), path, folder, file, why, by, added: now, begun: false },
      };
    },

    async apply(state, { signal, save }) {
      const changes = await fileChanges();
      const { path, file, vault: id } = state;
      if (!vault.has(id)) {
        await withPlace(path, async (place) => {
          sameFolder(place, state);
          const found = place.stat();
          if (found === undefined || !isStill(file, found)) throw changedMeanwhile(path);
          const item = { id, path, action: 'quarantine-file', why: state.why, by: state.by, added: state.added, file };
          if (file.kind === 'symlink') { await vault.put(item, undefined, signal); return; }
          const fd = place.open();
          try { await vault.put(item, fd, signal); } finally { closeSync(fd); }
        });
      }
      if (!state.begun) await save({ ...state, begun: true });
      // What is not ours is left alone, and then there is nothing to put back either.
      const replaced = async (): Promise<never> => {
        await save({ ...state, begun: false });
        throw changedMeanwhile(path);
      };
      await inFolder(path, state.folder.flags, changes, async (place) => {
        sameFolder(place, state);
        const aside = asideOf(state);
        if (place.stat(aside) === undefined) {
          const found = place.stat();
          if (found === undefined) return;
          if (!isStill(file, found)) return await replaced();
          unlock(place, place.name, file, changes);
          // Aside first, then looked at: what came under this name in between is put back, not lost.
          if (!changes.renameNew(place.at(), place.at(aside))) return await replaced();
        }
        const moved = place.stat(aside);
        if (moved !== undefined && !isStill(file, moved)) {
          if (!changes.renameNew(place.at(aside), place.at())) throw new MoatError<ActionErrorCode>('changed', `files at ${path} were exchanged meanwhile; one of them is ${aside} in its folder now`);
          return await replaced();
        }
        place.remove(aside);
        place.sync();
      });
    },

    async verify(state) {
      const { path, file } = state;
      if (!state.begun) return { is: 'former', evidence: { zh: `${path} 未被动过`, en: `${path} was not touched` } };
      const changes = await fileChanges();
      const found = await lookOrGone(state, changes);
      if (found === undefined) {
        if (vault.has(state.vault)) return { is: 'finished', evidence: { zh: `${path} 已不在原处，内容在隔离区 ${state.vault}`, en: `${path} is gone from its place; its content is in quarantine as ${state.vault}` } };
        return { is: 'between', evidence: { zh: `${path} 不在，隔离区里也没有`, en: `${path} is neither in its place nor in quarantine` } };
      }
      if (isSame(found, file) && (found.flags ?? 0) === (file.flags ?? 0)) return { is: 'former', evidence: { zh: `${path} 在原处，与之前完全一致`, en: `${path} is in its place, as it was` } };
      return { is: 'between', evidence: { zh: `${path} 处是另一个文件，或已被改动`, en: `another file is at ${path}, or it was changed` } };
    },

    async undo(state) {
      if (!state.begun) return;
      const changes = await fileChanges();
      const { path, file } = state;
      await inFolder(path, state.folder.flags, changes, async (place) => {
        if (place.identity().uid !== state.folder.uid) throw new MoatError<ActionErrorCode>('changed', `the folder of ${path} belongs to somebody else now`, { hint: `moat quarantine export ${state.vault} FILE` });
        const found = await lookAt(place, changes, fileMax);
        if (found === undefined) {
          const aside = place.stat(asideOf(state));
          const name = aside !== undefined && isStill(file, aside) ? asideOf(state) : newOf(state);
          if (name === newOf(state)) await make(place, name, file, changes, (fd) => vault.writeTo(state.vault, fd));
          if (!changes.renameNew(place.at(name), place.at())) { place.remove(newOf(state)); throw taken(state); }
        } else if (!isSame(found, file)) throw taken(state);
        place.remove(newOf(state));
        setFlags(place, place.name, file.flags, changes);
        place.sync();
      });
    },
  };

  async function lookOrGone(state: QuarantineState, changes: FileChanges): Promise<FileState | undefined> {
    try {
      return await withPlace(state.path, (place) => lookAt(place, changes, fileMax));
    } catch (error) {
      // Its folder went as well: it is not in its place.
      if ((error as MoatError).code === 'not-there') return undefined;
      throw error;
    }
  }
}

const taken = ({ path, vault }: QuarantineState): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('changed', `another file is at ${path} now, and it is not overwritten`, {
  text: { zh: `${path} 处现在是另一个文件，不会覆盖它`, en: `another file is at ${path} now, and it is not overwritten` }, hint: `move it away, or: moat quarantine export ${vault} FILE`,
});

function stepsOf(path: string, file: FileState, owner: string | undefined): PlanStep[] {
  const steps: PlanStep[] = [
    { text: file.kind === 'symlink' ? { zh: `记下链接的去向（${file.target ?? ''}），链接所指的文件不动`, en: `note where the link leads (${file.target ?? ''}); what it leads to stays` } : { zh: `把内容（${file.size} 字节，SHA-256 ${file.sha256}）加密存入隔离区`, en: `store the content (${file.size} bytes, SHA-256 ${file.sha256}) encrypted in quarantine` } },
    { text: { zh: `从原处删除 ${path}`, en: `remove ${path} from its place` } },
  ];
  if (file.links > 1) steps.push({ text: { zh: `注意：同一文件还有 ${file.links - 1} 个别的名字（硬链接），它们仍在`, en: `mind: the same file has ${file.links - 1} other names (hard links), which stay` }, command: ['find', '/', '-xdev', '-inum', file.inode] });
  if (owner !== undefined) steps.push({ text: { zh: `注意：它属于软件包 ${owner}；之后可重新安装该软件包`, en: `mind: it belongs to the package ${owner}; install that again afterwards` } });
  const running = file.kind === 'file' ? runningIt(file) : [];
  if (running.length > 0) steps.push({ text: { zh: `注意：进程 ${running.join('、')} 正在运行它，不会因此停止`, en: `mind: it is being run by process ${running.join(', ')}, which goes on` }, command: ['moat', 'kill', String(running[0])] });
  return steps;
}

function runningIt({ inode, device }: FileState): number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const found = statSync(`/proc/${name}/exe`, { bigint: true });
      if (found.ino.toString() === inode && found.dev.toString() === device) pids.push(Number(name));
    } catch { /* a kernel thread, or it ended meanwhile */ }
    if (pids.length >= runningShown) break;
  }
  return pids;
}
