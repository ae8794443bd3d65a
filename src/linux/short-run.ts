/** For a process that works for seconds and ends. */
import { setFlagsFromString } from 'node:v8';

/** V8's own is a seventh of it. */
const interruptBudget = 1_000_000;
/** Versions of V8 in which the name was looked up (Node 20 to 24): another would write a complaint to stderr. */
const knownVersions = { first: 11, last: 13 };

/**
 * Has functions made fast only after several times the usual use, in this process and in threads started later: of a run of two
 * seconds a sixth of the processor time went into code that was hardly used any more. A long run notices nothing.
 */
export function optimizeLate(): void {
  const version = Number(process.versions.v8.split('.', 1)[0]);
  if (version >= knownVersions.first && version <= knownVersions.last) setFlagsFromString(`--interrupt-budget=${interruptBudget}`);
}
