/** Why a rule is refused. A closed set; the message says what was expected and what was found. */
export type SigmaErrorCode =
  | 'yaml'         // the text is not YAML, or YAML that rules do not use (tags, non-text keys)
  | 'limit'        // too large, too deep, too many aliases
  | 'metadata'     // title, level, id, name, tags …
  | 'logsource'
  | 'detection'    // the shape of the detection section
  | 'modifier'     // unknown modifier, or one that cannot stand there
  | 'value'        // a value that its modifiers cannot take
  | 'placeholder'  // |expand with a placeholder that nobody defined
  | 'regex'        // broken, or beyond what can run in bounded time
  | 'condition'
  | 'aggregation'  // the obsolete pipe syntax
  | 'correlation'
  | 'filter'
  | 'reference'    // names a rule that does not exist or was refused
  | 'duplicate';   // the id or name is taken

export interface SigmaError {
  file: string;
  /** From 1. */
  line: number;
  id?: string;
  name?: string;
  code: SigmaErrorCode;
  /** "expected X, got Y". */
  message: string;
}

/** Thrown inside the parser; becomes one SigmaError of one rule. `at` is an offset into the file's text. */
export class Refusal extends Error {
  readonly code: SigmaErrorCode;
  readonly at: number | undefined;

  constructor(code: SigmaErrorCode, message: string, at?: number) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.at = at;
  }
}

/** Shows a piece of a rule in a message: quoted, one line, bounded. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…"` : text;
}
