/** restic (0.14 and later): content is addressed by its digest, and each piece is checked against it when it is read. */
import { dirname } from 'node:path';
import { type BackupEntry, type BackupRepository, type BackupSettings, linesOf, readSecret, readVariables, type Snapshot, type Told } from './repository.ts';

interface ResticSnapshot { id?: unknown; time?: unknown; hostname?: unknown; paths?: unknown }
interface ResticNode { struct_type?: unknown; type?: unknown; path?: unknown; size?: unknown; mode?: unknown; uid?: unknown; gid?: unknown; mtime?: unknown }

const kinds: Readonly<Record<string, BackupEntry['kind']>> = { file: 'file', dir: 'folder', symlink: 'symlink' };
/** More folders than these are picked out of the whole list. */
const foldersMax = 60;
/** Bits of Go's file modes that Unix has elsewhere. */
const goBits = [[1 << 23, 0o4000], [1 << 22, 0o2000], [1 << 20, 0o1000]] as const;

export function restic({ name, repository, password_file: password, env_file: envFile, host }: BackupSettings): BackupRepository {
  const told = (signal: AbortSignal): Told => {
    // The address of a repository may hold a password, so it is not on the command line either.
    if (password !== undefined) readSecret(password);
    return { env: { ...readVariables(envFile), RESTIC_REPOSITORY: repository, ...(password !== undefined && { RESTIC_PASSWORD_FILE: password }), RESTIC_PROGRESS_FPS: '0' }, signal };
  };
  // Read only: a repository that cannot be written to is the better one.
  const always = ['--no-lock', '--no-cache', '--json'];
  return {
    name,
    async snapshots(signal) {
      let text = '';
      for await (const line of linesOf('restic', ['snapshots', ...always, ...(host === undefined ? [] : ['--host', host])], told(signal))) text += line;
      const all: unknown = JSON.parse(text === '' ? '[]' : text);
      return (Array.isArray(all) ? (all as ResticSnapshot[]) : []).flatMap(({ id, time, paths }): Snapshot[] => {
        const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
        return typeof id !== 'string' || Number.isNaN(at) ? [] : [{ id, time: at, covers: Array.isArray(paths) ? paths.filter((one): one is string => typeof one === 'string') : undefined }];
      }).sort((a, b) => a.time - b.time);
    },
    async *list(snapshot, within, signal) {
      const wanted = new Set(within);
      const isWanted = (path: string): boolean => {
        for (let at = path; ; at = dirname(at)) {
          if (wanted.has(at)) return true;
          if (at === '/') return false;
        }
      };
      // A file is asked for by its folder, whose other entries are passed over.
      const folders = [...new Set(within.flatMap((path) => [path, dirname(path)]))];
      const asked = folders.length > foldersMax || folders.includes('/') ? [] : ['--recursive', ...folders];
      for await (const line of linesOf('restic', ['ls', ...always, snapshot, ...asked], told(signal))) {
        const { struct_type: struct, type, path, size, mode, uid, gid, mtime } = JSON.parse(line) as ResticNode;
        const kind = kinds[String(type)];
        if (struct !== 'node' || kind === undefined || typeof path !== 'string' || !isWanted(path)) continue;
        yield { path, kind, size: Number(size ?? 0), mode: unixMode(Number(mode ?? 0)), uid: Number(uid ?? 0), gid: Number(gid ?? 0), modified: Date.parse(String(mtime)) };
      }
    },
    async extract(snapshot, paths, into, signal) {
      // `--verify` reads what was written once more and compares it with the digests of the snapshot.
      const args = ['restore', snapshot, '--no-lock', '--no-cache', '--verify', '--target', into, ...paths.flatMap((path) => ['--include', pattern(path)])];
      for await (const _ of linesOf('restic', args, told(signal))) { /* what it did shows in the folder */ }
    },
  };
}

/** A path that is taken word for word where patterns are expected. */
const pattern = (path: string): string => path.replaceAll(/[\\*?[\]$]/g, (sign) => (sign === '$' ? '[$]' : `\\${sign}`));

function unixMode(mode: number): number {
  let bits = mode & 0o777;
  for (const [go, unix] of goBits) if ((mode & go) !== 0) bits |= unix;
  return bits;
}
