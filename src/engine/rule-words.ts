/** What a rule says to people, in both languages. Sigma has one language; our own rules carry Chinese, a summary and advice under `moat`. */
import type { Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import type { Correlation, Rule } from '../sigma/index.ts';

/** Texts of others' rules are as they stand there, in both languages. */
export interface RuleWords {
  ruleId: string;
  title: Text;
  level: Level;
  /** One line with {field} placeholders. */
  summary?: Text;
  attack: readonly string[];
  matrix: readonly string[];
  /** What it looks for, and why. */
  description?: Text;
  /** What is no attack and looks alike. */
  falsePositives: readonly Text[];
  /** What to do when it fires. */
  advice?: Text;
}

/** As written; a user's own rule may hold anything here. */
interface MoatMap { zh?: unknown; summary?: unknown; matrix?: unknown; description?: { zh?: unknown }; falsepositives?: { zh?: unknown }; advice?: unknown }

const known = new WeakMap<object, RuleWords>();

/** Worked out once a rule. */
export function wordsOf(rule: Rule | Correlation): RuleWords {
  let words = known.get(rule);
  if (words === undefined) known.set(rule, words = readWords(rule));
  return words;
}

function readWords(rule: Rule | Correlation): RuleWords {
  const custom = (rule.custom ?? {}) as MoatMap;
  const both = (en: string, zh: unknown): Text => ({ zh: typeof zh === 'string' ? zh : en, en });
  const otherZh: unknown[] = Array.isArray(custom.falsepositives?.zh) ? custom.falsepositives.zh : [];
  const summary = textOf(custom.summary), advice = textOf(custom.advice);
  return {
    ruleId: rule.name ?? rule.id ?? rule.title,
    title: both(rule.title, custom.zh),
    level: rule.level,
    ...(summary && { summary }),
    attack: rule.tags.filter((tag) => /^attack\.t\d{4}/i.test(tag)).map((tag) => tag.slice(7).toUpperCase()),
    matrix: Array.isArray(custom.matrix) ? custom.matrix.filter((one): one is string => typeof one === 'string') : [],
    ...(rule.description !== undefined && { description: both(rule.description, custom.description?.zh) }),
    falsePositives: rule.falsepositives.map((en, at) => both(en, otherZh[at])),
    ...(advice && { advice }),
  };
}

function textOf(value: unknown): Text | undefined {
  const { zh, en } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof zh !== 'string' && typeof en !== 'string') return undefined;
  return { zh: String(zh ?? en), en: String(en ?? zh) };
}
