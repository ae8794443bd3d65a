/** Text of rules as somebody writes it: read, bounded, and refused with a line and a clear word. */
import * as z from 'zod';
import { MoatError } from '../../core/error.ts';
import type { Event } from '../../core/gen/event.ts';
import { compile, faultZh, parse, type Correlation, type Rule, type SigmaErrorCode } from '../../sigma/index.ts';
import { binding } from '../detector.ts';

export type AnyRule = Rule | Correlation;
export interface RuleFault { line: number; code: SigmaErrorCode; message: string }
/** As it is answered: in both languages. */
export const shownFault = ({ line, code, message }: RuleFault): object => ({ line, code, message, text: { zh: faultZh(code, message), en: message } });
export interface ReadRules { rules: AnyRule[]; faults: readonly RuleFault[]; engine: ReturnType<typeof compile<Event>> | undefined }

/** Characters of one text. */
export const ruleTextMax = 64 * 1024;
/** Each of them runs in linear time (src/sigma/regex.ts refuses what cannot); very many of them would still be slow on every line of a log. */
const regexesMost = 100;
const faultsMost = 100;

/** Of what Moat keeps open above `ruleTextMax`: a longer text is told as a fault of its own rather than turned away unread. */
export const ruleTextTaken = 256 * 1024;

/** Parses and compiles. `others`: rules that are loaded, of which a correlation may count some. */
export function readRules(text: string, others: readonly AnyRule[]): ReadRules {
  if (text.length > ruleTextMax) return { rules: [], faults: [{ line: 1, code: 'limit', message: `expected at most ${ruleTextMax} characters in a rule of one's own, got ${text.length}` }], engine: undefined };
  const parsed = parse([{ file: 'rule.yml', text }]);
  const rules = [...parsed.rules, ...parsed.correlations];
  const heavy = parsed.rules.flatMap((rule) => { const n = regexesOf(rule); return n > regexesMost ? [{ line: rule.line, code: 'limit' as const, message: `expected at most ${regexesMost} regexes in a rule of one's own, got ${n}` }] : []; });
  const faults = [...parsed.errors, ...heavy];
  if (faults.length > 0) return { rules, faults: faults.slice(0, faultsMost), engine: undefined };
  const names = new Set(rules.flatMap(({ id, name }) => [id, name]));
  const wanted = new Set(parsed.correlations.flatMap((one) => one.rules));
  const counted = others.filter((one): one is Rule => one.type === 'rule' && !names.has(one.name) && !names.has(one.id) && ((one.name !== undefined && wanted.has(one.name)) || (one.id !== undefined && wanted.has(one.id))));
  const engine = compile<Event>({ ...parsed, rules: [...parsed.rules, ...counted] }, binding);
  return { rules, faults: engine.errors.slice(0, faultsMost), engine };
}

type Search = Rule['detection']['searches'] extends ReadonlyMap<string, infer S> ? S : never;
function regexesOf({ detection }: Rule): number {
  const count = (search: Search): number => (search.kind === 'item' ? search.item.values.reduce((n, { tests }) => n + tests.filter(({ kind }) => kind === 'regex').length, 0) : search.children.reduce((n, child) => n + count(child), 0));
  return [...detection.searches.values()].reduce((n, search) => n + count(search), 0);
}

/** Throws MoatError 'bad-input' for what has another shape. */
export function given<T>(shape: z.ZodType<T>, argument: unknown): T {
  const read = shape.safeParse(argument);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new MoatError('bad-input', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}
