/** Backup repositories as they are configured, for actions and for planning a recovery. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openBackup } from '../linux/backup/open.ts';
import type { BackupRepository } from '../linux/backup/repository.ts';
import type { Config } from './config-schema.ts';

export interface Backups { backups: (name: string) => BackupRepository | undefined; staging: string }

export function backupsOf(config: () => Config['recovery'], dataFolder: string): Backups {
  const scratch = join(dataFolder, 'recovery');
  return {
    staging: join(scratch, 'staged'),
    backups(name) {
      const settings = config().repositories.find((one) => one.name === name);
      if (settings === undefined) return undefined;
      mkdirSync(scratch, { recursive: true, mode: 0o700 });
      return openBackup(settings, scratch);
    },
  };
}
