import { fieldTypes, kindLogsources, type Event, type Kind, type Logsource } from '../core/gen/event.ts';
import { sigmaFields } from '../core/gen/sigma-fields.ts';

/** Where a Sigma field name stands on an Event. A name the schema does not know is looked up in `extra`. */
export function fieldPath(name: string): readonly string[] {
  if (Object.hasOwn(fieldTypes, name) && name !== 'extra') return [name];
  const own = Object.hasOwn(sigmaFields, name) ? sigmaFields[name] : undefined;
  return own ? [own] : ['extra', name];
}

const foreign = new Map<string, Logsource>();
/** A replayed file could name ever new log sources; past this many they share the one of unknown origin. */
const foreignMax = 4096;

/** A log source is named by text; anything else (an object may have a `toString` that is none) is no name. */
const word = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A key under which the engine caches which rules an event is shown to. */
export function logsourceKey(event: Event): string {
  if (event.kind !== 'foreign') return event.kind;
  const given = event.extra?.['logsource'];
  if (typeof given !== 'object' || given === null) return 'foreign';
  const { product, category, service } = given as Record<string, unknown>;
  const key = `foreign/${word(product)}/${word(category)}/${word(service)}`;
  if (!foreign.has(key)) {
    if (foreign.size >= foreignMax) return 'foreign';
    const logsource: Logsource = {};
    if (word(product)) logsource.product = word(product);
    if (word(category)) logsource.category = word(category);
    if (word(service)) logsource.service = word(service);
    foreign.set(key, logsource);
  }
  return key;
}

/** The log sources that events of a key satisfy; undefined when it is not known, so every rule may apply. */
export function logsourcesOf(key: string): readonly Logsource[] | undefined {
  if (key === 'foreign') return undefined;
  const other = foreign.get(key);
  return other ? [other] : kindLogsources[key as Kind];
}

/** All text of an event, for Sigma keyword searches. Fields of a foreign event hold any JSON: only text is searched, also in a list. */
export function* keywordsOf(event: Event): Iterable<string> {
  yield* textsOf(event.message);
  if (event.extra) {
    for (const value of Object.values(event.extra)) {
      if (typeof value === 'string') yield value;
      else if (typeof value === 'number') yield String(value);
    }
  }
  if (event.message === undefined) yield* textsOf(event.process_cmdline);
}

function* textsOf(value: unknown): Iterable<string> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const one of value) if (typeof one === 'string') yield one;
}
