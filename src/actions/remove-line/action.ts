/**
 * Takes one line out of a text file: cron, authorized_keys, sudoers, ld.so.preload, profiles. The file as it was goes into the vault
 * whole; the new one is written beside it and put in its place at once.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import type { Action, ActionContext, ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { maskSecrets } from '../../core/secrets.ts';
import { isLocked, type FileChanges } from '../../linux/file-change.ts';
import { bytesOf, nameOf } from '../../linux/file-names.ts';
import { parsePath, realPlace, withPlace, type FolderIdentity, type Place } from '../../linux/place.ts';
import type { Run } from '../../linux/run.ts';
import { locksOut } from '../administrators.ts';
import { changedMeanwhile, ensureRights, inFolder, isStill, lookAt, make, setFlags, unlock, type FileState } from '../file-state.ts';
import { folderOf, sameFolder, type FileWorld } from '../file-world.ts';
import { newVaultId } from '../vault.ts';

export interface LineWorld extends FileWorld { run: Run }

/** `line` counts from 1; `text` is what must stand there, without the end of the line. */
export interface LineInput { path: string; line: number; text: string; why: string; by: string }

export interface LineState {
  vault: string;
  path: string;
  folder: FolderIdentity & { flags?: number };
  file: FileState;
  line: number;
  /** The line with its end, as `nameOf` makes text of bytes. */
  text: string;
  /** SHA-256 of the file without it. */
  after: string;
  why: string;
  by: string;
  added: number;
  /** Stored before the file is touched. */
  begun: boolean;
}

const textMax = 4 << 20;
const lineMax = 64 * 1024;
/** Accounts are changed by actions of their own, which keep these files in step. */
const accountFiles = ['/etc/passwd', '/etc/shadow', '/etc/group', '/etc/gshadow'];
const grantsAll = /^(?:root|%sudo|%wheel|%admin)\s+\S+\s*=.*\bALL\s*$/;

