/** Choosing and opening log decoders: for a followed file, for replay, for containers' inner logs. */
import type { Event } from '../core/gen/event.ts';
import type { DecodeContext, LinePlace, LogDecoder, LogFormat } from '../core/format.ts';
import { MoatError } from '../core/error.ts';
import { formats } from '../formats/catalogue.ts';
import { foreignEvent } from './foreign.ts';
import { eventOf } from './event-json.ts';

export type DecodeErrorCode = 'unknown-format' | 'unrecognised';
/** Below this share of recognised sample lines a file is not taken for a format. */
const leastSure = 0.1;
const sampleMax = 200;

/** What `--format` takes beside the ids and aliases of the catalogue. */
const jsonFormats = ['events', 'sigma-json'] as const;

export function formatNames(): string[] {
  return ['auto', ...formats.flatMap((f) => [f.id, ...(f.aliases ?? [])]), ...jsonFormats];
}

/** Where the logs of all known formats usually are, as globs. */
export const usualLogs = (): string[] => [...new Set(formats.flatMap((format) => format.paths))];

/** The format that most of the sample's lines speak for; undefined when none is sure enough. */
function detectFormat(sample: readonly string[]): string | undefined {
  const lines = sample.filter((line) => line.trim() !== '' && !line.startsWith('#')).slice(0, sampleMax);
  if (lines.length === 0) return undefined;
  const first = lines[0] ?? '';
  if (first.startsWith('{')) {
    const kind = jsonKind(first);
    if (kind) return kind;
  }
  let best: string | undefined;
  let bestScore = leastSure;
  for (const format of formats) {
    let sum = 0;
    for (const line of lines) sum += format.sniff(line);
    const score = sum / lines.length;
    if (score > bestScore) { best = format.id; bestScore = score; }
  }
  return best ?? (isObject(first) ? 'sigma-json' : undefined);
}

/** Moat's own events and events with a Sigma log source are told by their keys. */
function jsonKind(line: string): (typeof jsonFormats)[number] | undefined {
  const record = objectOf(line);
  if (!record) return undefined;
  if (typeof record['kind'] === 'string' && typeof record['id'] === 'string' && record['time'] !== undefined) return 'events';
  return typeof record['logsource'] === 'object' ? 'sigma-json' : undefined;
}

function objectOf(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch { return undefined; /* not JSON */ }
}

/** Deeper JSON is no event, and would overflow the stack of whoever walks or prints it. */
const depthMax = 64;

function tooDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((one) => tooDeep(one, levels - 1));
}

const isObject = (line: string): boolean => objectOf(line) !== undefined;

function formatById(id: string): LogFormat | undefined {
  return formats.find((format) => format.id === id || format.aliases?.includes(id));
}

/**
 * Opens a decoder by name. `auto` looks at the sample and, line by line, hands what the chosen format is not
 * sure of to a format that is surer. Throws 'unknown-format' for a name that is none, and
 * 'unrecognised' when auto finds nothing.
 */
export function openDecoder(name: string, sample: readonly string[], context: DecodeContext, emit: (event: Event) => void): { format: string; decoder: LogDecoder } {
  const id = name === 'auto' ? detectFormat(sample) : name;
  if (id === undefined) throw new MoatError<DecodeErrorCode>('unrecognised', `expected a known log format, got none that fits the first ${Math.min(sample.length, sampleMax)} lines of ${context.source}`, { hint: `name it with --format: ${formatNames().join(', ')}` });
  if (id === 'events' || id === 'sigma-json') return { format: id, decoder: new JsonDecoder(id, context, emit) };
  const format = formatById(id);
  if (!format) throw new MoatError<DecodeErrorCode>('unknown-format', `expected one of ${formatNames().join(', ')}, got ${JSON.stringify(name)} as the format`);
  if (name === 'auto') return { format: format.id, decoder: new MixedDecoder(format, context, emit) };
  return { format: format.id, decoder: format.open(context, emit) };
}

/** From this on a format is believed without asking the others. */
const sureEnough = 0.8;

/**
 * Files hold more than one kind of line: a daemon's own log with syslog lines between, containers that log
 * several programs. A line that the main format is not sure of goes to the surest of all.
 */
class MixedDecoder implements LogDecoder {
  private readonly main: LogDecoder;
  private readonly others = new Map<string, LogDecoder>();
  private readonly format: LogFormat;
  private readonly context: DecodeContext;
  private readonly emit: (event: Event) => void;

  constructor(format: LogFormat, context: DecodeContext, emit: (event: Event) => void) {
    this.format = format;
    this.context = context;
    this.emit = emit;
    this.main = format.open(context, emit);
  }

  decode(line: string, place: LinePlace): void {
    const score = this.main.sniff?.(line) ?? this.format.sniff(line);
    const other = score >= sureEnough || line === '' ? undefined : this.surer(line, score);
    if (!other) { this.main.decode(line, place); return; }
    let decoder = this.others.get(other.id);
    if (!decoder) { decoder = other.open(this.context, this.emit); this.others.set(other.id, decoder); }
    decoder.decode(line, place);
  }

  private surer(line: string, than: number): LogFormat | undefined {
    let best: LogFormat | undefined;
    let bestScore = Math.max(than, leastSure);
    for (const format of formats) {
      if (format === this.format) continue;
      const score = format.sniff(line);
      if (score > bestScore) { best = format; bestScore = score; }
    }
    return best;
  }

  flush(): void {
    this.main.flush();
    for (const decoder of this.others.values()) decoder.flush();
  }

  /** The earliest line that any of them holds back. */
  pending(): LinePlace | undefined {
    let earliest = this.main.pending?.();
    for (const decoder of this.others.values()) {
      const held = decoder.pending?.();
      if (held && (!earliest || held.position < earliest.position)) earliest = held;
    }
    return earliest;
  }

  get unparsed(): number {
    let sum = this.main.unparsed;
    for (const decoder of this.others.values()) sum += decoder.unparsed;
    return sum;
  }
}

/** `moat replay --events --json` output read back, or foreign events with Sigma names. */
class JsonDecoder implements LogDecoder {
  unparsed = 0;
  private readonly kind: (typeof jsonFormats)[number];
  private readonly context: DecodeContext;
  private readonly emit: (event: Event) => void;

  constructor(kind: (typeof jsonFormats)[number], context: DecodeContext, emit: (event: Event) => void) {
    this.kind = kind;
    this.context = context;
    this.emit = emit;
  }

  decode(line: string, place: LinePlace): void {
    if (line.trim() === '') return;
    const record = objectOf(line);
    if (!record || tooDeep(record, depthMax)) { this.unparsed++; return; }
    const id = `${this.context.idPrefix}${place.position}`;
    const event = this.kind === 'events' ? eventOf(record, id) : foreignEvent(record, id, this.context.now());
    if (!event) { this.unparsed++; return; }
    event.source ??= this.context.source;
    event.lines = [place.line];
    this.emit(event);
  }

  flush(): void { /* one line is one event: nothing is held back */ }
}
