/** The doors of rules: YAML, Sigma, regexes of rules, rule tests. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { runRuleTests } from '../src/agent/rule-tests.ts';
import { compile, explain, parse, recordBinding, type Engine } from '../src/sigma/index.ts';
import { attempt, crash, tally, until, type Tally } from './fuzz-door.ts';
import { mutate, noise, type Random } from './fuzz-random.ts';
import { filesBelow, type Seeds } from './fuzz-seeds.ts';

type Row = Record<string, unknown>;
const binding = recordBinding({ logsource: { category: 'webserver', product: 'linux', service: 'sshd' } });
/** An event must be judged within this, ms: the bound that "no rule can hang the engine" stands for. */
const eventMsMax = 1000;

const parts = ['title: t\n', 'id: x\n', 'logsource:\n', '  category: webserver\n', '  product: linux\n', 'detection:\n', '  sel:\n', '    message', '|contains', '|re', '|all', '|base64offset', '|windash', '|cidr', '|fieldref', '|expand', '|wide', '|gt', '|exists', '|utf16le', ': ', "'(a+)+$'", '*', '?', '\\', '  condition: ', 'sel', ' and ', ' or ', 'not ', '1 of ', 'all of ', 'them', 'sel*', '(', ')', '| count() > 5', '\n', '- ', '---\n', 'action: global\n', 'action: repeat\n',
  'correlation:\n', '  type: event_count\n', '  type: temporal_ordered\n', '  rules: [x]\n', '  group-by: [user]\n', '  timespan: 5m\n', '  condition: {gte: 3}\n', 'filter:\n', '&a ', '*a', '<<: *a\n', '!!js/function ', '!!binary ', '{', '}', '[', ']', '"', "'", '#', '\t', '? ', '~', '|\n', '>\n', '0x10', '1e999', '.inf', '__proto__: 1\n', 'constructor: 1\n', 'level: critical\n', '\u0000', '\u2028', '\ud800'];

/** Patterns that take exponential or high polynomial time on a backtracking engine, and some at the limits. */
const evilRegexes = ['(a+)+$', '(a|a)*$', '(a|aa)+$', '(.*a){20}$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(x+x+)+y', '([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@)', '^(\\w+\\s?)*$', '(a*)*b', '((a{1,9}){1,9}){1,9}b', '(a{0,999}){0,999}', 'a{100000}', '.*.*.*.*.*.*=.*', '(?=(a+)+b)', '(?<!a+)b', '(a)\\1+', '(?i)(?:k|K|ſ|s)+$', '\\s+$', '\\d*\\d*\\d*\\d*x', '(.+)+\\x00', '[^\\n]*[^\\n]*[^\\n]*!', '(((((((((((a*)*)*)*)*)*)*)*)*)*)*)$', '(?:(?:a?){30}a{30})', '\\p{L}+\\p{L}+\\p{L}+1', '(', ')', '[', '[z-a]', '*', 'a**', '(?P<n>a)', '(?#x)', '\\', '\\8', '\\u{110000}', '', '|', '|'.repeat(500), '('.repeat(3000) + 'a' + ')'.repeat(3000), '[' + 'a-z'.repeat(5000) + ']'];

const longTexts = (random: Random): string[] => ['a'.repeat(65_535), `${'a'.repeat(40_000)}!`, 'x'.repeat(50_000), 'ab '.repeat(20_000), '\u0000'.repeat(65_000), '1'.repeat(65_000), ' '.repeat(65_000), `${'a1-_.'.repeat(10_000)}@`, noise(random, 40_000), 'ſK'.repeat(30_000)];

const ruleOf = (line: string): string => `title: t\nid: r\nlogsource:\n  category: webserver\ndetection:\n  sel:\n    ${line}\n  condition: sel\n`;

/** Parses, compiles, evaluates; counts refusals that name file, line and reason. */
function one(t: Tally, text: string, events: readonly Row[], worst: { ms: number; what: string }): void {
  attempt(t, text, () => {
    const parsed = parse([{ file: 'fuzz.yml', text }]);
    const engine = compile(parsed, binding);
    const errors = [...parsed.errors, ...engine.errors];
    if (errors.length > 0) t.refused++;
    for (const error of errors) if (error.file !== 'fuzz.yml' || !(error.line >= 1) || error.message === '') crash(t, `a refusal without file, line or reason: ${JSON.stringify(error)}`, text);
    evaluate(t, engine, events, text, worst);
    const [rule] = parsed.rules;
    if (rule && errors.length === 0 && events[0]) explain(engine, rule, events[0]);
  });
}

function evaluate(t: Tally, engine: Engine<Row>, events: readonly Row[], text: string, worst: { ms: number; what: string }): void {
  for (const event of events) {
    const start = performance.now();
    engine.evaluate(event, () => { t.events++; });
    const took = performance.now() - start;
    if (took > worst.ms) { worst.ms = took; worst.what = text; }
    if (took > eventMsMax) crash(t, `one event took ${Math.round(took)} ms`, text);
  }
  engine.advance(Date.UTC(2027, 0), () => { t.events++; });
}

const deep = (levels: number, open: string, close: string): string => open.repeat(levels) + 'a' + close.repeat(levels);

