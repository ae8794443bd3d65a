import type { Program } from '../core/format.ts';
import { accounts } from './accounts/program.ts';
import { asterisk } from './asterisk/program.ts';
import { courier } from './courier/program.ts';
import { cron } from './cron/program.ts';
import { dovecot } from './dovecot/program.ts';
import { dropbear } from './dropbear/program.ts';
import { ejabberd } from './ejabberd/program.ts';
import { exim } from './exim/program.ts';
import { fail2ban } from './fail2ban/program.ts';
import { filterlog } from './filterlog/program.ts';
import { freeswitch } from './freeswitch/program.ts';
import { ftpd } from './ftpd/program.ts';
import { guards } from './guards/program.ts';
import { imapd } from './imapd/program.ts';
import { kernel } from './kernel/program.ts';
import { logging } from './logging/program.ts';
import { login } from './login/program.ts';
import { logind } from './logind/program.ts';
import { mailFilter } from './mail-filter/program.ts';
import { monit } from './monit/program.ts';
import { murmur } from './murmur/program.ts';
import { named } from './named/program.ts';
import { opensmtpd } from './opensmtpd/program.ts';
import { openvpn } from './openvpn/program.ts';
import { pam } from './pam/program.ts';
import { polkit } from './polkit/program.ts';
import { postfix } from './postfix/program.ts';
import { proftpd } from './proftpd/program.ts';
import { pureFtpd } from './pure-ftpd/program.ts';
import { qmail } from './qmail/program.ts';
import { samba } from './samba/program.ts';
import { screensharing } from './screensharing/program.ts';
import { sendmail } from './sendmail/program.ts';
import { slapd } from './slapd/program.ts';
import { sshd } from './sshd/program.ts';
import { strongswan } from './strongswan/program.ts';
import { su } from './su/program.ts';
import { sudo } from './sudo/program.ts';
import { systemd } from './systemd/program.ts';
import { vnc } from './vnc/program.ts';
import { vsftpd } from './vsftpd/program.ts';
import { webmin } from './webmin/program.ts';
import { xrdp } from './xrdp/program.ts';

/** Every program whose syslog or journal messages Moat understands. */
export const programs: readonly Program[] = [
  sshd,
  accounts,
  cron,
  dropbear,
  kernel,
  logging,
  logind,
  login,
  pam,
  polkit,
  screensharing,
  su,
  sudo,
  systemd,
  vnc,
  webmin,
  xrdp,
  asterisk,
  courier,
  dovecot,
  ejabberd,
  exim,
  fail2ban,
  filterlog,
  freeswitch,
  ftpd,
  guards,
  imapd,
  mailFilter,
  monit,
  murmur,
  named,
  opensmtpd,
  openvpn,
  postfix,
  proftpd,
  pureFtpd,
  qmail,
  samba,
  sendmail,
  slapd,
  strongswan,
  vsftpd,
];
