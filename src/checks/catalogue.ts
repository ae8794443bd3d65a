/** Every check, alphabetical. */
import { accountFiles } from './account-files/check.ts';
import { accounts } from './accounts/check.ts';
import { at } from './at/check.ts';
import { boot } from './boot/check.ts';
import { bpfProgram } from './bpf-program/check.ts';
import { capability } from './capability/check.ts';
import { clamav } from './clamav/check.ts';
import { cloudCredentials } from './cloud-credentials/check.ts';
import { cloudInit } from './cloud-init/check.ts';
import { coveredPlace } from './covered-place/check.ts';
import { cron } from './cron/check.ts';
import { dbus } from './dbus/check.ts';
import { docker } from './docker/check.ts';
import { fakeLogs } from './fake-logs/check.ts';
import { fileName } from './file-name/check.ts';
import { gitHooks } from './git-hooks/check.ts';
import { guessedLogon } from './guessed-logon/check.ts';
import { hiddenPort } from './hidden-port/check.ts';
import { hiddenProcess } from './hidden-process/check.ts';
import { imageConfig } from './image-config/check.ts';
import { inetd } from './inetd/check.ts';
import { init } from './init/check.ts';
import { initramfs } from './initramfs/check.ts';
import { integrity } from './integrity/check.ts';
import { interpreterStart } from './interpreter-start/check.ts';
import { kernelHelpers } from './kernel-helpers/check.ts';
import { kernelHook } from './kernel-hook/check.ts';
import { kernelModule } from './kernel-module/check.ts';
import { kubernetes } from './kubernetes/check.ts';
import { listener } from './listener/check.ts';
import { loader } from './loader/check.ts';
import { logGaps } from './log-gaps/check.ts';
import { logging } from './logging/check.ts';
import { loginScripts } from './login-scripts/check.ts';
import { logonRecords } from './logon-records/check.ts';
import { logrotate } from './logrotate/check.ts';
import { maintainerScripts } from './maintainer-scripts/check.ts';
import { minerFiles } from './miner-files/check.ts';
import { modulesLoad } from './modules-load/check.ts';
import { mysql } from './mysql/check.ts';
import { networkHooks } from './network-hooks/check.ts';
import { nss } from './nss/check.ts';
import { oddFile } from './odd-file/check.ts';
import { packageFiles } from './package-files/check.ts';
import { packageHooks } from './package-hooks/check.ts';
import { pam } from './pam/check.ts';
import { polkit } from './polkit/check.ts';
import { preload } from './preload/check.ts';
import { processEnvironment } from './process-environment/check.ts';
import { processMemory } from './process-memory/check.ts';
import { processProgram } from './process-program/check.ts';
import { ransom } from './ransom/check.ts';
import { rawSocket } from './raw-socket/check.ts';
import { redis } from './redis/check.ts';
import { rootkitTrace } from './rootkit-trace/check.ts';
import { setuid } from './setuid/check.ts';
import { shellHistory } from './shell-history/check.ts';
import { sshClient } from './ssh-client/check.ts';
import { sshKeys } from './ssh-keys/check.ts';
import { sshd } from './sshd/check.ts';
import { sudo } from './sudo/check.ts';
import { systemd } from './systemd/check.ts';
import { tmpfilesSysusers } from './tmpfiles-sysusers/check.ts';
import { udev } from './udev/check.ts';
import { weakPasswords } from './weak-passwords/check.ts';
import { webEntry } from './web-entry/check.ts';
import { webSettings } from './web-settings/check.ts';
import { webshell } from './webshell/check.ts';
import { wrappedBinary } from './wrapped-binary/check.ts';
import { writablePath } from './writable-path/check.ts';
import { yara } from './yara/check.ts';
import type { Check } from './port.ts';

export const checks: readonly Check[] = [
  accountFiles,
  accounts,
  at,
  boot,
  bpfProgram,
  capability,
  clamav,
  cloudCredentials,
  cloudInit,
  coveredPlace, cron,
  dbus,
  docker,
  fakeLogs,
  fileName,
  gitHooks,
  guessedLogon,
  hiddenPort,
  hiddenProcess,
  imageConfig,
  inetd,
  init,
  initramfs,
  integrity,
  interpreterStart,
  kernelHelpers,
  kernelHook,
  kernelModule,
  kubernetes,
  listener,
  loader,
  logGaps,
  logging,
  loginScripts,
  logonRecords,
  logrotate,
  maintainerScripts,
  minerFiles,
  modulesLoad,
  mysql,
  networkHooks,
  nss,
  oddFile,
  packageFiles,
  packageHooks,
  pam,
  polkit,
  preload,
  processEnvironment,
  processMemory,
  processProgram,
  ransom,
  rawSocket,
  redis,
  rootkitTrace,
  setuid,
  shellHistory,
  sshClient,
  sshKeys,
  sshd,
  sudo,
  systemd,
  tmpfilesSysusers,
  udev,
  weakPasswords,
  webEntry,
  webSettings,
  webshell,
  wrappedBinary,
  writablePath,
  yara,
];
