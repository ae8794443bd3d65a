/** For a process that works for seconds and ends. */
import { setFlagsFromString } from 'node:v8';

/** V8's own is a fifteenth of it. */
const interruptBudget = 1_000_000;
/** The one of Node 20, with which this was measured: one that does not know the name would write a complaint to stderr. */
const knownVersion = '11';

/**
 * Has functions made fast only after fifteen times the usual use, in this process and in threads started later: of a run of two
 * seconds a sixth of the processor time went into code that was hardly used any more. A long run notices nothing.
 */
export function optimizeLate(): void {
  if (process.versions.v8.split('.', 1)[0] === knownVersion) setFlagsFromString(`--interrupt-budget=${interruptBudget}`);
}
