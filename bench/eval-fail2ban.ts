/** Scores events against fail2ban's test logs: a `# failJSON: {…}` comment speaks of the line below it. */
import { readFileSync } from 'node:fs';
import { canonicalIp } from '../src/core/address.ts';
import type { Event } from '../src/core/gen/event.ts';
import type { Decode } from './eval-decode.ts';

export interface Fail2banScore {
  service: string;
  /** Lines that must be called a failure, and those that were, with the right address. */
  expected: number;
  found: number;
  /** Lines that must not be called a failed log-in, those that were, and those called any other kind of failure. */
  negatives: number;
  falselyCalled: number;
  otherFailures: number;
  /** Lines that one mode of the filter wants and another does not: not counted. */
  modal: number;
  /** Comments whose JSON could not be read. */
  unreadable: number;
  misses: Miss[];
}

/** `got` says what the program made of it. */
export interface Miss { line: number; text: string; wanted: string; got: string }

interface Wanted { line: number; text: string; match: boolean; host: string | undefined }

export function scoreFail2ban(path: string, service: string, decode: Decode): Fail2banScore {
  const score: Fail2banScore = { service, expected: 0, found: 0, negatives: 0, falselyCalled: 0, otherFailures: 0, modal: 0, unreadable: 0, misses: [] };
  const { lines, wanted } = readCases(readFileSync(path, 'utf8'), score);
  const byLine = new Map<number, Event[]>();
  for (const event of decode(lines, 'auto', path)) {
    for (const line of event.lines ?? []) {
      const list = byLine.get(line);
      if (list) list.push(event);
      else byLine.set(line, [event]);
    }
  }
  const positive = new Set(wanted.filter(({ match }) => match).map(({ text }) => text));
  for (const one of wanted) {
    const events = byLine.get(one.line) ?? [];
    if (one.match) judgePositive(one, events, score);
    else if (positive.has(one.text)) score.modal++;
    else judgeNegative(one, events, score);
  }
  return score;
}

function judgePositive(one: Wanted, events: readonly Event[], score: Fail2banScore): void {
  score.expected++;
  const host = one.host === undefined ? undefined : (canonicalIp(one.host) ?? one.host.toLowerCase());
  if (events.some((event) => event.outcome === 'failure' && (host === undefined || event.source_ip === host))) score.found++;
  else score.misses.push({ line: one.line, text: one.text, wanted: `failure from ${host ?? 'anyone'}`, got: describe(events) });
}

function judgeNegative(one: Wanted, events: readonly Event[], score: Fail2banScore): void {
  score.negatives++;
  const failures = events.filter((event) => event.outcome === 'failure');
  if (failures.some((event) => event.action === 'login')) {
    score.falselyCalled++;
    score.misses.push({ line: one.line, text: one.text, wanted: 'no failed log-in', got: describe(events) });
  } else if (failures.length > 0) {
    score.otherFailures++;
    score.misses.push({ line: one.line, text: one.text, wanted: 'no failed log-in (a failure of another kind is not counted)', got: describe(events) });
  }
}

function describe(events: readonly Event[]): string {
  return events.length === 0 ? 'no event' : events.map((event) => `${event.kind}/${event.service ?? '-'} ${event.action ?? '-'} ${event.outcome ?? '-'} ${event.source_ip ?? '-'}`).join('; ');
}

/** The log lines in order (numbered from 1) and what is wanted of those that a comment speaks of. */
function readCases(text: string, score: Fail2banScore): { lines: string[]; wanted: Wanted[] } {
  const lines: string[] = [];
  const wanted: Wanted[] = [];
  let next: { match: boolean; host: string | undefined } | undefined;
  let options = '';
  for (const line of text.split('\n')) {
    const said = /^#\s*failJSON:\s*(\{.*\})\s*$/.exec(line);
    if (said !== null) {
      next = readWanted(said[1] ?? '');
      if (next === undefined) score.unreadable++;
      continue;
    }
    if (line.startsWith('#')) {
      if (/^#\s*(?:file|filter)Options:/.test(line)) options = line;
      continue;
    }
    if (line.trim() === '') continue;
    const whole = carried(options, line);
    lines.push(whole);
    if (next !== undefined) wanted.push({ line: lines.length, text: whole, ...next });
    next = undefined;
  }
  return { lines, wanted };
}

function readWanted(json: string): { match: boolean; host: string | undefined } | undefined {
  try {
    const value = JSON.parse(json) as { match?: unknown; host?: unknown };
    return { match: value.match === true, host: typeof value.host === 'string' ? value.host : undefined };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * The line as a machine would have it. Options may name a head that the lines below them lack ("test.prefix-line"),
 * and entries of the journal are written without their time: they get one, as `journalctl -o short-iso` prints it.
 */
function carried(options: string, line: string): string {
  if (options === '') return line;
  const prefix = /"test\.prefix-line":\s*("(?:[^"\\]|\\.)*")/.exec(options);
  const whole = prefix === null ? line : String(JSON.parse(prefix[1] ?? '""')) + line;
  return options.includes('"journal"') && /^\S+ \S+\[\d+\]: /.test(whole) ? `2026-01-01T00:00:00+0000 ${whole}` : whole;
}
