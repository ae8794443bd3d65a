/**
 * Lets an account use sudo for a while, by a file of its own in /etc/sudoers.d. The end stands in the rule itself, so that it also
 * ends when Moat does not run. Groups are not used: whoever is logged on keeps them after they are taken away.
 */
import { accessSync, closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Action, ActionErrorCode } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { readAccounts } from '../../linux/accounts.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { realPlace, withPlace, type Place } from '../../linux/place.ts';
import type { Run } from '../../linux/run.ts';
import type { FileProtection } from '../file-protection.ts';
import { badInput, fieldsOf, mustLieAhead } from '../input.ts';

export interface GrantWorld { run: Run; fileProtection: Pick<FileProtection, 'root'> }

/** `commands`: what may be run as any user; everything when there are none. */
export interface GrantInput { user: string; commands: readonly string[]; until: number }

/** `content`: all of the file. */
export interface GrantState { path: string; content: string; user: string; commands: readonly string[]; until: number }

const folder = '/etc/sudoers.d';
const longestMs = 7 * 86_400_000;
const commandsMost = 50;
const contentMax = 64 * 1024;
/** Small letters first: what is all capitals is an alias to sudo. Nothing that sudoers reads as more than a name. */
const userPattern = /^[a-z_][A-Za-z0-9_.-]{0,31}$/;
const commandPattern = /^(?:\/[A-Za-z0-9._+-]+){1,20}$/;
const sudoersMode = 0o440;

export function grantPrivilege({ run, fileProtection }: GrantWorld): Action<GrantInput, GrantState> {
  const root = (): string => fileProtection.root;
  return {
    id: 'grant-privilege',
    title: { zh: '临时授权', en: 'Grant privileges for a while' },
    blind: {
      zh: '收回后不能再用 sudo，但已用它打开的 root shell 仍在（看 moat ps，用 moat kill 结束）；其他 sudoers 规则或管理员组给的权限不受影响；有全部权限的人可给自己另留后路。',
      en: 'Once taken back sudo is refused, but a root shell that was opened by it goes on (see moat ps; moat kill ends it). Rights by other sudoers rules or groups stay. Who may do everything may also leave a way back.',
    },
    automatic: 'never',
    halfDone: 'undo',

    parse(input) {
      const { user, commands = [], until } = fieldsOf(input);
      if (typeof user !== 'string' || !userPattern.test(user)) throw badInput('the name of an account', user);
      if (!Array.isArray(commands) || commands.length > commandsMost) throw badInput(`at most ${commandsMost} programs`, commands);
      const read = commands.map((one: unknown) => {
        if (typeof one !== 'string' || one.length > 500 || !commandPattern.test(one) || one.split('/').some((part) => part === '..' || part === '.')) throw badInput('the full path of a program', one);
        return one;
      });
      if (typeof until !== 'number' || !Number.isFinite(until)) throw badInput('the end as Unix milliseconds: what is granted ends', until);
      return { user, commands: read, until };
    },
    target: ({ user }) => `privilege ${user}`,

    plan({ user, commands, until }, { now }) {
      mustLieAhead(until, now);
      if (until - now > longestMs) return Promise.reject(badInput('an end within seven days', new Date(until).toISOString()));
      const account = readAccounts(new DiskTree(root() || '/', undefined))?.find(({ name }) => name === user);
      if (account === undefined) return Promise.reject(new MoatError<ActionErrorCode>('not-there', `there is no account ${user}`, { text: { zh: `没有账号 ${user}`, en: `there is no account ${user}` } }));
      if (account.uid === 0) return Promise.reject(refused({ zh: `${user} 就是 root，无需授权`, en: `${user} is root and needs none` }));
      if (!readsFolder(root())) return Promise.reject(refused({ zh: `/etc/sudoers 没有包含 ${folder}（或没有安装 sudo），授权不会生效`, en: `/etc/sudoers does not include ${folder}, or sudo is not installed: it would have no effect` }));
      const path = realPlace(join(root() || '/', folder, `moat-grant-${account.uid}`));
      return withPlace(path, (place) => {
        if (place.stat() !== undefined) throw refused({ zh: `${user} 已有临时授权（moat grants）；先 moat undo 再授`, en: `${user} has been granted some already (moat grants): take that back first` });
        mayWrite(place);
        const ends = new Date(until).toISOString();
        const what: Text = commands.length === 0 ? { zh: '任何命令', en: 'anything' } : { zh: commands.join('、'), en: commands.join(', ') };
        return {
          target: `privilege ${user}`,
          title: { zh: `允许 ${user} 用 sudo 至 ${ends}`, en: `Let ${user} use sudo until ${ends}` },
          steps: [
            { text: { zh: `写入 ${path}：${user} 可以任何身份运行${what.zh}，须输入自己的口令，${ends} 失效`, en: `write ${path}: ${user} may run ${what.en} as anybody, by the own password, until ${ends}` }, command: ['visudo', '-f', path] },
            { text: { zh: `${user} 有高级别告警时立即收回`, en: `taken back at once when ${user} causes an alert of level high` } },
          ],
          risk: 'medium' as const, reversible: true, until,
          state: { path, content: contentOf(user, commands, until), user, commands, until },
        };
      });
    },

    async apply(state) {
      mustBeOurs(state);
      await withPlace(state.path, async (place) => {
        if (readOf(place) === state.content) return;
        if (place.stat() !== undefined) throw new MoatError<ActionErrorCode>('changed', `another file is at ${state.path} now`);
        const aside = asideOf(place);
        place.remove(aside);
        const fd = openSync(place.at(aside), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, sudoersMode);
        try {
          const bytes = Buffer.from(state.content);
          for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
          fsyncSync(fd);
        } finally { closeSync(fd); }
        // The path as other processes see it: their own /proc/self is another.
        const { code, stdout, stderr } = await run('visudo', ['-c', '-f', String(place.at(aside)).replace('/proc/self/', `/proc/${process.pid}/`)]);
        if (code !== 0) {
          place.remove(aside);
          throw new MoatError<ActionErrorCode>('failed', `visudo does not accept it: ${(stderr || stdout).trim().slice(0, 300)}`, { hint: 'sudo of 1.8.20 or later is needed' });
        }
        place.rename(aside, place.name);
        place.sync();
      });
    },

    async verify(state, { now }) {
      const found = await withPlace(state.path, (place) => readOf(place));
      if (found === undefined) return { is: 'former', evidence: { zh: `${state.path} 不存在`, en: `${state.path} is not there` } };
      if (found !== state.content) return { is: 'between', evidence: { zh: `${state.path} 被改动过`, en: `${state.path} was changed` } };
      return now() < state.until ? { is: 'finished', evidence: { zh: `${state.path} 在，尚未到期`, en: `${state.path} is there and holds` } } : { is: 'finished', evidence: { zh: `${state.path} 在，已到期失效`, en: `${state.path} is there, and its time is over` } };
    },

    async undo(state) {
      mustBeOurs(state);
      await withPlace(state.path, (place) => {
        place.remove(asideOf(place));
        const found = readOf(place);
        // Who holds it may have widened it: it is taken all the same, and kept under a name that sudo does not read.
        if (found === state.content) place.remove(place.name);
        else if (place.stat() !== undefined) place.rename(place.name, `${place.name}.changed`);
        place.sync();
      });
    },
  };
}

