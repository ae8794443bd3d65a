/** What a person marked as a false alarm stays quiet until its time is over: which later detections are meant, and which are not. */
import type { Alert, AlertEvidence, Detection } from '../../core/alert.ts';
import type { FalseAlarm, MarkedException } from '../../core/incident-store.ts';
import { equals } from '../exceptions.ts';
import { keyOf } from '../fold.ts';
import { roleOf } from '../origin/roles.ts';

/** Fields that say what an alert was about, where all of its evidence agrees on them. */
const telling = ['source_ip', 'user', 'target_user', 'process_path', 'file_path', 'destination_ip', 'destination_host', 'url_path', 'package_name'] as const satisfies readonly (keyof AlertEvidence)[];
const shells = /\/(?:ba|da|z|k|c|fi|a)?sh$|\/(?:busybox|env|sudo|su)$/;
const valueMax = 1000;
const markedMost = 5000;

/** The alert as an exception: its rule, about what it was about. Broad programs (shells, interpreters) only with the very command line. */
export function exceptionOf({ rule_id: rule, evidence, key }: Alert): MarkedException {
  const when: Record<string, string | number> = {};
  for (const field of telling) {
    const value = constant(evidence, field);
    if (value !== undefined) when[field] = value;
  }
  const program = when['process_path'];
  if (typeof program === 'string' && isBroad(program)) {
    const cmdline = constant(evidence, 'process_cmdline');
    // Masked, it would never match again; and the program alone says too little.
    if (cmdline === undefined || String(cmdline).includes('***')) return { rule, when: {}, key };
    when['process_cmdline'] = cmdline;
  }
  // An account alone would quieten all it does.
  const names = Object.keys(when).filter((field) => field !== 'user' && field !== 'target_user');
  return names.length === 0 ? { rule, when: {}, key } : { rule, when };
}

const isBroad = (path: string): boolean => shells.test(path) || roleOf(path, undefined, undefined).role === 'runtime' || /\/(?:python|perl|ruby|node|php|lua)[\d.]*$/.test(path);

/** `*` at an end means anything in an exception: what holds one is not taken for that. */
function constant(evidence: readonly AlertEvidence[], field: keyof AlertEvidence): string | number | undefined {
  const value = evidence[0]?.[field];
  if ((typeof value !== 'string' && typeof value !== 'number') || value === '') return undefined;
  if (typeof value === 'string' && (value.length > valueMax || value.startsWith('*') || value.endsWith('*') || value.endsWith('…'))) return undefined;
  return evidence.every((one) => one[field] === value) ? value : undefined;
}

/** Looked through for each detection, so by rule. */
export class Quiet {
  private byRule = new Map<string, { marked: MarkedException; until: number; why: string }[]>();

  /** All that is marked now; returns how many found no room. */
  set(alarms: readonly { id: string; alarm: FalseAlarm }[]): number {
    this.byRule = new Map();
    let left = markedMost, dropped = 0;
    for (const { id, alarm } of alarms) {
      for (const marked of alarm.exceptions) {
        if (left-- <= 0) { dropped++; continue; }
        const all = this.byRule.get(marked.rule);
        const one = { marked, until: alarm.until, why: `false alarm ${id}` };
        if (all) all.push(one);
        else this.byRule.set(marked.rule, [one]);
      }
    }
    return dropped;
  }

  /** Why it stays quiet; undefined when it does not. */
  why(detection: Detection): string | undefined {
    const all = this.byRule.get(detection.ruleId);
    return all?.find(({ marked, until }) => detection.time <= until && covers(marked, detection))?.why;
  }
}

function covers({ when, key }: MarkedException, detection: Detection): boolean {
  if (key !== undefined && key !== (detection.key === '' ? keyOf(detection.events.at(-1)) : detection.key)) return false;
  const fields = Object.entries(when);
  if (fields.length === 0) return key !== undefined;
  return detection.events.length > 0 && detection.events.every((event) => fields.every(([field, wanted]) => {
    const value = (event as unknown as Record<string, unknown>)[field];
    return (typeof value === 'string' || typeof value === 'number') && equals(String(value), String(wanted));
  }));
}
