/** Shared by the tests of src/sigma. */
import { expect } from 'vitest';
import { compile, type Engine, type EngineOptions, type Match, parse, type ParseOptions, recordBinding } from '../src/sigma/index.ts';

export type Row = Record<string, unknown>;

/** Parses and links without faults and returns what the events bring, windows closed at the end. */
export function run(yaml: string, events: readonly Row[], options?: EngineOptions & ParseOptions): { matches: Match<Row>[]; engine: Engine<Row> } {
  const parsed = parse([{ file: 'test.yml', text: yaml }], options);
  expect(parsed.errors).toEqual([]);
  const engine = compile<Row>(parsed, recordBinding({ logsource: { product: 'linux', service: 'sshd' } }), options);
  expect(engine.errors).toEqual([]);
  const matches: Match<Row>[] = [];
  for (const event of events) engine.evaluate(event, (match) => matches.push(match));
  engine.advance(Infinity, (match) => matches.push(match));
  return { matches, engine };
}

/** A rule around a detection section written as YAML flow or as an object. */
export const ruleOf = (detection: unknown, name = 'rule'): string => JSON.stringify({ title: `Rule ${name}`, name, logsource: { product: 'linux' }, detection });

/** Whether a rule with one selection matches the event, compiled and interpreted alike. */
export function selects(selection: unknown, event: Row, options?: ParseOptions): boolean {
  const yaml = ruleOf({ selection, condition: 'selection' });
  const answers = [true, false].map((interpreted) => run(yaml, [event], { ...options, interpreted }).matches.length === 1);
  expect(answers[1]).toBe(answers[0]);
  return answers[0]!;
}

/** Why the text is refused: code and message of its only error. */
export function refusal(text: string, options?: ParseOptions): string {
  const parsed = parse([{ file: 'test.yml', text }], options);
  const engine = compile(parsed, recordBinding());
  const errors = [...parsed.errors, ...engine.errors];
  expect(errors).toHaveLength(1);
  return `${errors[0]!.line} ${errors[0]!.code}: ${errors[0]!.message}`;
}

/** A failed login for `seconds` after a fixed start. */
export const fail = (seconds: number, ip: string, more: Row = {}): Row => ({ time: start + seconds * 1000, action: 'login', outcome: 'failure', ip, ...more });
export const start = 1_700_000_000_000;

export const failedLogin = `
title: Failed login
name: failed_login
logsource: { product: linux, service: sshd }
detection:
  selection: { action: login, outcome: failure }
  condition: selection
level: low
`;
