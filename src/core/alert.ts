import type { Event } from './gen/event.ts';
import type { Level } from './level.ts';
import type { Text } from './text.ts';

/** What a rule or behaviour judged, before repeats are folded and exceptions applied. */
export interface Detection {
  ruleId: string;                 // stable; for Sigma rules their `name`, else their `id`; for behaviours `behaviour.<id>`
  title: Text;
  level: Level;
  /** One line for a person; the pipeline fills {field} placeholders from `event`, `group` and {count}. */
  summary?: Text;
  attack: readonly string[];      // ATT&CK technique ids such as T1110.001
  matrix?: readonly string[];     // cloud server matrix technique names (Chinese)
  /** Detections with equal rule and key fold into one alert. Empty: the pipeline derives a key from the event. */
  key: string;
  /** When it is judged to have happened, Unix ms. */
  time: number;
  /** Events that this detection adds to the alert's count: the whole window when a correlation first fires, 1 afterwards. */
  events: readonly Event[];
  /** How many events it stands for; larger than events.length when the evidence kept is bounded. */
  count: number;
  /** Values that define the group, for the summary: { source_ip: '203.0.113.9' }. */
  group?: Readonly<Record<string, string>>;
}

/** The life of an alert: open until a person closes it. */
export type AlertStatus = 'open' | 'closed';

/** A folded alert: what `moat alerts` shows and the ledger keeps. Wire names are snake_case and stable. */
export interface Alert {
  id: string;                     // derived from rule, key and first event: reading again makes no twin
  time: number;                   // when it began, Unix ms
  last_time: number;              // the latest event folded into it, Unix ms
  level: Level;
  rule_id: string;
  rule_name: string;              // title in English
  title: Text;
  host: string;
  summary: string;                // filled, in the language the agent was started with
  count: number;                  // events folded into it
  attack: string[];
  matrix: string[];
  key: string;
  status: AlertStatus;
  source_ip?: string;
  source_country?: string;
  origin?: string;                // in one line where its process came from, in the language the agent was started with
  origin_ip?: string;             // the remote address that began the process tree, when source_ip is not known
  user?: string;
  service?: string;
  pid?: number;
  path?: string;
  lines?: number[];               // input line numbers on replay
  evidence: AlertEvidence[];      // first and latest few events, bounded
}

/** The few fields of an event that an alert keeps to show why it fired. */
export type AlertEvidence = Partial<Record<Exclude<keyof Event, 'extra' | 'lines'>, string | number>>;
