import { borg } from './borg.ts';
import type { BackupRepository, BackupSettings } from './repository.ts';
import { restic } from './restic.ts';

/** `scratch`: a folder of Moat's own, for what a tool remembers. */
export function openBackup(settings: BackupSettings, scratch: string): BackupRepository {
  switch (settings.kind) {
    case 'restic': return restic(settings);
    case 'borg': return borg(settings, scratch);
  }
}
