/** Keeps a program from running: by its file (inode) and, so that a copy does not run either, by its content. */
import type { Action, ActionErrorCode } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { parsePath, realPlace, withPlace } from '../../linux/place.ts';
import { lookAt } from '../file-state.ts';
import type { FileWorld } from '../file-world.ts';
import { badInput, fieldsOf } from '../input.ts';

/** What may not run, kept over restarts. `what` is a real path or a SHA-256 in lower case. */
export interface DenyPort {
  /** Why nothing can be denied now; undefined when it can. */
  unable(): Text | undefined;
  /** Why this program may not be denied; undefined when it may. */
  protects(path: string, force: boolean): Promise<Text | undefined>;
  has(what: string): boolean;
  /** Rejects with MoatError 'refused' or 'failed' when it is not taken. */
  deny(what: string, why: string, force: boolean): Promise<void>;
  allow(what: string): Promise<void>;
}

export interface DenyWorld extends FileWorld { denying: DenyPort }

/** `path`, `sha256`, or both: then the file must have that content. */
export interface DenyInput { path: string | undefined; sha256: string | undefined; why: string }

/** `added`: what did not stand on the list before. */
export interface DenyState { path?: string; sha256: string; added: string[]; all: string[]; why: string; force: boolean }

const fileMax = 256 << 20;
const digest = /^[0-9a-f]{64}$/;

export function denyFile({ denying, fileChanges, fileProtection }: DenyWorld): Action<DenyInput, DenyState> {
  return {
    id: 'deny-file',
    title: { zh: '禁止运行程序', en: 'Deny a program' },
    blind: { zh: '已经在运行的进程不会停止；换了内容又换了名字的副本不受限；只凭内容禁止的，第一次运行会在开始后片刻被结束；脚本由解释器运行，禁止的是直接运行。', en: 'Processes that run go on; a copy with other content under another name is not denied; what is denied by content alone is killed a moment after it began for the first time; scripts are denied when run themselves, not when handed to an interpreter.' },
    automatic: 'strict',
    halfDone: 'finish',

    parse(input) {
      const { path, sha256, why } = fieldsOf(input);
      if (path === undefined && sha256 === undefined) throw badInput('the path of a program or its SHA-256', path);
      if (sha256 !== undefined && (typeof sha256 !== 'string' || !digest.test(sha256.toLowerCase()))) throw badInput('a SHA-256', sha256);
      return { path: path === undefined ? undefined : parsePath(path), sha256: sha256?.toLowerCase(), why: typeof why === 'string' && why !== '' ? why.slice(0, 200) : 'deny-file' };
    },

    async plan({ path: asked, sha256: wanted, why }, { force }) {
      const unable = denying.unable();
      if (unable) throw refused(unable, 'deny: { enabled: true }');
      const path = asked === undefined ? undefined : realPlace(asked);
      const sha256 = path === undefined ? wanted! : await contentOf(path);
      if (wanted !== undefined && wanted !== sha256) throw new MoatError<ActionErrorCode>('changed', `expected ${path} with the SHA-256 ${wanted}, it has ${sha256}`);
      const all = [...(path === undefined ? [] : [path]), sha256];
      const added = all.filter((one) => !denying.has(one));
      if (added.length === 0) throw new MoatError<ActionErrorCode>('not-there', `${all[0]} is denied already`, { text: { zh: `${all[0]} 已禁止运行`, en: `${all[0]} is denied already` } });
      return {
        target: `deny ${path ?? sha256}`, title: { zh: `禁止运行 ${path ?? sha256}`, en: `Deny ${path ?? sha256}` },
        steps: [
          ...(path === undefined ? [] : [{ text: { zh: `禁止运行文件 ${path}（内核在它开始前结束它）`, en: `deny the file ${path} (the kernel ends it before it begins)` }, command: ['moat', 'deny', 'add', path] }]),
          { text: { zh: `禁止运行同样内容的文件（SHA-256 ${sha256}）`, en: `deny any file with this content (SHA-256 ${sha256})` }, command: ['moat', 'deny', 'add', sha256] },
        ],
        risk: 'medium', reversible: true, state: { ...(path !== undefined && { path }), sha256, added, all, why, force },
      };

      async function contentOf(real: string): Promise<string> {
        fileProtection.mayTouch(real);
        const found = await withPlace(real, async (place) => lookAt(place, await fileChanges(), fileMax));
        if (found === undefined) throw new MoatError<ActionErrorCode>('not-there', `expected a program at ${real}, nothing is there`);
        if (found.kind === 'symlink') throw refused({ zh: `${real} 是指向 ${found.target ?? ''} 的符号链接：请指明文件本身`, en: `${real} is a symbolic link to ${found.target ?? ''}: name the file itself` });
        const reason = await denying.protects(real, force);
        if (reason) throw refused({ zh: `${real}：${reason.zh}`, en: `${real}: ${reason.en}` }, '--force');
        return found.sha256;
      }
    },

    async apply({ added, why, force }) {
      for (const one of added) if (!denying.has(one)) await denying.deny(one, why, force);
    },

    async verify({ added, path, sha256 }) {
      const here = added.filter((one) => denying.has(one)).length;
      const what = path ?? sha256;
      if (here === added.length) return { is: 'finished', evidence: { zh: `${what} 在禁止名单上`, en: `${what} is on the list of what may not run` } };
      if (here === 0) return { is: 'former', evidence: { zh: `${what} 不在禁止名单上`, en: `${what} is not on the list of what may not run` } };
      return { is: 'between', evidence: { zh: `${what} 只有一部分在禁止名单上`, en: `${what} is on the list of what may not run in part` } };
    },

    async undo({ added }) {
      for (const one of added) if (denying.has(one)) await denying.allow(one);
    },
  };
}

const refused = (text: Text, hint?: string): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', text.en, { text, ...(hint !== undefined && { hint }) });
