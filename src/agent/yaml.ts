/** YAML that a person wrote, read with its limits: size, nesting, aliases, and each key once. */
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { MoatError } from '../core/error.ts';

export type YamlErrorCode = 'not-yaml';

const charsMax = 1 << 20;
const depthMax = 32;

export interface YamlText {
  value: unknown;
  /** Line, from 1, of the value under these keys, or of the nearest parent that is there. */
  lineOf: (keys: readonly PropertyKey[]) => number;
}

/** Throws MoatError 'not-yaml', which reads `PATH:LINE: expected …`. */
export function readYamlText(text: string, path: string): YamlText {
  const counter = new LineCounter();
  const refuse = (at: number, message: string, cause?: unknown): MoatError<YamlErrorCode> => new MoatError<YamlErrorCode>('not-yaml', `${path}:${counter.linePos(at).line || 1}: ${message}`, { cause });
  if (text.length > charsMax) throw refuse(0, `expected at most ${charsMax} characters, got ${text.length}`);
  try {
    // The library compares each key with each other, which takes minutes for a map of 60,000; see `check`.
    const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
    const [fault] = document.errors;
    if (fault) throw refuse(fault.pos[0], fault.message.startsWith('Maximum call stack') ? 'expected less nesting' : fault.message);
    check(document.contents, 0, refuse);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    // An alias inside its own anchor is a ring.
    if (deeper(value, depthMax)) throw refuse(0, `expected at most ${depthMax} levels of nesting, got more`);
    return { value, lineOf: (keys) => lineOf(document, counter, keys) };
  } catch (error) {
    if (error instanceof MoatError) throw error;
    throw refuse(0, error instanceof RangeError ? 'expected less nesting' : (error as Error).message, error);
  }
}

function check(node: unknown, depth: number, refuse: (at: number, message: string) => Error): void {
  const at = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  if (depth > depthMax) throw refuse(at, `expected at most ${depthMax} levels of nesting, got more`);
  if (isSeq(node)) { for (const item of node.items) check(item, depth + 1, refuse); return; }
  if (!isMap(node)) return;
  const seen = new Set<unknown>();
  for (const { key, value } of node.items) {
    if (!isScalar(key)) throw refuse(isNode(key) ? (key.range?.[0] ?? at) : at, 'expected a text key, got a map, a list or an alias');
    if (seen.has(key.value)) throw refuse(key.range?.[0] ?? at, `expected each key once, got ${JSON.stringify(key.value)} twice`);
    seen.add(key.value);
    check(value, depth + 1, refuse);
  }
}

function deeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((one) => deeper(one, levels - 1));
}

function lineOf(document: Document, counter: LineCounter, keys: readonly PropertyKey[]): number {
  for (let length = keys.length; length > 0; length--) {
    const node = document.getIn(keys.slice(0, length), true);
    if (isNode(node) && node.range) return counter.linePos(node.range[0]).line;
  }
  return 1;
}
