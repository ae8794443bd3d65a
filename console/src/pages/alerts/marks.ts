/** Which part of a value is what a rule wanted of it. Pure. */

const most = 20;

/** Places in `actual` where one of the wanted values stands, letters of either case; a whole value when it is equal. `*` at its ends, as Sigma writes it, stands for anything. */
export function marksOf(actual: string, wanted: readonly string[]): (readonly [number, number])[] {
  const found: [number, number][] = [];
  const lower = actual.toLowerCase();
  // Lengths may differ where lower case is longer (İ): then the places would be wrong.
  if (lower.length !== actual.length) return [];
  for (const one of wanted) {
    const core = one.replace(/^\*+|\*+$/g, '').toLowerCase();
    if (core === '') continue;
    for (let at = lower.indexOf(core); at !== -1 && found.length < most; at = lower.indexOf(core, at + core.length)) found.push([at, at + core.length]);
  }
  const merged: [number, number][] = [];
  for (const [from, to] of found.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}
