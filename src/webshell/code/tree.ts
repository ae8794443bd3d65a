/** One small syntax tree for every language but PHP: what is needed to see names, calls, texts and where values go. `at` is an offset into the text read. */
export type Code =
  /** `coded`: letters of it are written as numbers. */
  | { k: 'text'; text: string; at: number; coded?: true }
  | { k: 'number'; number: number; at: number }
  | { k: 'name'; name: string; at: number }
  | { k: 'member'; of: Code; name: string; at: number }
  | { k: 'index'; of: Code; key: Code; at: number }
  /** `made`: by `new`. */
  | { k: 'call'; fn: Code; args: Code[]; made: boolean; at: number }
  /** Texts put together. */
  | { k: 'join'; parts: Code[]; at: number }
  | { k: 'list'; parts: Code[]; at: number }
  /** Any of the parts, or made of them. */
  | { k: 'mix'; parts: Code[]; at: number }
  /** A comparison: nothing of the parts is in its value. */
  | { k: 'test'; parts: Code[]; at: number }
  | { k: 'set'; to: Code; value: Code; at: number }
  /** `name` is empty for one without. */
  | { k: 'function'; name: string; params: string[]; body: Code[]; at: number }
  | { k: 'return'; value: Code; at: number };

export const nothingAt = (at: number): Code => ({ k: 'list', parts: [], at });