/** The state may have been handed over by somebody else: a rule of another kind, or another file, is not written. Throws MoatError 'bad-input'. */
function mustBeOurs({ path, content, user, commands, until }: GrantState): void {
  if (!/\/etc\/sudoers\.d\/moat-grant-\d{1,10}$/.test(path) || !userPattern.test(user) || content !== contentOf(user, commands, until)) throw badInput('the state of a privilege that was granted here', path);
}

/** sudo reads no file with a dot in its name. */
const asideOf = ({ name }: Place): string => `.${name}.new`;

const refused = (text: Text): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', text.en, { text });

/** Nothing of it comes from outside but names that were checked. */
function contentOf(user: string, commands: readonly string[], until: number): string {
  // sudo counts in seconds.
  const end = new Date(until).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return `# Granted for a while by Moat, which takes it away again: moat grants\n${user} ALL=(ALL:ALL) NOTAFTER=${end} ${commands.length === 0 ? 'ALL' : commands.join(', ')}\n`;
}

/** Undefined when nothing is there; '' for what is no file or too large to be ours. */
function readOf(place: Place): string | undefined {
  const found = place.stat();
  if (found === undefined) return undefined;
  if (!found.isFile() || found.size > BigInt(contentMax)) return '';
  const fd = place.open();
  try {
    return readFileSync(fd, 'utf8');
  } finally { closeSync(fd); }
}

function readsFolder(root: string): boolean {
  try {
    return /^[@#]includedir\s+\/etc\/sudoers\.d\/?\s*$/m.test(readFileSync(`${root}/etc/sudoers`, 'utf8'));
  } catch { return false; /* no sudo here */ }
}

/** Throws MoatError 'refused': a service in a sandbox may often not. */
function mayWrite(place: Place): void {
  try {
    accessSync(place.at('.'), constants.W_OK);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new MoatError<ActionErrorCode>('refused', `Moat cannot write to ${folder} (${code})`, { text: { zh: `Moat 无法写入 ${folder}（${code}）`, en: `Moat cannot write to ${folder} (${code})` }, hint: 'give the service these rights: docs/guide/response.md', cause: error });
  }
}
