/** Changes mode and owner of a file or folder in its place: its content is not touched. */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, lstatSync, openSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import type { Action, ActionErrorCode } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { readAccounts } from '../../linux/accounts.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { essentialReason } from '../../linux/essential.ts';
import { isLocked, unlocked, type FileChanges } from '../../linux/file-change.ts';
import { bytesOf } from '../../linux/file-names.ts';
import { parsePath, realPlace, withPlace, type Place } from '../../linux/place.ts';
import { textOf } from '../../linux/tree.ts';
import { locksOut } from '../administrators.ts';
import { changedMeanwhile } from '../file-state.ts';
import type { FileWorld } from '../file-world.ts';
import { badInput, fieldsOf } from '../input.ts';

/** `mode` as four octal digits; `owner` as `user:group`, names or numbers. What is not there stays. */
export interface ModeInput { path: string; mode: number | undefined; owner: string | undefined }

interface Rights { mode: number; uid: number; gid: number }

/** `capabilities`: in Base64; a new owner takes them away, so they are set again. */
export interface ModeState { path: string; inode: string; folder: boolean; before: Rights; after: Rights; flags?: number; capabilities?: string }

const capabilityName = 'security.capability';
const othersWrite = 0o022, setBits = 0o6000, setUid = 0o4000, setGid = 0o2000, ownerReads = 0o500;
/** Everybody must be able to write here. */
const shared = ['/tmp', '/var/tmp', '/dev/shm', '/run/lock', '/var/crash'];
/** Everybody must be able to read these, or log-ons and names no longer work. */
const readByAll = ['/etc/passwd', '/etc/group', '/etc/nsswitch.conf', '/etc/ld.so.cache', '/etc/resolv.conf', '/etc/hosts'];
const textMax = 16 << 20;

