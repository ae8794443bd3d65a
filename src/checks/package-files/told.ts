/** The findings of `package-files`, one function each. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { MoatError } from '../../core/error.ts';
import type { Comparison, OwnedFile } from '../../linux/packages/index.ts';
import type { Owner } from '../../linux/provenance.ts';
import type { FileStat, Tree } from '../../linux/tree.ts';
import { asShipped, fact, finding, lessRights, octal } from '../finding.ts';
import { beginningOf, kindOf, kindWords, levelOfChange, type Beginning } from '../system-files.ts';
import { reinstall } from './missing.ts';
import type { Bits } from './modes.ts';
import { changeOf } from './original.ts';
import type { Originals } from './originals.ts';

const shipper = ({ package: { manager, name, version } }: OwnedFile) => fact({ zh: '所属软件包', en: 'package' }, `${name} ${version} (${manager})`);

/** A file that is none of the settings and is not as shipped. */
export function changedFile(file: OwnedFile, stat: FileStat, differs: NonNullable<Comparison['differs']>, hex: string | undefined, tree: Tree): Finding {
  const { path, digest, mode } = file;
  const kind = kindOf(path, stat, differs === 'kind' ? 'other' : quietBeginning(tree, path));
  const target = stat.kind === 'link' ? tree.link(path) : undefined;
  // A change of what is not run, or of the mode alone, says little of an intruder.
  const bits = differs === 'mode' && (stat.mode & 0o6000 & ~(mode ?? 0)) !== 0;
  const level: Level = differs !== 'mode' ? levelOfChange(path, kind) : bits ? 'critical' : (stat.mode & 0o002) !== 0 ? 'medium' : 'low';
  const intrusion = (differs !== 'mode' || bits) && kind !== 'data' && kind !== 'document';
  const what = { content: { zh: '被改过', en: 'was changed' }, mode: { zh: '权限与出厂不同', en: 'has other permissions than shipped' }, kind: { zh: '被换成了别的', en: 'was replaced by something else' }, digest: { zh: '只写在清单里，没有校验值', en: 'is only listed: there is no digest of it' } }[differs];
  return finding('package-files', path, {
    kind: intrusion ? 'intrusion' : (stat.mode & 0o002) !== 0 && differs === 'mode' ? 'weakness' : 'notice', level, path,
    title: { zh: `软件包 ${file.package.name} 的${kindWords[kind].zh} ${path} ${what.zh}`, en: `the ${kindWords[kind].en} ${path} of the package ${file.package.name} ${what.en}` },
    evidence: [
      shipper(file),
      ...(differs === 'mode' ? [fact({ zh: '出厂权限', en: 'mode as shipped' }, octal((mode ?? 0) & 0o7777)), fact({ zh: '现在的权限', en: 'mode now' }, octal(stat.mode))] : []),
      ...(digest && hex !== undefined ? [fact({ zh: `出厂 ${digest.algorithm}`, en: `${digest.algorithm} as shipped` }, digest.hex), fact({ zh: `现在 ${digest.algorithm}`, en: `${digest.algorithm} now` }, hex)] : []),
      ...(differs === 'kind' ? [fact({ zh: '现在是', en: 'now' }, target === undefined ? stat.kind : `link → ${target}`)] : []),
      fact({ zh: '内容改于', en: 'content changed' }, new Date(stat.modified).toISOString()), fact({ zh: '文件变动于', en: 'file changed' }, new Date(stat.changed).toISOString()),
    ],
    means: intrusion
      ? { zh: '系统自带的程序只会随软件包升级而变。内容与软件包不符，多半是被换成了带后门的版本，用来留门、偷密码或藏住别的东西。', en: 'What the system ships changes only when its package is upgraded. Content that is not the package’s is most likely a version with a back door: to stay in, to take passwords or to hide something.' }
      : { zh: '与软件包里的不一样：多半是管理员改的，知道是谁改的即可。', en: 'It is not as its package ships it: most likely an administrator did it; know who.' },
    fix: { text: { zh: '留下这个文件作证据，再重装软件包', en: 'keep the file as evidence, then install the package again' }, commands: [['cp', '--preserve=all', '--', path, '/root/'], reinstall(file)], actions: asShipped(path) },
    refs: intrusion ? ['attack:T1554', ...(kind === 'pam' ? ['attack:T1556.003'] : kind === 'module' ? ['attack:T1547.006'] : [])] : [],
    time: stat.changed,
  });
}

const sensitive = /^\/etc\/(?:ssh|pam\.d|sudoers|security|cron|init\.d|profile|bash|environment|ld\.so|systemd|udev|apt|default|login\.defs|nsswitch|xinetd|rsyslog|audit|sysctl|modprobe|update-motd)/;

