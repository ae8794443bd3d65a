/**
 * Entry files of web sites (index.php, index.html, .htaccess and their like) that are not as they were committed in the version control
 * of the site, or as the integrity baseline remembers them. The changed lines are shown.
 */
import { createHash } from 'node:crypto';
import { BaselineError } from '../../baseline/error.ts';
import { readKey } from '../../baseline/key.ts';
import { BaselineLookup } from '../../baseline/lookup.ts';
import { reasonOf } from '../../core/error.ts';
import type { Evidence, Finding } from '../../core/finding.ts';
import { isWebEntry, isWebEntryText } from '../../core/web-files.ts';
import { GitCheckout } from '../../linux/git/checkout.ts';
import { fact, finding } from '../finding.ts';
import { lineDiff } from '../../core/line-diff.ts';
import { attempt, statOf, tellRest, tellCut } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { webRoots } from '../web-roots.ts';

/** Folders of one site that are looked into, itself included, and how deep. */
const foldersMax = 20_000;
const depthMax = 2;
const entriesMax = 20_000;
const sizeMax = 16 << 20;
/** A site may be a folder of what is checked out. */
const aboveMax = 4;
const skipped = new Set(['node_modules', 'vendor', '.git', '.svn', '.hg', 'cache', 'uploads', 'upload', 'runtime', 'storage']);
/** Settings that everybody changes on the machine. */
const settings = /^(?:wp-config|config|configuration|settings|local|database|config\.inc|common\.inc)\.php$|^\.env$/i;

export const webEntry: PlaceCheck = {
  id: 'web-entry',
  title: { zh: '网站入口文件的改动', en: 'changed entry files of web sites' },
  blind: {
    zh: '只看入口文件；站点既不是 git 检出、也不在完整性基线里时无从比较；能改 git 仓库的人也能提交改动；Subversion 等不看',
    en: 'sees entry files only; has nothing to compare with where a site is no git checkout and in no baseline; who can write to the repository can commit as well; Subversion and others are not read',
  },
  group: 'web',
  scope: 'tree',
  everyMinutes: 6 * 60,
  async *run(context) {
    const lookup = await openBaseline(context);
    try {
      const seen = new Set<string>();
      for (const root of webRoots(context)) {
        const checkout = checkoutOf(context, root);
        for (const path of entriesOf(context, root)) {
          if (seen.has(path)) continue;
          if (seen.size >= entriesMax) { tellRest(context, root, entriesMax); return; }
          seen.add(path);
          const one = await look(context, path, checkout, lookup);
          if (one) yield one;
        }
      }
    } finally { lookup?.close(); }
  },
};

/** Undefined where there is none; that it cannot be read is told by the check `integrity`, and here. */
async function openBaseline(context: ScanContext): Promise<BaselineLookup | undefined> {
  if (!context.baseline) return undefined;
  const { store, key } = context.baseline;
  try {
    const lookup = await BaselineLookup.open(store, readKey(key), context.signal);
    if (lookup.summary.tree === context.tree.name) return lookup;
    lookup.close();
    return undefined;
  } catch (error) {
    if (!(error instanceof BaselineError)) throw error;
    if (error.code !== 'no-baseline' && error.code !== 'no-key') context.blind(store, reasonOf(error));
    return undefined;
  }
}

/** Of the root or a folder above it. */
function checkoutOf(context: ScanContext, root: string): GitCheckout | undefined {
  let at = root;
  for (let i = 0; i <= aboveMax && at !== ''; i++, at = at.slice(0, at.lastIndexOf('/'))) {
    const folder = at;
    const found = attempt(context, `${folder}/.git`, () => GitCheckout.open(context.tree, folder));
    if (found) return found;
  }
  return undefined;
}

/** Real files only: what a link leads to is looked at where it lies. */
function* entriesOf(context: ScanContext, root: string): Iterable<string> {
  let folders = 0;
  let level = [root];
  for (let depth = 0; depth <= depthMax; depth++) {
    const below: string[] = [];
    for (const folder of level) {
      if (++folders > foldersMax) { tellRest(context, root, foldersMax); return; }
      context.signal.throwIfAborted();
      for (const name of attempt(context, folder, () => context.tree.list(folder)) ?? []) {
        const path = `${folder}/${name}`;
        const wanted = isWebEntry(name);
        if (!wanted && (depth === depthMax || skipped.has(name) || name.includes('.'))) continue;
        const kind = statOf(context, path)?.kind;
        if (kind === 'folder' && !skipped.has(name)) below.push(path);
        else if (wanted && kind === 'file') yield path;
      }
    }
    level = below;
  }
}

