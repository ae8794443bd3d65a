/** Every check, alphabetical. */
import { accountFiles } from './account-files/check.ts';
import { accounts } from './accounts/check.ts';
import { cloudCredentials } from './cloud-credentials/check.ts';
import { cloudInit } from './cloud-init/check.ts';
import { cron } from './cron/check.ts';
import { docker } from './docker/check.ts';
import { fakeLogs } from './fake-logs/check.ts';
import { kubernetes } from './kubernetes/check.ts';
import { logGaps } from './log-gaps/check.ts';
import { logging } from './logging/check.ts';
import { loginScripts } from './login-scripts/check.ts';
import { logonRecords } from './logon-records/check.ts';
import { minerFiles } from './miner-files/check.ts';
import { mysql } from './mysql/check.ts';
import { nss } from './nss/check.ts';
import { pam } from './pam/check.ts';
import { polkit } from './polkit/check.ts';
import { preload } from './preload/check.ts';
import { ransom } from './ransom/check.ts';
import { redis } from './redis/check.ts';
import { setuid } from './setuid/check.ts';
import { shellHistory } from './shell-history/check.ts';
import { sshClient } from './ssh-client/check.ts';
import { sshKeys } from './ssh-keys/check.ts';
import { sshd } from './sshd/check.ts';
import { sudo } from './sudo/check.ts';
import { weakPasswords } from './weak-passwords/check.ts';
import { webSettings } from './web-settings/check.ts';
import type { Check } from './port.ts';

export const checks: readonly Check[] = [
  accountFiles,
  accounts,
  cloudCredentials,
  cloudInit,
  cron,
  docker,
  fakeLogs,
  kubernetes,
  logGaps,
  logging,
  loginScripts,
  logonRecords,
  minerFiles,
  mysql,
  nss,
  pam,
  polkit,
  preload,
  ransom,
  redis,
  setuid,
  shellHistory,
  sshClient,
  sshKeys,
  sshd,
  sudo,
  weakPasswords,
  webSettings,
];
