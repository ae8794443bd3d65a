/** A store as it is after months: alerts of which nobody knows any more how they came about. */
import type { Alert } from '../src/core/alert.ts';
import { levels } from '../src/core/level.ts';
import type { openSqliteStore } from '../src/stores/sqlite/store.ts';

const day = 86_400_000, batch = 5000;

/** Alerts of the last three months but one week, evenly. */
export function storeAlerts(store: ReturnType<typeof openSqliteStore>, count: number, now: number): void {
  const first = now - 90 * day, step = (82 * day) / count;
  for (let at = 0; at < count; at += batch) {
    const alerts = Array.from({ length: Math.min(batch, count - at) }, (_, i) => alertOf(at + i, Math.round(first + (at + i) * step)));
    store.commit({ events: [], alerts, positions: [] });
  }
}

function alertOf(i: number, time: number): Alert {
  const source = `198.51.${100 + (i % 3)}.${i % 251}`;
  const rule = `rule-${i % 40}`;
  const level = levels[i % 97 === 0 ? 4 : i % 13 === 0 ? 3 : i % 3]!;
  return {
    id: `b${i.toString(16).padStart(15, '0')}`, time, last_time: time + 1000, level, rule_id: rule, rule_name: `Rule ${i % 40}`, title: { zh: `规则 ${i % 40}`, en: `Rule ${i % 40}` }, host: 'shop-1', summary: `${source} asked for /wp-login.php ${i % 90} times`, count: 1 + (i % 90),
    attack: ['T1190'], matrix: [], key: `ip ${source} ${i}`, status: i % 10 === 0 ? 'open' : 'closed', source_ip: source, service: 'nginx', evidence: [{ id: `e${i}`, time, kind: 'web_request', source_ip: source, url_path: '/wp-login.php', http_method: 'GET', http_status: 404 }],
  };
}
