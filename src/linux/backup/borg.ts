/** BorgBackup (1.2 and later): each piece of a file is authenticated when it is read. */
import { join } from 'node:path';
import { type BackupEntry, type BackupRepository, type BackupSettings, linesOf, readSecret, readVariables, type Snapshot, type Told } from './repository.ts';

interface BorgArchive { name?: unknown; start?: unknown; time?: unknown }
interface BorgItem { type?: unknown; mode?: unknown; uid?: unknown; gid?: unknown; path?: unknown; mtime?: unknown; size?: unknown }

const kinds: Readonly<Record<string, BackupEntry['kind']>> = { '-': 'file', 'd': 'folder', 'l': 'symlink' };
/** 1: with warnings, such as an attribute that could not be set; whether the files are there is looked at afterwards. */
const fine = [0, 1];

export function borg({ name, repository, password_file: password, env_file: envFile, host }: BackupSettings, scratch: string): BackupRepository {
  const told = (signal: AbortSignal, cwd?: string): Told => ({
    env: {
      ...readVariables(envFile), BORG_REPO: repository, BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes', BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes', BORG_EXIT_CODES: 'legacy',
      // What it remembers of repositories lies with Moat.
      HOME: '/nonexistent', BORG_BASE_DIR: join(scratch, 'borg'), BORG_USE_CHUNKS_ARCHIVE: 'no', ...(password !== undefined && { BORG_PASSPHRASE_FD: '3' }),
    },
    ...(password !== undefined && { secret: readSecret(password) }), signal, fine, ...(cwd !== undefined && { cwd }),
  });
  return {
    name,
    async snapshots(signal) {
      let text = '';
      for await (const line of linesOf('borg', ['list', '--bypass-lock', '--json', ...(host === undefined ? [] : ['--glob-archives', `${host}*`])], told(signal))) text += line;
      const { archives } = JSON.parse(text) as { archives?: unknown };
      return (Array.isArray(archives) ? (archives as BorgArchive[]) : []).flatMap(({ name: archive, start, time }): Snapshot[] => {
        const at = Date.parse(`${String(start ?? time)}Z`);
        return typeof archive !== 'string' || Number.isNaN(at) ? [] : [{ id: archive, time: at, covers: undefined }];
      }).sort((a, b) => a.time - b.time);
    },
    async *list(archive, within, signal) {
      for await (const line of linesOf('borg', ['list', '--bypass-lock', '--json-lines', `::${archive}`, ...within.map((path) => `pp:${inside(path)}`)], told(signal))) {
        const { type, mode, uid, gid, path, mtime, size } = JSON.parse(line) as BorgItem;
        const kind = kinds[String(type)];
        if (kind === undefined || typeof path !== 'string') continue;
        yield { path: `/${path.replace(/^\/+/, '')}`, kind, size: Number(size ?? 0), mode: modeOf(String(mode)), uid: Number(uid ?? 0), gid: Number(gid ?? 0), modified: Date.parse(`${String(mtime)}Z`) };
      }
    },
    async extract(archive, paths, into, signal) {
      for await (const _ of linesOf('borg', ['extract', '--bypass-lock', '--numeric-ids', '--noflags', `::${archive}`, ...paths.map((path) => `pf:${inside(path)}`)], told(signal, into))) { /* what it did shows in the folder */ }
    },
  };
}

const inside = (path: string): string => path.replace(/^\/+/, '');

/** `-rwsr-x--T` as a number. */
function modeOf(text: string): number {
  let mode = 0;
  for (let i = 0; i < 9; i++) {
    const sign = text[i + 1] ?? '-';
    if (sign !== '-' && sign !== 'S' && sign !== 'T') mode |= 1 << (8 - i);
    if (/[sStT]/.test(sign)) mode |= [0o4000, 0o2000, 0o1000][Math.floor(i / 3)]!;
  }
  return mode;
}
