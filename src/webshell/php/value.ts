/** What is known of a PHP value without running it: its text where that is certain, and where it came from. */
import type { Place } from '../sign.ts';
import type { Node } from './parse.ts';
import type { Layer } from './run.ts';

/**
 * request   what a visitor sends
 * upload    the path of a file that a visitor sent
 * remote    what another machine answered
 * database  what a database answered
 * file      what a file holds that is no code
 * text      what a text beside the program holds
 * visitor   which browser or page a visitor says to come with
 * crawler   the answer to whether a search engine asks
 * password  what a visitor typed into a field for passwords
 * logon     the password of somebody who logs on to WordPress
 * listed    PHP's lists of its own functions, or the file's own name: a name may be picked out of it
 */
export type Origin = 'request' | 'upload' | 'remote' | 'database' | 'file' | 'text' | 'visitor' | 'crawler' | 'password' | 'logon' | 'listed';
export interface Taint { origin: Origin; place: Place }

/** How a text was hidden, as bits. */
export const hiddenBy = { decoded: 1, joined: 2, escaped: 4, packed: 8 } as const;

export type Scalar = string | number | boolean | null;

/** Entries in order; `complete` false: there may be others. PHP copies arrays, so these are never changed once made. */
export interface PhpArray { entries: ReadonlyMap<string, Value>; next: number; complete: boolean }
export interface Cell { value: Value | undefined }
export interface PhpObject { className: string; /** For a class of the file: that of PHP's own which it comes from. */ base?: string; properties: Map<string, Cell>; /** What it was made with or loaded from, for classes that are PHP's own. */ made: readonly Value[] }
export interface Closure { node: Node; scope: Map<string, Cell>; self: PhpObject | undefined; className: string | undefined; layer: Layer }
/** An open file or connection. */
export interface Handle { to: 'socket' | 'file' | 'request' | 'itself' | 'process'; path?: Value; mode?: string; /** A class of the file that sees what passes. */ filter?: PhpObject }

export interface Value {
  /** Undefined: not known. */
  known?: Scalar;
  array?: PhpArray;
  object?: PhpObject;
  closure?: Closure;
  handle?: Handle;
  taints: readonly Taint[];
  /** Of a number made of a character, or a key of a list that a visitor sends: where that came from. It becomes text again by chr, and may name a variable. */
  digits?: readonly Taint[];
  /** Bits of `hiddenBy`. */
  hidden: number;
  /** Of an unknown text: what is known of it, with `gap` for a part that is unknown and `given` for one that a visitor sends. */
  template?: string;
  /** The text is one of these. */
  choices?: readonly string[];
  /** $_GET and its like. */
  superglobal?: string;
}

export const gap = '\ue000';
export const given = '\ue001';
/** Parts that are unknown but the same wherever they show: a temporary name. */
const firstNamed = 0xe100;
const namedMax = 0x1000;
const templateMax = 600;
const taintsMax = 6;
const choicesMax = 8;
/** Entries of arrays that are merged one by one. */
const mergedMax = 64;
const entriesMax = 20_000;

const none: readonly Taint[] = [];
export const unknown: Value = { taints: none, hidden: 0 };
export const nothing: Value = { known: null, taints: none, hidden: 0 };
export const know = (known: Scalar, hidden = 0): Value => ({ known, taints: none, hidden });
export const unknownFrom = (taints: readonly Taint[], hidden = 0): Value => (taints.length === 0 && hidden === 0 ? unknown : { taints, hidden });
export const namedGap = (n: number): Value => ({ taints: none, hidden: 0, template: String.fromCharCode(firstNamed + (n % namedMax)) });
export const listOf = (values: readonly Value[]): Value => ({ ...unknownFrom(taintsOf(values)), array: { entries: new Map(values.map((value, i) => [String(i), value])), next: values.length, complete: true } });

export function taintsOf(values: readonly Value[]): readonly Taint[] {
  let out = none;
  for (const { taints } of values) out = joinTaints(out, taints);
  return out;
}

export function joinTaints(a: readonly Taint[], b: readonly Taint[]): readonly Taint[] {
  if (b.length === 0 || a === b) return a;
  if (a.length === 0) return b;
  const out = [...a];
  for (const one of b) if (out.length < taintsMax && !out.some(({ origin, place }) => origin === one.origin && place.line === one.place.line)) out.push(one);
  return out;
}

export const from = ({ taints }: Value, ...origins: readonly Origin[]): Taint | undefined => taints.find(({ origin }) => origins.includes(origin));

/** As PHP makes text of it; undefined when that is not known. */
export function textOf({ known, array }: Value): string | undefined {
  switch (typeof known) {
    case 'string': return known;
    case 'number': return numberText(known);
    case 'boolean': return known ? '1' : '';
    case 'undefined': return array?.complete ? 'Array' : undefined;
    default: return '';
  }
}

const numberText = (number: number): string => (Number.isFinite(number) ? String(number) : number > 0 ? 'INF' : number < 0 ? '-INF' : 'NAN');

