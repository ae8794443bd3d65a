import type { Behaviour } from '../core/ports.ts';
import { badPeer } from './bad-peer/behaviour.ts';
import { blinding } from './blinding/behaviour.ts';
import { containerEscape } from './container-escape/behaviour.ts';
import { credentialRead } from './credential-read/behaviour.ts';
import { diskFullSoon } from './disk-full-soon/behaviour.ts';
import { diskWrites } from './disk-writes/behaviour.ts';
import { downloadRun } from './download-run/behaviour.ts';
import { healthDown } from './health-down/behaviour.ts';
import { hostCpu } from './host-cpu/behaviour.ts';
import { intelligenceMatch } from './intelligence-match/behaviour.ts';
import { logSilence } from './log-silence/behaviour.ts';
import { logTampering } from './log-tampering/behaviour.ts';
import { loginAddress } from './login-address/behaviour.ts';
import { loginHours } from './login-hours/behaviour.ts';
import { massChange } from './mass-change/behaviour.ts';
import { metadataAccess } from './metadata-access/behaviour.ts';
import { miner } from './miner/behaviour.ts';
import { oddExecPlace } from './odd-exec-place/behaviour.ts';
import { packageChild } from './package-child/behaviour.ts';
import { persistenceWrite } from './persistence-write/behaviour.ts';
import { portWhitelist } from './port-whitelist/behaviour.ts';
import { preloadExec } from './preload-exec/behaviour.ts';
import { privilegeJump } from './privilege-jump/behaviour.ts';
import { processMemory } from './process-memory/behaviour.ts';
import { requestRate } from './request-rate/behaviour.ts';
import { reverseShell } from './reverse-shell/behaviour.ts';
import { scanFanOut } from './scan-fan-out/behaviour.ts';
import { serverShell } from './server-shell/behaviour.ts';
import { serviceRestartLoop } from './service-restart-loop/behaviour.ts';
import { splitMiner } from './split-miner/behaviour.ts';
import { sustainedCpu } from './sustained-cpu/behaviour.ts';
import { tidalLoad } from './tidal-load/behaviour.ts';
import { triad } from './triad/behaviour.ts';

/** Every behaviour, in the order in which it sees events. */
export const behaviours: readonly Behaviour[] = [
  badPeer,
  blinding,
  containerEscape,
  credentialRead,
  diskFullSoon,
  diskWrites,
  downloadRun,
  healthDown,
  hostCpu,
  intelligenceMatch,
  logSilence,
  logTampering,
  loginAddress,
  loginHours,
  massChange,
  metadataAccess,
  miner,
  oddExecPlace,
  packageChild,
  persistenceWrite,
  portWhitelist,
  preloadExec,
  privilegeJump,
  processMemory,
  requestRate,
  reverseShell,
  scanFanOut,
  serverShell,
  serviceRestartLoop,
  splitMiner,
  sustainedCpu,
  tidalLoad,
  triad,
];
