/** /etc/shadow: password fields and ages. */
import { firstOf, readText } from './look.ts';
import type { Looking } from './port.ts';

export interface Shadow {
  name: string;
  password: string;
  /** Days since 1970; undefined where the field is empty. */
  changed: number | undefined;
  maxDays: number | undefined;
  inactiveDays: number | undefined;
  expires: number | undefined;
  line: number;
  fields: number;
}

const entriesMax = 200_000;

/** Entries of a shadow file; undefined when there is none or it cannot be read (told). Malformed lines have another number of fields than 9. */
export function readShadow(context: Looking, path = '/etc/shadow'): Shadow[] | undefined {
  const text = readText(context, path, 16 << 20);
  if (text === undefined) return undefined;
  const number = (field: string | undefined): number | undefined => (field !== undefined && /^-?\d{1,9}$/.test(field) ? Number(field) : undefined);
  return firstOf(context, path, text.split('\n'), entriesMax).flatMap((raw, i) => {
    // As the C library: blanks in front are passed over.
    const line = raw.trimStart();
    if (line.trim() === '' || line.startsWith('#') || /^[+-]/.test(line)) return [];
    const fields = line.split(':');
    const [name = '', password = '', changed, , max, , inactive, expires] = fields;
    return [{ name, password, changed: number(changed), maxDays: number(max), inactiveDays: number(inactive), expires: number(expires), line: i + 1, fields: fields.length }];
  });
}

/** May somebody log on with a password? `!` and `*` in front lock it; an `x` alone says that it stands elsewhere, but a hash of the oldest kind may begin with one. */
export const hasPassword = ({ password }: Pick<Shadow, 'password'>): boolean => password !== '' && password !== 'x' && !/^[!*]/.test(password);
