import type { LogFormat } from '../../core/format.ts';
import { isMysql, MysqlLog } from '../db-mysql.ts';
import { lineFormat } from '../lines.ts';

export const mysql: LogFormat = lineFormat({
  id: 'mysql',
  title: { zh: 'MySQL / MariaDB 日志', en: 'MySQL / MariaDB log' },
  paths: ['/var/log/mysql/*.log', '/var/log/mysqld.log', '/var/log/mysql.err', '/var/log/mariadb/*.log', '/www/server/data/*.err', '/usr/local/mysql/data/*.err', '/usr/local/mysql/var/*.err', '/usr/local/mariadb/var/*.err', '/var/lib/mysql/*.err'],
  aliases: ['mariadb', 'mysqld'],
  kind: 'database',
  sniff: (line) => isMysql(line) ? 1 : 0,
  open: () => new MysqlLog(),
  keepUnknown: { category: 'database', service: 'mysql' },
});
