/** Words as a person would type them to a shell; only shown and copied, never run by us. */
export const shellWords = (words: readonly string[]): string => words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ');
