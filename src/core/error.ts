import type { Text } from './text.ts';

/**
 * An error a user can act on. Each room has a closed union of codes; messages read
 * "expected X, got Y in PLACE" and `hint` says what to do next. `text` says the
 * message in both languages, where a person will read it.
 */
export class MoatError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;
  readonly text: Text | undefined;

  constructor(code: Code, message: string, options: { hint?: string; cause?: unknown; text?: Text } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MoatError';
    this.code = code;
    this.hint = options.hint;
    this.text = options.text;
  }
}
