import type { Event, Kind } from './gen/event.ts';
import type { Text } from './text.ts';

/** Where a line stood. */
export interface LinePlace {
  /** Line number from 1 (replay) or 0 when the source has none (journal, followed files). */
  line: number;
  /** Makes the event id with the decoder's `idPrefix`: a byte offset, a journal cursor or a line number. */
  position: string | number;
}

/** What a decoder may know beside the text; everything impure stands here. */
export interface DecodeContext {
  /** Goes in front of each event id: stable for one source (device, inode and first bytes of a file). */
  idPrefix: string;
  /** The `source` field of its events. */
  source: string;
  /** Host name for formats whose lines carry none. */
  host: string;
  /** Unix ms that the newest line can have: chooses the year of RFC 3164 times. On replay the file's mtime. */
  now(): number;
  /** Minutes east of UTC for times written without a zone, at a given local wall-clock reading (ms as if UTC). */
  zoneOffset(wallMs: number): number;
}

/**
 * A log format: pure, knows one kind of log. Formats are plug-ins in src/formats/<id>/ and stand in
 * src/formats/catalogue.ts.
 */
export interface LogFormat {
  readonly id: string;
  readonly title: Text;
  /** Where such logs usually are; glob patterns with * and ** only. */
  readonly paths: readonly string[];
  /** Other words that `moat replay --format` takes for it. */
  readonly aliases?: readonly string[];
  /** How sure it is that a line is of its kind: 0 no, 1 certain. Cheap; called on the first lines of a file. */
  sniff(line: string): number;
  open(context: DecodeContext, emit: (event: Event) => void): LogDecoder;
}

/** Reads the lines of one source in order; may hold a few back to join records of several lines. */
export interface LogDecoder {
  /** Never throws on any input. Lines that say nothing known still become an event with their message where the format has a kind for it. */
  decode(line: string, place: LinePlace): void;
  /**
   * How sure it is of a line, as the format's `sniff` tells, when it knows that more cheaply: it may keep what it
   * read for the `decode` of the very same line that may follow.
   */
  sniff?(line: string): number;
  /** Emits what is held back: at the end of a replay, and after a pause when following. */
  flush(): void;
  /** The earliest position that is still held back; a reader saves it instead of its own when it is set. */
  pending?(): LinePlace | undefined;
  /** Lines it could not read at all. */
  readonly unparsed: number;
}

/**
 * Understands the messages that one program writes through syslog or the journal (sshd, sudo, postfix …).
 * Plug-ins in src/programs/<id>/ and in src/programs/catalogue.ts.
 */
export interface Program {
  readonly id: string;
  readonly title: Text;
  /** Lower-case syslog tags, exact or with one *: `postfix/*` takes all under it, `ovpn-*` what begins so, a leading star what ends so. */
  readonly tags: readonly string[];
  open(): ProgramDecoder;
}

export interface ProgramDecoder {
  /**
   * The event comes with id, time, host, message, source, lines, pid, process_name (the tag) set and kind
   * 'syslog'. Fills what the message says and returns true; returns false when it knows nothing of it.
   */
  decode(message: string, event: Event): boolean;
}

export type { Event, Kind };
