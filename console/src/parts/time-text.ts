/** Times as people say them, in the zone of whoever looks. Pure. */
import type { Lang } from '../text/lang.ts';

export type Unit = 's' | 'm' | 'h' | 'd';

/** How long ago (or until), in one unit; undefined within five seconds. */
export function distance(time: number, now: number): { unit: Unit; n: number; past: boolean } | undefined {
  const seconds = Math.abs(now - time) / 1000;
  if (seconds < 5) return undefined;
  const past = time <= now;
  if (seconds < 60) return { unit: 's', n: Math.floor(seconds), past };
  if (seconds < 3600) return { unit: 'm', n: Math.floor(seconds / 60), past };
  if (seconds < 86_400) return { unit: 'h', n: Math.floor(seconds / 3600), past };
  return { unit: 'd', n: Math.floor(seconds / 86_400), past };
}

const made = new Map<string, Intl.DateTimeFormat>();
function format(lang: Lang, key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${lang} ${key}`;
  let known = made.get(name);
  if (!known) made.set(name, known = new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', options));
  return known;
}

/** Date and time to the second: what tables show. The year only where it is another one than now. */
export function clock(time: number, lang: Lang, now = Date.now()): string {
  const isFar = new Date(time).getFullYear() !== new Date(now).getFullYear();
  return format(lang, isFar ? 'clock-year' : 'clock', { ...(isFar && { year: 'numeric' }), month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }).format(time);
}
/** To the millisecond with the zone, and as UTC: what is shown on hover. */
export const exact = (time: number, lang: Lang): string => {
  const local = format(lang, 'exact', { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hour12: false, timeZoneName: 'shortOffset' }).format(time);
  return `${local}\n${new Date(time).toISOString()}`;
};
export const hour = (time: number, lang: Lang): string => format(lang, 'hour', { hour: '2-digit', minute: '2-digit', hour12: false }).format(time);
/** Beyond what a Date can say. */
export const isTime = (time: unknown): time is number => typeof time === 'number' && Math.abs(time) <= 8.64e15;
