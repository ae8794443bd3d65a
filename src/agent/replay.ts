/** Recorded logs through the same decoders, rules and behaviours as live ones, in event time. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Detection } from '../core/alert.ts';
import { MoatError } from '../core/error.ts';
import type { Event } from '../core/gen/event.ts';
import type { LogDecoder } from '../core/format.ts';
import type { Lang } from '../core/text.ts';
import { openDecoder } from '../engine/decode.ts';
import type { Detect } from '../engine/pipeline.ts';
import { excused, type Exception } from '../engine/exceptions.ts';
import { AlertFolder, type Folded } from '../engine/fold.ts';
import { readLines } from '../linux/lines.ts';
import { localZone } from './zone.ts';

export interface ReplayOptions {
  files: readonly string[];
  /** `auto` or a format's id or alias. */
  format: string;
  lang: Lang;
  /** Undefined: only decode. */
  detect: Detect | undefined;
  exceptions?: readonly Exception[];
  foldGapMs?: number;
  country?: (address: string) => string | undefined;
  /** Each event, after detection saw it. */
  onEvent?: (event: Event) => void;
  /** After each chunk; the reading waits for it. */
  onProgress?: (progress: ReplayProgress) => void | Promise<void>;
}

export interface ReplayProgress { file: string; format: string; lines: number; events: number }
/** `dropped`: alerts left out because there were too many. */
export interface ReplayResult { alerts: Folded[]; dropped: number; files: { file: string; format: string; lines: number; events: number; unparsed: number; cut: number; error?: string }[] }

const dayMs = 86_400_000;
/** After so many lines alerts let go of the events they hold: each keeps the block alive that it was read with. */
const releaseEvery = 50_000;

/**
 * Reads every file to its end. A file that cannot be read (or not to its end), or whose format cannot be told,
 * has its reason in `error`; the others are read all the same.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { detect } = options;
  const folder = new AlertFolder({ host: hostname(), lang: options.lang, gap: options.foldGapMs ?? dayMs });
  const exceptions = options.exceptions ?? [];
  const take = (detection: Detection): void => { if (!excused(detection, exceptions)) folder.add(detection); };
  const files: ReplayResult['files'] = [];
  let newest = 0;
  for (const file of options.files) {
    const report: ReplayResult['files'][number] = { file, format: options.format, lines: 0, events: 0, unparsed: 0, cut: 0 };
    files.push(report);
    const emit = (event: Event): void => {
      report.events++;
      if (event.time > newest) newest = event.time;
      if (options.country && typeof event.source_ip === 'string' && event.source_country === undefined) event.source_country = options.country(event.source_ip);
      if (options.country && event.direction === 'outbound' && typeof event.destination_ip === 'string' && event.destination_country === undefined) event.destination_country = options.country(event.destination_ip);
      detect?.observe(event, take);
      options.onEvent?.(event);
    };
    let decoder: LogDecoder | undefined;
    const place = { line: 0, position: 0 };
    let released = 0;
    try {
      for await (const { lines, cut } of readLines(file)) {
        report.cut += cut;
        if (!decoder) {
          if (lines.length === 0) continue;
          ({ decoder, format: report.format } = openDecoder(options.format, lines, contextOf(file), emit));
        }
        for (const line of lines) {
          place.line = place.position = ++report.lines;
          decoder.decode(line, place);
        }
        if (newest > 0) detect?.advance(newest, take);
        if (report.lines >= released + releaseEvery) { folder.release(); released = report.lines; }
        await options.onProgress?.({ file, format: report.format, lines: report.lines, events: report.events });
      }
    } catch (error) {
      if (!(error instanceof MoatError)) throw error;
      report.error = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    }
    decoder?.flush();
    report.unparsed = decoder?.unparsed ?? 0;
  }
  return { alerts: folder.drain(), dropped: folder.dropped, files };
}

/** Before this no log that we read was written: archives often carry files without a time of their own. */
const earliestMs = Date.UTC(2000, 0, 1);

/** Times without a year lie before the file was last written. */
function contextOf(file: string) {
  const mtime = file === '-' ? undefined : statSync(file).mtimeMs;
  const written = mtime !== undefined && mtime >= earliestMs && mtime <= Date.now() ? mtime : Date.now();
  return {
    idPrefix: `${createHash('sha256').update(file).digest('hex').slice(0, 12)}:`,
    source: file === '-' ? 'stdin' : file,
    host: hostname(),
    now: () => written,
    zoneOffset: localZone(),
  };
}
