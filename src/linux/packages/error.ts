import { MoatError } from '../../core/error.ts';

export type PackagesErrorCode = 'no-database' | 'broken' | 'too-large';
export class PackagesError extends MoatError<PackagesErrorCode> {}
