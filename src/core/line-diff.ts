/** What changed between two texts, line by line, in few words: for evidence. */

const tableMax = 1_000_000;
const linesMax = 60;
const lineMax = 300;

/** Lines that went (`-`) and came (`+`) with one line of what stands before each; cut when long. Texts too different for a table are told as two blocks. */
export function lineDiff(before: string, after: string): string {
  const [a, b] = [linesOf(before), linesOf(after)];
  let from = 0;
  while (from < a.length && from < b.length && a[from] === b[from]) from++;
  let [m, n] = [a.length, b.length];
  while (m > from && n > from && a[m - 1] === b[n - 1]) { m--; n--; }
  const steps = (m - from) * (n - from) > tableMax
    ? [...a.slice(from, m).map((line) => `-${line}`), ...b.slice(from, n).map((line) => `+${line}`)]
    : stepsOf(a.slice(from, m), b.slice(from, n));
  const out: string[] = [];
  let context: string | undefined = from > 0 ? a[from - 1] : undefined;
  for (const step of steps) {
    if (out.length >= linesMax) { out.push('…'); break; }
    if (step.startsWith(' ')) { context = step.slice(1); continue; }
    if (context !== undefined) out.push(` ${context}`.slice(0, lineMax));
    context = undefined;
    out.push(step.slice(0, lineMax));
  }
  return out.join('\n');
}

const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n');

/** The longest common part stays (` `), the rest goes and comes. */
function stepsOf(a: readonly string[], b: readonly string[]): string[] {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
  }
  const steps: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { steps.push(` ${a[i]}`); i++; j++; }
    else if (j >= b.length || (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) steps.push(`-${a[i++]}`);
    else steps.push(`+${b[j++]}`);
  }
  return steps;
}
