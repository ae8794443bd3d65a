/** Every check, alphabetical. */
import { cron } from './cron/check.ts';
import { hiddenPort } from './hidden-port/check.ts';
import { hiddenProcess } from './hidden-process/check.ts';
import { preload } from './preload/check.ts';
import { processEnvironment } from './process-environment/check.ts';
import { processMemory } from './process-memory/check.ts';
import { processProgram } from './process-program/check.ts';
import { setuid } from './setuid/check.ts';
import type { Check } from './port.ts';

export const checks: readonly Check[] = [
  cron,
  hiddenPort,
  hiddenProcess,
  preload,
  processEnvironment,
  processMemory,
  processProgram,
  setuid,
];
