/** Runs the `.test.yml` that stands beside a rule: inputs that must raise it and inputs that must not. */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import * as z from 'zod';
import type { Event } from '../core/gen/event.ts';
import { MoatError } from '../core/error.ts';
import { openDecoder } from '../engine/decode.ts';
import { binding, ruleFiles } from './detector.ts';
import { compile, faultZh, parse, type Match } from '../sigma/index.ts';
import { readYamlText } from './yaml.ts';

const testSchema = z.strictObject({
  rule: z.string(),
  format: z.string().default('auto'),
  /** The moment to which times without a year belong; default the end of 2026. */
  now: z.iso.datetime().optional(),
  match: z.array(z.string()).min(1),
  no_match: z.array(z.string()).min(1),
});

export interface RuleTestResult { file: string; rule: string; ok: boolean; cases: number; faults: string[]; /** The same, where the rule itself was refused. */ faults_zh?: string[] }

const testFileOf = (ruleFile: string): string => ruleFile.replace(/\.ya?ml$/, '.test.yml');

/** One result a rule file. A rule file without a test file is a fault. */
export function runRuleTests(folder: string): RuleTestResult[] {
  return ruleFiles(folder).map(({ file, text, fault }) => (fault === undefined ? testOne(file, text) : { file, rule: '', ok: false, cases: 0, faults: [`${file}:1: ${fault}`] }));
}

function testOne(file: string, text: string): RuleTestResult {
  const result: RuleTestResult = { file, rule: '', ok: false, cases: 0, faults: [] };
  const testFile = testFileOf(file);
  const parsed = parse([{ file, text }]);
  const engine = compile(parsed, binding);
  for (const fault of [...parsed.errors, ...engine.errors]) result.faults.push(`${fault.file}:${fault.line}: ${fault.message}`);
  const refused = [...parsed.errors, ...engine.errors];
  if (refused.length > 0) result.faults_zh = refused.map(({ file: at, line, code, message }) => `${at}:${line}: ${faultZh(code, message)}`);
  if (!existsSync(testFile)) result.faults.push(`${testFile}: expected lines that match and lines that must not, got no such file`);
  if (result.faults_zh && !existsSync(testFile)) result.faults_zh.push(`${testFile}：缺少测试（应命中与不应命中的行）`);
  if (result.faults.length > 0) return result;

  let test: unknown;
  try {
    test = readYamlText(readFileSync(testFile, 'utf8'), testFile).value;
  } catch (error) {
    result.faults.push(error instanceof MoatError ? error.message : `${testFile}: expected a readable file, got ${(error as Error).message}`);
    return result;
  }
  const checked = testSchema.safeParse(test);
  if (!checked.success) {
    result.faults.push(...checked.error.issues.map((issue) => `${testFile}: ${issue.path.join('.')}: ${issue.message}`));
    return result;
  }
  const { rule, format, now = '2026-12-31T23:59:59Z', match, no_match } = checked.data;
  result.rule = rule;
  const names = [...parsed.rules, ...parsed.correlations].flatMap((r) => [r.name, r.id]);
  if (!names.includes(rule)) result.faults.push(`${testFile}: expected the name of a rule in ${file}, got ${rule}`);
  const raised = (input: string): boolean => {
    engine.reset();
    let hit = false;
    const onMatch = (m: Match<Event>): void => { if (m.rule.name === rule || m.rule.id === rule) hit = true; };
    decodeText(input, format, Date.parse(now), (event) => engine.evaluate(event, onMatch));
    return hit;
  };
  const judge = (inputs: readonly string[], wanted: boolean): void => inputs.forEach((input, i) => {
    result.cases++;
    const name = `${testFile}: ${wanted ? 'match' : 'no_match'}[${i}]`;
    try {
      if (raised(input) !== wanted) result.faults.push(`${name}: expected ${wanted ? 'the rule to be raised' : 'silence'}, got ${wanted ? 'silence' : 'an alert'}`);
    } catch (error) {
      if (!(error instanceof MoatError)) throw error;
      result.faults.push(`${name}: ${error.message}`);
    }
  });
  judge(match, true);
  judge(no_match, false);
  result.ok = result.faults.length === 0;
  return result;
}

/** Decodes a few lines of text at once, in UTC so that the outcome is the same everywhere. */
export function decodeText(text: string, format: string, now: number, emit: (event: Event) => void): void {
  const lines = text.split('\n').filter((line) => line !== '');
  const { decoder } = openDecoder(format, lines, { idPrefix: 'test:', source: 'test', host: hostname(), now: () => now, zoneOffset: () => 0 }, emit);
  lines.forEach((line, i) => decoder.decode(line, { line: i + 1, position: i + 1 }));
  decoder.flush();
}
