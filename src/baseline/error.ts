import { MoatError } from '../core/error.ts';

/**
 * no-baseline  there is none at this place
 * no-key       the key is not there, or too short
 * wrong-key    it was made with another key
 * tampered     its content is not what was written with this key
 * unfinished   it ends before its end
 * bad-path     a path that is none
 * busy         another run writes it
 */
export type BaselineErrorCode = 'no-baseline' | 'no-key' | 'wrong-key' | 'tampered' | 'unfinished' | 'bad-path' | 'busy';
export class BaselineError extends MoatError<BaselineErrorCode> {}
