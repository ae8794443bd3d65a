/**
 * Recall and false alarms on public test logs: `npm run eval -- --corpora DIR`. See docs/guide/eval.md.
 */
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { caseName, findCorpora } from './eval-corpora.ts';
import { scoreCrowdsec, type AlertsOf, type CrowdsecScore } from './eval-crowdsec.ts';
import { alertsOf } from './eval-alerts.ts';
import { decodeLines, type Decode } from './eval-decode.ts';
import { scoreFail2ban, type Fail2banScore } from './eval-fail2ban.ts';
import { scopeOf } from './eval-scope.ts';

export interface EvalOptions {
  corpora: string;
  decode: Decode;
  /** Raises alerts with our rules; without it scenarios are left unscored, and the output says so. */
  alertsOf?: AlertsOf;
  /** Only services whose name contains this. */
  only?: string;
}

export interface EvalResult { fail2ban: Fail2banScore[]; crowdsec: CrowdsecScore[]; skipped: string[] }

/** Scores every case below `corpora`. Throws when the folder cannot be read; a case that cannot be read is in `skipped`. */
export async function evaluate(options: EvalOptions): Promise<EvalResult> {
  const corpora = await findCorpora(options.corpora);
  const result: EvalResult = { fail2ban: [], crowdsec: [], skipped: corpora.skipped };
  const wanted = (path: string): boolean => options.only === undefined || caseName(path).includes(options.only);
  try {
    for (const path of corpora.fail2ban.filter(wanted)) result.fail2ban.push(scoreFail2ban(path, caseName(path), options.decode));
    for (const path of corpora.crowdsec.filter(wanted)) {
      try {
        result.crowdsec.push(await scoreCrowdsec(path, options.decode, options.alertsOf));
      } catch (error) {
        result.skipped.push(`${caseName(path)}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    corpora.dispose();
  }
  return result;
}

interface Total { expected: number; found: number; negatives: number; falselyCalled: number; scenarioExpected: number; scenarioFound: number | undefined }

/** Sums of the services that `inScope` chooses, of both corpora. */
export function totals(result: EvalResult, inScope: boolean): { fail2ban: Total; crowdsec: Total } {
  const mine = <T extends { service: string }>(scores: readonly T[]): T[] => scores.filter(({ service }) => (scopeOf(service) !== undefined) === inScope);
  const sum = <T>(scores: readonly T[], value: (score: T) => number): number => scores.reduce((all, score) => all + value(score), 0);
  const lines = mine(result.fail2ban);
  const cases = mine(result.crowdsec);
  const alerted = cases.some(({ scenarioFound }) => scenarioFound !== undefined);
  return {
    fail2ban: { expected: sum(lines, (s) => s.expected), found: sum(lines, (s) => s.found), negatives: sum(lines, (s) => s.negatives), falselyCalled: sum(lines, (s) => s.falselyCalled), scenarioExpected: 0, scenarioFound: undefined },
    crowdsec: {
      expected: sum(cases, (s) => s.expected), found: sum(cases, (s) => s.found), negatives: sum(cases, (s) => s.quiet), falselyCalled: sum(cases, (s) => s.quietBroken ?? 0),
      scenarioExpected: sum(cases, (s) => s.scenarioExpected), scenarioFound: alerted ? sum(cases, (s) => s.scenarioFound ?? 0) : undefined,
    },
  };
}

const percent = (part: number, whole: number): string => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`);

/** Text from the corpora is hostile to a terminal: control characters are shown, not sent. */
const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]): string => row.map((cell, i) => (i === 0 ? cell.padEnd(width[i] ?? 0) : cell.padStart(width[i] ?? 0))).join('  ').trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

function print(result: EvalResult, misses: number): void {
  const order = <T extends { service: string }>(scores: readonly T[]): T[] => [...scores].sort((a, b) => (scopeOf(a.service) ?? '~').localeCompare(scopeOf(b.service) ?? '~') || a.service.localeCompare(b.service));
  const out = (text: string): void => { process.stdout.write(`${text}\n`); };
  out('fail2ban\n');
  out(table(['service', 'scope', 'expected', 'found', 'recall', 'negatives', 'falsely called', 'rate', 'other failures', 'modal'], order(result.fail2ban).map((s) => [
    plain(s.service), scopeOf(s.service) ?? '-', String(s.expected), String(s.found), percent(s.found, s.expected), String(s.negatives), String(s.falselyCalled), percent(s.falselyCalled, s.negatives), String(s.otherFailures), String(s.modal)])));
  out('\ncrowdsec\n');
  out(table(['case', 'scope', 'addresses', 'found', 'recall', 'scenario', 'alerted'], order(result.crowdsec).map((s) => [
    plain(s.service), scopeOf(s.service) ?? '-', String(s.expected), String(s.found), percent(s.found, s.expected), String(s.scenarioExpected), s.scenarioFound === undefined ? '-' : String(s.scenarioFound)])));
  out('');
  const rows = [true, false].flatMap((inScope) => {
    const { fail2ban, crowdsec } = totals(result, inScope);
    const scope = inScope ? 'in scope' : 'out of scope';
    return [
      [scope, 'fail2ban lines', String(fail2ban.expected), String(fail2ban.found), percent(fail2ban.found, fail2ban.expected), String(fail2ban.negatives), String(fail2ban.falselyCalled), percent(fail2ban.falselyCalled, fail2ban.negatives)],
      [scope, 'crowdsec addresses', String(crowdsec.expected), String(crowdsec.found), percent(crowdsec.found, crowdsec.expected), '-', '-', '-'],
      [scope, 'crowdsec scenarios', String(crowdsec.scenarioExpected), crowdsec.scenarioFound === undefined ? 'not scored' : String(crowdsec.scenarioFound), crowdsec.scenarioFound === undefined ? '-' : percent(crowdsec.scenarioFound, crowdsec.scenarioExpected), String(crowdsec.negatives), String(crowdsec.falselyCalled), percent(crowdsec.falselyCalled, crowdsec.negatives)],
    ];
  });
  out(table(['total', 'of', 'expected', 'found', 'recall', 'negatives', 'falsely called', 'rate'], rows));
  for (const skipped of result.skipped) out(`skipped: ${plain(skipped)}`);
  if (misses > 0) printMisses(result, misses, out);
}

function printMisses(result: EvalResult, most: number, out: (text: string) => void): void {
  let left = most;
  for (const score of [...result.fail2ban].sort((a, b) => Number(scopeOf(b.service) !== undefined) - Number(scopeOf(a.service) !== undefined))) {
    for (const miss of score.misses) {
      if (left-- <= 0) return;
      out(`\n${plain(score.service)}: wanted ${miss.wanted}, got ${plain(miss.got)}\n  ${plain(miss.text)}`);
    }
  }
  for (const score of result.crowdsec) {
    for (const miss of score.misses) {
      if (left-- <= 0) return;
      out(`\n${plain(score.service)}: wanted ${miss.wanted}, got ${plain(miss.got)}`);
    }
  }
}

/** Runs the tool with its arguments; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { corpora: { type: 'string' }, json: { type: 'boolean' }, misses: { type: 'string' }, only: { type: 'string' } } });
  const misses = Number(values.misses ?? 0);
  if (values.corpora === undefined || !Number.isInteger(misses) || misses < 0) {
    process.stderr.write('usage: npm run eval -- --corpora DIR [--json] [--misses N] [--only NAME]\n');
    return 2;
  }
  const result = await evaluate({ corpora: values.corpora, decode: decodeLines, alertsOf, only: values.only });
  if (result.fail2ban.length + result.crowdsec.length === 0) {
    process.stderr.write(`expected files with failJSON comments or folders with config.yaml and assertions, found none in ${values.corpora}\n`);
    return 2;
  }
  if (values.json === true) {
    const keep = ({ misses: missed, ...score }: Fail2banScore | CrowdsecScore): object => ({ ...score, scope: scopeOf(score.service) ?? null, misses: misses > 0 ? missed.slice(0, misses) : undefined });
    process.stdout.write(`${JSON.stringify({ fail2ban: result.fail2ban.map(keep), crowdsec: result.crowdsec.map(keep), in_scope: totals(result, true), out_of_scope: totals(result, false), skipped: result.skipped })}\n`);
  } else print(result, misses);
  return 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = await main(process.argv.slice(2));