/** Settings that somebody changed, with what changed where the original can be had. */
export async function changedSettings(file: OwnedFile, stat: FileStat, tree: Tree, originals: Originals): Promise<Finding> {
  const { path } = file;
  const change = stat.kind === 'file' ? await changeOf(file, tree, originals) : undefined;
  return finding('package-files', path, {
    kind: 'notice', level: sensitive.test(path) ? 'low' : 'info', path,
    title: { zh: `设置文件 ${path} 与软件包 ${file.package.name} 出厂时不同`, en: `the settings ${path} are not as the package ${file.package.name} ships them` },
    evidence: [
      shipper(file),
      ...(change ? [fact({ zh: `改动（原件：${change.from}）`, en: `what changed (original: ${change.from})` }, change.diff)] : []),
      fact({ zh: '内容改于', en: 'content changed' }, new Date(stat.modified).toISOString()),
    ],
    ...(!change && { means: { zh: '本机没有原件可比，或它不是文本：改了什么看不出来。', en: 'No copy of the original was found on this system, or it is no text: what changed cannot be shown.' } }),
    refs: [], time: stat.changed,
  });
}

/** Set-uid or set-gid bits where distributions do not ship them. */
export function bitsFinding(file: OwnedFile, stat: FileStat, { level, certain }: Bits): Finding {
  const { path } = file;
  return finding('package-files', `bits ${path}`, {
    kind: certain ? 'intrusion' : 'notice', level, path,
    title: certain
      ? { zh: `${path} 被加上了 SUID/SGID 位，软件包 ${file.package.name} 不会这样装它`, en: `${path} was given set-uid or set-gid, which the package ${file.package.name} does not ship` }
      : { zh: `${path} 带 SUID/SGID 位，不是常见的那几个`, en: `${path} is set-uid or set-gid and none of the usual ones` },
    evidence: [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`), shipper(file), fact({ zh: '文件变动于', en: 'file changed' }, new Date(stat.changed).toISOString())],
    means: { zh: '任何人一运行它就有了属主的权限。给 shell、解释器或编辑器加 SUID，是留一个随时变回 root 的门。', en: 'Whoever runs it has the rights of its owner. Set-uid on a shell, an interpreter or an editor is a door back to root.' },
    fix: { text: { zh: '取消 SUID/SGID 位，再查是谁在何时加的', en: 'take the bits away, then see who added them and when' }, commands: [['chmod', 'u-s,g-s', path]], actions: lessRights(path, stat.mode, 0o6000) },
    refs: ['attack:T1548.001'], time: stat.changed,
  });
}

/** What may run, lies where packages put programs, and belongs to none. */
export function unownedFile(path: string, stat: FileStat, beginning: Beginning, installer: Owner | undefined): Finding | undefined {
  const kind = kindOf(path, stat, beginning);
  if (kind === 'document') return undefined;
  // Modules built on the machine for its kernel, and what people compile for themselves, are common; a PAM module by hand is not.
  const built = kind === 'module' && /\/(?:updates|extra|weak-updates)\//.test(path);
  const claimed = installer !== undefined && installer.state !== 'modified';
  const level: Level = built || claimed ? 'info' : kind === 'pam' ? 'high' : kind === 'module' || kind === 'library' || kind === 'program' ? 'medium' : 'low';
  return finding('package-files', path, {
    kind: kind === 'pam' ? 'intrusion' : 'notice', level, path,
    title: { zh: `系统目录里的${kindWords[kind].zh}不属于任何软件包：${path}`, en: `a ${kindWords[kind].en} in a system folder that no package owns: ${path}` },
    evidence: [
      fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}, ${stat.size} bytes`), fact({ zh: '内容改于', en: 'content changed' }, new Date(stat.modified).toISOString()), fact({ zh: '文件变动于', en: 'file changed' }, new Date(stat.changed).toISOString()),
      ...(installer ? [fact({ zh: '安装记录', en: 'installed by' }, `${installer.manager} ${installer.name} ${installer.version}, ${installer.state}`)] : []),
    ],
    means: { zh: '这里的程序本该来自软件包。可能是管理员自己装的，也可能是后门；看它是谁、何时放的。', en: 'Programs here should come from packages. It may be an administrator’s own, or a back door: see who put it there and when.' },
    refs: kind === 'pam' ? ['attack:T1556.003'] : kind === 'module' ? ['attack:T1547.006'] : ['attack:T1036.005'], time: stat.changed,
  });
}

/** One that cannot be read now was read a moment ago, for its digest. */
function quietBeginning(tree: Tree, path: string): Beginning {
  try {
    return beginningOf(tree, path);
  } catch (error) {
    if (error instanceof MoatError) return 'other';
    throw error;
  }
}
