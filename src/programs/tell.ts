import type { Event, Kind } from '../core/format.ts';

export type Outcome = 'success' | 'failure' | 'unknown';

/** What a message means, in one line; returns true so that a decoder can end with it. */
export function tell(event: Event, kind: Kind, service: string, category: string, action: string, outcome: Outcome): true {
  event.kind = kind;
  event.service = service;
  event.category = category;
  event.action = action;
  event.outcome = outcome;
  return true;
}
