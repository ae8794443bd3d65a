import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { cron } from './program.ts';

it.each([
  ['(root) CMD (   cd / && run-parts --report /etc/cron.hourly)', { action: 'cron-run', category: 'process', user: 'root', process_cmdline: '   cd / && run-parts --report /etc/cron.hourly' }],
  ['(bob) CMD (sh -c "(a) (b)")', { action: 'cron-run', user: 'bob', process_cmdline: 'sh -c "(a) (b)"' }],
  ['(bob) REPLACE (root)', { action: 'crontab-replace', category: 'file', user: 'bob', target_user: 'root' }],
  ['(bob) BEGIN EDIT (bob)', { action: 'crontab-edit', user: 'bob' }],
  ['(bob) DELETE (bob)', { action: 'crontab-delete' }],
  ['(*system*) RELOAD (/etc/cron.d/backup)', { action: 'crontab-reload', user: 'root', file_path: '/etc/cron.d/backup' }],
  ["Job `cron.daily' started", { action: 'cron-run', process_cmdline: 'cron.daily' }],
])('%s', (message, expected) => {
  expect(feed(cron)(message)).toMatchObject({ said: true, kind: 'cron', service: 'cron', outcome: 'success', ...expected });
});

it('tells of faults and leaves the rest', () => {
  expect(feed(cron)('(bob) AUTH (crontab command not allowed)')).toMatchObject({ said: true, outcome: 'failure', user: 'bob' });
  expect(['(CRON) INFO (running with inotify support)', 'plain', '()', '(x'].map((text) => feed(cron)(text).said)).toEqual([false, false, false, false]);
});
