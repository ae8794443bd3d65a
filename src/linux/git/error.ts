import { MoatError } from '../../core/error.ts';

/**
 * broken     an object, pack or reference that is not as git writes it
 * missing    an object that is named and not there (a shallow or partial clone, a foreign object store)
 * too-large  beyond what is read
 */
export type GitErrorCode = 'broken' | 'missing' | 'too-large';
export class GitError extends MoatError<GitErrorCode> {}
