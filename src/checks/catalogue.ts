/** Every check, alphabetical. */
import { clamav } from './clamav/check.ts';
import { cron } from './cron/check.ts';
import { preload } from './preload/check.ts';
import { setuid } from './setuid/check.ts';
import { webshell } from './webshell/check.ts';
import { yara } from './yara/check.ts';
import type { Check } from './port.ts';

export const checks: readonly Check[] = [
  clamav,
  cron,
  preload,
  setuid,
  webshell,
  yara,
];
