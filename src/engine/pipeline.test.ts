import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Detection } from '../core/alert.ts';
import { Event } from '../core/gen/event.ts';
import { databaseName, openSqliteStore } from '../stores/sqlite/store.ts';
import { Health } from './health.ts';
import { Pipeline } from './pipeline.ts';

const start = Date.UTC(2026, 10, 22, 2);
let dir: string | undefined;
afterEach(() => { if (dir !== undefined) rmSync(dir, { recursive: true, force: true }); });

it('detects on the original command line, and stores and shows it without its secrets', async () => {
  dir = mkdtempSync(join(tmpdir(), 'moat-pipeline-'));
  const store = openSqliteStore({ dir });
  const seen: (string | undefined)[] = [];
  const shown: string[] = [];
  const pipeline = new Pipeline({
    store,
    detect: {
      observe(event, emit) {
        seen.push(event.process_cmdline);
        emit({ ruleId: 'r', title: { zh: '导出', en: 'dump' }, summary: { zh: '{process_cmdline}', en: '{process_cmdline}' }, level: 'low', attack: [], key: '', time: event.time, events: [event], count: 1 } satisfies Detection);
      },
      warm: () => undefined, advance: () => undefined, saved: () => new Map(),
    },
    fold: { host: 'web1', lang: 'en', gap: 60_000 },
    exceptions: () => [], country: () => undefined, health: new Health(() => start), log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
    show: (folded) => { for (const { alert } of folded) shown.push(alert.summary); }, now: () => start,
  });
  const event = Object.assign(new Event('p1', start, 'process_creation'), { process_path: '/usr/bin/mysqldump', process_cmdline: 'mysqldump -uroot -pHunter22 shop', parent_cmdline: 'env MYSQL_PWD=Hunter22 sh', pid: 7 });
  await pipeline.push({ events: [event], positions: [{ source: 'log', value: '1' }] });
  expect(seen).toEqual(['mysqldump -uroot -pHunter22 shop']);
  expect(shown).toEqual(['mysqldump -uroot -p*** shop']);
  expect([...store.events.range(0, start + 1)]).toMatchObject([{ id: 'p1', pid: 7, process_cmdline: 'mysqldump -uroot -p*** shop', parent_cmdline: 'env MYSQL_PWD=*** sh' }]);
  pipeline.finish();
  store.close();
  expect(readFileSync(join(dir, databaseName)).includes('Hunter22')).toBe(false);
});
