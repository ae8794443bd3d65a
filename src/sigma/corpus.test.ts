/** Every public rule is accepted or refused for a stated reason. Needs the rules: MOAT_CORPORA=folder that holds rules/. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generate } from './codegen.ts';
import { Slot } from './frame.ts';
import { compile, parse, recordBinding } from './index.ts';
import { compileRegex } from './regex.ts';
import type { Search } from './types.ts';

const folder = join(process.env['MOAT_CORPORA'] ?? '/nonexistent', 'rules');
const there = existsSync(folder);
if (!there) console.warn('skipped: the public rules (set MOAT_CORPORA to the folder that holds rules/)');

describe.skipIf(!there)('public rules', () => {
  test('fewer than one in a hundred is refused; all others become functions', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yml')).map((name) => ({ file: name, text: readFileSync(join(folder, name), 'utf8') }));
    const parsed = parse(files);
    const engine = compile(parsed, recordBinding());
    for (const program of engine.programs) expect(generate(program.expression, () => new Slot(() => undefined))).toBeTypeOf('function');
    const regexes = parsed.rules.flatMap((rule) => [...rule.detection.searches.values()].flatMap(testsOf)).filter((one) => one.kind === 'regex');
    const onV8 = regexes.filter((one) => compileRegex(one.source, one.flags).engine === 'v8').length;
    const errors = [...parsed.errors, ...engine.errors];
    console.log(`${files.length} files: ${engine.programs.length} rules accepted, ${errors.length} refused; ${regexes.length} regexes, ${onV8} proven for V8`);
    for (const error of errors) console.log(`  ${error.file}:${error.line} ${error.code}: ${error.message}`);
    expect(files.length).toBeGreaterThan(3000);
    expect(errors.length).toBeLessThan(files.length / 100);
  });
});

const testsOf = (search: Search): readonly { kind: string; source: string; flags: { i: boolean; m: boolean; s: boolean } }[] =>
  search.kind === 'item' ? search.item.values.flatMap((value) => value.tests.flatMap((test) => test.kind === 'regex' ? [test] : [])) : search.children.flatMap(testsOf);
