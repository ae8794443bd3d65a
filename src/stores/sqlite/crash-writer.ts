/**
 * The program that crash.test.ts kills: `crash-writer DIR BATCH_SIZE MAX_BYTES`. Commits numbered batches for
 * ever, goes on after the last one stored, and prints each number once its commit has returned.
 */
import { writeSync } from 'node:fs';
import { Event } from '../../core/gen/event.ts';
import { openSqliteStore } from './store.ts';

const [dir = '', size = '', maxBytes = ''] = process.argv.slice(2);
const store = openSqliteStore({ dir, maxBytes: Number(maxBytes) });
const padding = 'the rest of a log line that is as long as log lines are, '.repeat(6);

for (let batch = Number(store.ledger.position('stream') ?? 0) + 1; ; batch++) {
  const events = Array.from({ length: Number(size) }, (_, n) => {
    const event = new Event(`batch-${batch}-${n}`, 1_700_000_000_000 + batch * 1000 + n, 'sshd');
    event.session = String(batch);
    event.message = `${batch} ${n} ${padding}`;
    return event;
  });
  const alert = { time: batch, last_time: batch, level: 'low', rule_id: 'r', rule_name: 'r', title: { zh: 'r', en: 'r' }, host: 'h', summary: 's', attack: [], matrix: [], key: 'k', status: 'open', evidence: [] } as const;
  store.commit({
    events,
    alerts: [{ ...alert, id: `of-${batch}`, count: batch, attack: [], matrix: [], evidence: [] }, { ...alert, id: 'running', count: batch, attack: [], matrix: [], evidence: [] }],
    positions: [{ source: 'stream', value: String(batch) }],
    learned: new Map([['learned', String(batch)]]),
  });
  writeSync(1, `${batch}\n`);
  if (batch % 16 === 0) store.events.prune(1_700_000_000_000 + batch * 1000);
}
