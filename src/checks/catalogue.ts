/** Every check, alphabetical. */
import { bpfProgram } from './bpf-program/check.ts';
import { capability } from './capability/check.ts';
import { cron } from './cron/check.ts';
import { fileName } from './file-name/check.ts';
import { hiddenPort } from './hidden-port/check.ts';
import { hiddenProcess } from './hidden-process/check.ts';
import { kernelHook } from './kernel-hook/check.ts';
import { kernelModule } from './kernel-module/check.ts';
import { listener } from './listener/check.ts';
import { loader } from './loader/check.ts';
import { oddFile } from './odd-file/check.ts';
import { preload } from './preload/check.ts';
import { processEnvironment } from './process-environment/check.ts';
import { processMemory } from './process-memory/check.ts';
import { processProgram } from './process-program/check.ts';
import { rawSocket } from './raw-socket/check.ts';
import { rootkitTrace } from './rootkit-trace/check.ts';
import { setuid } from './setuid/check.ts';
import { wrappedBinary } from './wrapped-binary/check.ts';
import { writablePath } from './writable-path/check.ts';
import type { Check } from './port.ts';

export const checks: readonly Check[] = [
  bpfProgram,
  capability,
  cron,
  fileName,
  hiddenPort,
  hiddenProcess,
  kernelHook,
  kernelModule,
  listener,
  loader,
  oddFile,
  preload,
  processEnvironment,
  processMemory,
  processProgram,
  rawSocket,
  rootkitTrace,
  setuid,
  wrappedBinary,
  writablePath,
];
