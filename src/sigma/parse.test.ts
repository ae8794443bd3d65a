import { describe, expect, test } from 'vitest';
import { compile, explain, parse, recordBinding } from './index.ts';
import { refusal, type Row, run } from '../../test/sigma.ts';

const rule = (name: string, value: string): string => `title: ${name}\nname: ${name}\nlogsource: { product: linux }\ndetection:\n  sel:\n    f: ${value}\n  condition: sel\n`;

describe('aliases', () => {
  test('name the last anchor before them, also inside what is repeated', () => {
    const text = 'title: t\nlogsource: { product: linux }\ndetection:\n  a: &x { f: &v one }\n  b: { f: &v two }\n  c: *x\n  d: { f: *v }\n  condition: c and not d\n';
    const parsed = parse([{ file: 'x.yml', text }]);
    expect(parsed.errors).toEqual([]);
    const engine = compile(parsed, recordBinding({ logsource: { product: 'linux' } }));
    expect(['one', 'two'].map((f) => engine.applies(parsed.rules[0]!, { f }))).toEqual([true, false]);
  });

  test.each([['before its anchor', 'a: *x\nb: &x 1\n', 'yaml'], ['a ring', 'a: &x [*x]\n', 'limit'], ['30,000', `x: &x {a: [1, 2]}\n${Array.from({ length: 30_000 }, (_, i) => `s${i}: *x\n`).join('')}`, 'limit']])('%s is refused', (_, text, code) => {
    expect(parse([{ file: 'x.yml', text }]).errors).toMatchObject([{ file: 'x.yml', code }]);
  });
});

