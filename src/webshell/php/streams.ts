/** Streams of a program's own: an address of its own that is read or run, and filters that see what passes. */
import { invokeMethod, makeObject } from './calls.ts';
import type { Node } from './parse.ts';
import type { Run } from './run.ts';
import { know, templateOf, textOf, unknown, type PhpObject, type Value } from './value.ts';

const namesMax = 50;
const filterAddress = /^php:\/\/filter\/(?:(?:read|write)=)?([\w.-]{1,60})\/resource=(.{1,400})$/s;
const schemeOf = /^([a-z][\w.+-]{0,60}):\/\//i;

export function register(of: Map<string, string>, name: Value | undefined, className: Value | undefined): void {
  const [key, to] = [name && textOf(name), className && textOf(className)];
  if (key !== undefined && to !== undefined && of.size < namesMax) of.set(key.toLowerCase(), to);
}

/** What is read from an address whose scheme a class of the file answers for; undefined when none does. */
export function readOwn(run: Run, path: Value, node: Node): Value | undefined {
  if (run.wrappers.size === 0) return undefined;
  const className = run.wrappers.get(schemeOf.exec(templateOf(path))?.[1]?.toLowerCase() ?? '');
  const object = className === undefined ? undefined : makeObject(run, className, [], node).object;
  if (!object) return undefined;
  invokeMethod(run, object, 'stream_open', [path, know('rb'), know(0), unknown], node);
  return invokeMethod(run, object, 'stream_read', [know(8192)], node);
}

/** An object of the class that was registered for a filter's name, or for all of its family (`x.*`). */
export function makeFilter(run: Run, name: Value | undefined, params: Value | undefined, node: Node): PhpObject | undefined {
  const text = name && textOf(name)?.toLowerCase();
  if (text === undefined || run.filters.size === 0) return undefined;
  const className = run.filters.get(text) ?? run.filters.get(text.replace(/[^.]*$/, '*'));
  const object = className === undefined ? undefined : makeObject(run, className, [], node).object;
  if (!object) return undefined;
  object.properties.set('filtername', { value: name });
  object.properties.set('params', { value: params ?? unknown });
  invokeMethod(run, object, 'onCreate', [], node);
  return object;
}

/** A filter of the file's own that an address names, and what it is put before. */
export function filterOf(run: Run, path: Value, node: Node): { filter: PhpObject; resource: string } | undefined {
  const match = run.filters.size > 0 ? filterAddress.exec(templateOf(path)) : null;
  const filter = match ? makeFilter(run, know(match[1]!), undefined, node) : undefined;
  return filter && { filter, resource: match![2]! };
}

/** What of `data` comes out of a filter. */
export function filtered(run: Run, filter: PhpObject | undefined, data: Value, node: Node): Value {
  if (!filter) return data;
  const bucket: PhpObject = { className: 'StreamBucket', made: [], properties: new Map([['data', { value: data }]]) };
  const brigade: PhpObject = { className: '', made: [], properties: new Map([['bucket', { value: { ...unknown, object: bucket } }]]) };
  invokeMethod(run, filter, 'filter', [{ ...unknown, object: brigade }, unknown, know(0), know(false)], node);
  return bucket.properties.get('data')?.value ?? unknown;
}

/** The next of what passes a filter. */
export const nextBucket = (brigade: Value | undefined): Value => brigade?.object?.properties.get('bucket')?.value ?? unknown;
