import { expect, it } from 'vitest';
import { complete, copyOf, template } from './yaml.ts';

const known = { fields: ['user', 'source_ip', 'message'], services: ['auth', 'sshd'], categories: ['webserver'] };
const at = (text: string, always = false): string[] => complete(text, text.length, known, always).items;

it('offers keys at the top, log sources, fields, modifiers, and names in a condition', () => {
  expect(at('ti')).toEqual(['title: ']);
  expect(at('level: h')).toEqual(['high']);
  expect(at('logsource:\n  service: a')).toEqual(['auth']);
  expect(at('logsource: { product: linux, service: s')).toEqual(['sshd']);
  expect(at('logsource:\n  ca')).toEqual(['category: ']);
  expect(at('detection:\n  selection:\n    us')).toEqual(['user']);
  expect(at('detection:\n  selection: { us')).toEqual(['user']);
  expect(at('detection:\n  selection:\n    message|con')).toEqual(['contains']);
  expect(at('detection:\n  selection:\n    message|contains|a')).toEqual(['all']);
  expect(at('detection:\n  selection:\n    user: x\n  filter:\n    user: y\n  condition: selection and not f')).toEqual(['filter']);
  expect(at('correlation:\n  type: event')).toEqual(['event_count']);
});
it('offers nothing within free text, in a comment, and unasked where nothing is written', () => {
  expect(at('title: us')).toEqual([]);
  expect(at('# us')).toEqual([]);
  expect(at('detection:\n  selection:\n    ')).toEqual([]);
  expect(at('detection:\n  selection:\n    ', true)).toContain('user');
  expect(at('detection:\n  selection:\n    message: some user us')).toEqual([]);
});
it('copies a rule under a name of its own and without its id', () => {
  const yaml = 'title: A\nid: 1234\nname: a_rule\nrelated:\n  - id: x\n    type: derived\nlevel: low\n';
  expect(copyOf(yaml, new Set())).toBe('title: A\nname: own_a_rule\nlevel: low\n');
  expect(copyOf(yaml, new Set(['own_a_rule']))).toContain('name: own_a_rule_2');
  expect(copyOf('title: A\n', new Set())).toBe('name: own_rule\ntitle: A\n');
});
it('has a template in either language that says the same', () => {
  const bare = (text: string): string[] => text.split('\n').map((line) => /^ *[\w|-]*:?/.exec(line)![0]);
  expect(bare(template('zh'))).toEqual(bare(template('en')));
});
