import { RE2JS } from 're2js';

/** Up to here V8 is quick whatever a pattern of the tables does; it is several times faster than re2js. */
const shortText = 400;
const compiled = new WeakMap<RegExp, RE2JS>();

/**
 * Named groups of the first match, or undefined. Patterns of the tables hold several `.*`, which V8 tries in
 * polynomial time; a long text, which only an attacker writes, goes to an engine that is linear for every pattern.
 * Look-around and back-references are not to be used in such patterns.
 */
export function namedGroups(pattern: RegExp, text: string): Readonly<Record<string, string | undefined>> | undefined {
  if (text.length <= shortText) {
    const found = pattern.exec(text);
    return found ? found.groups ?? {} : undefined;
  }
  let linear = compiled.get(pattern);
  if (!linear) {
    const flags = (pattern.flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) | (pattern.flags.includes('s') ? RE2JS.DOTALL : 0) | (pattern.flags.includes('m') ? RE2JS.MULTILINE : 0);
    linear = RE2JS.compile(pattern.source, flags);
    compiled.set(pattern, linear);
  }
  const matcher = linear.matcher(text);
  if (!matcher.find()) return undefined;
  const groups: Record<string, string | undefined> = {};
  for (const name of Object.keys(linear.namedGroups())) groups[name] = matcher.group(name) ?? undefined;
  return groups;
}
