/** Whom /etc/sudoers and /etc/doas.conf let become root to do anything. Only files of this machine: rules of a directory are not asked. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Rooted { users: ReadonlySet<string>; groups: ReadonlySet<string> }

const fileMax = 1 << 20, filesMax = 200, rulesMax = 10_000;
const main = '/etc/sudoers', doas = '/etc/doas.conf';

/** Users by name or `#uid`, groups by name or `#gid`. `instead`: the content that a file, as seen from inside the root, will have. What cannot be read lets nobody in. */
export function rooted(root: string, instead?: { path: string; content: string }): Rooted {
  const read = (path: string): string => (instead !== undefined && instead.path === path ? instead.content : textOf(join(root, path)));
  const users = new Set<string>(), groups = new Set<string>();
  const take = (who: string): void => {
    if (who.startsWith('%')) groups.add(who.slice(1)); else users.add(who);
  };
  const lines = linesOf(main, read, (path) => namesIn(join(root, path)), 0).slice(0, rulesMax);
  const aliases = new Map<string, string[]>();
  for (const line of lines) {
    const alias = /^User_Alias\s+([A-Z][A-Z0-9_]*)\s*=\s*(.*)$/.exec(line);
    if (alias) aliases.set(alias[1]!, words(alias[2]!));
  }
  for (const line of lines) for (const who of whoIn(line)) for (const one of aliases.get(who) ?? [who]) take(one);
  for (const line of read(doas).split('\n')) {
    // permit [options] identity [as target] [cmd …]; the options are words that stand before it, or setenv { … }.
    const found = /^\s*permit\s+(?:(?:nopass|nolog|persist|keepenv)\s+|setenv\s+\{[^}]*\}\s+)*(\S+)(?:\s+as\s+(\S+))?\s*(?:#.*)?$/.exec(line);
    if (found && (found[2] === undefined || found[2] === 'root')) take(found[1]!.startsWith(':') ? `%${found[1]!.slice(1)}` : found[1]!);
  }
  return { users, groups };
}

/** Of a rule that allows everything as root: `WHO HOSTS = (RUNAS) TAG: ALL`. */
function whoIn(line: string): string[] {
  const found = /^([^\s=:"](?:[^=:"]*[^\s=:",])?)\s+([^\s=]+(?:\s*,\s*[^\s=]+)*)\s*=(.*)$/.exec(line);
  if (!found || /^(?:Defaults|User_Alias|Runas_Alias|Host_Alias|Cmnd_Alias|Cmd_Alias)\b/.test(line)) return [];
  const rest = found[3]!.trim();
  const runas = /^\(([^)]*)\)/.exec(rest)?.[1];
  if (runas !== undefined && !words(runas.split(':')[0]!).some((one) => one === 'ALL' || one === 'root')) return [];
  const commands = words(rest.replace(/^\([^)]*\)\s*/, '').replace(/^(?:[A-Z_]{1,30}(?:=\S{1,60})?:?\s+)*?(?=(?:[A-Z]+:\s*)*ALL\b)/, '').replaceAll(/\b(?:NO)?(?:PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW|INTERCEPT):\s*/g, ''));
  return commands.includes('ALL') ? words(found[1]!) : [];
}

const words = (text: string): string[] => text.split(',').map((one) => one.trim()).filter(Boolean);

/** What is beyond a limit lets nobody in: then fewer count as administrators, and less may be taken from those that do. Without comments, continued lines joined, included files in their place. */
function linesOf(path: string, read: (path: string) => string, list: (folder: string) => string[], depth: number): string[] {
  if (depth > 5) return [];
  return read(path).replaceAll(/\\\r?\n/g, ' ').split('\n').slice(0, rulesMax).flatMap((raw): string[] => {
    const line = raw.trim();
    const include = /^[@#]include(dir)?\s+"?([^"\s]+)"?$/.exec(line);
    if (include) {
      const at = include[2]!.startsWith('/') ? include[2]! : join('/etc', include[2]!);
      // A name with a dot in it or a ~ at its end is not read by sudo.
      const files = include[1] === undefined ? [at] : list(at).filter((name) => !name.includes('.') && !name.endsWith('~')).sort().slice(0, filesMax).map((name) => join(at, name));
      return files.flatMap((file) => linesOf(file, read, list, depth + 1));
    }
    return line === '' || (line.startsWith('#') && !/^#\d/.test(line)) ? [] : [line.replace(/\s#(?!\d).*$/, '').trim()];
  });
}

function namesIn(path: string): string[] {
  try { return readdirSync(path); } catch { return []; /* no such folder: nothing is granted there */ }
}

function textOf(path: string): string {
  try {
    const found = statSync(path);
    return found.isFile() && found.size <= fileMax ? readFileSync(path, 'utf8') : '';
  } catch { return ''; /* not there: nothing is granted by it */ }
}