export function removeLine(world: LineWorld): Action<LineInput, LineState> {
  const { vault, fileProtection, fileChanges, run } = world;
  const newOf = (state: LineState): string => `.moat-${state.vault}.new`;
  const isSudoers = (path: string): boolean => /^\/etc\/sudoers(?:$|\.d\/)/.test(fileProtection.inside(path));
  return {
    id: 'remove-line',
    title: { zh: '删除配置中的一行', en: 'Remove a line' },
    blind: { zh: '已经读入该文件的程序要到重读时才会察觉；同一文件的其他硬链接仍是旧内容。', en: 'Programs that read the file before notice when they read it again; other hard links of the file keep the old content.' },
    automatic: 'strict',
    halfDone: 'finish',

    parse(input) {
      const { path, line, text, why, by } = (typeof input === 'object' && input !== null ? input : {}) as Partial<Record<keyof LineInput, unknown>>;
      const at = parsePath(path);
      if (typeof line !== 'number' || !Number.isSafeInteger(line) || line < 1) throw new MoatError<ActionErrorCode>('bad-input', `expected the number of a line, from 1, got ${JSON.stringify(line)?.slice(0, 100) ?? 'none'}`);
      if (typeof text !== 'string' || text.length > lineMax || /[\n\0]/.test(text)) throw new MoatError<ActionErrorCode>('bad-input', 'expected the text that stands in that line, one line without its end');
      return { path: at, line, text, why: typeof why === 'string' ? why.slice(0, 1000) : '', by: typeof by === 'string' ? by.slice(0, 200) : '' };
    },

    async plan({ path: asked, line, text: wanted, why, by }, { force, now }) {
      const path = realPlace(asked);
      if (accountFiles.includes(fileProtection.inside(path))) throw new MoatError<ActionErrorCode>('refused', `${path}: accounts are not removed by their lines`, { text: { zh: `${path}：账户不能靠删除某一行来处理`, en: `${path}: accounts are not removed by their lines` } });
      const changes = await fileChanges();
      const { file, folder, content } = await withPlace(path, async (place) => {
        const looked = await lookAt(place, changes, textMax);
        if (looked === undefined) throw new MoatError<ActionErrorCode>('not-there', `expected a file at ${path}, nothing is there`);
        if (looked.kind === 'symlink') throw new MoatError<ActionErrorCode>('refused', `${path} is a symbolic link to ${looked.target ?? ''}: name the file itself`, { text: { zh: `${path} 是指向 ${looked.target ?? ''} 的符号链接：请直接指明文件`, en: `${path} is a symbolic link to ${looked.target ?? ''}: name the file itself` } });
        const content = contentOf(place);
        if (sha256(content) !== looked.sha256) throw changedMeanwhile(path);
        return { file: looked, folder: folderOf(place, changes), content: nameOf(content) };
      });
      if (content.includes('\0')) throw new MoatError<ActionErrorCode>('refused', `${path} is no text`, { text: { zh: `${path} 不是文本`, en: `${path} is no text` } });
      const lines = linesOf(content);
      const found = lines[line - 1];
      if (found === undefined || found.replace(/\n$/, '') !== wanted) throw new MoatError<ActionErrorCode>('not-there', `expected ${JSON.stringify(wanted.slice(0, 200))} in line ${line} of ${path}, got ${found === undefined ? `${lines.length} lines` : JSON.stringify(found.slice(0, 200))}`, { hint: 'look at the file again' });
      await fileProtection.mayChange(path, { force, edit: true });
      await withPlace(path, (place) => ensureRights(place, file, isLocked(folder.flags)));
      const after = lines.toSpliced(line - 1, 1).join('');
      if (!force) keepsAccess(path, found, after);
      vault.ensureRoom(2 * file.size);
      return {
        target: path, title: { zh: `删除 ${path} 第 ${line} 行`, en: `Remove line ${line} of ${path}` },
        steps: stepsOf(path, line, wanted, file, isSudoers(path)), risk: 'medium', reversible: true,
        state: { vault: newVaultId(now), path, folder, file, line, text: found, after: sha256(bytes(after)), why, by, added: now, begun: false },
      };
    },

    async apply(state, { signal, save }) {
      const changes = await fileChanges();
      const { path, file } = state;
      await inFolder(path, state.folder.flags, changes, async (place) => {
        sameFolder(place, state);
        const found = place.stat();
        if (found === undefined) throw await untouched(state, place, save);
        const content = contentOf(place);
        if (sha256(content) !== state.after) {
          if (!isStill(file, found) || sha256(content) !== file.sha256) throw await untouched(state, place, save);
          await keep(state, place, signal);
          const next = linesOf(nameOf(content)).toSpliced(state.line - 1, 1).join('');
          await put(state, place, changes, bytes(next), { save, accessed: file.accessed, modified: BigInt(Date.now()) * 1_000_000n });
        }
        place.remove(newOf(state));
        setFlags(place, place.name, file.flags, changes);
        place.sync();
      });
    },

    async verify(state) {
      const changes = await fileChanges();
      const { path, file, line } = state;
      if (!state.begun) return { is: 'former', evidence: { zh: `${path} 未被动过`, en: `${path} was not touched` } };
      const found = await withPlace(path, async (place) => {
        const looked = await lookAt(place, changes, textMax);
        return looked?.kind === 'file' ? { file: looked, content: nameOf(contentOf(place)) } : undefined;
      });
      if (found === undefined) return { is: 'between', evidence: { zh: `${path} 已不在`, en: `${path} is not there any more` } };
      if (found.file.sha256 === state.after) return { is: 'finished', evidence: { zh: `${path} 中已没有原第 ${line} 行`, en: `what was line ${line} of ${path} is gone` } };
      if (found.file.sha256 === file.sha256) return { is: 'former', evidence: { zh: `${path} 与之前一致`, en: `${path} is as it was` } };
      // Changed by others since: the line alone decides, by how often it stands there.
      const [before, now] = [countOf(nameOf(await vaulted(state)), state.text), countOf(found.content, state.text)];
      if (now === before) return { is: 'former', evidence: { zh: `${path} 另有改动，该行仍在（或已放回）`, en: `${path} was changed otherwise; the line stands in it` } };
      if (now === before - 1) return { is: 'finished', evidence: { zh: `${path} 另有改动，该行不在其中`, en: `${path} was changed otherwise; the line is not in it` } };
      return { is: 'between', evidence: { zh: `${path} 被改动过：该行出现 ${now} 次，之前 ${before} 次`, en: `${path} was changed: the line stands there ${now} times, before it was ${before}` } };
    },

    async undo(state, context) {
      if (!state.begun) return;
      const changes = await fileChanges();
      const { path, file } = state;
      await inFolder(path, state.folder.flags, changes, async (place) => {
        if (place.identity().uid !== state.folder.uid) throw changedMeanwhile(path);
        const found = await lookAt(place, changes, textMax);
        if (found?.kind !== 'file') throw new MoatError<ActionErrorCode>('changed', `expected the file ${path}, it is gone`, { hint: `moat quarantine cat ${state.vault}` });
        if (found.sha256 !== file.sha256) {
          const original = await vaulted(state);
          const current = nameOf(contentOf(place));
          const next = found.sha256 === state.after ? nameOf(original) : putBack(state, nameOf(original), current);
          const whole = bytes(next);
          // As it was to the last time of change. Rights and owner that others changed since stay: what was put there had those of before.
          const exact = whole.equals(original);
          if (next !== current) await put({ ...state, file: found }, place, changes, whole, { save: context.save, accessed: (exact ? file : found).accessed, modified: exact ? BigInt(file.modified) : BigInt(context.now()) * 1_000_000n });
        }
        place.remove(newOf(state));
        setFlags(place, place.name, found.sha256 === state.after || found.sha256 === file.sha256 ? file.flags : found.flags, changes);
        place.sync();
      });
    },
  };

  /** Into the vault, whole. */
  async function keep(state: LineState, place: Place, signal: AbortSignal): Promise<void> {
    const fd = place.open();
    try {
      await vault.put({ id: state.vault, path: state.path, action: 'remove-line', why: state.why, by: state.by, added: state.added, file: state.file }, fd, signal);
    } finally { closeSync(fd); }
  }

  /** Writes the new content beside the file, has it checked, and puts it in its place. */
  async function put(state: LineState, place: Place, changes: FileChanges, content: Buffer, { save, accessed, modified }: { save: ActionContext['save']; accessed: string; modified: bigint }): Promise<void> {
    const before = place.stat();
    await make(place, newOf(state), { ...state.file, accessed, modified: modified.toString() }, changes, (fd) => {
      for (let at = 0; at < content.length;) at += writeSync(fd, content, at);
      return Promise.resolve();
    });
    if (isSudoers(state.path)) await checkSudoers(place, newOf(state));
    if (!state.begun) await save({ ...state, begun: true });
    const now = place.stat();
    if (before === undefined || now?.ino !== before.ino || now.mtimeNs !== before.mtimeNs || now.size !== before.size) {
      place.remove(newOf(state));
      // Nothing was put in its place, so there is nothing to take back.
      if (!state.begun) await save({ ...state, begun: false });
      throw changedMeanwhile(state.path);
    }
    unlock(place, place.name, state.file, changes);
    place.rename(newOf(state), place.name);
  }

  /** Saved as not begun when nothing of ours is in it: then nothing is put back. */
  async function untouched(state: LineState, place: Place, save: ActionContext['save']): Promise<MoatError<ActionErrorCode>> {
    place.remove(newOf(state));
    if (state.begun) await save({ ...state, begun: false });
    return changedMeanwhile(state.path);
  }

  async function checkSudoers(place: Place, name: string): Promise<void> {
    // The path as other processes see it: their own /proc/self is another.
    const at = String(place.at(name)).replace('/proc/self/', `/proc/${process.pid}/`);
    const { code, stdout, stderr } = await run('visudo', ['-c', '-f', at]);
    if (code === 0) return;
    place.remove(name);
    throw new MoatError<ActionErrorCode>('failed', `visudo does not accept ${place.path} without this line: ${(stderr || stdout).trim().slice(0, 300)}`);
  }

  async function vaulted({ vault: id }: LineState): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of vault.read(id)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** Throws MoatError 'refused' when nobody could look after the machine without this line. */
  function keepsAccess(path: string, line: string, after: string): void {
    const refuse = (zh: string, en: string): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', en, { text: { zh, en }, hint: '--force' });
    const inside = fileProtection.inside(path);
    if (isSudoers(path) && grantsAll.test(line.trim()) && !after.split('\n').some((one) => grantsAll.test(one.trim()))) throw refuse('这是该文件中最后一条管理员授权（确要删除请加 --force）', 'it is the last line of this file that lets administrators become root (use --force to remove it all the same)');
    // A key, or a rule of sudo or doas: whatever the file, somebody must be left.
    if (locksOut(fileProtection.root || '/', { path: inside, content: after })) {
      throw refuse('这是最后一个管理员登录的途径（确要删除请加 --force）', 'no administrator would be left with a way in (use --force to remove it all the same)');
    }
  }
}

