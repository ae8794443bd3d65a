/** A look at SQL written by a person, before SQLite sees it. Pure. */
import { StoreError } from '../stores/error.ts';

export interface Token { text: string; start: number; end: number; kind: 'word' | 'quoted' | 'string' | 'other' }

const maxSql = 64 * 1024;

/** Splits SQL as SQLite does, without comments and white space. Never throws; an unclosed quote runs to the end. */
export function tokens(sql: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const start = at;
    const char = sql[at]!;
    if (char <= ' ') { at++; continue; }
    if (sql.startsWith('--', at)) { at = endAfter(sql, '\n', at); continue; }
    if (sql.startsWith('/*', at)) { at = endAfter(sql, '*/', at + 2); continue; }
    let kind: Token['kind'] = 'other';
    if (char === "'" || char === '"' || char === '`') {
      at = endOfQuote(sql, char, at);
      kind = char === "'" ? 'string' : 'quoted';
    } else if (char === '[') {
      at = endAfter(sql, ']', at);
      kind = 'quoted';
    } else if (isWord(sql.charCodeAt(at))) {
      while (at < sql.length && isWord(sql.charCodeAt(at))) at++;
      kind = 'word';
    } else {
      at++;
    }
    found.push({ text: sql.slice(start, at), start, end: at, kind });
  }
  return found;
}

/** One reading statement, ready for SQLite. Throws StoreError 'refused' or 'query'. */
export function checkSql(sql: string): string {
  if (sql.length > maxSql) throw new StoreError('refused', `expected at most ${maxSql} characters of SQL, got ${sql.length}`);
  const nul = sql.indexOf('\0');
  if (nul >= 0) throw new StoreError('refused', `expected text, got a NUL character ${place(sql, nul)}`);
  const all = tokens(sql);
  const [first] = all;
  if (!first) throw new StoreError('query', 'expected a SELECT statement, got nothing', { hint: "Try: SELECT at, kind, message FROM events ORDER BY time DESC LIMIT 20" });
  if (!['SELECT', 'WITH', 'VALUES', 'EXPLAIN'].includes(first.text.toUpperCase())) {
    throw new StoreError('refused', `expected SELECT, WITH, VALUES or EXPLAIN, got ${first.text.slice(0, 40)} ${place(sql, first.start)}`, { hint: 'A query only reads.' });
  }
  const semicolon = all.findIndex((token) => token.text === ';');
  const second = semicolon < 0 ? undefined : all.slice(semicolon).find((token) => token.text !== ';');
  if (second) throw new StoreError('refused', `expected one statement, got a second one ${place(sql, second.start)}`);
  return semicolon < 0 ? sql : sql.slice(0, all[semicolon]!.start);
}

/** "at line L, column C", counted from 1. */
export function place(sql: string, offset: number): string {
  const before = sql.slice(0, offset).split('\n');
  return `at line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

/**
 * Where SQLite's complaint is about, which its message does not say. `complaint(prefix)` is the message SQLite
 * has for a piece of the statement: the first token at which the piece already gets the same one is to blame.
 */
export function blame(sql: string, message: string, complaint: (prefix: string) => string | undefined): number | undefined {
  const near = /^near "([\s\S]*)": syntax error$/.exec(message)?.[1];
  if (near !== undefined) {
    const suspects = tokens(sql).filter((token) => token.text === near || token.text.startsWith(near)).slice(0, 50);
    return suspects.find((token) => complaint(sql.slice(0, token.end)) === message)?.start ?? suspects[0]?.start;
  }
  const name = /^no such (?:column|table|function): (?:\w+\.)*(.+)$/.exec(message)?.[1];
  if (name === undefined) return undefined;
  return tokens(sql).find((token) => token.kind !== 'string' && unquoted(token).toLowerCase() === name.toLowerCase())?.start;
}

const unquoted = (token: Token): string => token.kind === 'quoted' ? token.text.slice(1, -1) : token.text;

function isWord(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 36 || code > 127;
}

function endAfter(sql: string, end: string, from: number): number {
  const at = sql.indexOf(end, from);
  return at < 0 ? sql.length : at + end.length;
}

/** A doubled quote stands for itself. */
function endOfQuote(sql: string, quote: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const end = sql.indexOf(quote, at);
    if (end < 0) return sql.length;
    if (sql[end + 1] !== quote) return end + 1;
    at = end + 2;
  }
}