export function numberOf(value: Value): number | undefined {
  const { known } = value;
  switch (typeof known) {
    case 'number': return known;
    case 'boolean': return known ? 1 : 0;
    case 'undefined': return value.array ? (value.array.entries.size > 0 ? 1 : 0) : undefined;
    case 'string': {
      const head = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/.exec(known.slice(0, 64));
      return head ? Number(head[0]) : 0;
    }
    default: return 0;
  }
}

export function truthOf(value: Value): boolean | undefined {
  const { known } = value;
  if (value.closure) return true;
  if (value.object) return undefined; // it may be what a call answers when there is none
  if (value.array) return value.array.entries.size > 0 ? true : value.array.complete ? false : undefined;
  if (known === undefined) return undefined;
  return typeof known === 'string' ? known !== '' && known !== '0' : Boolean(known);
}

export const templateOf = (value: Value): string => {
  const text = textOf(value);
  if (text !== undefined) return text.length <= templateMax ? text : `${text.slice(0, templateMax / 2)}${gap}${text.slice(-templateMax / 2)}`;
  return value.template ?? (from(value, 'request') ? given : gap);
};

/** All that a text can be, as far as known. */
export const choicesOf = (value: Value): readonly string[] => {
  const text = value.array ? undefined : textOf(value);
  return text !== undefined ? [text] : value.choices ?? [];
};

export function concat(a: Value, b: Value): Value {
  const [left, right] = [textOf(a), textOf(b)];
  const taints = joinTaints(a.taints, b.taints);
  if (left !== undefined && right !== undefined) {
    const joined = left !== '' && right !== '' ? hiddenBy.joined : 0;
    return { known: left + right, taints, hidden: a.hidden | b.hidden | joined };
  }
  if (left === '') return { ...b, array: undefined, taints };
  if (right === '') return { ...a, array: undefined, taints };
  let template = templateOf(a) + templateOf(b);
  if (template.length > templateMax) template = `${template.slice(0, templateMax / 2)}${gap}${template.slice(-templateMax / 2)}`;
  const out: Value = { taints, hidden: a.hidden | b.hidden | hiddenBy.joined, template };
  const [lefts, rights] = [choicesOf(a), choicesOf(b)];
  if (lefts.length > 0 && rights.length > 0 && lefts.length * rights.length <= choicesMax) out.choices = lefts.flatMap((l) => rights.map((r) => l + r));
  return out;
}

/** What holds after two ways met. */
export function merge(a: Value | undefined, b: Value | undefined): Value | undefined {
  if (a === b || b === undefined) return a;
  if (a === undefined) return b;
  if (a.known !== undefined && a.known === b.known && !a.array && !b.array) return a.taints.length >= b.taints.length ? a : b;
  const out: Value = { taints: joinTaints(a.taints, b.taints), hidden: a.hidden | b.hidden };
  const [ca, cb] = [choicesOf(a), choicesOf(b)];
  if (ca.length > 0 || cb.length > 0) {
    const choices = [...new Set([...ca, ...cb])].filter((text) => text.length <= templateMax);
    if (choices.length > 0 && choices.length <= choicesMax) out.choices = choices;
  }
  if (a.array && b.array && a.array.entries !== b.array.entries && Math.max(a.array.entries.size, b.array.entries.size) <= mergedMax) {
    const entries = new Map(a.array.entries);
    for (const [key, value] of b.array.entries) entries.set(key, merge(entries.get(key), value)!);
    out.array = { entries, next: Math.max(a.array.next, b.array.next), complete: false };
  } else if (a.array ?? b.array) out.array = { ...(a.array ?? b.array)!, complete: a.array?.entries === b.array?.entries && a.array?.complete === true };
  out.object = a.object ?? b.object;
  out.closure = a.closure ?? b.closure;
  out.handle = a.handle ?? b.handle;
  out.superglobal = a.superglobal ?? b.superglobal;
  // What a visitor sends stays whole when the other way is but a default.
  const [ta, tb] = [templateOf(a), templateOf(b)];
  out.template = ta === tb ? ta : ta.includes(given) && (ta === given || !tb.includes(given)) ? ta : tb.includes(given) ? tb : gap;
  return out;
}

/** Stands for the entries whose keys are not known. */
export const restKey = '\ue0fe';

/** Array with one entry set; `key` undefined: appended, or a key that is not known. */
export function withEntry(array: PhpArray | undefined, key: string | undefined, value: Value, append: boolean): PhpArray {
  if (array && array.entries.size >= entriesMax) return { ...array, complete: false };
  const entries = new Map(array?.entries);
  let next = array?.next ?? 0;
  if (append) entries.set(String(next++), value);
  else if (key !== undefined) {
    entries.set(key, value);
    const index = Number(key);
    if (Number.isSafeInteger(index) && index >= next) next = index + 1;
  } else entries.set(restKey, merge(entries.get(restKey), value)!);
  return { entries, next, complete: (array?.complete ?? true) && (append || key !== undefined) };
}

/** A key as PHP keeps it. */
export function keyOf(value: Value): string | undefined {
  const { known } = value;
  switch (typeof known) {
    case 'string': return known;
    case 'number': return String(Math.trunc(known));
    case 'boolean': return known ? '1' : '0';
    case 'undefined': return undefined;
    default: return '';
  }
}
