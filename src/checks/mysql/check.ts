/** MySQL, MariaDB, PostgreSQL and MongoDB: settings that let anybody in, libraries and commands that a database runs. */
import { expandAll } from '../expand.ts';
import type { PlaceCheck } from '../port.ts';
import { webRoots } from '../web-roots.ts';
import { mongodb } from './mongodb.ts';
import { clientPasswords, dataHomes, mysqlSettings } from './mysql.ts';
import { postgresql } from './postgresql.ts';
import { functionsAndEvents, plugins } from './udf.ts';

export const mysql: PlaceCheck = {
  id: 'mysql',
  title: { zh: '数据库（MySQL、PostgreSQL、MongoDB）', en: 'databases (MySQL, PostgreSQL, MongoDB)' },
  blind: {
    zh: '数据库里的账号和权限、PostgreSQL 的函数与 COPY PROGRAM 权限、MySQL 8 的事件只能由数据库自己读；停机前没写回的表看不全；加密的表看不到',
    en: 'accounts and rights inside a database, functions and COPY PROGRAM rights of PostgreSQL and events of MySQL 8 can only be read by the database itself; tables not yet written back are seen in part, encrypted ones not at all',
  },
  group: 'services',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const roots = webRoots(context);
    const files = expandAll(context, ['/etc/my.cnf', '/etc/my.cnf.d/*.cnf', '/etc/mysql/*.cnf', '/etc/mysql/*/*.cnf', '/usr/etc/my.cnf', '/usr/local/etc/my.cnf', '/usr/local/mysql/my.cnf', '/usr/local/mysql/etc/*.cnf', '/www/server/mysql/my.cnf', '/opt/1panel/apps/*/*/conf/my.cnf', '/var/lib/mysql/my.cnf']);
    const { dataFolders, pluginFolders, findings } = await mysqlSettings(files, roots, context);
    yield* findings;
    yield* clientPasswords(context);
    yield* plugins(expandAll(context, [...pluginFolders, ...['/usr/lib', '/usr/lib64', '/usr/lib/*'].flatMap((base) => [`${base}/mysql/plugin`, `${base}/mysql*/plugin`, `${base}/mariadb*/plugin`]), '/usr/local/mysql/lib/plugin', '/www/server/mysql/lib/plugin']), context);
    yield* functionsAndEvents(expandAll(context, [...dataFolders, ...dataHomes, '/var/lib/mysql-files']), context);
    yield* postgresql(context);
    yield* mongodb(context);
  },
};
