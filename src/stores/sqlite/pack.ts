/** Bounds on what one value may take in the database. Sizes are UTF-8 bytes. */
export const maxText = 16 * 1024;
/** Alerts are kept far longer than events, so each may take less. A path is at most this long. */
export const maxAlertText = 4 * 1024;
const maxEvidence = 16 * 1024;
const maxEvidenceItem = 4 * 1024;
const maxPart = 1024;
const maxItems = 1000;

/** Called with the name of what was cut, for counting. */
export type Cut = (what: string) => void;

/**
 * `text` if it fits in `limit` bytes, else its beginning, cut between characters. A NUL becomes its picture ␀:
 * databases end a text there, and a forged one would hide what follows.
 */
export function cutText(given: string, limit: number, cut: Cut): string {
  const text = given.includes('\0') ? given.slice(0, limit + 1).replaceAll('\0', '\u2400') : given;
  // One UTF-16 unit is at most three bytes: most texts need no counting.
  if (text.length * 3 <= limit) return text;
  if (text.length <= limit && Buffer.byteLength(text) <= limit) return text;
  cut('text-cut');
  const bytes = Buffer.from(text.slice(0, limit));
  let end = Math.min(limit, bytes.length);
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** JSON of a list, at most its first 1,000 items. */
export function packList(list: readonly (string | number)[], cut: Cut): string {
  if (list.length > maxItems) cut('list-cut');
  const text = JSON.stringify(list.length > maxItems ? list.slice(0, maxItems) : list);
  if (text.length * 3 <= maxText || Buffer.byteLength(text) <= maxText) return text;
  cut('list-cut');
  let size = 2;
  const kept: (string | number)[] = [];
  for (const item of list) {
    size += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (size > maxText) break;
    kept.push(item);
  }
  return JSON.stringify(kept);
}

/**
 * JSON of a record of anything, always valid and at most `limit` bytes: when the whole is too large or holds
 * what JSON cannot say, long texts are shortened and the members that do not fit are left out.
 */
export function packRecord(record: Readonly<Record<string, unknown>>, cut: Cut, limit: number = maxText): string {
  const whole = toJson(record);
  if (whole !== undefined && (whole.length * 3 <= limit || Buffer.byteLength(whole) <= limit)) return whole;
  cut('extra-cut');
  const parts: string[] = [];
  let size = 2;
  for (const [name, value] of Object.entries(record)) {
    if (name.length > maxPart) continue;
    const text = toJson(typeof value === 'string' ? cutText(value, maxPart, () => undefined) : value);
    if (text === undefined) continue;
    const part = `${JSON.stringify(name)}:${text}`;
    const bytes = Buffer.byteLength(part) + 1;
    if (size + bytes > limit) continue;
    size += bytes;
    parts.push(part);
  }
  return `{${parts.join(',')}}`;
}

/** JSON text; undefined for what has none: functions, cycles, big integers, nesting too deep for the stack. */
function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // the caller leaves it out and counts it
  }
}

/** JSON of an alert's evidence, at most 16 KiB: the middle goes first, the first and the latest stay longest. */
export function packEvidence(evidence: readonly object[], cut: Cut): string {
  const parts = evidence.map((item) => packRecord(item as Record<string, unknown>, cut, maxEvidenceItem));
  let size = parts.reduce((sum, part) => sum + Buffer.byteLength(part) + 1, 2);
  while (size > maxEvidence) {
    cut('evidence-cut');
    const [gone = ''] = parts.splice(parts.length >> 1, 1);
    size -= Buffer.byteLength(gone) + 1;
  }
  return `[${parts.join(',')}]`;
}
