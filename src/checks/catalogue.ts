/** Every check, alphabetical. */
import { cron } from './cron/check.ts';
import { integrity } from './integrity/check.ts';
import { packageFiles } from './package-files/check.ts';
import { preload } from './preload/check.ts';
import { setuid } from './setuid/check.ts';
import type { Check } from './port.ts';

export const checks: readonly Check[] = [
  cron,
  integrity,
  packageFiles,
  preload,
  setuid,
];
