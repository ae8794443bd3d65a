/** Indicators of a STIX 2.1 bundle whose patterns compare for equality. */
import { jsonElements } from './json-elements.ts';
import type { ListBuilder } from './list.ts';
import { addValue } from './recognise.ts';
import type { IndicatorKind } from '../../core/lineage.ts';
import type { ListReader } from './text-lists.ts';

export interface Comparison { kind: IndicatorKind; value: string }

export function stixReader(into: ListBuilder, kind: IndicatorKind | undefined, now: number): ListReader {
  let seen = 0;
  let understood = 0;
  const json = jsonElements(new Set(['objects']), (object) => {
    if (object['type'] !== 'indicator') return;
    seen++;
    const until = timeOf(object['valid_until']);
    if (object['revoked'] === true || (timeOf(object['valid_from']) ?? 0) > now) { understood++; into.refuse(object['revoked'] === true ? 'expired' : 'not for detection'); return; }
    const pattern = object['pattern'];
    const parts = typeof pattern === 'string' && (object['pattern_type'] ?? 'stix') === 'stix' ? comparisonsOf(pattern) : undefined;
    if (!parts) { into.refuse('not understood'); return; }
    understood++;
    const types = object['indicator_types'] ?? object['labels'];
    const what = Array.isArray(types) && typeof types[0] === 'string' ? types[0] : undefined;
    // The host of a URL may be an address.
    for (const part of parts) if (kind === undefined || kind === part.kind) addValue(into, part.value, part.value.includes('://') ? kind : part.kind, what, until);
  }, () => { seen++; into.refuse('too large'); });
  return { push: (text) => json.push(text), end: () => json.end(), get seen() { return seen; }, get understood() { return understood; }, get fault() { return json.fault; } };
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

const patternMax = 64 * 1024;
const partsMax = 5000;
/** Object path → kind of its value. */
const paths: Readonly<Record<string, IndicatorKind>> = {
  'ipv4-addr:value': 'address', 'ipv6-addr:value': 'address', 'domain-name:value': 'domain', 'url:value': 'domain',
  'network-traffic:dst_ref.value': 'address', 'file:hashes.md5': 'hash', 'file:hashes.sha-1': 'hash', 'file:hashes.sha1': 'hash', 'file:hashes.sha-256': 'hash', 'file:hashes.sha256': 'hash',
};

/**
 * What a pattern compares with: `=`, `IN` and `ISSUBSET` of known paths, joined by OR (digests of one file also by
 * AND). Undefined for all else: what must hold together, or in an order, is not told by one part alone.
 */
export function comparisonsOf(pattern: string): Comparison[] | undefined {
  if (pattern.length > patternMax) return undefined;
  const tokens = tokensOf(pattern);
  if (!tokens) return undefined;
  const out: Comparison[] = [];
  let at = 0;
  const take = (): string => tokens[at++] ?? '';
  let and = false;
  for (;;) {
    if (take() !== '[') return undefined;
    for (;;) {
      const kind = paths[take().toLowerCase()];
      const values = kind === undefined ? undefined : valuesOf(take);
      if (kind === undefined || !values) return undefined;
      for (const value of values) out.push({ kind, value });
      const next = take().toUpperCase();
      if (next === ']') break;
      if (next === 'AND') and = true;
      else if (next !== 'OR') return undefined;
    }
    if (at >= tokens.length) break;
    if (take().toUpperCase() !== 'OR') return undefined;
  }
  if (out.length > partsMax || (and && out.some((part) => part.kind !== 'hash'))) return undefined;
  return out;
}

function valuesOf(take: () => string): string[] | undefined {
  const operator = take().toUpperCase();
  if (operator === '=' || operator === 'ISSUBSET') { const text = textOf(take()); return text === undefined ? undefined : [text]; }
  if (operator !== 'IN' || take() !== '(') return undefined;
  const out: string[] = [];
  for (;;) {
    const text = textOf(take());
    if (text === undefined || out.length > partsMax) return undefined;
    out.push(text);
    const next = take();
    if (next === ')') return out;
    if (next !== ',') return undefined;
  }
}

/** Texts keep their first quote, which tells them from words. */
const textOf = (token: string): string | undefined => (token.startsWith("'") ? token.slice(1) : undefined);

function tokensOf(pattern: string): string[] | undefined {
  const tokens: string[] = [];
  let at = 0;
  while (at < pattern.length) {
    const c = pattern[at] ?? '';
    if (/\s/.test(c)) { at++; continue; }
    if ('[](),='.includes(c)) { tokens.push(c); at++; continue; }
    if (c === "'") {
      let text = "'";
      for (at++; at < pattern.length && pattern[at] !== "'"; at++) {
        if (pattern[at] === '\\') at++;
        text += pattern[at] ?? '';
      }
      if (at >= pattern.length) return undefined;
      at++;
      tokens.push(text);
      continue;
    }
    // A word or an object path; parts of a path may be quoted: file:hashes.'SHA-256'
    let word = '';
    while (at < pattern.length && /[\w:.\-'"]/.test(pattern[at] ?? '')) {
      const mark = pattern[at];
      if (mark !== "'" && mark !== '"') word += mark;
      at++;
    }
    if (word === '') return undefined;
    tokens.push(word);
  }
  return tokens;
}
