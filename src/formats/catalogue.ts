import type { LogFormat } from '../core/format.ts';
import { access } from './access/format.ts';
import { apache } from './apache/format.ts';
import { appLogs } from './apps/format.ts';
import { assp } from './assp/format.ts';
import { asterisk } from './asterisk/format.ts';
import { audit } from './audit/format.ts';
import { btPanel } from './bt-panel/format.ts';
import { caddy } from './caddy/format.ts';
import { couchdb } from './couchdb/format.ts';
import { cri } from './cri/format.ts';
import { docker } from './docker/format.ts';
import { domino } from './domino/format.ts';
import { dovecot } from './dovecot/format.ts';
import { ejabberd } from './ejabberd/format.ts';
import { envoy } from './envoy/format.ts';
import { exchange } from './exchange/format.ts';
import { exim } from './exim/format.ts';
import { fail2ban } from './fail2ban/format.ts';
import { freeswitch } from './freeswitch/format.ts';
import { haproxy } from './haproxy/format.ts';
import { journal } from './journal/format.ts';
import { kerio } from './kerio/format.ts';
import { mailu } from './mailu/format.ts';
import { mongodb } from './mongodb/format.ts';
import { monit } from './monit/format.ts';
import { mssql } from './mssql/format.ts';
import { murmur } from './murmur/format.ts';
import { mysql } from './mysql/format.ts';
import { named } from './named/format.ts';
import { nginxProxyManager } from './nginx-proxy-manager/format.ts';
import { nginx } from './nginx/format.ts';
import { openvpn } from './openvpn/format.ts';
import { oracleims } from './oracleims/format.ts';
import { packageLog } from './package/format.ts';
import { portsentry } from './portsentry/format.ts';
import { postgres } from './postgres/format.ts';
import { proftpd } from './proftpd/format.ts';
import { redis } from './redis/format.ts';
import { samba } from './samba/format.ts';
import { softether } from './softether/format.ts';
import { squid } from './squid/format.ts';
import { syslog } from './syslog/format.ts';
import { traefik } from './traefik/format.ts';
import { vsftpd } from './vsftpd/format.ts';
import { weberror } from './weberror/format.ts';
import { xferlog } from './xferlog/format.ts';
import { xrdpLog } from './xrdp/format.ts';
import { zimbra } from './zimbra/format.ts';

/** Every log format Moat reads; auto-detection asks them in this order and takes the surest. */
export const formats: readonly LogFormat[] = [
  assp,
  asterisk,
  domino,
  dovecot,
  ejabberd,
  exchange,
  exim,
  fail2ban,
  freeswitch,
  kerio,
  mailu,
  monit,
  murmur,
  named,
  openvpn,
  oracleims,
  portsentry,
  proftpd,
  samba,
  softether,
  squid,
  vsftpd,
  xferlog,
  zimbra,
  journal,
  audit,
  packageLog,
  syslog,
  nginx,
  apache,
  nginxProxyManager,
  access,
  btPanel,
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
  xrdpLog,
  cri(() => formats),
  docker(() => formats),
];
