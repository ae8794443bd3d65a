/** Every check, alphabetical. */
import { at } from './at/check.ts';
import { boot } from './boot/check.ts';
import { cron } from './cron/check.ts';
import { dbus } from './dbus/check.ts';
import { gitHooks } from './git-hooks/check.ts';
import { inetd } from './inetd/check.ts';
import { init } from './init/check.ts';
import { kernelHelpers } from './kernel-helpers/check.ts';
import { logrotate } from './logrotate/check.ts';
import { maintainerScripts } from './maintainer-scripts/check.ts';
import { modulesLoad } from './modules-load/check.ts';
import { networkHooks } from './network-hooks/check.ts';
import { packageHooks } from './package-hooks/check.ts';
import { preload } from './preload/check.ts';
import { setuid } from './setuid/check.ts';
import { systemd } from './systemd/check.ts';
import { tmpfilesSysusers } from './tmpfiles-sysusers/check.ts';
import { udev } from './udev/check.ts';
import type { Check } from './port.ts';

export const checks: readonly Check[] = [
  at,
  boot,
  cron,
  dbus,
  gitHooks,
  inetd,
  init,
  kernelHelpers,
  logrotate,
  maintainerScripts,
  modulesLoad,
  networkHooks,
  packageHooks,
  preload,
  setuid,
  systemd,
  tmpfilesSysusers,
  udev,
];
