/** Words that stand in a library's or program's bytes: what it calls and says, without running it. */
import { attempt } from './look.ts';
import type { ScanContext } from './port.ts';

/** The first `max` bytes as Latin-1 when the file is an ELF; undefined for others. */
export function elfText(context: ScanContext, path: string, max = 1 << 20): string | undefined {
  const head = attempt(context, path, () => context.tree.read(path, max));
  if (!head || head.bytes.length < 20 || head.bytes.readUInt32BE(0) !== 0x7f454c46) return undefined;
  if (head.cut) context.count('programs read only in part');
  return head.bytes.toString('latin1');
}

/** Is there this symbol or word by itself? Names in an ELF end with a zero. */
export const hasName = (text: string, ...names: readonly string[]): string | undefined => names.find((name) => text.includes(`\0${name}\0`));
