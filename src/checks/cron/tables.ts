/** Where cron and anacron keep what they start, and their tables taken apart. */
import type { Looking } from '../port.ts';

export const systemTables = ['/etc/crontab', '/etc/anacrontab'];
export const tableFolder = '/etc/cron.d';
export const scriptFolders = ['/etc/cron.hourly', '/etc/cron.daily', '/etc/cron.weekly', '/etc/cron.monthly', '/etc/cron.yearly', '/etc/periodic/15min', '/etc/periodic/hourly', '/etc/periodic/daily', '/etc/periodic/weekly', '/etc/periodic/monthly'];
export const spools = ['/var/spool/cron/crontabs', '/var/spool/cron', '/var/spool/cron/tabs', '/var/cron/tabs', '/etc/crontabs', '/var/spool/fcron'];

/** cron and run-parts of Debian pass over names with a dot; those of others only over what editors and packages leave. */
export function isRunName({ tree }: Looking, name: string): boolean {
  if (tree.stat('/etc/debian_version')) return /^[A-Za-z0-9_-]+$/.test(name);
  return !/^\.|[~,]$|\.(?:rpm(?:save|orig|new)|swp|cfsaved|bak)$/.test(name);
}

interface Job { line: number; text: string; user: string | undefined; command: string; when: string; /** What the job reads as its input. */ input: string | undefined }
interface Setting { line: number; text: string; name: string; value: string }

/** Jobs and variables of a table, in order. `named` tables have the account in front of the command. */
export function readTable(text: string, path: string, named: boolean): { entries: (Job | Setting)[]; odd: number } {
  const anacron = path.endsWith('/anacrontab');
  const entries: (Job | Setting)[] = [];
  let odd = 0;
  const fields = anacron ? /^\s*(\S+\s+\S+\s+\S+)\s+(\S.*)$/s : /^\s*[-!&%]?(@\S+|(?:\S+\s+){4}\S+)\s+(\S.*)$/s;
  for (const [i, line] of text.split('\n').entries()) {
    if (line.length > 64 * 1024) { odd++; continue; }
    if (/^\s*(?:#|$)/.test(line)) continue;
    const set = /^\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z_][A-Za-z0-9_]*))\s*=(.*)$/s.exec(line);
    if (set) { entries.push({ line: i + 1, text: line, name: set[1] ?? set[2] ?? set[3]!, value: set[4]!.trim().replace(/^(["'])(.*)\1$/, '$2') }); continue; }
    const found = fields.exec(line);
    if (!found) { odd++; continue; }
    const rest = found[2]!;
    const user = named && !anacron ? /^(\S+)\s+/.exec(rest) : undefined;
    const { command, input } = splitInput(user ? rest.slice(user[0].length) : rest);
    entries.push({ line: i + 1, text: line, user: user?.[1], command, when: found[1]!, input });
  }
  return { entries, odd };
}

export const jobsOf = (text: string, path: string, named: boolean): Job[] => readTable(text, path, named).entries.filter((entry): entry is Job => 'command' in entry);

/** An unescaped % ends the command; what follows is its input, further ones are new lines. */
function splitInput(rest: string): { command: string; input: string | undefined } {
  let command = '';
  let at = 0;
  for (; at < rest.length && rest[at] !== '%'; at++) { if (rest[at] === '\\' && rest[at + 1] === '%') at++; command += rest[at]!; }
  return { command, input: at < rest.length ? rest.slice(at + 1).replaceAll(/\\%|%/g, (sign) => (sign === '%' ? '\n' : '%')) : undefined };
}
