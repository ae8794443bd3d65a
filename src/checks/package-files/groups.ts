/**
 * What belongs together is told once: files of a package that another installer replaced (npm and pip renew themselves over the
 * distribution's copy), and programs in a folder where no package has anything (a JDK unpacked by hand).
 */
import type { Finding } from '../../core/finding.ts';
import type { OwnedFile, PackageIndex } from '../../linux/packages/index.ts';
import type { Owner, Provenance } from '../../linux/provenance.ts';
import type { FileStat } from '../../linux/tree.ts';
import { fact, finding } from '../finding.ts';
import { kindOf } from '../system-files.ts';
import { reinstall } from './missing.ts';

/** Fewer replaced files than these are told one by one: a renewal replaces many. */
const renewalMin = 20;
/** Fewer programs of nobody than these are told one by one. */
const folderMin = 4;
const shownMax = 10;

interface Member { path: string; stat: FileStat; finding: Finding }
interface Renewal { file: OwnedFile; by: Owner; verified: boolean; members: Member[] }

export class Groups {
  readonly #index: PackageIndex;
  readonly #provenance: Provenance;
  readonly #renewals = new Map<string, Renewal>();
  readonly #folders = new Map<string, Member[]>();

  constructor(index: PackageIndex, provenance: Provenance) { this.#index = index; this.#provenance = provenance; }

  /** Takes a changed file that another installer says is its own; false when none does. Never one that the machine runs by itself. */
  async replaced(file: OwnedFile, stat: FileStat, found: Finding): Promise<boolean> {
    if (['program', 'library', 'pam', 'module', 'unit'].includes(kindOf(file.path, stat, 'other'))) return false;
    const by = await this.#provenance.installer(file.path);
    if (!by || by.state === 'modified') return false;
    const key = `${file.package.name} ${by.manager} ${by.manager === 'npm' ? topPackage(file.path) : by.name}`;
    const renewal = this.#renewals.get(key);
    const member = { path: file.path, stat, finding: found };
    if (renewal) { renewal.members.push(member); renewal.verified &&= by.state === 'intact'; }
    else this.#renewals.set(key, { file, by, verified: by.state === 'intact', members: [member] });
    return true;
  }

  unowned(path: string, stat: FileStat, found: Finding): void {
    const folder = found.kind === 'intrusion' ? path : this.#foreignFolder(path);
    const member = { path, stat, finding: found };
    const members = this.#folders.get(folder);
    if (members) members.push(member);
    else this.#folders.set(folder, [member]);
  }

  *findings(): Iterable<Finding> {
    for (const renewal of this.#renewals.values()) {
      if (renewal.members.length < renewalMin && !renewal.verified) yield* renewal.members.map((member) => member.finding);
      else yield renewalFinding(renewal);
    }
    for (const [folder, members] of this.#folders) {
      if (members.length < folderMin) yield* members.map((member) => member.finding);
      else yield folderFinding(folder, members);
    }
  }

  /** The topmost folder above in which no package has a file; the path itself when it lies among those of packages. */
  #foreignFolder(path: string): string {
    let at = path;
    for (let up = path.slice(0, path.lastIndexOf('/')); up.split('/').length > 3 && !this.#index.hasFolder(up); up = up.slice(0, up.lastIndexOf('/'))) at = up;
    return at;
  }
}

/** npm brings its own dependencies along. */
const topPackage = (path: string): string => /^.*?\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '';

function renewalFinding({ file, by, verified, members }: Renewal): Finding {
  const name = by.manager === 'npm' ? topPackage(file.path) : by.name;
  return finding('package-files', `renewed ${file.package.name} ${by.manager} ${name}`, {
    kind: 'notice', level: verified ? 'info' : 'low', path: members[0]!.path,
    title: { zh: `软件包 ${file.package.name} 的 ${members.length} 个文件被 ${by.manager} 换成了它装的 ${name}`, en: `${members.length} files of the package ${file.package.name} were replaced by ${by.manager} with its own ${name}` },
    evidence: [
      fact({ zh: '软件包', en: 'package' }, `${file.package.name} ${file.package.version} (${file.package.manager})`),
      fact({ zh: '校验', en: 'digests' }, verified ? `as ${by.manager} recorded them` : `${by.manager} keeps none`),
      ...members.slice(0, shownMax).map(({ path }) => fact({ zh: '换过的文件', en: 'replaced' }, path)), newest(members),
    ],
    means: { zh: 'npm、pip 升级自己时会盖掉发行版装的那份，属常见。它们的记录谁能写那里谁就能改，所以只能说像是升级。', en: 'npm and pip renew themselves over the copy of the distribution, which is common. Whoever can write there can write their records, so it only looks like a renewal.' },
    fix: { text: { zh: '要回到发行版的那份就重装软件包', en: 'install the package again to have the distribution’s copy back' }, commands: [reinstall(file)] },
    refs: [], time: newestOf(members),
  });
}

function folderFinding(folder: string, members: readonly Member[]): Finding {
  return finding('package-files', `unowned ${folder}`, {
    kind: 'notice', level: 'low', path: folder,
    title: { zh: `系统目录 ${folder} 里有 ${members.length} 个程序和库不属于任何软件包`, en: `${members.length} programs and libraries in the system folder ${folder} belong to no package` },
    evidence: [...members.slice(0, shownMax).map(({ path }) => fact({ zh: '文件', en: 'file' }, path)), newest(members)],
    means: { zh: '整个目录都不是软件包装的：多半是手工解开的软件。确认是谁放的。', en: 'No package put anything in this folder: most likely software that was unpacked by hand. Make sure who did it.' },
    refs: [], time: newestOf(members),
  });
}

const newestOf = (members: readonly Member[]): number => members.reduce((latest, { stat }) => Math.max(latest, stat.changed), 0);
const newest = (members: readonly Member[]) => fact({ zh: '最近变动', en: 'last change' }, new Date(newestOf(members)).toISOString());
