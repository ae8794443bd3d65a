/** The unit files of systemd in a root, as they lie there: which file a name means, by which links it is started, what stands for what. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MoatError } from '../core/error.ts';

export type UnitsErrorCode = 'too-many';

/** Where systemd looks, the first wins. Paths inside the root. */
const unitFolders: readonly string[] = [
  '/etc/systemd/system.control', '/run/systemd/system.control', '/run/systemd/transient', '/run/systemd/generator.early', '/etc/systemd/system', '/etc/systemd/system.attached',
  '/run/systemd/system', '/run/systemd/system.attached', '/run/systemd/generator', '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system', '/run/systemd/generator.late',
];
/** Where people and programs put links; what generators make is made anew at each reload. */
const settingFolders: readonly string[] = ['/etc/systemd/system.control', '/etc/systemd/system', '/etc/systemd/system.attached', '/run/systemd/system.control', '/run/systemd/system', '/run/systemd/system.attached'];
const controlFolder = '/etc/systemd/system.control', usualFolder = '/etc/systemd/system';
/** Beyond these a mask in /etc/systemd/system is not seen. */
const before = unitFolders.slice(0, unitFolders.indexOf(usualFolder)).filter((folder) => folder !== '/run/systemd/transient');
export const transientFolder = '/run/systemd/transient';

const entriesMax = 100_000;
const linksMax = 500;
const textMax = 1 << 20;
const namePattern = /^[A-Za-z0-9:_.\\@-]{1,250}\.(?:service|socket|timer|path)$/;

/** A full name of a unit that starts programs; undefined for anything else. Without a suffix it is a service, as systemctl has it. */
export function unitName(text: string): string | undefined {
  const name = /\.[a-z]+$/.test(text) && /\.(?:service|socket|timer|path|target|mount|automount|swap|slice|scope|device|snapshot)$/.test(text) ? text : `${text}.service`;
  return namePattern.test(name) && !name.startsWith('@') && !name.startsWith('.') ? name : undefined;
}

/** `foo@.service` of `foo@bar.service`. */
function templateOf(name: string): string | undefined {
  const at = name.indexOf('@'), dot = name.lastIndexOf('.');
  return at > 0 && dot > at + 1 ? `${name.slice(0, at + 1)}${name.slice(dot)}` : undefined;
}

export const isTemplate = (name: string): boolean => /@\.[a-z]+$/.test(name);

/** Paths inside the root of all files with this name, or of its template, those that win first. */
export function unitFiles(root: string, name: string): string[] {
  const template = templateOf(name);
  return [name, ...(template === undefined ? [] : [template])].flatMap((one) => unitFolders.map((folder) => `${folder}/${one}`).filter((path) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined));
}

/** Every unit that starts programs, with the path of the file that wins, inside the root. Throws MoatError 'too-many'. */
export function allUnits(root: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of unitFolders) for (const { name } of entriesOf(root, folder)) if (namePattern.test(name) && !found.has(name)) found.set(name, `${folder}/${name}`);
  return found;
}

/** Names that links in `*.wants`, `*.requires` and `*.upholds` start with others. */
export function startedUnits(root: string): Set<string> {
  const found = new Set<string>();
  for (const folder of unitFolders) for (const sub of entriesOf(root, folder)) {
    if (!sub.isDirectory() || !/\.(?:wants|requires|upholds)$/.test(sub.name)) continue;
    for (const { name } of entriesOf(root, `${folder}/${sub.name}`)) found.add(name).add(basename(linkOf(join(root, folder, sub.name, name)) ?? name));
  }
  return found;
}

/** Where a mask of this unit belongs. */
export const maskPath = (root: string, name: string): string => `${before.some((folder) => lstatSync(join(root, folder, name), { throwIfNoEntry: false }) !== undefined) ? controlFolder : usualFolder}/${name}`;

/** What a link of that path leads to; undefined when none is there. */
export function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch { return undefined; /* nothing there, or no link */ }
}

/** The unit that this name is another name of, as links say. */
export function unitBehind(root: string, name: string): string {
  let at = name;
  for (let i = 0; i < 10; i++) {
    const [path] = unitFiles(root, at);
    const target = path === undefined ? undefined : linkOf(join(root, path));
    const next = target === undefined ? undefined : basename(target);
    if (next === undefined || next === at || unitName(next) !== next || isTemplate(next)) return at;
    at = next;
  }
  return at;
}

