/**
 * The program that notices-crash.test.ts kills: `notices-child DIR URL SECRET`. Raises numbered alerts for ever, each with its notice in one
 * commit, prints each number once its commit has returned, and sends meanwhile. With a fourth argument it raises none and ends when
 * nothing waits.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Alert } from '../core/alert.ts';
import { Health } from '../engine/health.ts';
import { openSqliteStore } from '../stores/sqlite/store.ts';
import { configSchema } from './config-schema.ts';
import { Notices } from './notices.ts';

const [dir = '', url = '', secret = '', drain] = process.argv.slice(2);
const store = openSqliteStore({ dir });
const config = configSchema.parse({ notices: { channels: [{ name: 'hook', kind: 'webhook', url, secret, level: 'info' }] } }).notices;
const notices = new Notices({ config: { ...config, digest_seconds: 0.01 }, dataFolder: dir, store, health: new Health(Date.now), lang: 'en', host: 'shop-1', words: () => ({ falsePositives: [] }), now: Date.now });
const ending = new AbortController();
const running = notices.run(ending.signal);

if (drain === undefined) {
  for (let n = Number(store.ledger.position('n') ?? 0) + 1; ; n++) {
    const alert: Alert = {
      id: `alert-${n}`, time: n, last_time: n, level: 'critical', rule_id: `r${n}`, rule_name: 'r', title: { zh: 'r', en: 'r' }, host: 'shop-1', summary: 's', count: 1,
      attack: [], matrix: [], key: String(n), status: 'open', evidence: [],
    };
    const rows = notices.tap?.route([{ alert, isNew: true, isWorse: false }]);
    store.commit({ events: [], alerts: [alert], positions: [{ source: 'n', value: String(n) }], ...(rows && { notices: rows }) });
    if (rows) notices.tap?.stored(rows, true);
    writeSync(1, `${n}\n`);
    await sleep(5);
  }
}
while (store.notices.waiting('hook').length > 0 || store.notices.underWay('hook')) await sleep(20);
ending.abort();
await running;
store.close();
