/** What Moat tells people to do must be there to be done. */
import { describe, expect, it } from 'vitest';
import { alertWords } from '../agent/alert-words.ts';
import { loadRules, ownRules } from '../agent/detector.ts';
import { behaviours } from '../behaviours/catalogue.ts';
import { wordsOf } from '../engine/rule-words.ts';
import { buildProgram } from './program.ts';

const rules = loadRules([ownRules()]).all;
const all = [...behaviours.map(({ id }) => ({ id: `behaviour.${id}`, words: alertWords(`behaviour.${id}`, []) })), ...rules.filter(({ description }) => description !== undefined).map((rule) => ({ id: wordsOf(rule).ruleId, words: alertWords(wordsOf(rule).ruleId, rules) }))];

describe('advice', () => {
  it.each(all)('of $id says what it means and what to do, in both languages', ({ words: { description, advice } }) => {
    for (const text of [description, advice]) {
      expect(text?.zh ?? '').toMatch(/[\u4e00-\u9fff]/);
      expect(text?.en ?? '').toMatch(/[a-z]+ [a-z]+/);
      expect(text?.en).not.toMatch(/[\u4e00-\u9fff]/);
    }
  });

  it('names no command that Moat does not have', async () => {
    const program = await buildProgram([], '0.0.0');
    const named = all.flatMap(({ id, words: { advice } }) => [advice?.zh ?? '', advice?.en ?? ''].flatMap((text) => [...text.matchAll(/\bmoat ((?:[a-z][a-z-]*[a-z] ?)+)/g)].map(([, words]) => ({ id, words: words!.trim().split(' ') }))));
    expect(named.length).toBeGreaterThan(10);
    const wrong = named.filter(({ words: [first, second] }) => {
      const command = program.commands.find((one) => one.name() === first || one.aliases().includes(first!));
      return command === undefined || (command.commands.length > 0 && second !== undefined && !command.commands.some((one) => one.name() === second));
    });
    expect(wrong).toEqual([]);
  });
});
