/** Extended headers: `LENGTH KEY=VALUE\n`, the values bytes. */
import { ImageError } from './error.ts';

const recordsMax = 20_000;

/** The last of several records with one key counts. Keys that may come many times (sparse 0.0) are joined with commas. Throws ImageError 'broken'. */
export function paxRecords(bytes: Buffer, at: number): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  const pairs: Buffer[] = [];
  let n = 0;
  for (let from = 0; from < bytes.length;) {
    const space = bytes.indexOf(0x20, from);
    const digits = space < 0 ? '' : bytes.toString('latin1', from, Math.min(space, from + 8));
    const length = /^\d{1,7}$/.test(digits) ? Number(digits) : 0;
    const end = from + length;
    const equals = bytes.indexOf(0x3d, space);
    if (space < 0 || length < 5 || end > bytes.length || bytes[end - 1] !== 0x0a || equals < 0 || equals >= end || ++n > recordsMax) throw new ImageError('broken', `expected an attribute record, got something else at byte ${from} of the extended header at byte ${at}`);
    const key = bytes.toString('utf8', space + 1, equals);
    const value = bytes.subarray(equals + 1, end - 1);
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') pairs.push(value, comma);
    else records.set(key, value);
    from = end;
  }
  if (pairs.length > 0) records.set('GNU.sparse.map', Buffer.concat(pairs.slice(0, -1)));
  return records;
}

const comma = Buffer.from(',');
