import type { LogFormat } from '../core/format.ts';
import { access } from './access/format.ts';
import { apache } from './apache/format.ts';
import { appLogs } from './apps/format.ts';
import { caddy } from './caddy/format.ts';
import { couchdb } from './couchdb/format.ts';
import { cri } from './cri/format.ts';
import { docker } from './docker/format.ts';
import { envoy } from './envoy/format.ts';
import { haproxy } from './haproxy/format.ts';
import { journal } from './journal/format.ts';
import { mongodb } from './mongodb/format.ts';
import { mssql } from './mssql/format.ts';
import { mysql } from './mysql/format.ts';
import { nginx } from './nginx/format.ts';
import { nginxProxyManager } from './nginx-proxy-manager/format.ts';
import { postgres } from './postgres/format.ts';
import { redis } from './redis/format.ts';
import { syslog } from './syslog/format.ts';
import { traefik } from './traefik/format.ts';
import { weberror } from './weberror/format.ts';

/** Every log format Moat reads; auto-detection asks them in this order and takes the surest. */
export const formats: readonly LogFormat[] = [
  journal,
  syslog,
  docker,
  cri,
  nginx,
  apache,
  nginxProxyManager,
  access,
  caddy,
  traefik,
  haproxy,
  envoy,
  weberror,
  mysql,
  postgres,
  redis,
  mongodb,
  mssql,
  couchdb,
  appLogs,
];
