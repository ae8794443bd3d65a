/**
 * One setting of sshd, of another service, or of the kernel: checked before it is written, tried afterwards, and taken back by itself when the trial fails
 * or when nobody confirms what could lock people out.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import type { Action, ActionErrorCode, Plan, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { endpointText } from '../../linux/listeners.ts';
import { parsePath, realPlace, withPlace, type Place } from '../../linux/place.ts';
import { readSshdConfig } from '../../linux/sshd-config.ts';
import { changedMeanwhile, make, type FileState } from '../file-state.ts';
import { applySwap, lookToSwap, planSwap, undoSwap, verifySwap, type SwapState, type SwapSteps } from '../file-swap.ts';
import type { FileWorld } from '../file-world.ts';
import { badInput, fieldsOf } from '../input.ts';
import { bytesIn, digestIn, edited, stateOf, unedited, type Edit } from './edit.ts';
import { editOf, exceptionsOf, judge, mayLockOut, readSshdKey, readSshdValue, settle, usualConfig, withCandidate, type SshdTarget, type SshdWorld } from './sshd.ts';
import { complains, configOf, daemonOf, endsOf, isService, judgeService, readServiceSetting, services, type Daemon, type ServiceTarget, type ServiceWorld, settleService, shownLine, shownValue } from './service.ts';
import { knownSettings, type KnownSetting, type ServiceKind } from './known.ts';
import { fileOfKey, laterSaying, planSysctl, readKey, readSysctlValue, turnSysctl, type Sysctl } from './sysctl.ts';

export type SettingWorld = FileWorld & SshdWorld & ServiceWorld & { sysctl: Sysctl };

interface Common { key: string; value: string; /** It is taken back by itself unless a person confirms it within so many seconds; 0 needs no confirmation. */ confirmWithin: number; why: string; by: string }

/** `config`: of an sshd other than the usual one, as seen from inside the root; `match`: what stands behind the Match that it holds under. */
export type SettingInput = Common & ({ kind: 'sshd'; config: string; match: string | undefined } | { kind: 'sysctl' } | { kind: ServiceKind; /** Its main file, or the one that is meant; the usual one when undefined. */ config: string | undefined; /** Which of several lines, or a location of nginx. */ at: string | undefined });

/** `inside`: the file as the machine under the root names it. */
interface Kept extends SwapState { key: string; value: string; inside: string; edit: Edit; confirmBy?: number }