describe('files', () => {
  test('a fault refuses its own rule only, with line, id and name', () => {
    const text = `${rule('one', 'a')}---\ntitle: two\nid: 1234\nname: two\nlogsource: { product: linux }\ndetection:\n  sel:\n    f|nope: a\n  condition: sel\n---\n${rule('three', 'c')}---\n- list\n---\ntitle: [broken\n`;
    const parsed = parse([{ file: 'rules/x.yml', text }, { file: 'y.yml', text: rule('four', 'd') }]);
    expect(parsed.rules.map((one) => [one.title, one.file, one.line])).toEqual([['one', 'rules/x.yml', 1], ['three', 'rules/x.yml', 18], ['four', 'y.yml', 1]]);
    expect(parsed.errors).toEqual([
      { file: 'rules/x.yml', line: 15, id: '1234', name: 'two', code: 'modifier', message: 'expected a modifier of the specification, got "nope"' },
      { file: 'rules/x.yml', line: 26, code: 'yaml', message: expect.stringMatching(/^expected a rule/) },
      { file: 'rules/x.yml', line: 29, code: 'yaml', message: expect.stringMatching(/^expected YAML/) },
    ]);
  });

  test('everything a rule says is kept', () => {
    const { rules } = parse([{ file: 'x', text: `${rule('full', 'a')}id: abc\nstatus: test\nlevel: informational\ndescription: why\nauthor: me\ntags: [attack.t1110]\nfalsepositives: [none]\nreferences: [https://example.com]\nfields: [f]\nmoat: { zh: 标题, matrix: [a], summary: { zh: x, en: y } }\n` }]);
    expect(rules[0]).toMatchObject({
      type: 'rule', title: 'full', id: 'abc', name: 'full', status: 'test', level: 'info', description: 'why', author: 'me', tags: ['attack.t1110'], falsepositives: ['none'],
      references: ['https://example.com'], fields: ['f'], logsource: { product: 'linux' }, custom: { zh: '标题', matrix: ['a'], summary: { zh: 'x', en: 'y' } },
    });
  });

  test('action global, reset and repeat', () => {
    const text = `action: global\ntitle: Shared\nlogsource: { product: linux }\nlevel: high\n---\nname: a\ndetection: { sel: { f: 1 }, condition: sel }\n---\naction: repeat\nname: b\ndetection: { sel: { f: 2 } }\n---\naction: reset\n---\n${rule('own', '3')}`;
    const parsed = parse([{ file: 'x', text }]);
    expect(parsed.errors).toEqual([]);
    expect(parsed.rules.map(({ title, name, level }) => [title, name, level])).toEqual([['Shared', 'a', 'high'], ['Shared', 'b', 'high'], ['own', 'own', 'medium']]);
    expect(run(text, [{ f: 2 }]).matches.map((match) => match.rule.name)).toEqual(['b']);
    expect(refusal('action: repeat\ntitle: x')).toMatch(/expected a rule before action: repeat/);
    expect(refusal('action: sometimes\ntitle: x')).toMatch(/expected action global, reset or repeat, got "sometimes"/);
  });

  test('anchors, merge keys and odd keys work', () => {
    expect(run('title: x\nlogsource: {product: linux}\ndetection:\n  a: &a\n    f: [1, 2]\n  b:\n    <<: *a\n    g: x\n  condition: b', [{ f: 2, g: 'x' }, { f: 2 }]).matches).toHaveLength(1);
    expect(run('title: x\nlogsource: {product: linux}\ndetection:\n  a:\n    404: y\n  condition: a', [{ 404: 'y' }]).matches).toHaveLength(1);
  });

  test.each([
    ['alias bomb', `a: &a [x,x,x,x,x,x,x,x,x,x]\n${Array.from("bcdefg").map((key, i) => `${key}: &${key} [${Array.from({ length: 10 }, () => `*${"abcdef"[i]}`).join(',')}]`).join('\n')}\n`, /limit: expected at most 50000 nodes/],
    ['alias to itself', 'title: x\ndetection: &a\n  b: *a\n', /limit|yaml/],
    ['deep nesting', `title: x\nx: ${'['.repeat(200)}${']'.repeat(200)}`, /limit: expected at most 24 levels/],
    ['endless nesting', `x: ${'['.repeat(100_000)}`, /yaml: expected YAML/],
    ['duplicate key', 'title: x\ntitle: y\n', /yaml: expected each key once, got "title" twice/],
    ['tagged value', 'title: !!binary aGk=\n', /yaml|metadata/],
    ['map as key', '? {a: b}\n: c\n', /yaml: expected a text key/],
    ['undefined alias', 'title: *nope\n', /yaml/],
    ['no title', 'detection: {s: {a: 1}, condition: s}\nlogsource: {product: x}', /metadata: expected a title, got none/],
    ['bad level', `${rule('x', '1')}level: urgent`, /metadata: expected level .*, got "urgent"/],
    ['bad status', `${rule('x', '1')}status: done`, /metadata: expected status/],
    ['no detection', 'title: x\nlogsource: {product: x}', /detection: expected one of detection, correlation and filter, got none/],
    ['detection is text', 'title: x\nlogsource: {product: x}\ndetection: hello', /detection: expected a map under detection/],
    ['no condition', 'title: x\nlogsource: {product: x}\ndetection: {s: {a: 1}}', /condition: expected a condition, got none/],
    ['no selection', 'title: x\nlogsource: {product: x}\ndetection: {condition: s}', /detection: expected at least one search identifier/],
    ['empty selection', 'title: x\nlogsource: {product: x}\ndetection: {s: {}, condition: s}', /detection: expected at least one field/],
    ['empty list', 'title: x\nlogsource: {product: x}\ndetection: {s: {a: []}, condition: s}', /detection: expected at least one value/],
    ['nested value', 'title: x\nlogsource: {product: x}\ndetection: {s: {a: {b: 1}}, condition: s}', /detection: expected a value or a list of values for "a", got a map/],
    ['timeframe', 'title: x\nlogsource: {product: x}\ndetection: {s: {a: 1}, timeframe: 5m, condition: s}', /aggregation/],
    ['half a surrogate', 'title: x\nlogsource: {product: x}\ndetection: {s: {a: "\\uD800x"}, condition: s}', /value: expected well-formed text/],
  ])('refuses: %s', (_, text, message) => { expect(refusal(text)).toMatch(message); });

  test('ids and names are unique unless shared by action: global', () => {
    const parsed = parse([{ file: 'a.yml', text: rule('same', '1') }, { file: 'b.yml', text: rule('same', '2') }]);
    expect(parsed.rules).toHaveLength(1);
    expect(parsed.errors).toMatchObject([{ file: 'b.yml', line: 2, code: 'duplicate', message: 'expected a unique name, got "same" as in a.yml:1' }]);
  });

  test('a very large text is refused without being parsed', () => {
    expect(refusal('x'.repeat(9 << 20))).toMatch(/limit: expected at most 8388608 characters/);
  });

  test('text of a rule never becomes code', () => {
    const evil = `"}]); throw new Error("code ran"); /*\u2028*/ \${1} \\`;
    const text = JSON.stringify({ title: 't', logsource: { product: 'linux' }, detection: { s: { [evil]: [evil, `${evil}*`, `*${evil}`], [`${evil}2|fieldref`]: evil, 'x|re': '[`"\\\\]' }, t: [evil], condition: 's or t' } });
    expect(run(text, [{ [evil]: 'x' }, { other: `_${evil.replaceAll('*', 'xx')}_` }]).matches).toHaveLength(1);
  });
});

