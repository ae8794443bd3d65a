import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { compile, parse, prebuild, readPrebuilt, recordBinding } from './index.ts';
import { prebuiltYaml } from './prebuilt.ts';
import { type Tree, readYaml } from './yaml.ts';

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const built = (...texts: string[]) => readPrebuilt(prebuild(texts.map((text, i) => ({ file: `${i}.yml`, text, digest: digestOf(text) }))));
const rule = (name: string, value: string): string => `title: ${name}\nname: ${name}\nlogsource: { product: linux }\ndetection:\n  sel:\n    f${value}\n  condition: sel\n`;

const offsets = (tree: Tree): number[] => [tree.at, ...(tree.kind === 'list' ? tree.items : tree.kind === 'map' ? [...tree.entries.values()] : []).flatMap(offsets)];

describe('what is prebuilt', () => {
  test.each([
    ['one rule', rule('one', ': a')],
    ['several documents, one for all', `# first\naction: global\ntitle: all\nlevel: high\nlogsource: { product: linux }\n---\n${rule('a', ': 1')}---\n\n${rule('b', ': 2')}`],
    ['lines that end as on Windows', rule('one', ': a').replaceAll('\n', '\r\n')],
    ['numbers as they were written, nothing, yes and no', rule('odd', ': [0x10, 1e3, -1, 0.5, true, "true", 007]\n    g: ~\n    h: null\n    404: x\n    10: y\n    __proto__: z')],
    ['anchors, aliases and merges', 'title: t\nlogsource: { product: linux }\ndetection:\n  a: &x { f: &v one }\n  b: { f: &v two }\n  c:\n    <<: *x\n    g: *v\n  condition: a and c\n'],
    ['texts over several lines, and Chinese', rule('text', ': "a\\tb"\n    g: >\n      folded\n      text\n    h: |\n      kept\n      text\n    i: 口令')],
    ['a correlation', `${rule('one', ': a')}---\ntitle: many\ncorrelation:\n  type: event_count\n  rules: [one]\n  timespan: 5m\n  condition: { gte: 3 }\n`],
  ])('says what reading says: %s', (_, text) => {
    const read = readYaml(text);
    const known = prebuiltYaml(built(text), text, digestOf(text))!;
    expect(known.documents).toEqual(read.documents);
    for (const document of read.documents) if ('tree' in document) for (const at of offsets(document.tree)) expect(known.line(at)).toBe(read.line(at));
  });

  test('finds what rules that were read find', () => {
    const text = rule('re', '|re: ["^a+b", "(x+x+)+y", "\\\\d{3}$"]');
    const prebuilt = built(text);
    expect([...prebuilt.regexes.keys()]).toEqual(['/^a+b', '/(x+x+)+y', '/\\d{3}$']);
    const engine = compile(parse([{ file: 'x.yml', text, digest: digestOf(text) }], { prebuilt }), recordBinding({ logsource: { product: 'linux' } }));
    const found = (f: string): number => { let n = 0; engine.evaluate({ f }, () => { n++; }); return n; };
    expect(['aab', 'xxy', 'a 123', 'b', '12'].map(found)).toEqual([1, 1, 1, 0, 0]);
  });

  test('a text that was changed is read', () => {
    const prebuilt = built(rule('one', ': a'));
    const text = rule('one', ': changed');
    expect(prebuiltYaml(prebuilt, text, digestOf(text))).toBeUndefined();
    const { rules } = parse([{ file: 'x.yml', text, digest: digestOf(text) }], { prebuilt });
    expect([...rules[0]!.detection.searches.values()]).toMatchObject([{ item: { values: [{ source: 'changed' }] } }]);
  });

  test.each([
    ['broken YAML', 'title: [x\n'], ['a fault in one of two rules', `${rule('good', ': a')}---\n${rule('bad', '|nope: a')}`], ['a key twice', 'title: a\ntitle: b\n'],
    ['a regex that cannot run', rule('re', '|re: "(?=a*b)(a+)+$"')], ['a number that JSON has not', rule('inf', '|lt: .inf')],
  ])('what is refused or cannot be kept is left out: %s', (_, text) => {
    const prebuilt = built(text);
    expect([prebuilt.files.size, prebuilt.regexes.size]).toEqual([0, 0]);
    expect(parse([{ file: 'x.yml', text, digest: digestOf(text) }], { prebuilt })).toEqual(parse([{ file: 'x.yml', text }]));
  });
});
