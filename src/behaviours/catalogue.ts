import type { Behaviour } from '../core/ports.ts';
import { diskFullSoon } from './disk-full-soon/behaviour.ts';
import { diskWrites } from './disk-writes/behaviour.ts';
import { healthDown } from './health-down/behaviour.ts';
import { hostCpu } from './host-cpu/behaviour.ts';
import { intelligenceMatch } from './intelligence-match/behaviour.ts';
import { logSilence } from './log-silence/behaviour.ts';
import { logTampering } from './log-tampering/behaviour.ts';
import { loginAddress } from './login-address/behaviour.ts';
import { loginHours } from './login-hours/behaviour.ts';
import { massChange } from './mass-change/behaviour.ts';
import { miner } from './miner/behaviour.ts';
import { portWhitelist } from './port-whitelist/behaviour.ts';
import { processMemory } from './process-memory/behaviour.ts';
import { requestRate } from './request-rate/behaviour.ts';
import { serviceRestartLoop } from './service-restart-loop/behaviour.ts';
import { splitMiner } from './split-miner/behaviour.ts';
import { sustainedCpu } from './sustained-cpu/behaviour.ts';
import { tidalLoad } from './tidal-load/behaviour.ts';

/** Every behaviour, in the order in which it sees events. */
export const behaviours: readonly Behaviour[] = [
  diskFullSoon,
  diskWrites,
  healthDown,
  hostCpu,
  intelligenceMatch,
  logSilence,
  logTampering,
  loginAddress,
  loginHours,
  massChange,
  miner,
  portWhitelist,
  processMemory,
  requestRate,
  serviceRestartLoop,
  splitMiner,
  sustainedCpu,
  tidalLoad,
];
