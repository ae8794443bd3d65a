import type { Alert } from '../core/alert.ts';
import type { Lang } from '../core/text.ts';
import { clock, levelWord, safe } from './terminal.ts';

/** An alert as `--json` prints it: stable names, ISO times. */
export function alertJson(alert: Alert): Record<string, unknown> {
  const { id, time, last_time, level, rule_id, rule_name, host, summary, count, source_ip, source_country, origin, origin_ip, user, service, pid, path, attack, matrix, lines, status, evidence, title } = alert;
  return {
    id, time: new Date(time).toISOString(), last_time: new Date(last_time).toISOString(), level, rule_id, rule_name, host, summary, count,
    source_ip, source_country, origin, origin_ip, user, service, pid, path, attack, matrix, lines, status, title, evidence,
  };
}

/** An alert for a terminal: one line that says it, one that shows where. */
export function alertLines(alert: Alert, lang: Lang): string[] {
  const head = `${clock(alert.time)} ${levelWord(alert.level, lang)} ${safe(alert.title[lang])}`;
  const words = [
    ...(alert.count > 1 ? [`×${alert.count}`] : []),
    ...(alert.source_ip !== undefined ? [alert.source_ip + (alert.source_country !== undefined && alert.source_country !== 'ZZ' ? ` (${alert.source_country})` : '')] : []),
    ...(alert.user !== undefined ? [`${lang === 'zh' ? '账号' : 'user'} ${alert.user}`] : []),
    ...(alert.lines?.length ? [`${lang === 'zh' ? '行' : 'lines'} ${ranges(alert.lines)}`] : []),
    ...alert.attack,
  ];
  const origin = alert.origin === undefined ? [] : [`    ${lang === 'zh' ? '来由' : 'origin'} ${safe(alert.origin)}`];
  return [head, `    ${safe(alert.summary)}`, ...origin, `    ${safe(words.join(' · '))}  [${alert.id} ${safe(alert.rule_id)}]`];
}

/** 1,2,3,7 → 1-3,7; shortened past eight ranges. */
function ranges(lines: readonly number[]): string {
  const sorted = [...lines].sort((a, b) => a - b);
  const out: [number, number][] = [];
  for (const line of sorted) {
    const last = out.at(-1);
    if (last && line <= last[1] + 1) last[1] = line;
    else out.push([line, line]);
  }
  const text = out.slice(0, 8).map(([from, to]) => (from === to ? String(from) : `${from}-${to}`));
  return out.length > 8 ? `${text.join(',')},…` : text.join(',');
}
