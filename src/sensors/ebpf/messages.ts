/** What the sensor and its worker say to each other. */
import type { NotAttached } from '../../linux/libbpf.ts';
import type { FileWatch } from './file-maps.ts';

export interface WorkerData {
  /** Folder of the .bpf.o files. */
  objects: string;
  ringBytes: number;
  ownPid: number;
  /** Lowest port that the kernel gives out by itself. */
  firstEphemeral: number;
  /** False: no file is told. */
  files: FileWatch | false;
  /** Whether calls of power over processes, namespaces and the kernel are told. */
  calls: boolean;
  /** One counter: pieces of the ring that the sensor is done with. */
  done: SharedArrayBuffer;
}

export type FromWorker =
  | { type: 'live'; attached: readonly string[]; missing: readonly NotAttached[] }
  /** Complete records; `bootOffset` is Unix ms at boot by the clock as it is now. */
  | { type: 'records'; bytes: ArrayBuffer; bootOffset: number }
  /** Since the start, over all processors. */
  | { type: 'counts'; sent: number; lost: number; nested: number }
  | { type: 'deny'; request: number; ok: boolean }
  /** After a stop: nothing more comes. */
  | { type: 'ended' }
  | { type: 'failed'; code: string; message: string; hint: string | undefined };

export type ToWorker =
  | { type: 'stop' }
  /** The file may not run (`on`), or may again. Answered by 'deny'. `device` is major << 20 | minor. */
  | { type: 'deny'; request: number; inode: number; device: number; on: boolean };
