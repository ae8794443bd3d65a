/**
 * Stops a unit of systemd and keeps it from starting again: what would start it is masked (its own file in /etc is set aside under
 * another name, not changed), its links are taken out, then it is stopped. What triggers it, or it triggers, goes with it. Without a
 * running systemd only the files are edited.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, rmdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Action, ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { FileChanges } from '../../linux/file-change.ts';
import { realPlace, withPlace, type FolderIdentity, type Place } from '../../linux/place.ts';
import { isDown, type ShownUnit, type Systemctl } from '../../linux/systemctl.ts';
import { dropIns, execOf, isTemplate, linkOf, maskPath, relatedUnits, transientFolder, unitBehind, unitFiles, unitLinks, unitName } from '../../linux/units.ts';
import { changedMeanwhile, ensureRights, inFolder, isSame, isStill, lookAt, make, setFlags, unlock, type FileState } from '../file-state.ts';
import { folderOf, type FileWorld } from '../file-world.ts';
import { badInput, fieldsOf } from '../input.ts';
import type { UnitProtection } from '../unit-protection.ts';
import { newVaultId } from '../vault.ts';

export interface UnitWorld extends Pick<FileWorld, 'fileChanges'> { units: UnitProtection; systemctl: Systemctl }

export interface UnitInput { unit: string; asker?: number }

interface KeptLink { path: string; folder: FolderIdentity & { flags?: number }; file: FileState }

/** What keeps it from starting: a link to /dev/null under its name. */
interface Mask {
  /** On this machine, real. */
  path: string;
  folder: FolderIdentity & { flags?: number };
  /** What had the name; it is set aside. */
  before?: FileState;
  /** It was masked already. */
  was: boolean;
}

export interface UnitBefore {
  name: string;
  /** As systemd said; '' without a running one. */
  active: string;
  enabled: string;
  load: string;
  /** A package ships it as it is: it is stopped by its own rules. */
  shipped: boolean;
  transient: boolean;
  mask: Mask;
  links: KeptLink[];
  /** They stay, and do nothing while it is masked. */
  dropIns: { path: string; sha256: string }[];
}

export interface UnitState { id: string; units: UnitBefore[]; live: boolean; /** Folders that were made for it; they go again. */ made: string[]; /** Stored before the first file is touched. */ begun: boolean }

const nothing = '/dev/null';
const fileMax = 1 << 20;
const unitsMax = 20;
/** Until it is killed; a unit that a package ships may need longer to end well. */
const graceMs = { shipped: 20_000, other: 3000 } as const;
const killMs = 10_000;
const startMs = 20_000;
const roundsMax = 3;

