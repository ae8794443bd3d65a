/**
 * One setting of sshd or of the kernel: checked before it is written, tried afterwards, and taken back by itself when the trial fails
 * or when nobody confirms what could lock people out.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import type { Action, ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { parsePath, realPlace, withPlace, type Place } from '../../linux/place.ts';
import { readSshdConfig } from '../../linux/sshd-config.ts';
import { changedMeanwhile, make, type FileState } from '../file-state.ts';
import { applySwap, lookToSwap, planSwap, undoSwap, verifySwap, type SwapState, type SwapSteps } from '../file-swap.ts';
import type { FileWorld } from '../file-world.ts';
import { badInput, fieldsOf } from '../input.ts';
import { bytesIn, digestIn, edited, stateOf, unedited, type Edit } from './edit.ts';
import { editOf, exceptionsOf, judge, mayLockOut, readSshdKey, readSshdValue, settle, usualConfig, withCandidate, type SshdTarget, type SshdWorld } from './sshd.ts';
import { fileOfKey, laterSaying, planSysctl, readKey, readSysctlValue, turnSysctl, type Sysctl } from './sysctl.ts';

export type SettingWorld = FileWorld & SshdWorld & { sysctl: Sysctl };

interface Common { key: string; value: string; /** It is taken back by itself unless a person confirms it within so many seconds; 0 needs no confirmation. */ confirmWithin: number; why: string; by: string }

/** `config`: of an sshd other than the usual one, as seen from inside the root; `match`: what stands behind the Match that it holds under. */
export type SettingInput = Common & ({ kind: 'sshd'; config: string; match: string | undefined } | { kind: 'sysctl' });

/** `inside`: the file as the machine under the root names it. */
interface Kept extends SwapState { key: string; value: string; inside: string; edit: Edit; confirmBy?: number }

/** `passed`: sshd has read it and answered. `live`: what the kernel had before; `turned`: stored before it is given another value. */
export type SettingState = (Kept & { kind: 'sshd'; config: string; target: SshdTarget; passed: boolean }) | (Kept & { kind: 'sysctl'; live: string; turned: boolean });

const confirmMost = 86_400, usualConfirm = 300;
const textMax = 1 << 20;

