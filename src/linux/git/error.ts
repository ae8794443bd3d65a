import { headed, MoatError, type MoatErrorOptions } from '../../core/error.ts';

/**
 * broken     an object, pack or reference that is not as git writes it
 * missing    an object that is named and not there (a shallow or partial clone, a foreign object store)
 * too-large  beyond what is read
 */
export type GitErrorCode = 'broken' | 'missing' | 'too-large';
const inChinese: Readonly<Record<GitErrorCode, string>> = { broken: 'git 仓库的内容损坏或读不懂', missing: 'git 仓库里缺了东西', 'too-large': 'git 仓库里的东西太大' };

export class GitError extends MoatError<GitErrorCode> {
  constructor(code: GitErrorCode, message: string, options: MoatErrorOptions = {}) { super(code, message, headed(inChinese[code], message, options)); }
}