export function stopUnit({ fileChanges, units: protection, systemctl }: UnitWorld): Action<UnitInput, UnitState> {
  const { root } = protection;
  const real = (path: string): string => realPlace(join(root, path));
  return {
    id: 'stop-unit',
    title: { zh: '停止、禁用并屏蔽服务单元', en: 'Stop, disable and mask a unit' },
    blind: {
      zh: '别处启动的同一程序不受影响；生成器每次重载都会重建的链接只靠屏蔽挡住；没有运行中的 systemd 时只改文件。撤销会重新启动它，内存中的状态不会回来。',
      en: 'The same program started elsewhere goes on; links that generators make anew at each reload are held by the mask alone; without a running systemd only files are edited. Taken back, it is started anew: what it had in memory is gone.',
    },
    automatic: 'strict',
    halfDone: 'finish',

    parse(input) {
      const { unit, asker } = fieldsOf(input);
      const name = typeof unit === 'string' ? unitName(unit) : undefined;
      if (name === undefined) throw badInput('the name of a service, socket, timer or path unit', unit);
      if (isTemplate(name)) throw badInput(`one unit of the template, such as ${name.replace('@.', '@NAME.')}`, name);
      return { unit: name, ...(typeof asker === 'number' && Number.isInteger(asker) && asker > 0 && { asker }) };
    },

    async plan({ unit, asker }, { force, now }) {
      const changes = await fileChanges();
      const live = systemctl.runs();
      const { first, members, left } = await groupOf(unit, live, force, asker);
      const made = new Set<string>();
      const befores: UnitBefore[] = [];
      for (const one of members) befores.push(await lookAtUnit(one, changes, made));
      if (befores.every((one) => one.mask.was && one.links.length === 0 && (!live || isDown(one.active)))) {
        throw new MoatError<ActionErrorCode>('not-there', `${first} is stopped, disabled and masked already`, { text: { zh: `${first} 早已停止、禁用并屏蔽`, en: `${first} is stopped, disabled and masked already` } });
      }
      const gone = befores.filter(({ transient }) => transient).map(({ name }) => name);
      const others = befores.length > 1 ? { zh: `（连同 ${befores.slice(1).map(({ name }) => name).join('、')}）`, en: ` (with ${befores.slice(1).map(({ name }) => name).join(', ')})` } : { zh: '', en: '' };
      return {
        target: `unit ${befores.map(({ name }) => name).sort().join(' ')}`,
        title: { zh: `停止并屏蔽 ${first}${others.zh}`, en: `Stop and mask ${first}${others.en}` },
        steps: [...stepsOf(root, befores, live), ...left], risk: 'medium', reversible: gone.length === 0,
        state: { id: newVaultId(now), units: befores, live, made: [...made], begun: false },
      };
    },

    async apply(state, context) {
      const changes = await fileChanges();
      const { units } = state;
      const live = state.live && systemctl.runs();
      const { signal } = context;
      // What a package ships ends by its own rules, before these are out of its reach. Anything else gets no say: what it would run at its end is not run.
      const gently = units.filter(({ shipped, active }) => shipped && !isDown(active)).map(({ name }) => name);
      if (live && gently.length > 0) await systemctl.stop(gently, { graceMs: graceMs.shipped, killMs, signal });
      if (!state.begun) await context.save({ ...state, begun: true });
      for (const { links } of units) for (const link of links) await takeLink(link, changes);
      for (const folder of state.made) mkdirSync(folder, { recursive: true, mode: 0o755 });
      for (const unit of units) if (!unit.mask.was && !unit.transient) await putMask(unit.mask, state.id, changes);
      if (!live) return;
      await systemctl.reload();
      await stopAll(units.map(({ name }) => name), signal);
    },

    async verify(state) {
      const changes = await fileChanges();
      const { units } = state;
      const live = state.live && systemctl.runs();
      const shown = live ? await systemctl.show(units.map(({ name }) => name)) : [];
      const open: string[] = [], changed: string[] = [];
      for (const [i, unit] of units.entries()) {
        const { name, mask } = unit;
        const isMasked = linkOf(mask.path) === nothing;
        if (live && !isDown(shown[i]!.active)) open.push(`${name} ${shown[i]!.active}`);
        if (!isMasked && !unit.transient) open.push(`${name} not masked`);
        for (const { path } of unit.links) if (linkOf(path) !== undefined) open.push(path);
        if (!await isFormer(unit, changes)) changed.push(name);
        // A job that was at work may have ended since, and what a timer starts may be at work now.
        if (live && unit.active === 'active' && isDown(shown[i]!.active)) changed.push(name);
      }
      const names = units.map(({ name }) => name).join(', ');
      if (open.length === 0) return { is: 'finished', evidence: { zh: `${names} 已停止、禁用并屏蔽`, en: `${names}: stopped, disabled and masked` } };
      if (changed.length === 0) return { is: 'former', evidence: { zh: `${names} 与原先一样`, en: `${names}: as it was` } };
      return { is: 'between', evidence: { zh: `仍未停住：${open.slice(0, 10).join('；')}`, en: `not all is stopped: ${open.slice(0, 10).join('; ')}` } };
    },

    async undo(state, { signal }) {
      const changes = await fileChanges();
      const { units } = state;
      const live = state.live && systemctl.runs();
      if (state.begun) {
        for (const unit of units) if (!unit.mask.was && !unit.transient) await takeMask(unit.mask, state.id, changes);
        for (const { links } of units) for (const link of links) await putLink(link, changes);
        for (const folder of state.made.toReversed()) removeEmpty(folder);
      }
      if (!live) return;
      if (state.begun) await systemctl.reload();
      await startAgain(units.filter(({ transient }) => !transient), signal);
    },
  };

  /** The unit and what it triggers or is triggered by. What of these is protected stays, and the plan says so. */
  async function groupOf(unit: string, live: boolean, force: boolean, asker: number | undefined): Promise<{ first: string; members: ShownUnit[]; left: PlanStep[] }> {
    const look = async (names: readonly string[]): Promise<ShownUnit[]> => (live ? await systemctl.show(names) : names.map(fromFiles));
    const [found] = await look([unit]);
    if (found === undefined || (found.load === 'not-found' && (!live || isDown(found.active)) && unitFiles(root, found.name).length === 0)) {
      throw new MoatError<ActionErrorCode>('not-there', `there is no unit ${unit}`, { text: { zh: `没有单元 ${unit}`, en: `there is no unit ${unit}` } });
    }
    if (unitName(found.name) !== found.name) throw badInput('the name of a service, socket, timer or path unit', found.name);
    await protection.mayStop(asked(found), force, asker);
    const members = [found];
    const left: PlanStep[] = [];
    const known = new Set([found.name]);
    for (let at = 0; at < members.length && members.length < unitsMax; at++) {
      const one = members[at]!;
      const related = [...new Set([...one.triggers, ...one.triggeredBy])].filter((name) => unitName(name) === name && !known.has(name));
      for (const name of related) known.add(name);
      if (related.length === 0) continue;
      for (const next of await look(related)) {
        if (next.load === 'not-found') continue;
        // Only the unit that was named is forced.
        const refusal = await protection.refusal(asked(next), asker);
        if (refusal === undefined) members.push(next);
        else left.push({ text: { zh: `注意：与它相连的 ${next.name} 不动：${refusal.why.zh}`, en: `mind: ${next.name}, which belongs to it, stays: ${refusal.why.en}` } });
      }
    }
    return { first: found.name, members, left };
  }

  function fromFiles(asked: string): ShownUnit {
    const name = unitBehind(root, asked);
    const [path] = unitFiles(root, name);
    return { name, names: [...new Set([asked, name])], load: path === undefined ? 'not-found' : linkOf(join(root, path)) === nothing ? 'masked' : 'loaded', active: '', sub: '', enabled: '', transient: false, triggers: relatedUnits(root, name), triggeredBy: [], group: '' };
  }

  async function lookAtUnit({ name, active, enabled, load, transient: isTransient }: ShownUnit, changes: FileChanges, made: Set<string>): Promise<UnitBefore> {
    const [file] = unitFiles(root, name);
    const transient = isTransient && (file === undefined || file.startsWith(transientFolder));
    const owner = await protection.ownerOf(name);
    const inside = maskPath(root, name);
    const folder = join(root, dirname(inside));
    for (let at = folder; lstatSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) made.add(at);
    const links: KeptLink[] = [];
    for (const { path } of transient ? [] : unitLinks(root, name)) links.push(await keep(real(path), changes));
    const mask = made.has(folder) ? { path: join(root, inside), folder: { inode: '', uid: 0 }, was: false } : await lookAtMask(real(inside), changes);
    return {
      name, active, enabled, load, transient, links, mask,
      shipped: owner?.owner !== undefined && owner.owner !== 'unknown' && owner.owner.intact !== false,
      dropIns: dropIns(root, name).flatMap((path) => { const sha256 = digestOf(join(root, path)); return sha256 === undefined ? [] : [{ path, sha256 }]; }),
    };
  }

  /** What ran runs again: what triggers first, since a socket does not start while its service runs. */
  async function startAgain(units: readonly UnitBefore[], signal: AbortSignal): Promise<void> {
    if (units.length === 0) return;
    const shown = await systemctl.show(units.map(({ name }) => name));
    await systemctl.forgive(units.filter(({ active }, i) => active !== 'failed' && shown[i]!.active === 'failed').map(({ name }) => name));
    const down = units.filter(({ active }, i) => !isDown(active) && active !== 'deactivating' && isDown(shown[i]!.active)).map(({ name }) => name);
    const services = down.filter(isService);
    const triggers = down.filter((name) => !isService(name));
    if (triggers.length > 0) {
      const early = units.filter(({ name }, i) => isService(name) && !isDown(shown[i]!.active)).map(({ name }) => name);
      if (early.length > 0 && triggers.some((name) => name.endsWith('.socket'))) {
        await systemctl.stop(early, { graceMs: graceMs.other, killMs, signal });
        await systemctl.forgive(early);
        services.push(...early);
      }
      await systemctl.start(triggers, startMs, signal);
    }
    await systemctl.start(services, startMs, signal);
  }

  async function stopAll(names: readonly string[], signal: AbortSignal): Promise<void> {
    for (let round = 1; ; round++) {
      await systemctl.stop(names, { graceMs: graceMs.other, killMs, signal });
      // What was started between the look and the reload is met by the next round.
      if ((await systemctl.show(names)).every(({ active }) => isDown(active))) return;
      if (round === roundsMax) throw new MoatError<ActionErrorCode>('failed', `${names.join(', ')}: something starts it again and again`);
    }
  }
}

