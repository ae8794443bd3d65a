import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { tell } from '../tell.ts';

/** cron, crontab and anacron: jobs run, tables edited and reloaded. */
export const cron: Program = {
  id: 'cron',
  title: { zh: '计划任务（cron）', en: 'scheduled jobs (cron)' },
  tags: ['cron', 'crond', 'crontab', 'anacron', 'atd'],
  open: (): ProgramDecoder => ({ decode }),
};

const actions: ReadonlyMap<string, [category: string, action: string]> = new Map([
  ['CMD', ['process', 'cron-run']],
  ['CMDOUT', ['process', 'cron-output']],
  ['CMDEND', ['process', 'cron-end']],
  ['REPLACE', ['file', 'crontab-replace']],
  ['DELETE', ['file', 'crontab-delete']],
  ['LIST', ['file', 'crontab-list']],
  ['BEGIN EDIT', ['file', 'crontab-edit']],
  ['END EDIT', ['file', 'crontab-edit-end']],
  ['RELOAD', ['file', 'crontab-reload']],
]);

/** `(WHO) VERB (WHAT)` */
function decode(message: string, event: Event): boolean {
  if (message.charCodeAt(0) !== 40) {
    const job = /^Job [`']([^']{1,256})' (started|terminated)/.exec(message);
    if (job === null) return false;
    event.process_cmdline = job[1];
    return tell(event, 'cron', 'cron', 'process', job[2] === 'started' ? 'cron-run' : 'cron-end', 'success');
  }
  const close = message.indexOf(') ');
  const open = message.indexOf(' (', close);
  if (close < 2 || open < 0) return false;
  const who = message.slice(1, close);
  const verb = message.slice(close + 2, open);
  const what = message.slice(open + 2, message.endsWith(')') ? -1 : undefined);
  const known = actions.get(verb);
  if (known === undefined) {
    if (verb !== 'AUTH' && verb !== 'FAILED' && !/error|BAD|ORPHAN|WRONG|DENIED/i.test(verb)) return false;
    event.user = who;
    return tell(event, 'cron', 'cron', 'process', 'cron-fault', 'failure');
  }
  event.user = who === '*system*' ? 'root' : who;
  if (known[0] === 'process') event.process_cmdline = what;
  else if (verb === 'RELOAD') event.file_path = what;
  else event.target_user = what;
  return tell(event, 'cron', 'cron', known[0], known[1], 'success');
}
