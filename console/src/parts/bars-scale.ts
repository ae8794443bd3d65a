/** Where an axis ends and what stands under it. Pure. */

/** The next even number of the kind 2, 4, 10, 20, 40, 100 …, so that its half is whole. */
export function axisTop(most: number): number {
  for (let power = 1; ; power *= 10) for (const step of [2, 4, 6, 10]) if (step * power >= most) return step * power;
}

/** Of `count` bars those that are named: at most seven, evenly spread. */
export function ticksOf(count: number, most = 7): number[] {
  const step = Math.max(1, Math.ceil(count / most));
  return Array.from({ length: Math.ceil(count / step) }, (_, at) => at * step + Math.floor(step / 2)).filter((index) => index < count);
}