const asked = ({ name, names, active, group }: ShownUnit): { name: string; names: readonly string[]; active: boolean; group: string } => ({ name, names: [...new Set([name, ...names])], active: active === '' || !isDown(active), group });

const isService = (name: string): boolean => name.endsWith('.service');
/** No name of a unit: systemd starts one that is hidden as well, once it is told its name. */
const asideOf = (id: string, name: string): string => `.moat-${id}${name}.aside`;

function keep(path: string, changes: FileChanges): Promise<KeptLink> {
  return withPlace(path, async (place) => {
    const file = await lookAt(place, changes, fileMax);
    if (file?.kind !== 'symlink') throw changedMeanwhile(path);
    const folder = folderOf(place, changes);
    ensureRights(place, file, (folder.flags ?? 0) !== 0);
    return { path, folder, file };
  });
}

function lookAtMask(path: string, changes: FileChanges): Promise<Mask> {
  return withPlace(path, async (place) => {
    const folder = folderOf(place, changes);
    const before = await lookAt(place, changes, fileMax);
    const was = before?.kind === 'symlink' && before.target === nothing;
    if (before !== undefined) ensureRights(place, before, (folder.flags ?? 0) !== 0);
    return { path, folder, was, ...(before !== undefined && !was && { before }) };
  });
}

