/** Signs that dpkg's own database was touched: who replaces a program and knows of its digest changes the digest too. */
import type { Finding } from '../../core/finding.ts';
import type { Package, PackageIndex } from '../../linux/packages/index.ts';
import { textOf, type FileStat, type Tree } from '../../linux/tree.ts';
import { fact, finding } from '../finding.ts';
import { upTo } from '../look.ts';
import type { ScanContext } from '../port.ts';

const info = '/var/lib/dpkg/info';
/** dpkg writes both files of a package in one go. */
const slackMs = 3_600_000;
const sumsMax = 16 << 20;
const shownMax = 10;
const bareMax = 100;

/** The list and the digests of a package; either may be missing. Throws TreeError. */
export function recordsOf(tree: Tree, { name, arch }: Package): { list: FileStat | undefined; sums: FileStat | undefined; base: string } {
  const qualified = `${info}/${name}:${arch}`;
  const list = tree.stat(`${qualified}.list`);
  const base = list ? qualified : `${info}/${name}`;
  return { list: list ?? tree.stat(`${base}.list`), sums: tree.stat(`${base}.md5sums`), base };
}

/** The script that runs when a package is set up; '' when there is none. Throws TreeError. */
export const setupOf = (tree: Tree, base: string): string => textOf(tree, `${base}.postinst`) ?? '';

export function* touchedRecords(index: PackageIndex): Iterable<Finding> {
  const { tree } = index;
  for (const one of index.packages) {
    if (one.manager !== 'dpkg') continue;
    const { list, sums, base } = recordsOf(tree, one);
    if (!list || !sums) continue;
    // An archive keeps the time at which it was built; what is written later has a later one. The change time cannot be set by anybody.
    const written = sums.modified > list.modified + slackMs;
    const touched = sums.changed > list.changed + slackMs;
    const unlisted = digestsWithoutFile(tree, index, base, one);
    // On a disk that was copied or restored change times say nothing.
    const asInstalled = list.changed - list.modified < slackMs;
    if (!written && unlisted.length === 0 && !(touched && asInstalled)) continue;
    const path = `${base}.md5sums`;
    yield finding('package-files', path, {
      kind: 'intrusion', level: written || unlisted.length > 0 ? 'high' : 'medium', path,
      title: { zh: `软件包 ${one.name} 的校验值记录在安装之后被改过：${path}`, en: `the digests of the package ${one.name} were changed after it was installed: ${path}` },
      evidence: [
        fact({ zh: '文件清单写于', en: 'list of files written' }, times(list)), fact({ zh: '校验值写于', en: 'digests written' }, times(sums)),
        ...unlisted.slice(0, shownMax).map((file) => fact({ zh: '清单里没有的文件', en: 'a file that is not in the list' }, file)),
      ],
      means: { zh: '换掉系统程序的人若也改了这里的校验值，dpkg --verify 和 debsums 就看不出来。这两个文件本该同时写成。', en: 'Who replaces a program of the system and writes its new digest here is not seen by dpkg --verify or debsums. Both files are written at the same moment when a package is installed.' },
      fix: { text: { zh: '从软件源重装此软件包，再比较程序', en: 'install the package again from its source, then compare its programs' }, commands: [['apt-get', 'install', '--reinstall', one.name]] },
      refs: ['attack:T1565.001', 'attack:T1554'], time: sums.changed,
    });
  }
}

/**
 * Packages that have files and no digest of any. dpkg takes digests itself where a package brings none, so somebody took them away: from
 * one package to hide what was done to its files, from all of them mostly to make an image smaller. `bare` has a file of each.
 */
export function* withoutDigests(bare: ReadonlyMap<Package, string>, context: Pick<ScanContext, 'tree' | 'blind' | 'count'>): Iterable<Finding> {
  if (bare.size === 0) return;
  if (!(context.tree.list(info) ?? []).some((name) => name.endsWith('.md5sums'))) {
    context.blind(info, { zh: '没有任何软件包的校验值（*.md5sums 全被删了）：系统文件没能比对', en: 'no package has its digests any more (*.md5sums): the files of the system could not be compared' });
    return;
  }
  for (const [one, file] of upTo(context, [...bare], bareMax)) {
    const { list, base } = recordsOf(context.tree, one);
    const path = `${base}.md5sums`;
    yield finding('package-files', path, {
      kind: 'intrusion', level: 'medium', path, time: list?.changed,
      title: { zh: `软件包 ${one.name} 的校验值记录不见了：它的文件有没有被换过，看不出来`, en: `the digests of the package ${one.name} are gone: whether its files were replaced cannot be told` },
      evidence: [fact({ zh: '没能比对的文件', en: 'a file that could not be compared' }, file), fact({ zh: '版本', en: 'version' }, one.version)],
      means: { zh: 'dpkg 安装每个软件包时都会留下校验值。只缺这一个，多半是有人换了程序又不想被 dpkg --verify 看出来。', en: 'dpkg keeps digests of every package that it installs. Where one has none, somebody most likely replaced a program and does not want dpkg --verify to see it.' },
      fix: { text: { zh: '从软件源重装此软件包', en: 'install the package again from its source' }, commands: [['apt-get', 'install', '--reinstall', one.name]] },
      refs: ['attack:T1565.001', 'attack:T1070.004'],
    });
  }
}

/** What dpkg itself never writes: a digest of a file that its package does not own. */
function digestsWithoutFile(tree: Tree, index: PackageIndex, base: string, one: Package): string[] {
  if (!index.strangers.has(one)) return [];
  const text = textOf(tree, `${base}.md5sums`, sumsMax) ?? '';
  const listed = new Set((textOf(tree, `${base}.list`, sumsMax) ?? '').split('\n'));
  return text.split('\n').map((line) => `/${line.slice(34).replace(/^\.\//, '')}`).filter((path) => path !== '/' && !listed.has(path)).slice(0, shownMax);
}

const times = ({ modified, changed }: FileStat): string => `mtime ${new Date(modified).toISOString()}, ctime ${new Date(changed).toISOString()}`;
