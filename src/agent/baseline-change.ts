/** A change since the baseline as people are told of it, and a name for what the file is like now. */
import { createHash } from 'node:crypto';
import type { Finding } from '../core/finding.ts';
import type { JudgedChange } from '../baseline/baseline.ts';
import { changeFinding, judgeChange } from '../checks/integrity/judge.ts';
import type { Tree } from '../linux/tree.ts';

/** A change that no package manager made. `signature` names what it is like now: another one is another change. */
export interface ToldChange { path: string; signature: string; finding: Finding }

/** What a change is worth, and its name. */
export function tellChange(change: JudgedChange, tree: Tree): ToldChange {
  const { path, action, fields } = change;
  const parts = action === 'added' ? [change.after?.kind, change.after?.sha256 ?? change.after?.target ?? ''] : fields.filter(({ field }) => field !== 'modified' && field !== 'changed' && field !== 'inode' && field !== 'links').map(({ field, after }) => `${field} ${after}`);
  return { path, signature: createHash('sha256').update([action, ...parts].join('\0')).digest('hex').slice(0, 16), finding: changeFinding(judgeChange(change, tree)) };
}

/** A change that nobody needs to be told of. */
export const isQuiet = ({ action, shipped }: JudgedChange): boolean => action === 'touched' || shipped;