async function takeLink({ path, folder, file }: KeptLink, changes: FileChanges): Promise<void> {
  await orGone(() => inFolder(path, folder.flags, changes, (place) => {
    // Another link there by now starts nothing either while the unit is masked; it is not ours to take.
    if (linkAt(place) === file.target) place.remove(place.name);
    place.sync();
    return Promise.resolve();
  }));
}

async function putLink({ path, folder, file }: KeptLink, changes: FileChanges): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  await inFolder(path, folder.flags, changes, async (place) => {
    if (place.stat() !== undefined) { if (linkAt(place) !== file.target) throw changedMeanwhile(path); return; }
    const fresh = `.moat-${file.inode}.new`;
    await make(place, fresh, file, changes, () => Promise.resolve());
    place.rename(fresh, place.name);
    place.sync();
  });
}

async function putMask({ path, folder, before }: Mask, id: string, changes: FileChanges): Promise<void> {
  await inFolder(path, folder.flags, changes, (place) => {
    const aside = asideOf(id, place.name);
    if (linkAt(place) !== nothing) {
      const found = place.stat();
      if (found !== undefined) {
        if (before === undefined || place.stat(aside) !== undefined || !isStill(before, found)) throw changedMeanwhile(path);
        unlock(place, place.name, before, changes);
        if (!changes.renameNew(place.at(), place.at(aside))) throw changedMeanwhile(path);
      } else if (before !== undefined && place.stat(aside) === undefined) throw changedMeanwhile(path);
      symlinkSync(nothing, place.at());
    }
    place.sync();
    return Promise.resolve();
  });
}