const bytes = (text: string): Buffer => Buffer.from(bytesOf(text));
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
/** With their ends; joined they are the text. */
const linesOf = (text: string): string[] => text.split(/(?<=\n)/);
const bare = (line: string): string => line.replace(/\n$/, '');
const countOf = (text: string, line: string): number => linesOf(text).filter((one) => bare(one) === bare(line)).length;

function contentOf(place: Place): Buffer {
  const fd = place.open();
  try {
    const whole = Buffer.alloc(textMax + 1);
    let at = 0;
    for (let n = 1; n > 0 && at < whole.length; at += n) n = readSync(fd, whole, at, whole.length - at, at);
    if (at > textMax) throw changedMeanwhile(place.path);
    return Buffer.from(whole.subarray(0, at));
  } finally { closeSync(fd); }
}

/** The line again between the lines it stood between, in a text that was changed elsewhere. Throws MoatError 'changed'. */
function putBack({ path, line, text, vault }: LineState, original: string, current: string): string {
  if (countOf(current, text) >= countOf(original, text)) return current;
  const before = linesOf(original), now = linesOf(current);
  const above = before[line - 2], below = before[line];
  const fits = (i: number): boolean => (above === undefined ? i === 0 : i > 0 && bare(now[i - 1]!) === bare(above)) && (below === undefined ? i === now.length : i < now.length && bare(now[i]!) === bare(below));
  const places = Array.from({ length: now.length + 1 }, (_, i) => i).filter(fits);
  const [at] = places;
  if (at === undefined || places.length > 1) {
    throw new MoatError<ActionErrorCode>('changed', `the lines around line ${line} of ${path} were changed since: where it belongs cannot be told`, {
      text: { zh: `${path} 第 ${line} 行前后的内容已被改动，无法确定该行应放回何处`, en: `the lines around line ${line} of ${path} were changed since: where it belongs cannot be told` }, hint: `put it back by hand; the file as it was: moat quarantine cat ${vault}`,
    });
  }
  const ended = at > 0 && !now[at - 1]!.endsWith('\n') ? now.with(at - 1, `${now[at - 1]}\n`) : now;
  return ended.toSpliced(at, 0, at < ended.length && !text.endsWith('\n') ? `${text}\n` : text).join('');
}

function stepsOf(path: string, line: number, text: string, file: FileState, sudoers: boolean): PlanStep[] {
  const steps: PlanStep[] = [
    { text: { zh: `把整个 ${path} 存入隔离区`, en: `store all of ${path} in quarantine` } },
    { text: { zh: `删除第 ${line} 行：${maskSecrets(text).slice(0, 300)}`, en: `remove line ${line}: ${maskSecrets(text).slice(0, 300)}` } },
  ];
  if (sudoers) steps.splice(1, 0, { text: { zh: '用 visudo 核对去掉该行后的文件', en: 'check the file without it by visudo' }, command: ['visudo', '-c'] });
  if (file.links > 1) steps.push({ text: { zh: `注意：该文件还有 ${file.links - 1} 个别的名字（硬链接），它们仍是旧内容`, en: `mind: the file has ${file.links - 1} other names (hard links), which keep the old content` } });
  return steps;
}
