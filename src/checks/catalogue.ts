/** Every check, alphabetical. */
import { cron } from './cron/check.ts';
import { preload } from './preload/check.ts';
import { setuid } from './setuid/check.ts';
import { webshell } from './webshell/check.ts';
import type { Check } from './port.ts';

export const checks: readonly Check[] = [
  cron,
  preload,
  setuid,
  webshell,
];
