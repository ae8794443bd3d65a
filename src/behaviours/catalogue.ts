import type { Behaviour } from '../core/ports.ts';
import { badPeer } from './bad-peer/behaviour.ts';
import { containerEscape } from './container-escape/behaviour.ts';
import { credentialRead } from './credential-read/behaviour.ts';
import { diskFullSoon } from './disk-full-soon/behaviour.ts';
import { diskWrites } from './disk-writes/behaviour.ts';
import { healthDown } from './health-down/behaviour.ts';
import { hostCpu } from './host-cpu/behaviour.ts';
import { intelligenceMatch } from './intelligence-match/behaviour.ts';
import { logSilence } from './log-silence/behaviour.ts';
import { loginAddress } from './login-address/behaviour.ts';
import { loginHours } from './login-hours/behaviour.ts';
import { metadataAccess } from './metadata-access/behaviour.ts';
import { persistenceWrite } from './persistence-write/behaviour.ts';
import { portWhitelist } from './port-whitelist/behaviour.ts';
import { privilegeJump } from './privilege-jump/behaviour.ts';
import { processMemory } from './process-memory/behaviour.ts';
import { requestRate } from './request-rate/behaviour.ts';
import { scanFanOut } from './scan-fan-out/behaviour.ts';
import { serviceRestartLoop } from './service-restart-loop/behaviour.ts';
import { sustainedCpu } from './sustained-cpu/behaviour.ts';
import { tidalLoad } from './tidal-load/behaviour.ts';

/** Every behaviour, in the order in which it sees events. */
export const behaviours: readonly Behaviour[] = [
  badPeer,
  containerEscape,
  credentialRead,
  diskFullSoon,
  diskWrites,
  healthDown,
  hostCpu,
  intelligenceMatch,
  loginAddress,
  loginHours,
  logSilence,
  metadataAccess,
  persistenceWrite,
  portWhitelist,
  privilegeJump,
  processMemory,
  requestRate,
  scanFanOut,
  serviceRestartLoop,
  sustainedCpu,
  tidalLoad,
];
