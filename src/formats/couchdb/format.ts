import type { LogFormat } from '../../core/format.ts';
import { isCouchdb, CouchdbLog } from '../db-other.ts';
import { lineFormat } from '../lines.ts';

export const couchdb: LogFormat = lineFormat({
  id: 'couchdb',
  title: { zh: 'CouchDB 日志', en: 'CouchDB log' },
  paths: ['/var/log/couchdb/*.log'],
  kind: 'database',
  sniff: (line) => isCouchdb(line) ? 1 : 0,
  open: () => new CouchdbLog(),
  keepUnknown: { category: 'database', service: 'couchdb' },
});