async function takeMask({ path, folder, before }: Mask, id: string, changes: FileChanges): Promise<void> {
  await orGone(() => inFolder(path, folder.flags, changes, async (place) => {
    const aside = asideOf(id, place.name);
    const target = linkAt(place);
    if (before === undefined) {
      if (target === nothing) place.remove(place.name);
      else if (place.stat() !== undefined) throw changedMeanwhile(path);
    } else {
      if (place.stat(aside) !== undefined) {
        // Whatever somebody else put there stays, and so does what is aside.
        if (place.stat() !== undefined && target !== nothing) throw changedMeanwhile(path);
        place.rename(aside, place.name);
      } else {
        const found = await lookAt(place, changes, fileMax);
        if (found === undefined || !isSame(found, before)) throw changedMeanwhile(path);
      }
      setFlags(place, place.name, before.flags, changes);
    }
    place.sync();
  }));
}

/** Links and the file under its name are what they were. */
async function isFormer({ mask, links, transient }: UnitBefore, changes: FileChanges): Promise<boolean> {
  for (const { path, file } of links) if (linkOf(path) !== file.target) return false;
  if (transient || mask.was) return true;
  const found = await orGone(() => withPlace(mask.path, (place) => lookAt(place, changes, fileMax)));
  return mask.before === undefined ? found === undefined : found !== undefined && isSame(found, mask.before) && (found.flags ?? 0) === (mask.before.flags ?? 0);
}

const linkAt = (place: Place): string | undefined => linkOf(String(place.at()));

/** A folder that went away took with it what was in it. */
async function orGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as MoatError).code === 'not-there') return undefined;
    throw error;
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    // Others use it by now.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function digestOf(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size <= fileMax ? createHash('sha256').update(readFileSync(path)).digest('hex') : undefined;
}

function stepsOf(root: string, units: readonly UnitBefore[], live: boolean): PlanStep[] {
  return units.flatMap(({ name, active, links, mask, transient, dropIns: added, enabled }): PlanStep[] => {
    const steps: PlanStep[] = [];
    const exec = maskSecrets(execOf(root, name));
    const runs = exec === '' ? { zh: '', en: '' } : { zh: `，它运行 ${exec}`, en: `; it runs ${exec}` };
    for (const { path, file } of links) steps.push({ text: { zh: `删除启用链接 ${path} → ${file.target ?? ''}`, en: `take out the link ${path} → ${file.target ?? ''}` } });
    if (!mask.was && !transient) steps.push({ text: { zh: `屏蔽 ${name}（${enabled || '未知'}）${mask.before ? '，原文件原样挪开' : ''}${runs.zh}`, en: `mask ${name} (${enabled || 'unknown'})${mask.before ? ', its file set aside as it is' : ''}${runs.en}` }, command: ['systemctl', 'mask', name] });
    if (live && !isDown(active)) steps.push({ text: { zh: `停止 ${name}（${active}）`, en: `stop ${name} (${active})` }, command: ['systemctl', 'stop', name] });
    if (transient) steps.push({ text: { zh: `注意：${name} 是临时单元，停止后即消失，无法恢复`, en: `mind: ${name} is a transient unit: once stopped it is gone and cannot be brought back` } });
    if (added.length > 0) steps.push({ text: { zh: `${added.length} 个附加配置（${added[0]!.path} 等）不动，屏蔽期间不起作用`, en: `${added.length} drop-ins (${added[0]!.path} …) stay; they do nothing while it is masked` } });
    return steps;
  });
}

