/** The tables of the live state. */
import { keys, logons, users } from './tables/accounts.ts';
import { containers, modules, mounts } from './tables/kernel.ts';
import { filesChanged, packages, sensors } from './tables/known.ts';
import { processes } from './tables/processes.ts';
import { connections, listeners } from './tables/sockets.ts';
import { cron, timers, units } from './tables/started.ts';
import type { LiveTable } from './table.ts';

export const liveTables: readonly LiveTable[] = [processes, listeners, connections, users, logons, keys, packages, containers, units, timers, cron, modules, mounts, filesChanged, sensors];
