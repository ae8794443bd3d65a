import type { DecodeContext, Event, LogDecoder } from '../../core/format.ts';

export interface LogfileOptions {
  /** Absolute patterns with * and **. */
  globs: readonly string[];
  /** Names left out although a pattern matches them: archives of other programs, logs the journal has too. */
  exclude?: readonly string[];
  /** Chooses the decoder by name and first lines (at most 20); undefined when no format knows it. */
  open(path: string, sample: readonly string[], context: DecodeContext, emit: (event: Event) => void): LogDecoder | undefined;
  zoneOffset: (wallMs: number) => number;
  /** Of a log that is seen for the first time so many last bytes are read … */
  firstReadBytes?: number;
  /** … and of those only events that are at most so old, in ms. */
  firstReadMs?: number;
  /** The safety net beside inotify: every log is looked at this often, in ms; less often when that takes long. */
  rescanMs?: number;
  /** A rotated file that was quiet so long, in ms, is read to its end and let go. */
  rotatedWaitMs?: number;
  /** … but while it still has a name, for a program may hold it open and write to it hours later, it is read for so long, in ms. */
  rotatedKeepMs?: number;
  /** A log that is gone is forgotten after so long, in ms. */
  forgetMs?: number;
  /** A last line without newline is delivered when nothing follows for so long, in ms. */
  halfLineMs?: number;
  /** Records of several lines are given out incomplete when nothing follows for so long, in ms. */
  flushMs?: number;
  maxFiles?: number;
  /** Rotated files that are only kept for what may still come take a quarter of these. */
  maxOpenFiles?: number;
  maxWatches?: number;
  /** A batch is handed on when it has so many events. */
  maxEvents?: number;
}

/** Every option, with its default. */
export const withDefaults = (o: LogfileOptions): Required<LogfileOptions> => ({
  exclude: [],
  firstReadBytes: 4 * 2 ** 20,
  firstReadMs: 24 * 3_600_000,
  rescanMs: 5_000,
  rotatedWaitMs: 60_000,
  rotatedKeepMs: 24 * 3_600_000,
  forgetMs: 600_000,
  halfLineMs: 600_000,
  flushMs: 250,
  maxFiles: 4096,
  maxOpenFiles: 512,
  maxWatches: 4096,
  maxEvents: 4000,
  ...o,
});
