/** Local time of the machine. */
const quarter = 900_000;
let cachedQuarter = Number.NaN;
let cachedOffset = 0;

/** Local wall clock as ms, as if it were UTC. */
export function localTime(time: number): number {
  const at = Math.floor(time / quarter);
  if (at !== cachedQuarter) {
    // Zones change at whole quarters, and a Date for each event would cost more than all the rest.
    cachedQuarter = at;
    cachedOffset = -new Date(time).getTimezoneOffset() * 60_000 || 0; // NaN beyond the years that a Date can hold
  }
  return time + cachedOffset;
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
/** 0 to 23, also before 1970. */
export const localHour = (time: number): number => ((Math.floor(localTime(time) / hourMs) % 24) + 24) % 24;
