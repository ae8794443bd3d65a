/** What an alert means and what to do: of the rule or behaviour that judged it. */
import { behaviours } from '../behaviours/catalogue.ts';
import type { Text } from '../core/text.ts';
import { wordsOf } from '../engine/rule-words.ts';
import type { Correlation, Rule } from '../sigma/index.ts';

export interface AlertWords { description?: Text; falsePositives: readonly Text[]; advice?: Text }

/** Of what a scan found the finding itself has them; a rule that is not loaded any more says nothing. */
export function alertWords(ruleId: string, rules: readonly (Rule | Correlation)[]): AlertWords {
  const behaviour = ruleId.startsWith('behaviour.') ? behaviours.find(({ id }) => `behaviour.${id}` === ruleId) : undefined;
  if (behaviour) return { description: behaviour.means, falsePositives: [], advice: behaviour.advice };
  const rule = rules.find(({ name, id, title }) => (name ?? id ?? title) === ruleId);
  return rule ? wordsOf(rule) : { falsePositives: [] };
}
