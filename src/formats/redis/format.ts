import type { LogFormat } from '../../core/format.ts';
import { isRedis, RedisLog } from '../db-redis.ts';
import { lineFormat } from '../lines.ts';

export const redis: LogFormat = lineFormat({
  id: 'redis',
  title: { zh: 'Redis 日志', en: 'Redis log' },
  paths: ['/var/log/redis/*.log', '/var/log/redis*.log', '/var/log/valkey/*.log', '/www/server/redis/redis.log'],
  aliases: ['valkey'],
  kind: 'database',
  sniff: (line) => isRedis(line) ? 1 : 0,
  open: () => new RedisLog(),
  keepUnknown: { category: 'database', service: 'redis' },
});
