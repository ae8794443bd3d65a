/** Heads of syslog lines: `2026-11-22T09:00:00+00:00 host …` and `Nov 22 09:00:00 host …`. */

const months: Readonly<Record<string, number>> = { Jan: 0, Feb: 1, Mar: 2, Apr: 3, May: 4, Jun: 5, Jul: 6, Aug: 7, Sep: 8, Oct: 9, Nov: 10, Dec: 11 };
const day = 86_400_000;

export interface Stamp { /** Unix ms; of the short form as if the clock showed UTC. */ time: number; line: number; text: string; /** The time tells its zone. */ zoned: boolean }

/** A start of the machine or of the log daemon explains the hole before it. */
export const started = /Linux version|rsyslogd|syslog-ng|imuxsock|systemd\[1\]: (?:Started|Starting|Reached)|-- Boot|kernel: \[ {4}0\./;

/** Who wrote a line: `CRON` of `… web CRON[812]: …`. */
export const programOf = (text: string): string | undefined => /^\S+(?:\s+\d{1,2} \S+)? \S+ ([\w./-]{1,40})(?:\[\d{1,10}\])?: /.exec(text)?.[1];

/** Lines that begin with a time, in order. The short form has no year: the last line is of the year of `until` (Unix ms), and those before go back from there. */
export function stampsOf(text: string, until: number): Stamp[] {
  const out: Stamp[] = [];
  const short: boolean[] = [];
  let at = 0;
  for (let line = 1; at < text.length; line++) {
    const end = text.indexOf('\n', at);
    const stop = end < 0 ? text.length : end;
    const head = text.slice(at, Math.min(stop, at + 200));
    const { time, yearless } = timeOf(head);
    if (time !== undefined) { out.push({ time, line, text: head, zoned: !yearless }); short.push(yearless); }
    at = stop + 1;
  }
  let year = new Date(until).getUTCFullYear();
  let next = until + 2 * day;
  for (let i = out.length - 1; i >= 0; i--) {
    if (!short[i]) { next = out[i]!.time; continue; }
    const shown = new Date(out[i]!.time);
    const inYear = (of: number): number => Date.UTC(of, shown.getUTCMonth(), shown.getUTCDate(), shown.getUTCHours(), shown.getUTCMinutes(), shown.getUTCSeconds());
    // A year back only when the line would lie far after the one that follows: clocks are set back by hours, not months.
    if (inYear(year) > next + 60 * day) year--;
    out[i]!.time = inYear(year);
    next = out[i]!.time;
  }
  return out;
}

function timeOf(head: string): { time: number | undefined; yearless: boolean } {
  const c = head.charCodeAt(0);
  if (c >= 48 && c <= 57 && head[4] === '-' && head[10] === 'T') {
    const space = head.indexOf(' ');
    const time = Date.parse(head.slice(0, space < 0 ? undefined : space));
    return { time: Number.isNaN(time) ? undefined : time, yearless: false };
  }
  const month = months[head.slice(0, 3)];
  if (month === undefined || head[3] !== ' ' || head[9] !== ':' || head[12] !== ':') return { time: undefined, yearless: true };
  const time = Date.UTC(2024, month, Number(head.slice(4, 6)), Number(head.slice(7, 9)), Number(head.slice(10, 12)), Number(head.slice(13, 15)));
  return { time: Number.isNaN(time) ? undefined : time, yearless: true };
}
