/** Words that stand in a library's or program's bytes: what it calls and says, without running it. */
import { attempt, tellCut } from './look.ts';
import type { ScanContext } from './port.ts';

const headBytes = 20;
/** Where in a file its names stand is up to whoever made it. */
const textMax = 64 << 20;

export function isElf(context: ScanContext, path: string): boolean {
  const head = attempt(context, path, () => context.tree.read(path, headBytes));
  return head !== undefined && head.bytes.length === headBytes && head.bytes.readUInt32BE(0) === 0x7f454c46;
}

/** Its bytes as Latin-1 when the file is an ELF; undefined for others. */
export function elfText(context: ScanContext, path: string): string | undefined {
  const whole = isElf(context, path) ? attempt(context, path, () => context.tree.read(path, textMax)) : undefined;
  if (whole?.cut) tellCut(context, path, textMax);
  return whole?.bytes.toString('latin1');
}

/** Is there this symbol or word by itself? Names in an ELF end with a zero. */
export const hasName = (text: string, ...names: readonly string[]): string | undefined => names.find((name) => text.includes(`\0${name}\0`));
