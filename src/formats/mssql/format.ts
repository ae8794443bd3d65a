import type { LogFormat } from '../../core/format.ts';
import { isMssql, MssqlLog } from '../db-other.ts';
import { lineFormat } from '../lines.ts';

export const mssql: LogFormat = lineFormat({
  id: 'mssql',
  title: { zh: 'SQL Server 日志', en: 'SQL Server error log' },
  paths: ['/var/opt/mssql/log/errorlog*'],
  aliases: ['sqlserver'],
  kind: 'database',
  sniff: (line) => isMssql(line) ? 1 : 0,
  open: () => new MssqlLog(),
  keepUnknown: { category: 'database', service: 'mssql' },
});
