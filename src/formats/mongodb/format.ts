import type { LogFormat } from '../../core/format.ts';
import { isMongodb, MongodbLog } from '../db-other.ts';
import { lineFormat } from '../lines.ts';

export const mongodb: LogFormat = lineFormat({
  id: 'mongodb',
  title: { zh: 'MongoDB 日志', en: 'MongoDB log' },
  paths: ['/var/log/mongodb/*.log', '/www/server/mongodb/log/*.log'],
  aliases: ['mongod', 'mongo'],
  kind: 'database',
  sniff: (line) => isMongodb(line) ? 1 : 0,
  open: () => new MongodbLog(),
  keepUnknown: { category: 'database', service: 'mongodb' },
});
