import type { LogFormat } from '../core/format.ts';
import { journal } from './journal/format.ts';
import { syslog } from './syslog/format.ts';
import { xrdpLog } from './xrdp/format.ts';

/** Every log format Moat reads; auto-detection asks them in this order and takes the surest. */
export const formats: readonly LogFormat[] = [
  journal,
  syslog,
  xrdpLog,
];