export function changeMode(world: FileWorld): Action<ModeInput, ModeState> {
  const { fileProtection, fileChanges } = world;
  return {
    id: 'change-mode',
    title: { zh: '改文件权限', en: 'Change rights of a file' },
    blind: { zh: '已经打开该文件的进程仍可照旧读写；ACL 中另列的账号不受影响。', en: 'Processes that have the file open go on reading and writing; accounts that an ACL names are not touched.' },
    automatic: 'never',
    halfDone: 'undo',

    parse(input) {
      const { path, mode, owner } = fieldsOf(input);
      const at = parsePath(path);
      if (mode === undefined && owner === undefined) throw badInput('a mode such as 0640 or an owner such as root:shadow', mode);
      if (mode !== undefined && (typeof mode !== 'string' || !/^[0-7]{3,4}$/.test(mode))) throw badInput('a mode in octal such as 0640', mode);
      if (owner !== undefined && (typeof owner !== 'string' || !/^[\w.-]{1,64}:[\w.-]{1,64}$/.test(owner))) throw badInput('an owner such as root:shadow', owner);
      return { path: at, mode: mode === undefined ? undefined : Number.parseInt(mode, 8), owner };
    },

    async plan({ path: asked, mode, owner }, { force }) {
      const path = realPlace(asked);
      fileProtection.mayTouch(path);
      const changes = await fileChanges();
      const state = await withPlace(path, (place): ModeState => withOpen(place, (fd, found) => {
        const before = rightsOf(found);
        const after = { ...before, ...(mode !== undefined && { mode }), ...(owner !== undefined && idsOf(owner)) };
        const flags = changes.flags(fd);
        const capabilities = changes.attributes(place.at()).find(({ name }) => name === capabilityName)?.value.toString('base64');
        return { path, inode: found.ino.toString(), folder: found.isDirectory(), before, after, ...(isLocked(flags) && { flags: flags! }), ...(capabilities !== undefined && (before.uid !== after.uid || before.gid !== after.gid) && { capabilities }) };
      }));
      const { before, after } = state;
      if (isAs(before, after)) throw new MoatError<ActionErrorCode>('not-there', `${path} is ${text(after)} already`, { text: { zh: `${path} 已是 ${text(after)}`, en: `${path} is ${text(after)} already` } });
      protect(state, force);
      return {
        target: path, title: { zh: `把 ${path} 的权限改为 ${text(after)}`, en: `Change the rights of ${path} to ${text(after)}` },
        steps: [{ text: { zh: `${path}：${text(before)} → ${text(after)}`, en: `${path}: ${text(before)} → ${text(after)}` }, command: before.uid === after.uid && before.gid === after.gid ? ['chmod', octal(after.mode), path] : ['chown', `${after.uid}:${after.gid}`, path] }],
        risk: isNarrower(before, after) ? 'low' : 'medium', reversible: true, state,
      };
    },

    async apply(state) {
      const changes = await fileChanges();
      await withPlace(state.path, (place) => withOpen(place, (fd, found) => {
        if (found.ino.toString() !== state.inode) throw changedMeanwhile(state.path);
        turn(place, fd, found, state, state.after, changes);
      }));
    },

    async verify({ path, before, after }) {
      const now = await withPlace(path, (place) => withOpen(place, (_, found) => rightsOf(found)));
      if (isAs(now, after)) return { is: 'finished', evidence: { zh: `${path} 是 ${text(now)}`, en: `${path} is ${text(now)}` } };
      if (isAs(now, before)) return { is: 'former', evidence: { zh: `${path} 与之前一样是 ${text(now)}`, en: `${path} is ${text(now)}, as it was` } };
      return { is: 'between', evidence: { zh: `${path} 是 ${text(now)}，之后又被改过`, en: `${path} is ${text(now)}: it was changed since` } };
    },

    // By its name: programs replace such files whole and keep their rights.
    async undo(state) {
      const changes = await fileChanges();
      await withPlace(state.path, (place) => withOpen(place, (fd, found) => { turn(place, fd, found, state, state.before, changes); }));
    },
  };

  /** Throws MoatError 'refused'. */
  function protect({ path, before, after, folder }: ModeState, force: boolean): void {
    const inside = fileProtection.inside(path);
    const refuse = (zh: string, en: string, never = true): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', `${path}: ${en}`, { text: { zh: `${path}：${zh}`, en: `${path}: ${en}` }, ...(!never && { hint: '--force' }) });
    const taken = before.mode & ~after.mode;
    const onlyWrite = (taken & ~othersWrite) === 0;
    if (isOneOf(shared, path) && before.mode !== after.mode) throw refuse('所有人都要能在其中写入', 'everybody must be able to write there');
    if (isOneOf(readByAll, path) && (after.mode & 0o444) !== 0o444) throw refuse('所有人都要能读它', 'everybody must be able to read it');
    if (folder && (taken & 0o555) !== 0 && /^\/(?:[^/]+(?:\/(?:bin|sbin|lib\w*|share|local|log|tmp|ssh|pam\.d))?)?$/.test(inside)) throw refuse('没有进入系统目录的权限，程序都无法运行', 'without the right to enter folders of the system no program runs');
    const seen = lstatSync(bytesOf(path), { throwIfNoEntry: false });
    const reason = seen && !folder ? essentialReason(seen) : undefined;
    if (reason && (!onlyWrite || (after.uid !== 0 && after.uid !== before.uid))) throw refuse(reason.zh, reason.en);
    const shuts = (taken & ownerReads) !== 0 || after.uid !== before.uid;
    if (!force && shuts && locksOut(fileProtection.root || '/', { path: inside, rootReads: true })) throw refuse('sshd 将读不到最后一个管理员的密钥（确要如此请加 --force）', 'sshd could no longer read the key of the last administrator (use --force to do it all the same)', false);
    if (!isNarrower(before, after) && !force) throw refuse('会放宽权限或交给他人（确要如此请加 --force）', 'it would give somebody more rights (use --force to do it all the same)', false);
  }

  /** One of these, under whatever name: a second name (hard link) has the same rights. */
  function isOneOf(paths: readonly string[], path: string): boolean {
    const found = statOr(path);
    return paths.some((one) => { const other = statOr(join(fileProtection.root || '/', one)); return other !== undefined && other.ino === found?.ino && other.dev === found.dev; });
  }

  function idsOf(owner: string): { uid: number; gid: number } {
    const [user = '', group = ''] = owner.split(':');
    const tree = new DiskTree(fileProtection.root || '/', undefined);
    const number = (name: string): number | undefined => (/^\d{1,10}$/.test(name) ? Number(name) : undefined);
    const uid = number(user) ?? readAccounts(tree)?.find(({ name }) => name === user)?.uid;
    const found = (textOf(tree, '/etc/group', textMax) ?? '').split('\n').map((line) => line.split(':')).find(([name]) => name === group)?.[2];
    const gid = number(group) ?? (found === undefined ? undefined : Number(found));
    if (uid === undefined || gid === undefined) throw badInput('an owner that there is', owner);
    return { uid, gid };
  }
}

