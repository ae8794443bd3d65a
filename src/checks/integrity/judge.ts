/** What a change since the baseline is worth, by what the file is and where it lies, and how it is told. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import type { JudgedChange } from '../../baseline/baseline.ts';
import type { Tree } from '../../linux/tree.ts';
import { fact, finding } from '../finding.ts';
import { isBelowWebRoot, isWebCode, isWebEntry } from '../../core/web-files.ts';
import { lineDiff } from '../../core/line-diff.ts';
import { baseName } from '../shell-words.ts';
import { beginningOf, inSystemFolder, kindOf, kindWords, levelOfChange, type SystemFileKind } from '../system-files.ts';

/** What upgrades and services write anew by themselves. */
const generated = /^\/etc\/(?:ld\.so\.cache|mailcap|shells|\.updated|\.pwd\.lock|ssl\/certs\/|alternatives\/|(?:passwd|group|shadow|gshadow|subuid|subgid)-$|lvm\/|machine-info$)|^\/usr\/share\/(?:mime\/|applications\/mimeinfo\.cache|icons\/[^/]+\/icon-theme\.cache|info\/dir|vim\/.*\/tags)|^\/usr\/lib\/(?:modules\/[^/]+\/modules\.|.*giomodule\.cache$|locale\/locale-archive$|.*\/loaders\.cache$)|^\/boot\/(?:initrd|grub\/)|\/__pycache__\/|^\/var\/www\/.*\/cache\//;
/** Settings that let somebody in or start something. */
const sensitive = /^\/etc\/(?:passwd|shadow|group|gshadow|sudoers|ssh\/|pam\.d\/|security\/|ld\.so\.(?:preload|conf)|crontab|cron|init\.d\/|rc|profile|bash|environment|systemd\/|udev\/|modules|modprobe|apt\/|hosts\.|login\.defs|nsswitch|update-motd|xdg\/autostart|at\.|anacrontab)|^\/var\/spool\/cron|^\/root\/\.(?:ssh\/|bash|profile|zsh|config\/(?:systemd|autostart))/;

export interface ToldChange { change: JudgedChange; what: SystemFileKind; kind: Finding['kind']; level: Level }

/** What a change that no package manager made is worth. */
export function judgeChange(change: JudgedChange, tree: Tree): ToldChange {
  const { path, action, after, before, fields } = change;
  let beginning: ReturnType<typeof beginningOf> = 'other';
  if (after?.kind === 'file') {
    try { beginning = beginningOf(tree, path); } catch (error) { if (!(error instanceof MoatError)) throw error; /* told as unreadable by the comparison */ }
  }
  const what = kindOf(path, after?.kind === 'file' ? { ...after, allocated: 0, device: 0, born: undefined } : undefined, beginning);
  const told = (kind: Finding['kind'], level: Level): ToldChange => ({ change, what, kind, level });
  if (generated.test(path)) return told('notice', 'info');
  const gainsBits = after !== undefined && (after.mode & 0o6000 & ~(before?.mode ?? 0)) !== 0 && after.kind === 'file' && (after.mode & 0o111) !== 0;
  const ownSystem = inSystemFolder(path);
  if (gainsBits && ownSystem) return told('intrusion', 'high');
  const runs = what === 'program' || what === 'library' || what === 'pam' || what === 'module';
  const contentChanged = fields.some(({ field }) => field === 'content' || field === 'kind' || field === 'target');
  if (ownSystem && runs && action === 'changed' && contentChanged) return told('intrusion', levelOfChange(path, what));
  if (ownSystem && (runs || what === 'script') && action === 'added') return told(what === 'pam' ? 'intrusion' : 'notice', what === 'pam' ? 'high' : 'medium');
  if (isBelowWebRoot(path) && (isWebEntry(baseName(path)) ? action !== 'removed' : action === 'added' && isWebCode(path))) return told('notice', 'medium');
  if (sensitive.test(path) || (change.timeKept && ownSystem)) return told('notice', 'medium');
  return told('notice', what === 'document' ? 'info' : 'low');
}

export const actionWords = { added: { zh: '新增', en: 'new' }, removed: { zh: '被删除', en: 'removed' }, changed: { zh: '变了', en: 'changed' }, touched: { zh: '被碰过', en: 'touched' } };

export function changeFinding({ change, what, kind, level }: ToldChange): Finding {
  const { path, action, fields, after, before, timeKept } = change;
  const word = actionWords[action];
  return finding('integrity', path, {
    kind, level, path,
    title: { zh: `${kindWords[what].zh} ${path} 自基线以来${word.zh}`, en: `the ${kindWords[what].en} ${path} is ${word.en} since the baseline` },
    evidence: [
      ...fields.map(({ field, before: from, after: to }) => fact({ zh: field, en: field }, `${from || '-'} → ${to || '-'}`)),
      ...(action === 'added' && after ? [fact({ zh: '文件', en: 'file' }, `${after.kind} ${after.mode.toString(8)} ${after.uid}:${after.gid} ${after.size} bytes${after.sha256 ? ` sha256 ${after.sha256}` : ''}`)] : []),
      ...(before?.text !== undefined && after?.text !== undefined && before.text !== after.text ? [fact({ zh: '改动的行', en: 'changed lines' }, lineDiff(before.text, after.text))] : []),
      ...(timeKept ? [fact({ zh: '时间', en: 'time' }, 'the content changed, the modification time was set back')] : []),
    ],
    means: kind === 'intrusion'
      ? { zh: '没有软件包升级能解释这个改动。系统自带的程序自己不会变。', en: 'No upgrade of a package explains this change, and what the system ships does not change by itself.' }
      : { zh: '做基线之后有人改了它；若是你们自己改的，接受进基线即可。', en: 'Somebody changed it after the baseline was made; take it over when it was one of yours.' },
    fix: { text: { zh: '确认是自己人改的，再接受进基线', en: 'take it over once you know who did it' }, commands: [['moat', 'baseline', 'accept', path]] },
    refs: [...(timeKept ? ['attack:T1070.006'] : []), ...(kind === 'intrusion' ? ['attack:T1554'] : []), 'dengbao:8.1.4.7'],
    time: (after ?? before)!.changed,
  });
}

/** The baseline does not hold: worse than any change. */
export function tamperedFinding(why: Text, store: string): Finding {
  return finding('integrity', 'tampered', {
    kind: 'intrusion', level: 'high', path: store,
    title: { zh: '完整性基线本身被改过', en: 'the integrity baseline itself was changed' },
    evidence: [fact(why, store)],
    means: { zh: '基线带有密钥校验，只有 root 能碰到它：有人想藏住改动，或者磁盘坏了。', en: 'The baseline is authenticated by a key and only root can reach it: somebody wants to hide a change, or the disk is failing.' },
    fix: { text: { zh: '用别处留存的基线和密钥比对；没有就当作已被入侵来查', en: 'compare with a copy kept elsewhere; without one treat the machine as broken into' }, commands: [] },
    refs: ['attack:T1565.001'],
  });
}
