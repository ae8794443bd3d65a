/** Settings of the kind `key = value` under `[section]`. */
import type { ScanContext } from './port.ts';
import { linesIn } from './look.ts';

export interface Setting {
  /** Lower case; '' above the first. */
  section: string;
  /** Lower case, dashes as underscores. */
  key: string;
  /** Quotes and what follows them off; '' for a bare key. */
  value: string;
  path: string;
  line: number;
  text: string;
}

/** The settings of a file in their order; empty when there is none or it cannot be read (told). `;` and `#` begin comments. */
export function readIni(context: ScanContext, path: string): Setting[] {
  const out: Setting[] = [];
  let section = '';
  for (const { number, text } of linesIn(context, path)) {
    const bare = text.trim();
    if (bare.startsWith(';') || bare.startsWith('!')) continue;
    if (bare.startsWith('[')) { section = bare.slice(1, bare.includes(']') ? bare.indexOf(']') : undefined).trim().toLowerCase(); continue; }
    const equals = bare.indexOf('=');
    const key = (equals < 0 ? bare : bare.slice(0, equals)).trim().toLowerCase().replaceAll('-', '_');
    out.push({ section, key, value: equals < 0 ? '' : valueOf(bare.slice(equals + 1).trim()), path, line: number, text: bare });
  }
  return out;
}

function valueOf(text: string): string {
  const quote = text.charAt(0);
  if (quote === '"' || quote === '\'') { const end = text.indexOf(quote, 1); return text.slice(1, end < 0 ? undefined : end); }
  const comment = text.search(/\s[#;]/);
  return (comment < 0 ? text : text.slice(0, comment)).trim();
}

/** Is it switched on? `1`, `on`, `yes`, `true`, and the bare key. */
export const isOn = (value: string): boolean => /^(?:1|on|yes|true|)$/i.test(value);
