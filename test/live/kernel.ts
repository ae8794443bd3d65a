/**
 * The whole of `moat up` with the kernel sensor and nothing else that speaks: what a live test of a behaviour needs.
 * `behaviours` are those that stay on (undefined: all).
 */
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentStatus } from '../../src/agent/agent.ts';
import { askControl } from '../../src/agent/control.ts';
import { behaviours as all } from '../../src/behaviours/catalogue.ts';
import { lacksEbpf } from '../../src/sensors/ebpf/testing.ts';
import { lacks } from '../need.ts';
import { removeFolder, startMoat, type RunningMoat } from './moat.ts';

/** True where the kernel sensor cannot run; the reason stands in the test's output. */
export const lacksKernel = (): Promise<boolean> => lacksEbpf(lacks);

export interface Watch extends RunningMoat { end(): Promise<void> }

/**
 * `settings`: by behaviour. `yaml`: more of the configuration, as text. Logs and metrics are off: a test that needs
 * them names them in `yaml` and says so with `logs` or `metrics`. `run`: how node runs it.
 */
export async function startWatch({ behaviours, settings = {}, yaml = '', logs = false, metrics = false, folder, run = {} }: { folder?: string; behaviours?: readonly string[]; settings?: Record<string, Record<string, unknown>>; yaml?: string; logs?: boolean; metrics?: boolean; run?: Pick<NonNullable<Parameters<typeof startMoat>[1]>, 'node' | 'env' | 'on'> } = {}): Promise<Watch> {
  const chosen = Object.fromEntries(all.flatMap(({ id }): [string, unknown][] => {
    if (behaviours !== undefined && !behaviours.includes(id)) return [[id, false]];
    return settings[id] ? [[id, settings[id]]] : [];
  }));
  const config = [
    ...(logs ? [] : ['logs: { journal: "off", usual: false }']),
    ...(metrics ? [] : ['metrics: { enabled: false }']),
    'health_checks: { urls: [] }',
    `behaviours: ${JSON.stringify(chosen)}`,
    yaml, '',
  ].join('\n');
  const moat = await startMoat(config, { ...run, ...(folder !== undefined && { folder }) });
  try {
    for (let i = 0; ; i++) {
      const { parts } = await askControl(join(moat.folder, 'data'), 'status') as AgentStatus;
      if (parts['ebpf']?.state === 'live') break;
      if (i > 1200) throw new Error(`the kernel sensor is not live: ${JSON.stringify(parts['ebpf'])}; ${moat.said()}`);
      await sleep(50);
    }
  } catch (error) {
    await moat.stop();
    removeFolder(moat.folder);
    throw error;
  }
  return { ...moat, async end() { await over(moat); removeFolder(moat.folder); } };
}

/** Until it has done all it does at its end. The kernel takes seconds more to take its probes off, which nobody need wait for. */
async function over(moat: RunningMoat): Promise<void> {
  const { child } = moat;
  void moat.stop();
  while (child.exitCode === null && child.signalCode === null) {
    try { readlinkSync(`/proc/${child.pid}/exe`); } catch { return; }
    await sleep(20);
  }
}
