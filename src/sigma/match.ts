/** What the engine tells of a rule that matched. */
import type { Correlation, Rule } from './types.ts';

export interface Match<E> {
  rule: Rule | Correlation;
  /** The event that made it match. */
  event: E;
  /**
   * Evidence in the order of time: the first and the last few of the window, at most 16; where only the latest event
   * is new, that event.
   */
  events: readonly E[];
  /** Events in the window; exact even where the evidence is bounded. */
  count: number;
  /** Events that no earlier match of the same still-running group has told of: the whole window at first, then mostly 1. */
  fresh: number;
  /** What the correlation measured. */
  value?: number;
  /** Its group-by fields; the same object in each match of a group that lives on. */
  group: Readonly<Record<string, string>>;
  /** `group` as one text, `field value field value`; empty for rules that group by nothing. */
  groupText: string;
  /** Times of the window's first and last event, ms. */
  first: number;
  last: number;
}
