import type { Program } from '../core/format.ts';
import { accounts } from './accounts/program.ts';
import { cron } from './cron/program.ts';
import { dropbear } from './dropbear/program.ts';
import { kernel } from './kernel/program.ts';
import { logging } from './logging/program.ts';
import { logind } from './logind/program.ts';
import { login } from './login/program.ts';
import { pam } from './pam/program.ts';
import { polkit } from './polkit/program.ts';
import { screensharing } from './screensharing/program.ts';
import { sshd } from './sshd/program.ts';
import { su } from './su/program.ts';
import { sudo } from './sudo/program.ts';
import { systemd } from './systemd/program.ts';
import { vnc } from './vnc/program.ts';
import { webapps } from './webapps/program.ts';
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
  webapps,
  xrdp,
];
