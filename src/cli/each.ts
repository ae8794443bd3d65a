/** Commands that do one thing to several: trouble with one of them is told, and the rest go on. */
import { MoatError } from '../core/error.ts';
import type { Lang } from '../core/text.ts';
import { colour } from './colour.ts';
import type { Output } from './output.ts';
import { jsonLine, safe } from './terminal.ts';

/** `what` names the one that `work` is about. Rejects when no agent runs, for then the rest cannot go on either. */
export const eachIn = (lang: Lang) => async (out: Output, what: string, isJson: boolean | undefined, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MoatError) || error.code === 'not-running') throw error;
    process.exitCode = 1;
    const why = error.text?.[lang] ?? error.message;
    if (isJson) out.line(jsonLine({ what, done: false, why, ...(error.hint !== undefined && { hint: error.hint }) }));
    else out.line(`${colour.red('✕')} ${safe(`${what}: ${why}`)}${error.hint === undefined ? '' : colour.dim(`  (${safe(error.hint)})`)}`);
  }
};
