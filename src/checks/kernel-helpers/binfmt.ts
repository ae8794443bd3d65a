/** Registrations of binfmt_misc, as files announce them and as the kernel shows them. */

export interface Binfmt {
  name: string;
  interpreter: string;
  /** Hexadecimal; empty for a file-name ending. */
  magic: string;
  mask: string;
  /** Flag C: the interpreter gets the rights of a set-uid file. */
  credentials: boolean;
}

const lineMax = 4096;

/** `:name:type:offset:magic:mask:interpreter:flags`, the first character being the separator. */
export function readBinfmt(line: string): Binfmt | undefined {
  if (line.length > lineMax || line.length < 2) return undefined;
  const fields = line.slice(1).split(line[0]!);
  const [name, type, , magic, mask, interpreter, flags = ''] = fields;
  if (fields.length < 6 || name === undefined || interpreter === undefined || (type !== 'M' && type !== 'E')) return undefined;
  return { name, interpreter, magic: type === 'M' ? hexOf(magic ?? '') : '', mask: type === 'M' ? hexOf(mask ?? '') : '', credentials: flags.includes('C') };
}

/** Bytes written as `\x7f` or as they are. */
function hexOf(text: string): string {
  let hex = '';
  for (let i = 0; i < text.length; i++) {
    const escaped = /^\\x([0-9a-fA-F]{2})/.exec(text.slice(i, i + 4));
    if (escaped) { hex += escaped[1]!.toLowerCase(); i += 3; } else hex += text.charCodeAt(i).toString(16).padStart(2, '0');
  }
  return hex;
}

/** What /proc/sys/fs/binfmt_misc/NAME says; undefined for one that is switched off. */
export function readRegistered(name: string, text: string): Binfmt | undefined {
  if (!text.startsWith('enabled')) return undefined;
  const of = (key: string): string => new RegExp(`^${key}:?\\s+(\\S.*)$`, 'm').exec(text)?.[1] ?? '';
  return { name, interpreter: of('interpreter'), magic: of('magic'), mask: of('mask'), credentials: of('flags').includes('C') };
}
