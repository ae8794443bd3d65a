/** A look that may fail for want of a right: told as blind, and the rest goes on. */
import { MoatError } from '../core/error.ts';
import type { ScanContext } from './port.ts';

/** Runs a look at the tree; what may not be seen is told as blind and gives undefined. */
export function looking<T>(context: ScanContext, path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    const why = { zh: error.hint === undefined ? error.message : `${error.message}（${error.hint}）`, en: error.hint === undefined ? error.message : `${error.message} (${error.hint})` };
    context.blind(path, why);
    return undefined;
  }
}
