import { MoatError, type MoatErrorOptions } from '../core/error.ts';

/**
 * - `locked`   another process writes there, or the database stayed busy
 * - `full`     no space left: nothing of the write was kept, the store goes on when there is space again
 * - `corrupt`  the database does not read as one; it stays where it is until someone moves it aside
 * - `schema`   written by a newer Moat, or by an older one and opened for reading only
 * - `missing`  no database (or no part of the program) where one is needed
 * - `denied`   the operating system or the way it was opened forbids it
 * - `io`       the disk failed in another way
 * - `input`    what was handed over cannot be stored
 * - `stale`    it was changed since it was read: nothing of the write was kept
 * - `closed`   used after close()
 * - `query`    the SQL of a person is wrong
 * - `refused`  the SQL of a person asks for something a query may not do
 * - `timeout`  the query was stopped at its time or memory limit
 * - `blind`    a table of the live state that a query names could not be looked at
 */
export type StoreCode =
  | 'locked' | 'full' | 'corrupt' | 'schema' | 'missing' | 'denied' | 'io' | 'input' | 'stale' | 'closed'
  | 'query' | 'refused' | 'timeout' | 'blind';

export class StoreError extends MoatError<StoreCode> {
  constructor(code: StoreCode, message: string, options: MoatErrorOptions = {}) {
    super(code, message, options);
    this.name = 'StoreError';
  }
}
