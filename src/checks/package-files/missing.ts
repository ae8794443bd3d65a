/** Files that packages ship and that are not there: one finding a package. */
import type { Finding } from '../../core/finding.ts';
import type { OwnedFile } from '../../linux/packages/index.ts';
import { nameMatches } from '../../linux/glob.ts';
import { filesIn, textOf, type Tree } from '../../linux/tree.ts';
import { asShipped, fact, finding } from '../finding.ts';
import { kindOf } from '../system-files.ts';

const shownMax = 10;
const settingsMax = 64 * 1024;

/** What dpkg was told not to unpack (path-exclude, path-include): small images leave documents out. Throws TreeError. */
export function excludedPaths(tree: Tree): (path: string) => boolean {
  const patterns: { leaves: boolean; matches: (path: string) => boolean }[] = [];
  for (const file of ['/etc/dpkg/dpkg.cfg', ...filesIn(tree, '/etc/dpkg/dpkg.cfg.d')]) {
    for (const line of (textOf(tree, file, settingsMax) ?? '').split('\n')) {
      const said = /^\s*path-(exclude|include)\s*=\s*(\S.*?)\s*$/.exec(line);
      // dpkg's stars cross slashes; a question mark or class is taken for a star.
      if (said) { const pattern = said[2]!.replace(/\?|\[[^\]]*\]/g, '*'); patterns.push({ leaves: said[1] === 'exclude', matches: (path) => nameMatches(pattern, path) }); }
    }
  }
  // The last that fits decides.
  return (path) => patterns.findLast(({ matches }) => matches(path))?.leaves === true;
}

export function* missingFiles(missing: ReadonlyMap<string, readonly OwnedFile[]>): Iterable<Finding> {
  for (const [name, files] of missing) {
    const told = files.filter(({ path, config }) => !config && kindOf(path, undefined, 'other') !== 'document');
    const first = told[0];
    if (!first) continue;
    const programs = told.some(({ path }) => ['program', 'library', 'pam', 'module'].includes(kindOf(path, undefined, 'other')));
    yield finding('package-files', `missing ${name}`, {
      kind: 'notice', level: programs ? 'low' : 'info', path: first.path,
      title: { zh: `软件包 ${name} 的 ${told.length} 个文件不见了`, en: told.length === 1 ? `the file ${first.path} of the package ${name} is missing` : `${told.length} files of the package ${name} are missing` },
      evidence: told.slice(0, shownMax).map(({ path }) => fact({ zh: '不见的文件', en: 'missing' }, path)),
      means: { zh: '有人删掉或挪走了它们；精简系统时也会这样。', en: 'Somebody removed or moved them; slimming a system does so too.' },
      fix: { text: { zh: '需要它就重装软件包', en: 'install the package again if it is needed' }, commands: [reinstall(first)], actions: asShipped(...told.map(({ path }) => path)) },
      refs: [],
    });
  }
}

/** The command that brings a package's files back. */
export function reinstall({ package: { manager, name } }: OwnedFile): readonly string[] {
  switch (manager) {
    case 'dpkg': return ['apt-get', 'install', '--reinstall', name];
    case 'rpm': return ['dnf', 'reinstall', name];
    case 'apk': return ['apk', 'fix', '--reinstall', name];
  }
}
