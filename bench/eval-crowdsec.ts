/** Scores events and alerts against the test cases of CrowdSec's hub: one folder a case. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { canonicalIp } from '../src/core/address.ts';
import type { Event } from '../src/core/gen/event.ts';
import type { Decode } from './eval-decode.ts';

/** Alerts that the rules raise on a recorded file, as `moat replay` would; `format` may be `auto`. */
export type AlertsOf = (file: string, format: string) => Promise<{ source_ip?: string }[]>;

export interface CrowdsecScore {
  service: string;
  /** Addresses that the case's parsers found, and those our events have (as failures where the case says so). */
  expected: number;
  found: number;
  /** Addresses whose scenario fired, and those our alerts name; undefined when no alerts could be had. */
  scenarioExpected: number;
  scenarioFound: number | undefined;
  /** The case says that nothing must fire (1 or 0), and something of ours did. */
  quiet: number;
  quietBroken: number | undefined;
  misses: { wanted: string; got: string }[];
}

interface Wanted { ip: string; failure: boolean }

/** Throws when a case's own files cannot be read. */
export async function scoreCrowdsec(folder: string, decode: Decode, alertsOf: AlertsOf | undefined): Promise<CrowdsecScore> {
  const score: CrowdsecScore = { service: basename(folder), expected: 0, found: 0, scenarioExpected: 0, scenarioFound: undefined, quiet: 0, quietBroken: undefined, misses: [] };
  const config = parse(readFileSync(join(folder, 'config.yaml'), 'utf8'), { maxAliasCount: 0 }) as { log_file?: unknown };
  const name = String(config.log_file);
  if (basename(name) !== name) throw new Error(`expected a file name as log_file, got ${JSON.stringify(name)} in ${folder}`);
  const file = join(folder, name);
  const wanted = parserAddresses(textOf(join(folder, 'parser.assert')));
  if (wanted.length > 0) judgeEvents(wanted, decode(readFileSync(file, 'utf8').split('\n').filter((line) => line !== ''), 'auto', file), score);
  const scenario = textOf(join(folder, 'scenario.assert'));
  if (scenario === '') return score;
  const sources = scenarioSources(scenario);
  score.scenarioExpected = sources.length;
  score.quiet = sources.length === 0 && /^len\(results\) == 0$/m.test(scenario) ? 1 : 0;
  if (alertsOf === undefined) return score;
  score.scenarioFound = 0;
  let alerts: Set<string | undefined>;
  try {
    alerts = new Set((await alertsOf(file, 'auto')).map(({ source_ip }) => source_ip));
  } catch (error) {
    // A file that cannot be read is a miss, not a case to leave out.
    for (const ip of sources) score.misses.push({ wanted: `an alert on ${ip}`, got: error instanceof Error ? error.message : String(error) });
    return score;
  }
  for (const ip of sources) {
    if (alerts.has(ip)) score.scenarioFound++;
    else score.misses.push({ wanted: `an alert on ${ip}`, got: `alerts on ${[...alerts].join(', ') || 'nobody'}` });
  }
  if (score.quiet === 1) score.quietBroken = alerts.size > 0 ? 1 : 0;
  return score;
}

function judgeEvents(wanted: readonly Wanted[], events: readonly Event[], score: CrowdsecScore): void {
  const seen = new Set<string>();
  const failed = new Set<string>();
  for (const event of events) {
    if (event.source_ip === undefined) continue;
    seen.add(event.source_ip);
    if (event.outcome === 'failure') failed.add(event.source_ip);
  }
  for (const { ip, failure } of wanted) {
    score.expected++;
    if ((failure ? failed : seen).has(ip)) score.found++;
    else score.misses.push({ wanted: `${failure ? 'a failure' : 'an event'} from ${ip}`, got: seen.has(ip) ? 'the address, but no failure' : `${events.length} events, none from it` });
  }
}

const metaLine = /^results\["([^"]+)"\]\["([^"]+)"\]\[(\d+)\]\.Evt\.Meta\["(source_ip|log_type)"\] == "((?:[^"\\]|\\.)*)"/;

/** Each distinct source_ip that a parser found; a failure when the log_type of one of its events says so. */
function parserAddresses(text: string): Wanted[] {
  const events = new Map<string, { ip?: string; type?: string }>();
  for (const line of text.split('\n')) {
    const found = metaLine.exec(line.trim());
    if (found === null) continue;
    const key = `${found[1]} ${found[2]} ${found[3]}`;
    const event = events.get(key) ?? {};
    if (found[4] === 'source_ip') event.ip = found[5];
    else event.type = found[5];
    events.set(key, event);
  }
  const addresses = new Map<string, boolean>();
  for (const { ip, type } of events.values()) {
    const canonical = ip === undefined ? undefined : canonicalIp(ip);
    if (canonical !== undefined) addresses.set(canonical, addresses.get(canonical) === true || failedType.test(type ?? ''));
  }
  return [...addresses].map(([ip, failure]) => ({ ip, failure }));
}
const failedType = /fail|bad_|invalid|wrong|denied|refused|LOGIN_ERROR/i;

/** The addresses of all overflows whose scope is an address. */
function scenarioSources(text: string): string[] {
  const found = new Set<string>();
  for (const match of text.matchAll(/\.Overflow\.Sources\["([^"]+)"\]/g)) {
    const ip = canonicalIp(match[1] ?? '');
    if (ip !== undefined) found.add(ip);
  }
  return [...found];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
