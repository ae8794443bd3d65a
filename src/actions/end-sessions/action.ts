/** Ends the log-on sessions of an account: every process of them, by identity. The session of whoever asks is never touched. */
import type { Action, ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { readAccounts } from '../../linux/accounts.ts';
import { sessionOf, sessionProcesses } from '../../linux/account-sessions.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { readProcesses } from '../../linux/process-tree.ts';
import { badInput, fieldsOf } from '../input.ts';
import { askerOf } from '../operator.ts';
import { type HaltState, planHalt, type ProcessWorld, release } from '../process-freeze.ts';
import { killAll, verifyKilled } from '../process-kill.ts';
import { type Ran, ranOf, treeSteps } from '../process-plan.ts';

/** `accountRoot`: where the machine's /etc stands; '/' usually. */
export interface SessionWorld extends ProcessWorld { accountRoot: string }

/** `everything`: also what runs under the account outside of its sessions. */
export interface SessionsInput { user: string; everything: boolean; asker?: number }

export interface SessionsState extends HaltState { user: string; ran: readonly Ran[] }

const shownMax = 5;

export function endSessions(world: SessionWorld): Action<SessionsInput, SessionsState> {
  const { procfs, accountRoot } = world;
  return {
    id: 'end-sessions',
    title: { zh: '结束账户的会话', en: 'End an account’s sessions' },
    blind: {
      zh: '没有 pam_loginuid、logind 与 utmp 的系统上，脱离会话另起的后台进程认不出来（用 --all 按 uid 一并结束）；cron、systemd 等会以该账户重新启动的程序不受影响；之后仍可再次登录，请先锁定账户。',
      en: 'Where neither pam_loginuid, logind nor utmp is kept, daemons that left their session are not known as part of it (--all ends them by uid); what cron or systemd starts under the account comes again; it may log on again unless it is locked first.',
    },
    automatic: 'never',
    halfDone: 'finish',

    parse(input) {
      const { user, everything = false, asker } = fieldsOf(input);
      if (typeof user !== 'string' || !/^[^:/\s-][^:/\s]{0,255}$/.test(user) || user.includes('\0')) throw badInput('the name of an account', user);
      if (typeof everything !== 'boolean') throw badInput('true or false for everything', everything);
      return { user, everything, ...askerOf(asker) };
    },

    async plan({ user, everything, asker }, { force, now }) {
      const accounts = readAccounts(new DiskTree(accountRoot, undefined)) ?? [];
      // An account that was removed may have left processes behind.
      const uid = accounts.find(({ name }) => name === user)?.uid ?? (/^\d{1,10}$/.test(user) ? Number(user) : undefined);
      if (uid === undefined) throw new MoatError<ActionErrorCode>('not-there', `there is no account ${user} in /etc/passwd`, { text: { zh: `/etc/passwd 中没有账户 ${user}`, en: `there is no account ${user} in /etc/passwd` }, hint: 'name it by its uid' });
      if (everything && uid === 0) throw refused(user, 'root 的全部进程就是整个系统', 'all processes of root are the whole system');
      if (everything && uid < 1000 && !force) throw refused(user, '它是系统账户，其进程是服务（确要结束请加 --force）', 'it is an account of the system, whose processes are services (use --force to end them all the same)', '--force');
      const name = accounts.find((one) => one.uid === uid)?.name ?? user;
      const all = readProcesses(procfs);
      const found = sessionProcesses(procfs, all, { name, uid, everything, now });
      const mine = asker === undefined ? new Set<number>() : sessionOf(procfs, all, asker, found);
      const spared = world.processes.spared(all, found, asker);
      const members = found.filter(({ pid }) => !mine.has(pid) && !spared.has(pid));
      const left: PlanStep[] = [];
      if (found.some(({ pid }) => mine.has(pid))) left.push({ text: { zh: '注意：您正在其中操作的会话保留', en: 'mind: the session that you type in stays' } });
      for (const [pid, why] of [...spared].filter(([one]) => !mine.has(one)).slice(0, shownMax)) left.push({ text: { zh: `注意：进程 ${pid} 保留：${why.zh}`, en: `mind: process ${pid} stays: it is ${why.en}` } });
      if (members.length === 0) {
        const only = found.length > 0 ? { zh: `${user} 没有其他会话`, en: `${user} has no other session` } : { zh: `${user} 没有登录着的会话`, en: `${user} has no session` };
        throw new MoatError<ActionErrorCode>('not-there', only.en, { text: only });
      }
      // Log-on chains are what is to be ended; what is never touched stays so.
      world.processes.mayTouch(all, members, true, asker);
      const ran = ranOf(procfs, members);
      return {
        target: `sessions of ${user}`,
        title: { zh: `结束 ${user} 的会话，共 ${members.length} 个进程`, en: `End the sessions of ${user}, ${members.length} processes in all` },
        steps: [...treeSteps(members, ran, 'SIGKILL'), ...left], risk: 'high', reversible: false,
        state: { ...planHalt(world, all, members), user, ran },
      };
    },

    apply: (state, context) => killAll(world, state, context),
    verify: (state) => Promise.resolve(verifyKilled(world, state)),
    /** What has ended stays so; what lives yet is let go. */
    undo: (state) => release(world, state),
  };
}

const refused = (user: string, zh: string, en: string, hint?: string): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', `${user}: ${en}`, { text: { zh: `${user}：${zh}`, en: `${user}: ${en}` }, ...(hint !== undefined && { hint }) });
