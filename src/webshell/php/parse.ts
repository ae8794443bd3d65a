/** PHP source to a syntax tree, with what PHP of any age would read. */
import { Engine } from 'php-parser';
import { LimitError, type Budget } from '../sign.ts';

/** A node of php-parser; its fields differ by `kind`. */
export interface Node { readonly kind: string; readonly loc?: { readonly start: { readonly line: number; readonly column: number; readonly offset: number } } | null; readonly [field: string]: unknown }

/** `errors`: places that are no PHP; the rest was read nevertheless. */
export interface Parsed { children: readonly Node[]; errors: number; source: string }

export const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && typeof (value as Node).kind === 'string';
export const nodesIn = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.every(isNode) ? value : value.filter(isNode) : isNode(value) ? [value] : []);

function engine(shortTags: boolean): Engine {
  return new Engine({
    parser: { extractDoc: false, suppressErrors: true, version: 805 },
    ast: { withPositions: true },
    lexer: { short_tags: shortTags, asp_tags: false, all_tokens: false },
  });
}

/** `code`: without an opening tag, as eval takes it. Throws LimitError 'nodes' or 'depth'; undefined when it cannot be parsed. */
export function parse(source: string, code: boolean, budget: Budget): Parsed | undefined {
  const text = code ? source : withTags(source);
  const parser = engine(code || /<\?(?![a-zA-Z=]|php)/.test(text));
  try {
    const program = (code ? parser.parseEval(text) : parser.parseCode(text, 'file')) as unknown as Node;
    const children = nodesIn(program.children);
    checkSize(children, text.length, budget);
    return { children, errors: Array.isArray(program.errors) ? program.errors.length : 0, source: text };
  } catch (error) {
    if (error instanceof LimitError) throw error;
    if (error instanceof RangeError) throw new LimitError('depth');
    return undefined; // the parser gave up: the caller reads tokens
  }
}

/** Tags that PHP no longer or not always takes for its own, in place so that lines and columns stay. */
function withTags(source: string): string {
  let text = source.replace(/<\?xml/gi, '<.xml');
  if (/<script\s+language/i.test(text)) {
    text = text.replace(/<script\s{1,8}language\s{0,8}=\s{0,8}(["']?)php\1\s{0,8}>/gi, (tag) => `<?php ${' '.repeat(Math.max(0, tag.length - 6))}`);
    if (text !== source) text = text.replace(/<\/script\s{0,8}>/gi, (tag) => `?>${' '.repeat(tag.length - 2)}`);
  }
  return text;
}

/** More than any source has: lists of the shortest words come to two nodes a character. */
const nodesPerCharacter = 4;

/** Counts nodes without recursion; not of a source that is too short for so many, since it takes a fifth of what reading it does. */
function checkSize(children: readonly Node[], length: number, budget: Budget): void {
  let left = budget.limits.nodes;
  if (length * nodesPerCharacter <= left) return;
  const stack: unknown[] = [...children];
  while (stack.length > 0) {
    const one = stack.pop();
    if (Array.isArray(one)) { for (const item of one) stack.push(item); continue; }
    if (typeof one !== 'object' || one === null) continue;
    if (isNode(one) && --left < 0) throw new LimitError('nodes');
    for (const key in one) if (key !== 'loc') { const value = (one as Record<string, unknown>)[key]; if (typeof value === 'object' && value !== null) stack.push(value); }
  }
}
