/**
 * Locks an account: its password no longer fits, and it has expired, so that sshd, login, su and cron refuse it also with a key.
 * Lines of /etc/shadow (and /etc/passwd, where a password stands in it) are replaced under the lock that passwd and usermod take;
 * shell, keys and all other fields stay.
 */
import { createHash } from 'node:crypto';
import { closeSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Action, ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { withAccountLock } from '../../linux/account-lock.ts';
import { readAccounts } from '../../linux/accounts.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { type FileChanges } from '../../linux/file-change.ts';
import { bytesOf, nameOf } from '../../linux/file-names.ts';
import { realPlace, withPlace, type Place } from '../../linux/place.ts';
import type { Procfs } from '../../linux/procfs.ts';
import { locksOut } from '../administrators.ts';
import { changedMeanwhile, ensureRights, inFolder, lookAt, make, setFlags, unlock, type FileState } from '../file-state.ts';
import { folderOf, type FileWorld } from '../file-world.ts';
import { badInput, fieldsOf } from '../input.ts';
import { askerOf, operatorsOf } from '../operator.ts';

/** `accountRoot`: where the machine's /etc stands; '/' usually. */
export interface AccountWorld extends Pick<FileWorld, 'fileChanges'> { accountRoot: string; procfs: Procfs }

export interface LockInput { user: string; asker?: number }

/** A line of one of the files; `before` is undefined when the account had none. */
interface LineEdit { file: '/etc/shadow' | '/etc/passwd'; before?: string; after: string }

export interface LockState { user: string; edits: LineEdit[]; /** Flags of chattr that /etc had. */ folderFlags?: number }

const fileMax = 16 << 20;
const newName = '.moat-account.new';
const shadowFields = 9;
/** Fields of a line: name and password in both; when it expires, in days since 1970, in the shadow. */
const password = 1, expires = 7;
const longAgo = '1';

export function lockAccount({ fileChanges, accountRoot: root, procfs }: AccountWorld): Action<LockInput, LockState> {
  const at = (file: string): string => realPlace(join(root, file));
  return {
    id: 'lock-account',
    title: { zh: '锁定账户', en: 'Lock an account' },
    blind: {
      zh: '已登录的会话与正在运行的进程不会结束（见 end-sessions）；来自目录服务（LDAP、SSSD）的账户不在本机文件中；同一 uid 的其他账户名不受影响；不查账户有效期的程序（自带用户库的数据库、面板等）照旧放行。',
      en: 'Sessions that stand and processes that run go on (see end-sessions); accounts of a directory (LDAP, SSSD) are not in this machine’s files; other names of the same uid stay open; what keeps users of its own or does not ask whether an account has expired (databases, panels) lets it in as before.',
    },
    automatic: 'strict',
    halfDone: 'finish',

    parse(input) {
      const { user, asker } = fieldsOf(input);
      if (typeof user !== 'string' || !/^[^:/\s-][^:/\s]{0,255}$/.test(user) || user.includes('\0')) throw badInput('the name of an account', user);
      return { user, ...askerOf(asker) };
    },

    async plan({ user, asker }, { force }) {
      const account = (readAccounts(new DiskTree(root, undefined)) ?? []).find(({ name }) => name === user);
      if (account === undefined) throw new MoatError<ActionErrorCode>('not-there', `there is no account ${user} in /etc/passwd`, { text: { zh: `/etc/passwd 中没有账户 ${user}`, en: `there is no account ${user} in /etc/passwd` }, hint: 'an account of a directory service is locked there' });
      const refuse = (zh: string, en: string, forced: boolean): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', `${user}: ${en}`, { text: { zh: `${user}：${zh}`, en: `${user}: ${en}` }, ...(forced && { hint: '--force' }) });
      if (asker !== undefined && operatorsOf(procfs, asker).has(account.uid)) throw refuse('这是您自己登录所用的账户', 'it is the account that you are logged on with', false);
      if (!force) {
        if (account.uid === 0) throw refuse('它就是 root 权限（确要锁定请加 --force）', 'it is root (use --force to lock it all the same)', true);
        if (locksOut(root, { without: user })) throw refuse('这是最后一个能登录的管理员（确要锁定请加 --force）', 'no administrator would be left with a way in (use --force to lock it all the same)', true);
      }
      const shadowLine = await lineOf('/etc/shadow', user), passwdLine = account.text;
      const edits = editsOf(user, passwdLine, shadowLine);
      if (edits.length === 0) throw new MoatError<ActionErrorCode>('not-there', `${user} is locked and expired already`, { text: { zh: `${user} 早已锁定并过期`, en: `${user} is locked and expired already` } });
      const changes = await fileChanges();
      let folderFlags: number | undefined;
      for (const { file } of edits) {
        await withPlace(at(file), async (place) => {
          folderFlags = folderOf(place, changes).flags;
          ensureRights(place, await fileOf(place, changes), (folderFlags ?? 0) !== 0);
        });
      }
      return {
        target: `account ${user}`, title: { zh: `锁定账户 ${user}`, en: `Lock the account ${user}` }, steps: stepsOf(user, account.uid, edits, shadowLine),
        risk: 'medium', reversible: true, state: { user, edits, ...(folderFlags !== undefined && { folderFlags }) },
      };
    },

    async apply({ user, edits, folderFlags }, { signal }) {
      await withAccountLock(root, async () => {
        for (const { file, before, after } of edits) {
          await edit(file, user, folderFlags, (now) => {
            if (now === after) return now;
            if (now !== before) throw changedMeanwhile(file);
            return after;
          });
        }
      }, { signal });
    },

    async verify({ user, edits }) {
      let locked = 0, open = 0;
      for (const one of edits) {
        const now = await lineOf(one.file, user);
        if (isDone(one, now)) locked++;
        else if (isFormer(one, now)) open++;
      }
      if (locked === edits.length) return { is: 'finished', evidence: { zh: `${user} 的密码已锁定，账户已过期`, en: `the password of ${user} is locked, and the account has expired` } };
      if (open === edits.length) return { is: 'former', evidence: { zh: `${user} 与原先一样可以登录`, en: `${user} gets in as before` } };
      return { is: 'between', evidence: { zh: `${user} 只锁了一半，或已被他人改动`, en: `${user} is locked by half, or was changed by others` } };
    },

    async undo({ user, edits, folderFlags }, { signal }) {
      await withAccountLock(root, async () => {
        for (const one of edits.toReversed()) await edit(one.file, user, folderFlags, (now) => former(one, now));
      }, { signal });
    },
  };

  /** The first line of this account, as the system finds it. */
  async function lineOf(file: LineEdit['file'], user: string): Promise<string | undefined> {
    return await withPlace(at(file), (place) => {
      // Without a shadow, passwords stand in /etc/passwd.
      if (place.stat() === undefined) return undefined;
      return linesOf(contentOf(place)).find((line) => line.startsWith(`${user}:`));
    });
  }

  /** Replaces the account's line by what `next` says of it: undefined for none. */
  async function edit(file: LineEdit['file'], user: string, folderFlags: number | undefined, next: (now: string | undefined) => string | undefined): Promise<void> {
    const changes = await fileChanges();
    await inFolder(at(file), folderFlags, changes, async (place) => {
      place.remove(newName);
      const found = await fileOf(place, changes);
      const content = contentOf(place);
      if (sha256(content) !== found.sha256) throw changedMeanwhile(place.path);
      const lines = linesOf(content);
      const i = lines.findIndex((line) => line.startsWith(`${user}:`));
      const now = lines[i];
      const wanted = next(now);
      if (wanted === now) return;
      // The last piece is what follows the last end of line: nothing, in a sound file.
      const end = lines.at(-1) === '' ? lines.length - 1 : lines.length;
      const after = now === undefined ? lines.toSpliced(end, 0, wanted!) : lines.toSpliced(i, 1, ...(wanted === undefined ? [] : [wanted]));
      const bytes = Buffer.from(bytesOf(after.join('\n')));
      await make(place, newName, { ...found, modified: (BigInt(Date.now()) * 1_000_000n).toString() }, changes, (fd) => {
        for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
        return Promise.resolve();
      });
      unlock(place, place.name, found, changes);
      place.rename(newName, place.name);
      setFlags(place, place.name, found.flags, changes);
      place.sync();
    });
  }
}

function editsOf(user: string, passwdLine: string, shadowLine: string | undefined): LineEdit[] {
  const passwdFields = passwdLine.split(':');
  const open = passwdFields[password] ?? '';
  const edits: LineEdit[] = [];
  // A password in /etc/passwd itself is the one that counts, and then nobody asks when it expires: it goes where it is asked.
  const shadow = shadowLine?.split(':') ?? [user, open === 'x' ? '!' : open];
  while (shadow.length < shadowFields) shadow.push('');
  if (open !== 'x' && shadowLine !== undefined) shadow[password] = open;
  if (!shadow[password]!.startsWith('!')) shadow[password] = `!${shadow[password]!}`;
  if (!isPast(shadow[expires])) shadow[expires] = longAgo;
  const after = shadow.join(':');
  if (after !== shadowLine) edits.push({ file: '/etc/shadow', ...(shadowLine !== undefined && { before: shadowLine }), after });
  if (open !== 'x') edits.push({ file: '/etc/passwd', before: passwdLine, after: passwdFields.with(password, 'x').join(':') });
  return edits;
}

const isPast = (days: string | undefined): boolean => days !== undefined && /^\d{1,9}$/.test(days) && Number(days) <= Date.now() / 86_400_000;

/** The line as it was; where others changed it since, only what was ours goes back. Throws MoatError 'changed'. */
function former({ file, before, after }: LineEdit, now: string | undefined): string | undefined {
  if (now === before || now === after) return before;
  if (now === undefined || before === undefined) throw changedMeanwhile(file);
  const old = before.split(':'), ours = after.split(':');
  return now.split(':').map((value, i) => (value === ours[i] && value !== old[i] ? old[i] ?? '' : value)).join(':');
}

function isDone({ file, after }: LineEdit, now: string | undefined): boolean {
  if (now === undefined) return false;
  const fields = now.split(':');
  return file === '/etc/passwd' ? fields[password] === after.split(':')[password] : fields[password]!.startsWith('!') && isPast(fields[expires]);
}

/** None of what was changed is as it was made. */
function isFormer({ before, after }: LineEdit, now: string | undefined): boolean {
  if (now === before) return true;
  if (now === undefined || before === undefined) return false;
  const old = before.split(':'), ours = after.split(':'), is = now.split(':');
  return [password, expires].every((i) => old[i] === ours[i] || is[i] !== ours[i]);
}

async function fileOf(place: Place, changes: FileChanges): Promise<FileState> {
  const found = await lookAt(place, changes, fileMax);
  if (found === undefined) throw new MoatError<ActionErrorCode>('not-there', `expected ${place.path}, it is not there`, { text: { zh: `没有 ${place.path}`, en: `expected ${place.path}, it is not there` } });
  if (found.kind !== 'file') throw new MoatError<ActionErrorCode>('refused', `${place.path} is a symbolic link: who keeps accounts there changes them there`, { text: { zh: `${place.path} 是符号链接：请在它所指之处修改账户`, en: `${place.path} is a symbolic link: who keeps accounts there changes them there` } });
  return found;
}

function contentOf(place: Place): Buffer {
  const fd = place.open();
  try {
    const whole = Buffer.alloc(Math.min(fileMax, Number(place.stat()?.size ?? 0)) + 1);
    let at = 0;
    for (let n = 1; n > 0 && at < whole.length; at += n) n = readSync(fd, whole, at, whole.length - at, at);
    if (at === whole.length) throw changedMeanwhile(place.path);
    return Buffer.from(whole.subarray(0, at));
  } finally { closeSync(fd); }
}

const linesOf = (content: Buffer): string[] => nameOf(content).split('\n');
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

function stepsOf(user: string, uid: number, edits: readonly LineEdit[], shadowLine: string | undefined): PlanStep[] {
  const steps: PlanStep[] = [
    { text: { zh: `锁定 ${user}（uid ${uid}）的密码，并让账户过期：SSH 密钥、登录、su、cron 一并拒绝`, en: `lock the password of ${user} (uid ${uid}) and expire the account: SSH keys, log-on, su and cron are refused too` }, command: ['usermod', '-L', '-e', '1970-01-02', '--', user] },
  ];
  if (edits.some(({ file }) => file === '/etc/passwd')) steps.push({ text: { zh: '它的密码写在 /etc/passwd 里：移入 /etc/shadow 并锁定', en: 'its password stands in /etc/passwd: it is moved to /etc/shadow and locked' } });
  else if (shadowLine === undefined) steps.push({ text: { zh: '它在 /etc/shadow 中没有记录：补上一行', en: 'it has no line in /etc/shadow: one is added' } });
  steps.push({ text: { zh: '注意：已有的会话不会结束', en: 'mind: sessions that stand go on' }, command: ['moat', 'end-sessions', user] });
  return steps;
}
