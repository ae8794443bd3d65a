import { MoatError } from '../../core/error.ts';

/** 'not-built': the databases may be sound, but the process that reads them did not come to its end. */
export type PackagesErrorCode = 'no-database' | 'broken' | 'too-large' | 'not-built';
export class PackagesError extends MoatError<PackagesErrorCode> {}