const statOr = (path: string): BigIntStats | undefined => lstatSync(bytesOf(path), { bigint: true, throwIfNoEntry: false });
const octal = (mode: number): string => mode.toString(8).padStart(4, '0');
const text = ({ mode, uid, gid }: Rights): string => `${octal(mode)} ${uid}:${gid}`;
const rightsOf = ({ mode, uid, gid }: BigIntStats): Rights => ({ mode: Number(mode & 0o7777n), uid: Number(uid), gid: Number(gid) });
const isAs = (a: Rights, b: Rights): boolean => a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
/** Takes rights away and gives nobody but root any. A program that runs as its owner (set-uid) and gets another one is given that one's rights. */
const isNarrower = (before: Rights, after: Rights): boolean => (after.mode & ~before.mode) === 0
  && (after.uid === before.uid || (after.uid === 0 && (after.mode & setUid) === 0)) && (after.gid === before.gid || (after.gid === 0 && (after.mode & setGid) === 0));

/** Halfway may be seen again after a crash; anything else is somebody else's. Throws MoatError 'changed'. */
function turn(place: Place, fd: number, found: BigIntStats, { path, before, after, flags, capabilities }: ModeState, to: Rights, changes: FileChanges): void {
  const now = rightsOf(found);
  // A new owner takes set-uid and set-gid away by itself.
  const isOurs = [before, after].some(({ mode }) => now.mode === mode || now.mode === (mode & ~setBits)) && [before.uid, after.uid].includes(now.uid) && [before.gid, after.gid].includes(now.gid);
  if (!isOurs) throw new MoatError<ActionErrorCode>('changed', `the rights of ${path} were changed by others since: ${text(now)}`, { text: { zh: `${path} 的权限之后又被他人改为 ${text(now)}`, en: `the rights of ${path} were changed by others since: ${text(now)}` } });
  if (flags !== undefined) changes.setFlags(fd, unlocked(flags));
  if (now.uid !== to.uid || now.gid !== to.gid) fchownSync(fd, to.uid, to.gid);
  fchmodSync(fd, to.mode);
  if (capabilities !== undefined) changes.setAttribute(place.at(), capabilityName, Buffer.from(capabilities, 'base64'));
  if (flags !== undefined) changes.setFlags(fd, flags);
}

/** A file or folder, no link. Throws MoatError 'not-there' or 'refused'. */
function withOpen<T>(place: Place, work: (fd: number, found: BigIntStats) => T): T {
  const seen = place.stat();
  if (seen === undefined) throw new MoatError<ActionErrorCode>('not-there', `expected a file or folder at ${place.path}, nothing is there`);
  if (!seen.isFile() && !seen.isDirectory()) throw new MoatError<ActionErrorCode>('refused', `${place.path} is neither a file nor a folder`, { text: { zh: `${place.path} 既不是文件也不是目录`, en: `${place.path} is neither a file nor a folder` } });
  const fd = openSync(place.at(), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const found = fstatSync(fd, { bigint: true });
    if (found.ino !== seen.ino || found.dev !== seen.dev) throw changedMeanwhile(place.path);
    return work(fd, found);
  } finally { closeSync(fd); }
}
