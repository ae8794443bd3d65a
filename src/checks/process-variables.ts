/** Pairs of an environment as /proc gives it. */
export function* variables(text: string): Iterable<[name: string, value: string]> {
  for (const one of text.split('\0')) {
    const equals = one.indexOf('=');
    if (equals > 0) yield [one.slice(0, equals), one.slice(equals + 1)];
  }
}
