/** What the systemd journal of a machine is, and how to read it: by its own tool, whose JSON is stable. */
import { execFile } from 'node:child_process';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Text } from '../core/text.ts';

const execFileAsync = promisify(execFile);

export interface JournalState {
  /** journald runs, keeps its journal, and there is a journalctl to read it. */
  live: boolean;
  /** The folder of the journal files, newest first when both kinds exist. */
  folder: string | undefined;
  /** When not live: what is missing and what to do. */
  why: Text | undefined;
}

/** journald listens here as long as it runs. */
const socket = '/run/systemd/journal/stdout';
const tools = ['usr/bin/journalctl', 'bin/journalctl', 'usr/local/bin/journalctl'];

/**
 * Looks whether the journal is to be read instead of the files that rsyslog makes of it. It is when journald
 * runs (it then owns /dev/log, so everything syslog gets goes through it) and /var/log/journal (kept) or
 * /run/log/journal (until reboot) holds a system journal. `root` stands before all paths.
 */
export async function journalState(host: { root?: string } = {}): Promise<JournalState> {
  const root = host.root ?? '/';
  const folder = await journalFolder(root);
  const no = (zh: string, en: string): JournalState => ({ live: false, folder, why: { zh, en } });
  const sockets = await readFile(join(root, 'proc/net/unix'), 'utf8').catch(() => '');
  if (!sockets.split('\n').some((line) => line.endsWith(` ${socket}`))) {
    return no('systemd-journald 没有运行；将改读 /var/log 下的日志文件', 'systemd-journald does not run; the files under /var/log are read instead');
  }
  if (!folder) {
    return no('journald 没有保存日志（/var/log/journal 与 /run/log/journal 均无）；请检查 journald.conf 的 Storage=', 'journald keeps no journal (neither /var/log/journal nor /run/log/journal); check Storage= in journald.conf');
  }
  for (const tool of tools) if (await stat(join(root, tool)).then((s) => s.isFile(), () => false)) return { live: true, folder, why: undefined };
  return no('找不到 journalctl；请安装 systemd', 'there is no journalctl; install systemd');
}

/** The folder (they are named by machine id) whose system journal was written to last; undefined when there is none that can be seen. */
export async function journalFolder(root = '/'): Promise<string | undefined> {
  let newest: { folder: string; time: number } | undefined;
  for (const parent of [join(root, 'var/log/journal'), join(root, 'run/log/journal')]) {
    for (const name of await readdir(parent).catch(() => [])) {
      const time = await stat(join(parent, name, 'system.journal')).then((s) => s.mtimeMs, () => undefined);
      if (time !== undefined && (!newest || time > newest.time)) newest = { folder: join(parent, name), time };
    }
  }
  return newest?.folder;
}

/** The fields that are asked for; the cursor, the times and the boot id come by themselves. */
const journalFields: readonly string[] = [
  'MESSAGE', 'PRIORITY', 'SYSLOG_IDENTIFIER', 'SYSLOG_FACILITY', 'SYSLOG_PID', '_TRANSPORT', '_PID', '_UID', '_COMM', '_EXE', '_HOSTNAME',
  '_SYSTEMD_UNIT', '_SOURCE_REALTIME_TIMESTAMP', 'CONTAINER_NAME', 'CONTAINER_ID', 'CONTAINER_ID_FULL', '_AUDIT_TYPE_NAME',
];

export interface JournalQuery {
  /** Go on behind this record … */
  afterCursor?: string;
  /** … or from this time on, Unix ms. */
  sinceMs?: number;
  fields?: readonly string[];
  /** Read journal files of this folder instead of the machine's own. */
  folder?: string;
}

/**
 * Arguments for a journalctl of this version to write every record as one line of JSON, without end. `--all`
 * because without it a field above 4 KiB is left out, and an attacker could hide a message by making it long.
 */
export function journalArguments(query: JournalQuery, version: number): string[] {
  const args = ['--follow', '--no-tail', '--all', '--no-pager', '--output=json'];
  // From 251 on --follow means the current boot only. What undoes that differs by version: --boot=all in
  // 251 to 253 and from 257 on, --merge in 254 to 256; both together are taken by all of them.
  if (version >= 251) args.push('--merge', '--boot=all');
  if (version >= 236) args.push(`--output-fields=${(query.fields ?? journalFields).join(',')}`);
  if (query.folder !== undefined) args.push(`--directory=${query.folder}`);
  if (query.afterCursor !== undefined) args.push(`--after-cursor=${query.afterCursor}`);
  else if (query.sinceMs !== undefined) args.push(`--since=@${Math.floor(query.sinceMs / 1000)}`);
  return args;
}

/** The systemd version that `journalctl --version` prints; 0 when it says none. Throws as execFile does. */
export async function journalVersion(program: string): Promise<number> {
  const { stdout } = await execFileAsync(program, ['--version'], { timeout: 10_000, env: { ...process.env, LC_ALL: 'C' } });
  return Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0);
}

/** The value of a field of a line of journal JSON that is a plain string, without parsing the line. */
function plainField(line: string, key: string): string | undefined {
  // Inside a value every quote is escaped: `\"key\"` has a backslash before its second quote and is not found.
  const at = line.indexOf(`"${key}"`);
  if (at < 0) return undefined;
  const open = line.indexOf('"', at + key.length + 2);
  const close = open < 0 ? -1 : line.indexOf('"', open + 1);
  return close < 0 || close - open > 300 ? undefined : line.slice(open + 1, close);
}

export const cursorOf = (line: string): string | undefined => plainField(line, '__CURSOR');

/** When journald received it, Unix ms. */
export function receivedOf(line: string): number | undefined {
  const micros = Number(plainField(line, '__REALTIME_TIMESTAMP'));
  return Number.isFinite(micros) && micros > 0 ? Math.floor(micros / 1000) : undefined;
}
