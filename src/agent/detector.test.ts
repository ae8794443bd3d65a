import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRules } from './detector.ts';
import { runRuleTests } from './rule-tests.ts';

let folder = '';
const good = 'title: t\nname: good\nlogsource: { service: sshd }\ndetection:\n  sel:\n    message|contains: abc\n  condition: sel\n';
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'moat-rules-')); });
afterAll(() => { rmSync(folder, { recursive: true }); });

describe('rule files', () => {
  it('one that is too large is refused by name and reason, the others work', () => {
    writeFileSync(join(folder, 'good.yml'), good);
    writeFileSync(join(folder, 'huge.yml'), `title: ${'x'.repeat(2 ** 21)}`);
    const { all, errors } = loadRules([folder]);
    expect(all.map((rule) => rule.name)).toEqual(['good']);
    expect(errors).toEqual([{ file: join(folder, 'huge.yml'), line: 1, code: 'limit', message: `expected a file of at most 1048576 bytes, got ${2 ** 21 + 7}` }]);
    rmSync(join(folder, 'huge.yml'));
  });

  it.each([
    ['an alias bomb', 'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n'],
    ['a ring', 'a: &a {b: *a}\n'],
    ['nesting', '['.repeat(20_000)],
    ['a key twice', 'rule: a\nrule: b\n'],
    ['broken YAML', 'rule: [a\n'],
    ['nothing', ''],
  ])('a test file with %s is a fault of that file', (_, text) => {
    writeFileSync(join(folder, 'good.test.yml'), text);
    const [result] = runRuleTests(folder);
    expect(result?.ok).toBe(false);
    expect(result?.faults[0]).toContain('good.test.yml:');
  });

  it('a folder in the place of a test file is a fault', () => {
    rmSync(join(folder, 'good.test.yml'));
    mkdirSync(join(folder, 'good.test.yml'));
    expect(runRuleTests(folder)[0]?.faults[0]).toMatch(/good\.test\.yml: expected a readable file, got EISDIR/);
  });
});