describe('filters', () => {
  const filter = (body: Row, logsource: Row = { product: 'linux' }): string => `---\n${JSON.stringify({ title: 'Known good', logsource, filter: body })}\n`;
  const matches = (text: string, event: Row): number => run(text, [event]).matches.length;
  const selection = { rules: ['one'], selection: { user: 'adm_*' }, condition: 'selection' };

  test('keep what they select from the rules they name', () => {
    const text = rule('one', 'a') + filter(selection);
    expect(matches(text, { f: 'a', user: 'adm_li' })).toBe(0);
    expect(matches(text, { f: 'a', user: 'li' })).toBe(1);
    expect(matches(`${rule('two', 'a')}---\n${text}`, { f: 'a', user: 'adm_li' })).toBe(1);
  });
  test('any concerns all rules of the log source, and of narrower ones only', () => {
    expect(matches(rule('one', 'a') + filter({ ...selection, rules: 'any' }), { f: 'a', user: 'adm_x' })).toBe(0);
    expect(matches(rule('one', 'a') + filter({ ...selection, rules: 'any' }, { product: 'windows' }), { f: 'a', user: 'adm_x' })).toBe(1);
    expect(matches(rule('one', 'a') + filter({ ...selection, rules: 'any' }, { product: 'linux', service: 'sshd' }), { f: 'a', user: 'adm_x' })).toBe(1);
  });
  test('broken ones are refused and their rules go on', () => {
    expect(refusal(rule('one', 'a') + filter({ ...selection, rules: ['nobody'] }))).toMatch(/reference: expected ids or names of detection rules, got "nobody"/);
    expect(refusal(rule('one', 'a') + filter({ selection: { a: 1 }, condition: 'selection' }))).toMatch(/filter: expected rules/);
  });
});

describe('explain', () => {
  test('says of each part whether it held', () => {
    const text = `title: x\nname: x\nlogsource: { product: linux, service: sshd }\ndetection:\n  sel:\n    cmd|contains: [wget, curl]\n    user: root\n  ok:\n    host: build\n  condition: sel and not ok\n---\ntitle: f\nlogsource: { product: linux }\nfilter: { rules: [x], s: { cmd|endswith: example.com }, condition: s }\n`;
    const parsed = parse([{ file: 'x', text }]);
    const engine = compile<Row>(parsed, recordBinding({ logsource: { product: 'linux' } }));
    const event = { cmd: 'CURL http://example.com', user: 'alice' };
    expect(explain(engine, parsed.rules[0]!, event)).toEqual({
      held: false,
      logsource: { held: false, wanted: { product: 'linux', service: 'sshd' }, given: [{ product: 'linux' }] },
      detection: {
        held: false, conditionText: 'sel and not ok',
        condition: { kind: 'and', held: false, children: [{ kind: 'name', name: 'sel', held: false }, { kind: 'not', held: true, child: { kind: 'name', name: 'ok', held: false } }] },
        selections: [
          { name: 'sel', held: false, search: { kind: 'and', held: false, children: [
            { kind: 'item', held: true, field: 'cmd', modifiers: ['contains'], actual: 'CURL http://example.com', values: [{ held: false, expected: 'wget', compared: ['*wget*'] }, { held: true, expected: 'curl', compared: ['*curl*'] }] },
            { kind: 'item', held: false, field: 'user', modifiers: [], actual: 'alice', values: [{ held: false, expected: 'root', compared: ['root'] }] },
          ] } },
          { name: 'ok', held: false, search: { kind: 'item', held: false, field: 'host', modifiers: [], actual: undefined, values: [{ held: false, expected: 'build', compared: ['build'] }] } },
        ],
      },
      filters: [{ title: 'f', id: undefined, detection: expect.objectContaining({ held: true }) }],
    });
    expect(engine.applies(parsed.rules[0]!, { ...event, user: 'root' })).toBe(false);
    expect(engine.applies(parsed.rules[0]!, { cmd: 'wget x', user: 'root', logsource: { product: 'linux', service: 'sshd' } })).toBe(true);
  });
});
