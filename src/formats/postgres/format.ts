import type { LogFormat } from '../../core/format.ts';
import { isPostgres, PostgresLog } from '../db-postgres.ts';
import { lineFormat } from '../lines.ts';

export const postgres: LogFormat = lineFormat({
  id: 'postgres',
  title: { zh: 'PostgreSQL 日志', en: 'PostgreSQL log' },
  paths: ['/var/log/postgresql/*.log', '/var/log/postgresql/*.csv', '/var/log/postgresql/*.json', '/var/lib/pgsql/data/log/*', '/var/lib/pgsql/*/data/log/*', '/www/server/pgsql/logs/*.log'],
  aliases: ['postgresql', 'pgsql'],
  kind: 'database',
  sniff: (line) => isPostgres(line) ? 1 : 0,
  open: () => new PostgresLog(),
  keepUnknown: { category: 'database', service: 'postgresql' },
});
