import { expect, it } from 'vitest';
import { type Draft, readDrafts, withDraft, withoutDraft } from './draft.ts';

const draft = (of: string, time: number): Draft => ({ of, text: `title: ${of}`, base: '', time });

it('keeps one draft of each rule, the latest ten, the latest first', () => {
  let drafts: Draft[] = [];
  for (let n = 0; n < 14; n++) drafts = withDraft(drafts, draft(`rule ${n % 12}`, n));
  expect(drafts.map(({ of, time }) => `${of} ${time}`)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4].map((n) => `rule ${n % 12} ${n}`));
  expect(withoutDraft(drafts, 'rule 9').map(({ of }) => of)).not.toContain('rule 9');
});

it('takes nothing for a draft that is none: a browser may hold anything', () => {
  expect(readDrafts(undefined)).toEqual([]);
  for (const said of ['', 'null', '{', '7', '{"of":"a"}', '[null,1,"a",{"of":1,"text":"a","base":"","time":1}]']) expect(readDrafts(said), said).toEqual([]);
  expect(readDrafts(JSON.stringify([draft('a', 1), { of: 'b' }]))).toEqual([draft('a', 1)]);
});