/**
 * Links in folders of settings by which this unit is started with others (`*.wants`, `*.requires`, `*.upholds`) or has other names.
 * Paths inside the root. Throws MoatError 'too-many'.
 */
export function unitLinks(root: string, name: string): { path: string; alias: boolean }[] {
  const found: { path: string; alias: boolean }[] = [];
  const names = new Set([name]);
  const aliases = settingFolders.flatMap((folder) => entriesOf(root, folder).filter((one) => one.isSymbolicLink() && one.name !== name).map((one) => ({ name: one.name, path: `${folder}/${one.name}` })));
  // A name of a name is one too.
  for (let known = 0; known !== names.size;) {
    known = names.size;
    for (const one of aliases) {
      const target = linkOf(join(root, one.path));
      if (target === undefined || names.has(one.name) || !names.has(basename(target)) || unitName(one.name) !== one.name) continue;
      names.add(one.name);
      found.push({ path: one.path, alias: true });
    }
  }
  for (const folder of settingFolders) {
    for (const sub of entriesOf(root, folder)) {
      if (!sub.isDirectory() || !/\.(?:wants|requires|upholds)$/.test(sub.name)) continue;
      for (const one of entriesOf(root, `${folder}/${sub.name}`)) {
        const path = `${folder}/${sub.name}/${one.name}`;
        if (one.isSymbolicLink() && (names.has(one.name) || names.has(basename(linkOf(join(root, path)) ?? '')))) found.push({ path, alias: false });
      }
    }
  }
  if (found.length > linksMax) throw new MoatError<UnitsErrorCode>('too-many', `expected at most ${linksMax} links to ${name}, got ${found.length}`);
  return found;
}

/** As the files say, where no systemd runs: what a timer, path or socket starts, and what of its own name starts a service. */
export function relatedUnits(root: string, name: string): string[] {
  const dot = name.lastIndexOf('.');
  const stem = name.slice(0, dot), kind = name.slice(dot + 1);
  if (kind === 'service') return ['timer', 'socket', 'path'].map((one) => `${stem}.${one}`).filter((one) => unitFiles(root, one).length > 0);
  const [path] = unitFiles(root, name);
  const text = path === undefined ? '' : textOf(join(root, path));
  const named = /^(?:Unit|Service)\s*=\s*(\S{1,255})\s*$/m.exec(text.replace(/^\s*[#;].*$/gm, ''))?.[1];
  const target = unitName(named ?? `${stem}.service`);
  return target !== undefined && unitFiles(root, target).length > 0 ? [target] : [];
}

/** Files of `NAME.d` folders, which add to the unit. Paths inside the root. */
export function dropIns(root: string, name: string): string[] {
  const template = templateOf(name);
  return [name, ...(template === undefined ? [] : [template])].flatMap((one) => unitFolders.flatMap((folder) => entriesOf(root, `${folder}/${one}.d`).filter((entry) => entry.name.endsWith('.conf')).map((entry) => `${folder}/${one}.d/${entry.name}`))).slice(0, linksMax);
}

/** What a `systemd` of this root would run with it; '' when it is not known. */
export function execOf(root: string, name: string): string {
  const [path] = unitFiles(root, name);
  return path === undefined ? '' : /^ExecStart\s*=\s*[-@:+!|]*(.{1,300})/m.exec(textOf(join(root, path)))?.[1]?.trim() ?? '';
}

function entriesOf(root: string, folder: string): import('node:fs').Dirent[] {
  try {
    const found = readdirSync(join(root, folder), { withFileTypes: true });
    if (found.length > entriesMax) throw new MoatError<UnitsErrorCode>('too-many', `expected at most ${entriesMax} entries in ${folder}, got ${found.length}`);
    return found;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function textOf(path: string): string {
  try {
    const found = lstatSync(path);
    return (found.isFile() && found.size <= textMax) || found.isSymbolicLink() ? readFileSync(path, 'utf8').slice(0, textMax) : '';
  } catch { return ''; /* gone, or a link that leads nowhere */ }
}
