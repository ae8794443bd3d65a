/** Changes since the baseline, on a terminal and as JSON. */
import type { JudgedChange, Upgrade } from '../baseline/baseline.ts';
import type { Summary } from '../baseline/store.ts';
import type { Lang } from '../core/text.ts';
import { colour } from './colour.ts';
import { clock, safe } from './terminal.ts';

const acceptedShown = 20;
const packagesShown = 50;

export function changeJson({ path, action, fields, before, after, timeKept, upgrade, shipped }: JudgedChange): object {
  return {
    path, action, ...(fields.length > 0 && { fields }), ...(timeKept && { time_kept: true }), ...(upgrade && { package: upgrade }), ...(shipped && { as_shipped: true }),
    ...(action !== 'changed' && { before, after }),
  };
}

export function changeLines(change: JudgedChange, lang: Lang): string[] {
  const { path, action, fields, after, timeKept, shipped } = change;
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const word = { added: colour.yellow(t('新增', 'new')), removed: colour.red(t('删除', 'removed')), changed: colour.red(t('改动', 'changed')), touched: colour.dim(t('碰过', 'touched')) }[action];
  const lines = [`${word} ${safe(path)}${shipped ? t('（与软件包一致）', ' (as its package ships it)') : ''}`];
  for (const { field, before, after: now } of fields) lines.push(`    ${field}: ${safe(before || '-')} → ${safe(now || '-')}`);
  if (action === 'added' && after) lines.push(`    ${after.kind} ${after.mode.toString(8)} ${after.uid}:${after.gid} ${after.size}${after.sha256 ? ` ${after.sha256}` : ''}`);
  if (timeKept) lines.push(`    ${t('内容变了，修改时间却还是原来的：有人改回去的', 'the content changed while the modification time is the old one: somebody set it back')}`);
  return lines;
}

/** Files of each upgraded package. */
export class UpgradeCount {
  readonly #packages = new Map<string, { upgrade: Upgrade; files: number }>();
  get size(): number { return this.#packages.size; }

  add(upgrade: Upgrade): void {
    const key = `${upgrade.name}\0${upgrade.from}\0${upgrade.to}`;
    const known = this.#packages.get(key);
    if (known) known.files++;
    else this.#packages.set(key, { upgrade, files: 1 });
  }

  *all(): Iterable<{ upgrade: Upgrade; files: number }> { yield* this.#packages.values(); }
}

export function upgradeLines(upgrades: UpgradeCount, { changes, touched }: { changes: number; touched: number }, lang: Lang): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const lines: string[] = [];
  for (const { upgrade: { name, from, to }, files } of upgrades.all()) {
    if (lines.length >= packagesShown) { lines.push(`… ${upgrades.size}`); break; }
    lines.push(safe(t(`软件包 ${name} ${from || '（新装）'} → ${to || '（卸载）'}：${files} 个文件`, `package ${name} ${from || '(new)'} → ${to || '(gone)'}: ${files} files`)));
  }
  lines.push(t(`${changes} 项变化；${upgrades.size} 个软件包装过、升级过或卸载过；${touched} 个文件只有时间等变化`, `${changes} changes; ${upgrades.size} packages installed, upgraded or removed; ${touched} files touched only`));
  if (upgrades.size > 0) lines.push(t('接受软件包的变化：moat baseline accept --packages', 'to take over what packages changed: moat baseline accept --packages'));
  return lines;
}

export function summaryLines({ created, updated, tree, folders, exclude, entries, unread, accepted, seal }: Summary, lang: Lang): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  return [
    t(`${safe(tree)} 的基线：${entries} 项，做于 ${clock(created)}，更新于 ${clock(updated)}`, `baseline of ${safe(tree)}: ${entries} entries, made ${clock(created)}, updated ${clock(updated)}`),
    `${t('范围', 'of')}: ${safe(folders.join(' '))}`, `${t('不含', 'without')}: ${safe(exclude.join(' '))}`,
    ...(unread > 0 ? [t(`${unread} 个文件没有摘要（太大、正被写或读不了）`, `${unread} files without a digest (too large, being written, or not readable)`)] : []),
    ...accepted.slice(-acceptedShown).map(({ time, what, files }) => safe(`${clock(time)} ${t('接受', 'taken over')}: ${what} (${files})`)),
    `${t('封印', 'seal')}: ${seal}`,
  ];
}