export function changeSetting(world: SettingWorld): Action<SettingInput, SettingState> {
  const { vault, fileProtection, fileChanges, sysctl } = world;
  const steps: SwapSteps<SettingState> = {
    action: 'change-setting',
    async write(state, fd) {
      const pieces: Buffer[] = [];
      if (state.before) for await (const piece of vault.read(state.vault)) pieces.push(piece);
      writeFully(fd, bytesIn(edited(Buffer.concat(pieces).toString('latin1'), state.edit)));
    },
    // Once more: what it includes may have changed since it was planned.
    async check(state, place, name) {
      if (state.kind !== 'sshd') return;
      const config = readSshdConfig(fileProtection.root, state.config);
      const complaint = await withCandidate(world, config, new Map([[state.inside, contentOf(place, name)]]), (main) => world.sshd.complaint(main));
      if (complaint !== undefined) throw new MoatError<ActionErrorCode>('failed', `sshd does not take the changed configuration: ${complaint.slice(0, 300)}`);
    },
  };
  return {
    id: 'change-setting',
    title: { zh: '改设置', en: 'Change a setting' },
    blind: { zh: '已经建立的 SSH 会话不受影响；目录服务里的账号与云端的登录方式不在“仍能登录”的判断之内；只从本机试连。', en: 'SSH sessions that stand are not touched; accounts of directory services and ways in by the cloud do not count as ways in; the connection is tried from this machine only.' },
    automatic: 'never',
    halfDone: 'undo',

    parse(input) {
      const { kind, key, value, config = usualConfig, match, confirm_within: confirmWithin = usualConfirm, why, by } = fieldsOf(input);
      if (typeof confirmWithin !== 'number' || !(confirmWithin >= 0 && confirmWithin <= confirmMost)) throw badInput(`0 to ${confirmMost} seconds to confirm`, confirmWithin);
      const common = { confirmWithin, why: typeof why === 'string' ? why.slice(0, 1000) : '', by: typeof by === 'string' ? by.slice(0, 200) : '' };
      switch (kind) {
        case 'sshd':
          if (match !== undefined && (typeof match !== 'string' || match.length > 1000 || /[\n\0]/.test(match))) throw badInput('what stands behind Match', match);
          return { kind, key: readSshdKey(key), value: readSshdValue(value), config: parsePath(config), match, ...common };
        case 'sysctl': return { kind, key: readKey(key), value: readSysctlValue(value), ...common };
        default: throw badInput('sshd or sysctl', kind);
      }
    },

    async plan(wanted, { force, now }) {
      const { kind, key, value, why, by } = wanted;
      const root = fileProtection.root;
      const lockOut = kind === 'sshd' ? mayLockOut(key) : key.startsWith('net');
      const confirmBy = lockOut && wanted.confirmWithin > 0 ? now + wanted.confirmWithin * 1000 : undefined;
      const changes = await fileChanges();
      const prepared = async (inside: string, edit: Edit, given: FileState | undefined): Promise<SwapState> => {
        const path = realPlace(`${root}${inside}`);
        await fileProtection.mayChange(path, { force: true, edit: true });
        const { before, folder } = await lookToSwap(path, changes, textMax);
        if (before?.kind === 'symlink') throw new MoatError<ActionErrorCode>('refused', `${path} is a symbolic link: its target is to be named`, { text: { zh: `${path} 是符号链接：请直接指明文件`, en: `${path} is a symbolic link: its target is to be named` } });
        const text = await textAt(path, before);
        const after = edited(text, edit);
        const stamp = `${BigInt(now) * 1_000_000n}`;
        return await planSwap(world, { path, folder, before, why, by, now, after: { ...given ?? blank, ...before, kind: 'file', size: after.length, sha256: digestIn(after), accessed: stamp, modified: stamp } });
      };
      const confirmStep: PlanStep[] = confirmBy === undefined ? [] : [{ text: { zh: `${new Date(confirmBy).toISOString()} 之前无人确认（moat confirm）则自动撤销`, en: `take it back by itself unless it is confirmed (moat confirm) before ${new Date(confirmBy).toISOString()}` } }];
      if (wanted.kind === 'sysctl') {
        const { live, reversible } = planSysctl(sysctl, key, value, force);
        const inside = fileOfKey(key);
        const edit: Edit = { line: 1, next: `${key} = ${value}` };
        const there = await textAt(realPlace(`${root}${inside}`), undefined);
        if (there !== '') throw new MoatError<ActionErrorCode>('refused', `${inside} holds a value already: take that back first (moat actions)`, { text: { zh: `${inside} 已有设置：请先撤销那一项（moat actions）`, en: `${inside} holds a value already: take that back first (moat actions)` }, hint: 'moat actions' });
        const swap = await prepared(inside, edit, blank);
        return {
          target: `sysctl ${key}`, title: { zh: `把 ${key} 设为 ${value}`, en: `Set ${key} to ${value}` },
          steps: [
            { text: { zh: `现在生效：${key} ${live} → ${value}`, en: `at once: ${key} ${live} → ${value}` }, command: ['sysctl', '-w', `${key}=${value}`] },
            { text: { zh: `写入 ${inside}，重启后仍有效`, en: `write ${inside}, so that it holds after a restart` } }, ...laterSaying(root, key, value), ...confirmStep,
          ],
          risk: lockOut ? 'high' : 'medium', reversible, ...(confirmBy !== undefined && { until: confirmBy }),
          state: { ...swap, kind: 'sysctl', key, value, inside, edit, live, turned: false, ...(confirmBy !== undefined && { confirmBy }) },
        };
      }
      const { config: main, match } = wanted;
      const config = readSshdConfig(root, main);
      if (!config.files.has(main)) throw new MoatError<ActionErrorCode>('not-there', `expected the configuration of sshd at ${main}, nothing is there`);
      const { path, edit } = editOf(config, key, value, match);
      const target = await judge(world, root, config, { path, edit, key, value, match, force });
      const swap = await prepared(path, edit, undefined);
      return {
        target: `sshd ${main}`, title: { zh: `SSH 服务：${key} ${value}`, en: `SSH daemon: ${key} ${value}` },
        steps: [
          { text: edit.old === undefined ? { zh: `在 ${path} 第 ${edit.line} 行之前加入：${edit.next}`, en: `put in before line ${edit.line} of ${path}: ${edit.next}` } : { zh: `${path} 第 ${edit.line} 行：${edit.old.trim()} → ${edit.next.trim()}`, en: `line ${edit.line} of ${path}: ${edit.old.trim()} → ${edit.next.trim()}` } },
          { text: { zh: 'sshd -t 已核对改后的配置', en: 'sshd -t takes the changed configuration' }, command: ['sshd', '-t'] },
          ...exceptionsOf(config, key, value, match),
          target.daemon ? { text: { zh: `让 sshd（${target.daemon.pid}）重新读取配置`, en: `have sshd (${target.daemon.pid}) read it anew` }, command: ['kill', '-HUP', String(target.daemon.pid)] } : { text: { zh: '没有 sshd 常驻运行，无需重新读取', en: 'no sshd runs all the time, so none has to read it anew' } },
          { text: target.asks.length > 0 ? { zh: `试连 ${target.asks.map(({ address, port }) => `${address} 端口 ${port}`).join('、')}，没有 SSH 应答则撤销`, en: `try to connect to ${target.asks.map(({ address, port }) => `${address} port ${port}`).join(', ')}, and take it back when SSH does not answer` } : { zh: '原本就没有 SSH 应答，不试连', en: 'SSH did not answer before either, so no connection is tried' } },
          ...confirmStep,
        ],
        risk: lockOut ? 'high' : 'medium', reversible: true, ...(confirmBy !== undefined && { until: confirmBy }),
        state: { ...swap, kind: 'sshd', key, value, inside: path, edit, config: main, target, passed: false, ...(confirmBy !== undefined && { confirmBy }) },
      };
    },

    async apply(state, context) {
      if (state.kind === 'sysctl') {
        const turned = { ...state, turned: true };
        if (!state.turned) await context.save(turned);
        turnSysctl(sysctl, state.key, state.live, state.value);
        await applySwap(world, turned, context, steps);
        return;
      }
      const swapped = await applySwap(world, state, context, steps);
      if (state.passed) return;
      await settle(world, state.target, false);
      await context.save({ ...swapped, passed: true });
    },

    async verify(state) {
      const { found, ...verdict } = await verifySwap(world, state);
      const text = verdict.is === 'between' && found?.kind === 'file' ? await textAt(state.path, found) : undefined;
      const is = text === undefined ? verdict.is : stateOf(text, state.edit);
      if (state.kind === 'sysctl') {
        const live = sysctl.read(state.key);
        const wanted = is === 'finished' ? state.value : state.live;
        if (live !== wanted) return { is: 'between', evidence: { zh: `${state.key} 现为 ${live ?? '（没有）'}`, en: `${state.key} is ${live ?? 'gone'} now` } };
        return { is, evidence: { zh: `${state.key} 为 ${live}`, en: `${state.key} is ${live}` } };
      }
      return text === undefined || is === 'between' ? verdict : { is, evidence: is === 'finished' ? { zh: `${state.path} 另有改动，${state.edit.next.trim()} 在其中`, en: `${state.path} was changed otherwise; ${state.edit.next.trim()} stands in it` } : { zh: `${state.path} 另有改动，${state.edit.next.trim()} 已不在其中`, en: `${state.path} was changed otherwise; ${state.edit.next.trim()} is not in it` } };
    },

    async undo(state, context) {
      if (state.kind === 'sysctl' && state.turned) turnSysctl(sysctl, state.key, state.value, state.live);
      await undoSwap(world, state, async (place, found, changes) => {
        const text = found.kind === 'file' ? contentOf(place) : undefined;
        if (text !== undefined && stateOf(text, state.edit) === 'former') return true;
        const next = text === undefined ? undefined : unedited(text, state.edit);
        if (next === undefined) return false;
        // Others changed the file as well: their rights, and all of their lines, stay.
        const name = `.moat-${state.vault}.new`;
        await make(place, name, { ...found, modified: `${BigInt(context.now()) * 1_000_000n}` }, changes, (fd) => { writeFully(fd, bytesIn(next)); return Promise.resolve(); });
        if (contentOf(place) !== text) { place.remove(name); throw changedMeanwhile(state.path); }
        place.rename(name, place.name);
        return true;
      });
      if (state.kind === 'sshd' && state.begun) await settle(world, { ...state.target, asks: state.target.asked }, true);
    },

    confirmed(state) {
      const { confirmBy: _, ...kept } = state;
      return { state: kept, until: undefined };
    },
  };

  async function textAt(path: string, found: FileState | undefined): Promise<string> {
    const text = await withPlace(path, (place) => (place.stat()?.isFile() ? contentOf(place) : ''));
    if (found !== undefined && digestIn(text) !== found.sha256) throw changedMeanwhile(path);
    return text;
  }
}

/** A new file of root's. */
const blank: FileState = { kind: 'file', device: '', inode: '', size: 0, sha256: '', mode: 0o644, uid: 0, gid: 0, accessed: '0', modified: '0', changed: '0', links: 1, attributes: [] };

function writeFully(fd: number, bytes: Buffer): void { for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at); }

function contentOf(place: Place, name = place.name): string {
  const fd = place.open(name);
  try {
    const whole = Buffer.alloc(textMax + 1);
    let at = 0;
    for (let n = 1; n > 0 && at < whole.length; at += n) n = readSync(fd, whole, at, whole.length - at, at);
    if (at > textMax) throw changedMeanwhile(place.path);
    return whole.toString('latin1', 0, at);
  } finally { closeSync(fd); }
}