async function look(context: ScanContext, path: string, checkout: GitCheckout | undefined, lookup: BaselineLookup | undefined): Promise<Finding | undefined> {
  const file = attempt(context, path, () => context.tree.read(path, sizeMax));
  if (!file) return undefined;
  if (file.cut) { tellCut(context, path, sizeMax); return undefined; }
  const before = lookup?.covers(path) ? lookup.at(path) : undefined;
  const committed = checkout && attempt(context, path, () => checkout.committed(path));
  const sinceBaseline = before?.sha256 !== undefined && before.sha256 !== createHash('sha256').update(file.bytes).digest('hex');
  // An older baseline knows an older commit: what is committed is as it should be.
  const sinceCommit = committed && !isSame(committed, file.bytes);
  if (committed ? !sinceCommit : !sinceBaseline) return undefined;
  if ((await context.provenance.owner(path))?.state === 'intact') return undefined;
  const old = committed ?? (before?.text === undefined ? undefined : Buffer.from(before.text));
  return told(context, path, old, file.bytes, committed ? `git ${checkout.commit.slice(0, 12)} (${checkout.root})` : undefined);
}

/** Line ends are converted by git at will; a file that is kept elsewhere (LFS) stands in the commit as a note of three lines. */
function isSame(committed: Buffer, now: Buffer): boolean {
  if (committed.equals(now) || committed.subarray(0, 64).toString('latin1').startsWith('version https://git-lfs.github.com/spec/')) return true;
  if (!committed.includes(13) && !now.includes(13)) return false;
  const unix = (bytes: Buffer): string => bytes.toString('latin1').replaceAll('\r\n', '\n');
  return unix(committed) === unix(now);
}

function told(context: ScanContext, path: string, old: Buffer | undefined, now: Buffer, commit: string | undefined): Finding {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isSetting = settings.test(name);
  const stat = statOf(context, path);
  const isText = old !== undefined && !old.includes(0) && !now.includes(0);
  const evidence: Evidence[] = [
    fact({ zh: '比较对象', en: 'compared with' }, commit ?? 'the integrity baseline'),
    // Settings hold passwords, which have no business in a report.
    ...(isText && (!isSetting && (commit !== undefined || isWebEntryText(name))) ? [fact({ zh: '改动的行', en: 'changed lines' }, lineDiff(old.toString('utf8'), now.toString('utf8')))] : []),
    fact({ zh: '大小', en: 'size' }, old === undefined ? `${now.length}` : `${old.length} → ${now.length}`),
  ];
  return finding('web-entry', path, {
    kind: 'notice', level: isSetting ? 'low' : 'medium', path, evidence,
    title: commit === undefined ? { zh: `网站入口文件 ${path} 自基线以来变了`, en: `the entry file ${path} of a web site is changed since the baseline` } : { zh: `网站入口文件 ${path} 与版本库里提交的不同`, en: `the entry file ${path} of a web site is not as it was committed` },
    means: { zh: '访客最先拿到的文件：被加挂跳转、暗链、挂马代码或被篡改页面时，改的就是它。若是你们自己在服务器上改的，请提交或接受进基线。', en: 'Visitors get it first: redirects, hidden links and malicious code are put here, and defaced pages are this file. When one of yours changed it on the server, commit it or take it over into the baseline.' },
    fix: commit === undefined
      ? { text: { zh: '确认是自己人改的，再接受进基线', en: 'take it over once you know who did it' }, commands: [['moat', 'baseline', 'accept', path]] }
      : { text: { zh: '看清改动后，用提交的版本换回（在确认仓库可信的机器上取出该文件），或自己提交', en: 'look at the change, then put back the committed file (taken from a machine whose repository you trust), or commit it' }, commands: [] },
    refs: ['attack:T1491.002', 'attack:T1505.003', 'dengbao:8.1.4.7'],
    ...(stat && { time: stat.changed, user: String(stat.uid) }),
  });
}

