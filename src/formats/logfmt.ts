import type { JsonRecord } from './json.ts';

const mostPairs = 64;

/**
 * `key=value key="quoted \"value\""` as a record, or undefined when the line is not of that form. The first of
 * two equal keys counts, and a value that is not quoted ends at the blank: what a client chose stands in quotes.
 */
export function parseLogfmt(line: string): JsonRecord | undefined {
  const record: Record<string, string> = {};
  let at = 0;
  let pairs = 0;
  while (at < line.length && pairs < mostPairs) {
    while (line.charCodeAt(at) === 32) at++;
    const equals = line.indexOf('=', at);
    if (equals < 0 || equals - at > 64) break;
    const key = line.slice(at, equals);
    if (!/^[\w.@:/-]{1,64}$/.test(key)) break;
    let value: string;
    if (line.charCodeAt(equals + 1) === 34) {
      let end = line.indexOf('"', equals + 2);
      while (end > 0 && line.charCodeAt(end - 1) === 92 && !evenSlashes(line, end - 1, equals + 1)) end = line.indexOf('"', end + 1);
      if (end < 0) break;
      value = line.slice(equals + 2, end);
      if (value.includes('\\')) value = value.replaceAll(/\\(["\\])/g, '$1');
      at = end + 1;
    } else {
      const blank = line.indexOf(' ', equals);
      const end = blank < 0 ? line.length : blank;
      value = line.slice(equals + 1, end);
      at = end;
    }
    if (!Object.hasOwn(record, key) && key !== '__proto__') record[key] = value;
    pairs++;
  }
  return pairs >= 3 ? record : undefined;
}

function evenSlashes(line: string, last: number, from: number): boolean {
  let count = 0;
  for (let i = last; i > from && line.charCodeAt(i) === 92; i--) count++;
  return count % 2 === 0;
}