/** YAML that grows, nests or repeats without end. */
export function bombs(): string[] {
  const laughs = Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`).join('\n');
  const rule = (body: string): string => `title: t\nlogsource: {category: webserver}\ndetection:\n${body}  condition: sel\n`;
  return [
    laughs,
    rule(`  x: &x {a: [1, 2, 3]}\n${Array.from({ length: 20_000 }, (_, i) => `  s${i}: *x\n`).join('')}  sel: *x\n`),
    `a: &a [*a]\n`, 'a: &a {b: *a}\n<<: *a\n', '&a [*a, *a, *a]',
    deep(10_000, '[', ']'), deep(200_000, '[', ''), deep(200_000, '{a: ', ''), '- '.repeat(100_000), '? '.repeat(100_000), '&a '.repeat(50_000), '!!str '.repeat(50_000),
    Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    `title: ${'x'.repeat(4 << 20)}`, `title: "${'\\u0041'.repeat(200_000)}"`, 'x'.repeat(9 << 20), '---\n'.repeat(100_000), '#'.repeat(1 << 20), '\n'.repeat(1 << 20), `title: |\n${'  line\n'.repeat(100_000)}`,
    Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'), `[${'1,'.repeat(200_000)}]`, `{${Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join(', ')}}`,
    rule(`  sel:\n    message|contains:\n${'      - abc\n'.repeat(40_000)}`), rule(`  sel:\n    message|contains:\n${Array.from({ length: 40_000 }, (_, i) => `      - '*a${i}*?b'\n`).join('')}`),
    `title: t\nlogsource: {category: webserver}\ndetection:\n  sel: {a: b}\n  condition: ${deep(50_000, '(', ')').replace('a', 'sel')}\n`,
    `title: t\nlogsource: {category: webserver}\ndetection:\n  sel: {a: b}\n  condition: ${'not '.repeat(50_000)}sel\n`,
    `title: t\nlogsource: {category: webserver}\ndetection:\n  sel: {a: b}\n  condition: ${'sel or '.repeat(50_000)}sel\n`,
    rule(`  sel:\n    a|${'windash|'.repeat(30)}contains: '${'-a /b '.repeat(2000)}'\n`), rule(`  sel:\n    a|base64offset|contains: '${'x'.repeat(1 << 20)}'\n`), rule(`  sel:\n    a: '${'*?'.repeat(50_000)}'\n`), rule(`  sel:\n    message: '${'*a'.repeat(2000)}'\n`),
  ];
}

export function fuzzSigma(random: Random, found: Seeds, ms: number, corpora: string | undefined): Tally[] {
  const worst = { ms: 0, what: '' };
  const small: Row[] = [{ message: 'Failed password for root', user: 'root', '@timestamp': '2026-11-22T02:27:01Z' }, { message: 5, url: null, user: ['a', { b: 'c' }], extra: { __proto__: null, deep: [[[[1]]]] }, '@timestamp': 1e300 }];
  const texts = longTexts(random);
  const long: Row[] = texts.map((text) => ({ message: text, url: text, process_cmdline: text, '@timestamp': 1_795_314_421_000 }));
  const seedsOfRules = [...found.rules.map((rule) => rule.text), ...corporaRules(corpora)];

  const bomb = tally('Sigma: YAML bombs');
  for (const text of bombs()) one(bomb, text, small, { ms: 0, what: '' });

  const regex = tally('Sigma: regexes');
  const lines = (pattern: string): string[] => ['message|re', 'message|re|i', 'message|re|m|s'].map((key) => ruleOf(`${key}: ${JSON.stringify(pattern)}`));
  for (const pattern of evilRegexes) for (const text of lines(pattern)) one(regex, text, long, worst);
  const regexGoing = until(ms * 0.4);
  while (regexGoing()) one(regex, random.pick(lines(mutate(random, random.pick(evilRegexes.slice(0, 25)), evilRegexes.slice(0, 25), 300))), [random.pick(long)], worst);
  regex.note = `slowest event ${worst.ms.toFixed(0)} ms (${JSON.stringify(/re\S*: (.{0,60})/.exec(worst.what)?.[1] ?? worst.what.slice(0, 60))})`;

  const rules = tally('Sigma: rules');
  const worstRule = { ms: 0, what: '' };
  const going = until(ms * 0.6);
  while (going()) {
    const text = random.chance(0.7) ? mutate(random, random.pick(seedsOfRules), random.chance(0.5) ? parts : seedsOfRules, 1 << 18)
      : Array.from({ length: 4 + random.int(50) }, () => random.pick(parts)).join('');
    one(rules, text, random.chance(0.1) ? [random.pick(long)] : small, worstRule);
  }
  rules.note = `slowest event ${worstRule.ms.toFixed(0)} ms${corpora === undefined ? '' : `; seeds: ${seedsOfRules.length} rules`}`;
  return [bomb, regex, rules];
}

function corporaRules(corpora: string | undefined): string[] {
  return corpora === undefined ? [] : filesBelow(corpora, (name) => /\.ya?ml$/.test(name)).map((file) => readFileSync(file, 'utf8')).filter((text) => text.length < 1 << 17);
}

export function fuzzRuleTests(random: Random, found: Seeds, ms: number): Tally {
  const t = tally('.test.yml files');
  const folder = mkdtempSync(join(tmpdir(), 'moat-fuzz-'));
  try {
    writeFileSync(join(folder, 'r.yml'), found.rules[0]!.text);
    const run = (text: string): void => {
      writeFileSync(join(folder, 'r.test.yml'), text);
      attempt(t, text, () => { for (const result of runRuleTests(folder)) { if (!result.ok) t.refused++; for (const fault of result.faults) if (!fault.includes('r.test.yml')) crash(t, `a fault without its file: ${fault}`, text); } });
    };
    for (const text of bombs()) run(text);
    const going = until(ms);
    while (going()) run(mutate(random, random.pick(found.ruleTests), random.chance(0.5) ? parts : found.ruleTests, 1 << 17));
  } finally { rmSync(folder, { recursive: true, force: true }); }
  return t;
}
