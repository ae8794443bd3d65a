import type { LogFormat } from '../../core/format.ts';
import { Event } from '../../core/gen/event.ts';
import { AppReader, sniffApp } from '../app-reader.ts';
import { lineFormat } from '../lines.ts';
import { appTable } from './ready.ts';
import { apps } from './table.ts';

/** Logs of web applications, panels and services that write files of their own. */
export const appLogs: LogFormat = lineFormat({
  id: 'apps',
  title: { zh: '应用与面板日志', en: 'logs of applications and panels' },
  paths: apps.flatMap((app) => app.paths ?? []),
  aliases: ['app', 'application', ...new Set(apps.map((app) => app.id))],
  kind: 'application',
  sniff: (line) => sniffApp(appTable, line, new Event('', 0, 'application')),
  open: (source) => new AppReader(appTable, true, serviceOf(source)),
});

/** `/var/log/foo/foo.log.1` is foo's. */
function serviceOf(source: string): string {
  const name = source.slice(source.lastIndexOf('/') + 1);
  return /^[A-Za-z][\w-]{0,40}/.exec(name)?.[0].toLowerCase() ?? 'application';
}
