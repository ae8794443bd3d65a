/** Every rule that Moat brings is held to its own test file and to the form that alerts rely on. */
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { binding, ownRules, ruleFiles } from '../src/agent/detector.ts';
import { runRuleTests } from '../src/agent/rule-tests.ts';
import { compile, parse, type Correlation, type Rule } from '../src/sigma/index.ts';

const folder = ownRules();
const files = ruleFiles(folder);
const parsed = parse(files);
const all: (Rule | Correlation)[] = [...parsed.rules, ...parsed.correlations];

interface MoatMap { zh?: string; summary?: { zh?: string; en?: string }; advice?: { zh?: string; en?: string }; description?: { zh?: string }; falsepositives?: { zh?: string[] } }
const moat = (rule: Rule | Correlation): MoatMap => rule.custom ?? {};
const chinese = /[一-鿿]/;

/** The rule that a file is named after; the others of the file only feed it. */
const mains = files.map(({ file }) => {
  const name = basename(file, '.yml');
  return { file, name, rule: all.find((rule) => rule.file === file && rule.name === name) };
});

describe('rules of our own', () => {
  test('are all accepted, together', () => {
    const engine = compile(parsed, binding);
    expect([...parsed.errors, ...engine.errors]).toEqual([]);
    expect(files.length).toBeGreaterThan(0);
  });

  test('have an id and a name that no other has', () => {
    for (const key of ['id', 'name'] as const) {
      const seen = new Map<string, string>();
      for (const rule of all) {
        const value = rule[key];
        expect(value, `${key} of ${rule.file}:${rule.line}`).toBeTypeOf('string');
        expect(seen.get(value!), `${key} ${value} of ${rule.file} stands elsewhere`).toBeUndefined();
        seen.set(value!, rule.file);
        expect(value).toMatch(key === 'id' ? /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/ : /^[a-z][a-z0-9_]*$/);
      }
    }
  });

  test.each(mains)('$name says what an alert needs', ({ file, name, rule }) => {
    expect(rule, `expected a rule named ${name} in ${file}`).toBeDefined();
    for (const one of all.filter((other) => other.file === file)) {
      expect(moat(one).zh ?? '', `moat.zh of ${one.name}`).toMatch(chinese);
      expect(one.title, `title of ${one.name}`).not.toMatch(chinese);
    }
    const { summary, advice, description, falsepositives } = moat(rule!);
    expect(summary?.zh, 'moat.summary.zh').toBeTruthy();
    expect(summary?.en, 'moat.summary.en').toBeTruthy();
    expect(advice?.zh ?? '', 'moat.advice.zh').toMatch(chinese);
    expect(advice?.en, 'moat.advice.en').toBeTruthy();
    expect(rule!.tags.filter((tag) => /^attack\.t\d{4}(\.\d{3})?$/.test(tag)), 'an ATT&CK technique').not.toEqual([]);
    expect(rule!.falsepositives, 'falsepositives').not.toEqual([]);
    expect(rule!.description, 'description').toBeTruthy();
    expect(description?.zh ?? '', 'moat.description.zh').toMatch(chinese);
    expect(falsepositives?.zh, 'moat.falsepositives.zh, one for each').toHaveLength(rule!.falsepositives.length);
    for (const one of falsepositives!.zh!) expect(one, 'moat.falsepositives.zh').toMatch(chinese);
    const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]!).sort();
    expect(placeholders(summary!.zh!), 'placeholders of both languages').toEqual(placeholders(summary!.en!));
  });

  test.each(runRuleTests(join(folder)).map((result) => ({ ...result, name: basename(result.file) })))('$name is raised by what it must and by nothing else ($cases inputs)', ({ faults, cases, file, name }) => {
    expect(faults).toEqual([]);
    // Two that match and three that must not are the least that says what a rule is about.
    if (/\/(?:linux|network)\//.test(file)) expect(cases, name).toBeGreaterThanOrEqual(5);
  });
});