/** `passed`: sshd has read it and answered. `live`: what the kernel had before; `turned`: stored before it is given another value. */
export type SettingState = (Kept & { kind: 'sshd'; config: string; target: SshdTarget; passed: boolean }) | (Kept & { kind: 'sysctl'; live: string; turned: boolean })
  | (Kept & { kind: 'service'; service: ServiceKind; config: string; target: ServiceTarget; passed: boolean; /** Its service was asked beforehand. */ judged: boolean });

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
      if (state.kind === 'service' && state.judged) {
        // The path as other processes see it: their own /proc/self is another.
        const candidate = String(place.at(name)).replace('/proc/self/', `/proc/${process.pid}/`);
        const { service, key, value, config, target } = state;
        const complaint = await complains(world, service, { root: fileProtection.root, config, key, value, ...(target.at !== undefined && { at: target.at }) }, { path: state.inside, candidate }, target.daemon);
        if (complaint !== undefined) throw new MoatError<ActionErrorCode>('failed', `${services[service].title} does not take the changed configuration: ${complaint.slice(0, 300)}`);
      }
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
      const { kind, key, value, config, match, at, confirm_within: confirmWithin = usualConfirm, why, by } = fieldsOf(input);
      if (typeof confirmWithin !== 'number' || !(confirmWithin >= 0 && confirmWithin <= confirmMost)) throw badInput(`0 to ${confirmMost} seconds to confirm`, confirmWithin);
      const common = { confirmWithin, why: typeof why === 'string' ? why.slice(0, 1000) : '', by: typeof by === 'string' ? by.slice(0, 200) : '' };
      switch (kind) {
        case 'sshd':
          if (match !== undefined && (typeof match !== 'string' || match.length > 1000 || /[\n\0]/.test(match))) throw badInput('what stands behind Match', match);
          return { kind, key: readSshdKey(key), value: readSshdValue(value), config: parsePath(config ?? usualConfig), match, ...common };
        case 'sysctl': return { kind, key: readKey(key), value: readSysctlValue(value), ...common };
        default:
          if (!isService(kind)) throw badInput('sshd, sysctl, nginx, redis, mysql or php', kind);
          if (at !== undefined && (typeof at !== 'string' || at === '' || at.length > 4000 || /[\n\0]/.test(at))) throw badInput('FILE:LINE, or a location of nginx', at);
          return { kind, key: readServiceSetting(kind, key, value).known.key, value: readServiceSetting(kind, key, value).value, config: config === undefined ? undefined : parsePath(config), at, ...common };
      }
    },

    async plan(wanted, { force, now }) {
      const { kind, key, value, why, by } = wanted;
      const root = fileProtection.root;
      const known = isService(kind) ? knownOf(kind, key) : undefined;
      const lockOut = kind === 'sshd' ? mayLockOut(key) : known ? known.keepsOut === true : key.startsWith('net');
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
      if (isService(wanted.kind)) return await ofService(wanted as Extract<SettingInput, { kind: ServiceKind }>, known!, { force, confirmBy, confirmStep, prepared });
      const { config: main, match } = wanted as Extract<SettingInput, { kind: 'sshd' }>;
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
      if (state.kind === 'service') await settleService(world, state.service, state.target, toldOf(state, state.value), false);
      else await settle(world, state.target, false);
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
      const line = state.kind === 'service' ? shownLine(knownOf(state.service, state.key), state.edit.next) : state.edit.next.trim();
      return text === undefined || is === 'between' ? verdict : { is, evidence: is === 'finished' ? { zh: `${state.path} 另有改动，${line} 在其中`, en: `${state.path} was changed otherwise; ${line} stands in it` } : { zh: `${state.path} 另有改动，${line} 已不在其中`, en: `${state.path} was changed otherwise; ${line} is not in it` } };
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
      if (state.kind === 'service' && state.begun) await settleService(world, state.service, state.target, toldOf(state, state.target.former), true);
    },

    confirmed(state) {
      const { confirmBy: _, ...kept } = state;
      return { state: kept, until: undefined };
    },
  };

  async function ofService(wanted: Extract<SettingInput, { kind: ServiceKind }>, known: KnownSetting, { force, confirmBy, confirmStep, prepared }: {
    force: boolean; confirmBy: number | undefined; confirmStep: PlanStep[]; prepared: (inside: string, edit: Edit, given: FileState | undefined) => Promise<SwapState>;
  }): Promise<Plan<SettingState>> {
    const { kind, key, value, at } = wanted;
    const { root } = fileProtection;
    const service = services[kind], config = configOf(kind, root, wanted.config);
    const asked = { root, config, key, value, ...(at !== undefined && { at }) };
    const found = service.find(asked);
    const daemon = daemonOf(world, service.facts(root, config));
    const judged = await judgeService(world, kind, asked, found, { daemon, force, known });
    const ends = await endsOf(world, kind, daemon);
    if (known.takes === 'restart' && daemon && !force) throw new MoatError<ActionErrorCode>('refused', `${service.title} takes ${key} in at a new start only`, { text: { zh: `${service.title} 要重启才会采用 ${key}，连接会断开（确要如此请加 --force）`, en: `${service.title} takes ${key} in at a new start only, and connections break (use --force to do it all the same)` }, hint: '--force' });
    const swap = await prepared(found.path, found.edit, undefined);
    const { edit, path } = found, shown = (line: string): string => shownLine(known, line);
    const answer: PlanStep = { text: ends.length > 0 ? { zh: `试连 ${ends.map(endpointText).join('、')}，没有应答则撤销`, en: `try to connect to ${ends.map(endpointText).join(', ')}, and take it back without an answer` } : { zh: '原本就没有应答，不试连', en: 'it did not answer before either, so no connection is tried' } };
    return {
      target: `${kind} ${config}`, title: { zh: `${service.title}：${key} ${shownValue(known, value)}`, en: `${service.title}: ${key} ${shownValue(known, value)}` },
      steps: [
        { text: edit.old === undefined ? { zh: `在 ${path} 第 ${edit.line} 行之前加入：${shown(edit.next)}`, en: `put in before line ${edit.line} of ${path}: ${shown(edit.next)}` } : { zh: `${path} 第 ${edit.line} 行：${shown(edit.old)} → ${shown(edit.next)}`, en: `line ${edit.line} of ${path}: ${shown(edit.old)} → ${shown(edit.next)}` } },
        { text: judged ? { zh: `${service.title} 已核对改后的配置`, en: `${service.title} takes the changed configuration` } : { zh: '注意：改动无法事先核对，改后试连', en: 'mind: the change cannot be checked beforehand; it is tried afterwards' } },
        ...found.others,
        takesStep(service.title, known, daemon),
        ...(daemon ? [answer] : []), ...confirmStep,
      ],
      risk: lockOutRisk(known, daemon !== undefined), reversible: true, ...(confirmBy !== undefined && { until: confirmBy }),
      state: { ...swap, kind: 'service', service: kind, key, value, inside: path, edit, config, judged, passed: false, target: { ...(daemon && { daemon }), ends, ...(found.former !== undefined && { former: found.former }), ...(at !== undefined && { at }) }, ...(confirmBy !== undefined && { confirmBy }) },
    };
  }

  async function textAt(path: string, found: FileState | undefined): Promise<string> {
    const text = await withPlace(path, (place) => (place.stat()?.isFile() ? contentOf(place) : ''));
    if (found !== undefined && digestIn(text) !== found.sha256) throw changedMeanwhile(path);
    return text;
  }
}

const knownOf = (kind: ServiceKind, key: string): KnownSetting => knownSettings[kind].find((one) => one.key === key)!;
const lockOutRisk = ({ takes, keepsOut }: KnownSetting, runs: boolean): Plan['risk'] => (runs && (takes === 'restart' || keepsOut) ? 'high' : 'medium');

/** What the running service is told: the value, or with undefined that it goes back to what it does by itself. */
function toldOf({ service, config, key, value, target: { former } }: Extract<SettingState, { kind: 'service' }>, to: string | undefined): Parameters<typeof settleService>[3] {
  const known = knownOf(service, key);
  return { config, key, value: to, known, secrets: known.secret ? [value, former ?? ''] : [] };
}

function takesStep(title: string, { takes }: KnownSetting, daemon: Daemon | undefined): PlanStep {
  if (daemon === undefined) return { text: { zh: `${title} 没有运行，下次启动时生效`, en: `${title} does not run: it holds from the next start on` } };
  const { pid, unit } = daemon;
  switch (takes) {
    case 'reload': return { text: { zh: `让 ${title}（${pid}）重新读取配置，连接不断`, en: `have ${title} (${pid}) read it anew; connections go on` } };
    case 'live': return { text: { zh: `让运行中的 ${title}（${pid}）立即采用`, en: `have the running ${title} (${pid}) take it at once` } };
    case 'restart': return { text: { zh: `重启 ${unit ?? title}：连接会断开`, en: `restart ${unit ?? title}: connections break` }, ...(unit !== undefined && { command: ['systemctl', 'restart', unit] }) };
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
