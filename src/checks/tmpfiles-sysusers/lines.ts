/** Words of a line of tmpfiles.d or sysusers.d; quotes keep blanks. The rest of a tmpfiles line comes as its words. */
export function splitLine(text: string): string[] {
  return [...text.trim().matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g)].slice(0, 2000).map(([, double, single, bare]) => double ?? single ?? bare!);
}
