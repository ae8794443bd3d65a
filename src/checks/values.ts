/** JSON and YAML of strangers: read with limits, looked into without trusting their shape. */
import { placed } from '../core/error.ts';
import { parseAllDocuments } from 'yaml';
import type { ScanContext } from './port.ts';
import { firstOf, readText } from './look.ts';

const jsonMax = 4 << 20;
const yamlMax = 256 * 1024;

/** Undefined when there is no such file, it cannot be read (told) or is no JSON (counted). */
export function readJson(context: ScanContext, path: string): unknown {
  const text = readText(context, path, jsonMax);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    context.blind(path, { zh: '不是有效的 JSON', en: 'no valid JSON' });
    return undefined;
  }
}

/** All documents of a YAML file; what is none is told as blind. */
export function readYaml(context: ScanContext, path: string): unknown[] {
  const text = readText(context, path, yamlMax);
  return text === undefined ? [] : yamlOf(context, path, text);
}

export function yamlOf(context: ScanContext, path: string, text: string): unknown[] {
  try {
    // A short file may nest a million brackets: nobody writes more than a hundred in a row.
    if (/[[{][\s[{]{200}/.test(text)) throw new RangeError('nested too deep');
    const documents = parseAllDocuments(text, { logLevel: 'silent', uniqueKeys: false });
    if (!Array.isArray(documents)) return [];
    const broken = documents.find(({ errors }) => errors.length > 0);
    if (broken) throw new TypeError(broken.errors[0]!.message.split('\n')[0]);
    return firstOf(context, path, documents, 1000).map((document) => document.toJS({ maxAliasCount: 100 }) as unknown);
  } catch (error) {
    // The parser gives errors of many kinds for what is no YAML, among them one for too deep recursion.
    const why = error instanceof Error ? error.message.slice(0, 200) : String(error);
    context.blind(path, { zh: placed('不是能读懂的 YAML', why), en: `no YAML that can be read: ${why}` });
    return [];
  }
}

/** What stands below these keys; undefined where any is missing. */
export function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let here = value;
  for (const key of keys) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string | number, unknown>)[key];
  }
  return here;
}

export const textAt = (value: unknown, ...keys: readonly (string | number)[]): string | undefined => {
  const found = at(value, ...keys);
  return typeof found === 'string' ? found : undefined;
};

/** Empty for anything but a list. */
export const listAt = (value: unknown, ...keys: readonly (string | number)[]): unknown[] => {
  const found = at(value, ...keys);
  return Array.isArray(found) ? (found as unknown[]) : [];
};

export const textsAt = (value: unknown, ...keys: readonly (string | number)[]): string[] => listAt(value, ...keys).filter((one) => typeof one === 'string');

/** Names and values of an object; empty for anything else. */
export const entriesAt = (value: unknown, ...keys: readonly (string | number)[]): [string, unknown][] => {
  const found = at(value, ...keys);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
};
