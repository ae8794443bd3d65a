/** Puts a file back as its package shipped it, or as it lies in the vault. What was there goes into the vault. */
import { closeSync, readSync } from 'node:fs';
import type { Action, ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { lineDiff } from '../../core/line-diff.ts';
import type { Text } from '../../core/text.ts';
import { parsePath, realPlace, withPlace } from '../../linux/place.ts';
import type { Original, Originals } from '../../linux/packages/original.ts';
import { isSame, type FileState } from '../file-state.ts';
import { applySwap, lookToSwap, planSwap, swapMax, undoSwap, verifySwap, type SwapState } from '../file-swap.ts';
import type { FileWorld } from '../file-world.ts';
import { badInput, fieldsOf } from '../input.ts';

export interface RestoreWorld extends FileWorld { originals: Pick<Originals, 'find' | 'write' | 'read'> }

/** `from`: 'package', or the id of something in the vault. */
export interface RestoreInput { path: string; from: string; why: string; by: string }

/** Where the content comes from, also after a crash. */
export type RestoreSource = { kind: 'package'; deb: string; inDeb: string } | { kind: 'vault'; id: string };

export interface RestoreState extends SwapState { source: RestoreSource }

const diffMax = 512 * 1024;
const whyMax = 1000, byMax = 200;

export function restoreFile(world: RestoreWorld): Action<RestoreInput, RestoreState> {
  const { vault, fileProtection, fileChanges, originals } = world;
  return {
    id: 'restore-file',
    title: { zh: '恢复文件', en: 'Restore a file' },
    blind: { zh: '正在运行旧文件的进程继续运行旧的；软件包脚本以不明显的方式设的权限看不出来；Moat 的基线只存摘要，不能从中恢复。', en: 'Processes that run the file of before go on with it; rights that the package’s script sets in a roundabout way are not seen; Moat’s baseline keeps digests only and nothing can be restored from it.' },
    automatic: 'never',
    halfDone: 'finish',

    parse(input) {
      const { path, from = 'package', why, by } = fieldsOf(input);
      if (typeof from !== 'string' || !/^[0-9a-z]{4,40}$/.test(from)) throw badInput('package, or the id of something in quarantine', from);
      return { path: parsePath(path), from, why: typeof why === 'string' ? why.slice(0, whyMax) : '', by: typeof by === 'string' ? by.slice(0, byMax) : '' };
    },

    async plan({ path: asked, from, why, by }, { force, now }) {
      if (from === 'baseline') throw refused({ zh: 'Moat 的基线只存摘要，不存内容：请从软件包或隔离区恢复', en: 'Moat’s baseline keeps digests and no content: restore it from its package or from quarantine' }, 'moat restore-file PATH');
      const path = realPlace(asked);
      // What is essential may be put right; what is never touched stays so.
      await fileProtection.mayChange(path, { force: true, edit: true });
      const changes = await fileChanges();
      const { before, folder } = await lookToSwap(path, changes);
      const { after, source, steps } = from === 'package' ? await ofPackage(path, before, force) : ofVault(from, path);
      if (before !== undefined && isSame(before, { ...after, attributes: after.attributes }) && (before.flags ?? 0) === 0) throw new MoatError<ActionErrorCode>('not-there', `${path} is so already`, { text: { zh: `${path} 已是如此，无需恢复`, en: `${path} is so already; there is nothing to restore` } });
      const swap = await planSwap(world, { path, folder, before, after, why, by, now });
      return {
        target: path, title: { zh: `恢复 ${path}`, en: `Restore ${path}` },
        steps: [
          ...(before ? [{ text: { zh: `把现在的文件（SHA-256 ${before.sha256}）存入隔离区`, en: `store the file that is there (SHA-256 ${before.sha256}) in quarantine` } }] : [{ text: { zh: '那里现在没有文件', en: 'nothing is there now' } }]),
          ...steps,
          { text: { zh: `放到原处：${rights(after)}`, en: `put it in its place: ${rights(after)}` } },
        ],
        risk: 'medium', reversible: true, state: { ...swap, source },
      };
    },

    async apply(state, context) {
      await applySwap(world, state, context, {
        action: 'restore-file',
        write: async ({ source }, fd, signal) => (source.kind === 'vault' ? await vault.writeTo(source.id, fd) : await originals.write(source, fd, signal)),
      });
    },

    async verify(state) {
      const { found: _, ...verdict } = await verifySwap(world, state);
      return verdict;
    },

    async undo(state) { await undoSwap(world, state); },
  };

  async function ofPackage(path: string, before: FileState | undefined, force: boolean): Promise<{ after: FileState; source: RestoreSource; steps: PlanStep[] }> {
    const original = await originals.find(fileProtection.inside(path));
    const { config, deb, inDeb, vouched, package: { name, version }, size } = original;
    if (size > swapMax) throw refused({ zh: `${path} 太大`, en: `${path} is too large` });
    const steps: PlanStep[] = [{ text: { zh: `取软件包 ${name} ${version} 里的原件：${deb}（${proofs(vouched).zh}）`, en: `take what the package ${name} ${version} shipped: ${deb} (${proofs(vouched).en})` } }];
    const diff = config || (before !== undefined && before.size <= diffMax) ? await difference(path, before, original) : undefined;
    if (diff !== undefined) steps.push({ text: { zh: `改动（- 现在的，+ 出厂的）：\n${diff}`, en: `what changes (- now, + as shipped):\n${diff}` } });
    if (config && !force) throw refused({ zh: `${path} 是软件包 ${name} 的设置文件，多半是管理员有意改的（确要恢复出厂设置请加 --force）${diff === undefined ? '' : `：\n${diff}`}`, en: `${path} are settings of the package ${name}, most likely changed on purpose (use --force to put back what was shipped)${diff === undefined ? '' : `:\n${diff}`}` }, '--force');
    if (vouched.database === false && !force) throw refused({ zh: `软件包数据库里 ${path} 的摘要与 apt 签名列表担保的原件不符：数据库本身多半被改过（信任 apt 请加 --force）`, en: `the package database has another digest of ${path} than what apt’s signed lists vouch for: the database was most likely changed (use --force to go by apt)` }, '--force');
    if (original.scripted) steps.push({ text: { zh: `注意：软件包的安装脚本还会改动它的权限，之后请核对`, en: 'mind: the script of the package changes its rights in some other way; look at them afterwards' }, command: ['dpkg-reconfigure', name] });
    const lost = before?.attributes.filter(({ name: attribute }) => attribute === 'security.capability' && !original.attributes.some((one) => one.name === attribute)) ?? [];
    if (lost.length > 0) steps.push({ text: { zh: '注意：现在的文件带有 capabilities，出厂的没有，将不再有', en: 'mind: the file that is there has capabilities, what was shipped has none' } });
    return { after: stateOf(original, before), source: { kind: 'package', deb, inDeb }, steps };
  }

  function ofVault(id: string, path: string): { after: FileState; source: RestoreSource; steps: PlanStep[] } {
    const item = vault.item(id);
    if (item.path !== path) throw refused({ zh: `隔离区的 ${id} 原在 ${item.path}，不是 ${path}`, en: `${id} in quarantine was at ${item.path}, not at ${path}` }, 'moat quarantine list');
    return { after: item.file, source: { kind: 'vault', id }, steps: [{ text: { zh: `取隔离区里的 ${id}（${new Date(item.added).toISOString()}，SHA-256 ${item.file.sha256}）`, en: `take ${id} out of quarantine (${new Date(item.added).toISOString()}, SHA-256 ${item.file.sha256})` } }] };
  }

  /** Of two texts; undefined for what is none. */
  async function difference(path: string, before: FileState | undefined, original: Original): Promise<string | undefined> {
    const shipped = await originals.read(original, diffMax);
    if (shipped === undefined || shipped.includes(0) || before?.kind !== 'file' || before.size > diffMax) return undefined;
    const now = await withPlace(path, (place) => {
      const fd = place.open();
      try {
        const bytes = Buffer.alloc(diffMax);
        return bytes.subarray(0, readSync(fd, bytes, 0, diffMax, 0));
      } finally { closeSync(fd); }
    });
    return now.includes(0) || now.equals(shipped) ? undefined : lineDiff(now.toString('utf8'), shipped.toString('utf8'));
  }
}

/** SELinux labels belong to the place, not to the package: what is there stays. */
function stateOf({ kind, size, sha256, target, mode, uid, gid, modified, attributes }: Original, before: FileState | undefined): FileState {
  const label = before?.attributes.filter(({ name }) => name === 'security.selinux') ?? [];
  return {
    kind, device: '', inode: '', size, sha256, ...(target !== undefined && { target }), mode, uid, gid, accessed: modified, modified, changed: modified, links: 1,
    attributes: [...attributes, ...label].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

const rights = ({ kind, mode, uid, gid, attributes, target }: FileState): string => (kind === 'symlink' ? `-> ${target ?? ''}` : `${mode.toString(8).padStart(4, '0')} ${uid}:${gid}${attributes.map(({ name }) => ` ${name}`).join('')}`);

function proofs({ database, apt }: Original['vouched']): Text {
  const zh = [...(database ? ['与软件包数据库的摘要一致'] : []), ...(apt ? ['与 apt 签名列表的 SHA-256 一致'] : [])], en = [...(database ? ['has the digest of the package database'] : []), ...(apt ? ['has the SHA-256 of apt’s signed lists'] : [])];
  return zh.length > 0 ? { zh: zh.join('，'), en: en.join(', ') } : { zh: '同一软件包的其他文件都与数据库一致', en: 'all other files of the package have the digests of the database' };
}

const refused = (text: Text, hint?: string): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', text.en, { text, ...(hint !== undefined && { hint }) });
