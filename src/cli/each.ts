/** Commands that do one thing to several: trouble with one of them is told, and the rest go on. */
import { MoatError, saidBy } from '../core/error.ts';
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
    const why = saidBy(error)[lang];
    const hint = error.hintText?.[lang] ?? error.hint;
    if (isJson) out.line(jsonLine({ what, done: false, why, ...(hint !== undefined && { hint }) }));
    else out.line(`${colour.red('✕')} ${safe(`${what}: ${why}`)}${hint === undefined ? '' : colour.dim(`  (${safe(hint)})`)}`);
  }
};
