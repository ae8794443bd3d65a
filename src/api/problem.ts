/** What went wrong, as RFC 9457 (application/problem+json) says it, with a code that programs can tell apart. */
import type { Text } from '../core/text.ts';

/** Status of each code. */
const statuses = {
  'bad-input': 400, 'not-logged-in': 401, 'wrong-credentials': 401, 'code-needed': 401, 'not-permitted': 403, 'csrf': 403, 'wrong-host': 403, 'out-of-scope': 403, 'not-found': 404, 'no-route': 404, 'conflict': 409, 'gone': 410,
  'changed-meanwhile': 412, 'too-large': 413, 'too-old': 426, 'unsupported': 415, 'bad-range': 416, 'refused': 422, 'revision-needed': 428, 'too-many': 429, 'fault': 500, 'unavailable': 503,
} as const;
export type ProblemCode = keyof typeof statuses;
export const problemCodes = Object.keys(statuses) as ProblemCode[];

export class Problem extends Error {
  readonly code: ProblemCode;
  readonly text: Text;
  readonly hint: string | undefined;
  /** Seconds after which to try again. */
  readonly retryAfter: number | undefined;
  /** Further members of the body. */
  readonly more: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ProblemCode, text: Text, { hint, retryAfter, more, cause }: { hint?: string | undefined; retryAfter?: number; more?: Record<string, unknown>; cause?: unknown } = {}) {
    super(text.en, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.code = code;
    this.text = text;
    this.hint = hint;
    this.retryAfter = retryAfter;
    this.more = more;
  }

  get status(): number { return statuses[this.code]; }
}

/** The body. `detail_zh` is the same in Chinese. */
export const problemBody = ({ code, text, hint, status, more }: Problem): Record<string, unknown> => ({ ...more, type: `urn:moat:problem:${code}`, title: code, status, code, detail: text.en, detail_zh: text.zh, ...(hint !== undefined && { hint }) });
