/** Commands as a person may paste them into a shell. */
import { unseen } from '../core/safe.ts';
import { bytesOf } from '../linux/file-names.ts';

const plain = /^[\w@%+=:,./-]+$/;

/** One line. Words with characters that a terminal obeys or does not draw stand as `$'\x1b…'`, which bash and zsh read back as the same bytes. */
export const commandLine = (words: readonly string[]): string => words.map(quoted).join(' ');

function quoted(word: string): string {
  if (plain.test(word)) return word;
  unseen.lastIndex = 0;
  if (!unseen.test(word)) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = word.replaceAll(/[\\']/g, (char) => `\\${char}`).replaceAll(unseen, (char) => [...Buffer.from(bytesOf(char))].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''));
  return `$'${escaped}'`;
}
