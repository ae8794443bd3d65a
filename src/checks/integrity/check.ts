/** The machine against its integrity baseline: what changed that no package manager did. */
import type { Finding } from '../../core/finding.ts';
import { diffBaseline } from '../../baseline/baseline.ts';
import { BaselineError } from '../../baseline/error.ts';
import { readKey } from '../../baseline/key.ts';
import type { Looking } from '../../baseline/records.ts';
import { MoatError, reasonOf, saidBy } from '../../core/error.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName } from '../shell-words.ts';
import { actionWords, changeFinding, judgeChange, tamperedFinding, type ToldChange } from './judge.ts';

const toldMax = 2000;
/** More changes than these in one folder that are no intrusion are told as one. */
const folderMax = 5;
const shownMax = 10;

export const integrity: PlaceCheck = {
  id: 'integrity',
  title: { zh: '完整性基线', en: 'integrity baseline' },
  blind: { zh: '只看基线覆盖的目录；做基线之前的改动看不出', en: 'sees the folders of the baseline only, and nothing that was changed before it was made' },
  group: 'files',
  scope: 'machine',
  everyMinutes: 72 * 60,
  async *run(context) {
    if (!context.baseline) return;
    const { store, key } = context.baseline;
    try {
      yield* changesOf(store, readKey(key), context);
    } catch (error) {
      if (!(error instanceof BaselineError)) throw error;
      yield* toldError(error, store, context);
    }
  },
};

async function* changesOf(store: string, key: Buffer, context: ScanContext): AsyncIterable<Finding> {
  const { tree, provenance, signal } = context;
  const looking: Looking = {
    tree, signal, digests: provenance.digests, index: provenance.index, attributes: canAsk(tree), over: context.mounts?.over,
    count: (what, n) => { context.count(what, n); }, blind: (path, why) => { context.blind(path, why); },
  };
  const folders = new Map<string, ToldChange[]>();
  let told = 0;
  for await (const change of diffBaseline(store, key, looking)) {
    if (change.upgrade) { context.count('baseline: files that a package manager renewed'); continue; }
    if (change.action === 'touched' || change.shipped) { context.count('baseline: files touched, or put right, with nothing of theirs changed'); continue; }
    if (++told > toldMax) { context.count('baseline: changes beyond those listed'); continue; }
    const one = judgeChange(change, tree);
    if (one.kind === 'intrusion' || one.level === 'medium') { yield changeFinding(one); continue; }
    const folder = change.path.slice(0, change.path.lastIndexOf('/')) || '/';
    const members = folders.get(folder);
    if (members) members.push(one);
    else folders.set(folder, [one]);
  }
  for (const [folder, members] of folders) {
    if (members.length <= folderMax) yield* members.map(changeFinding);
    else yield folderFinding(folder, members);
  }
}

/** Whether this system tells of attributes; when it does not, the baseline said so as it was made. */
function canAsk(tree: ScanContext['tree']): boolean {
  try {
    tree.attributeNames?.('/');
    return tree.attributeNames !== undefined;
  } catch (error) {
    if (error instanceof MoatError) return false;
    throw error;
  }
}

function folderFinding(folder: string, members: readonly ToldChange[]): Finding {
  const latest = members.reduce((last, { change }) => Math.max(last, change.after?.changed ?? 0), 0);
  return finding('integrity', `folder ${folder}`, {
    kind: 'notice', level: members.some(({ level }) => level === 'low') ? 'low' : 'info', path: folder,
    title: { zh: `${folder} 里 ${members.length} 个文件自基线以来有变化`, en: `${members.length} files in ${folder} are not as they were in the baseline` },
    evidence: members.slice(0, shownMax).map(({ change }) => fact(actionWords[change.action], baseName(change.path))),
    fix: { text: { zh: '确认是自己人改的，再接受进基线', en: 'take them over once you know who did it' }, commands: [['moat', 'baseline', 'accept', folder]] },
    refs: [], ...(latest > 0 && { time: latest }),
  });
}

function* toldError(error: BaselineError, store: string, context: ScanContext): Iterable<Finding> {
  switch (error.code) {
    case 'no-baseline': case 'no-key': {
      const there = context.tree.stat(store) !== undefined;
      yield finding('integrity', 'none', {
        kind: 'notice', level: 'info',
        title: there ? { zh: '有完整性基线，但密钥不在这台机器上，这次没有比对', en: 'there is an integrity baseline whose key is not on this machine: it was not compared' } : { zh: '还没有完整性基线', en: 'there is no integrity baseline yet' },
        evidence: [],
        fix: there
          ? { text: { zh: '带上密钥比对', en: 'compare with the key' }, commands: [['moat', 'baseline', 'diff', '--key-file', '-']] }
          : { text: { zh: '在确认干净时做一份，以后任何改动都看得出', en: 'make one while the machine is known to be clean: every later change shows' }, commands: [['moat', 'baseline', 'create']] },
        refs: [],
      });
      return;
    }
    case 'tampered': case 'unfinished':
      yield tamperedFinding(saidBy(error), store);
      return;
    case 'wrong-key': case 'bad-path': case 'busy': context.blind(store, reasonOf(error));
  }
}
