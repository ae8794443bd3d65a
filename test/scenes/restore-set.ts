import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restoreSet, type RestoreSetWorld } from '../../src/actions/restore-set/action.ts';
import { openBackup } from '../../src/linux/backup/open.ts';
import type { BackupSettings } from '../../src/linux/backup/repository.ts';
import type { Scene } from '../actions.ts';
import { everything, fileWorld, sh } from './files.ts';
import { execFileSync } from 'node:child_process';

const password = 'correct horse battery';

/** Makes a repository beside the data; `backup` takes a snapshot and gives its id. */
export function backupOf(folder: string, kind: 'restic' | 'borg'): { settings: BackupSettings; backup: (...paths: string[]) => string } {
  mkdirSync(folder, { recursive: true });
  const passwordFile = join(folder, `${kind}.password`), repository = join(folder, `${kind}-repository`);
  const run = (program: string, args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env['PATH'], HOME: folder, BORG_BASE_DIR: join(folder, 'borg-base'), BORG_REPO: repository, BORG_PASSPHRASE: password, RESTIC_REPOSITORY: repository, RESTIC_PASSWORD_FILE: passwordFile } });
  if (!existsSync(repository)) {
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (kind === 'restic') run('restic', ['init', '--no-cache']); else run('borg', ['init', '--encryption', 'repokey-blake2']);
  }
  let n = 0;
  return {
    settings: { name: kind, kind, repository, password_file: passwordFile },
    backup(...paths) {
      const name = `a${process.pid}-${++n}`;
      if (kind === 'borg') { run('borg', ['create', `::${name}`, ...paths]); return name; }
      run('restic', ['backup', '--no-cache', ...paths]);
      return (JSON.parse(run('restic', ['snapshots', '--no-cache', '--json'])) as { id: string }[]).at(-1)!.id;
    },
  };
}

export function setWorld(folder: string, settings: readonly BackupSettings[]): RestoreSetWorld {
  const world = fileWorld(folder);
  const scratch = join(folder, 'data/recovery');
  mkdirSync(scratch, { recursive: true });
  return { ...world, staging: join(scratch, 'staged'), backups: (name) => { const found = settings.find((one) => one.name === name); return found && openBackup(found, scratch); } };
}

/** Three files with rights of their own, one spoilt, one gone, one spoilt and locked. */
export async function scene(folder: string): Promise<Scene> {
  const data = join(folder, 'files');
  const { settings, backup } = backupOf(folder, 'restic');
  const at = (name: string): string => join(data, name);
  const mark = join(folder, 'snapshot');
  if (!existsSync(mark)) {
    mkdirSync(data, { recursive: true });
    for (const name of ['a', 'b', 'c']) writeFileSync(at(name), `the content of ${name}\n`.repeat(500));
    chownSync(at('a'), 4711, 4712);
    chmodSync(at('a'), 0o4750);
    sh('setfattr', '-n', 'user.note', '-v', 'kept', at('a'));
    sh('setfacl', '-m', 'u:4713:rx', at('b'));
    writeFileSync(mark, backup(data));
    for (const name of ['a', 'c']) writeFileSync(at(name), readFileSync(at(name)).map((byte) => byte ^ 0xa5));
    rmSync(at('b'));
    sh('setfattr', '-n', 'user.other', '-v', 'new', at('a'));
    sh('chattr', '+i', at('c'));
  }
  const world = setWorld(folder, [settings]);
  return {
    actions: () => [restoreSet(world)] as ReturnType<Scene['actions']>, action: 'restore-set',
    input: { repository: 'restic', snapshot: readFileSync(mark, 'utf8'), files: ['a', 'b', 'c'].map((name) => ({ path: at(name) })), why: 'a test', by: 'operator:test' },
    look: () => everything(data),
    done: (_, after) => {
      const [, ...files] = after as unknown[][];
      const shown = files.map((one) => [one[0], String(one[1]), one[2], one[6] === `the content of ${String(one[0])}\n`.repeat(500), (one[8] as string[][]).map(([attribute]) => attribute).join()]);
      const wanted = [['a', String(0o104750), '4711', true, 'user.note'], ['b', String(0o100654), '0', true, 'system.posix_acl_access'], ['c', String(0o100644), '0', true, '']];
      if (JSON.stringify(shown) !== JSON.stringify(wanted)) throw new Error(`expected ${JSON.stringify(wanted)}, got ${JSON.stringify(shown)}`);
    },
  };
}
