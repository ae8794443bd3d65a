/** What systemd says of units, and what it is asked to do with them, through systemctl. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { MoatError } from '../core/error.ts';
import type { Run } from './run.ts';

export type SystemctlErrorCode = 'systemd';

export interface ShownUnit {
  name: string;
  names: string[];
  /** `loaded`, `not-found`, `masked`, `bad-setting`, `error`. */
  load: string;
  /** `active`, `reloading`, `activating`, `deactivating`, `inactive`, `failed`. */
  active: string;
  sub: string;
  /** `enabled`, `disabled`, `static`, `masked`, `generated`, `transient`, `alias`, ''. */
  enabled: string;
  transient: boolean;
  triggers: string[];
  triggeredBy: string[];
  /** '' for none. */
  group: string;
}

const shown = 'Id,Names,LoadState,ActiveState,SubState,UnitFileState,Transient,Triggers,TriggeredBy,ControlGroup';
const callMs = 15_000;
const lookMs = 20;

export class Systemctl {
  private readonly run: Run;
  private readonly root: string;

  constructor(run: Run, root = '/') {
    this.run = run;
    this.root = root;
  }

  /** As sd_booted(3) tells it: false in a chroot, on a mounted disk, where another init runs. */
  runs(): boolean { return existsSync(join(this.root, 'run/systemd/system')); }

  /** One for each name, in order. Throws MoatError 'systemd'. */
  async show(names: readonly string[]): Promise<ShownUnit[]> {
    const out = await this.call(['show', `--property=${shown}`, '--', ...names]);
    const blocks = out.trim().split(/\n\s*\n/);
    if (blocks.length !== names.length) throw new MoatError<SystemctlErrorCode>('systemd', `expected systemctl to tell of ${names.length} units, got ${blocks.length}`);
    return blocks.map(readUnit);
  }

  async reload(): Promise<void> { await this.call(['daemon-reload'], 30_000); }

  /** Stops these; what does not go within `graceMs` is killed. Throws MoatError 'systemd' when one is there still after that. */
  async stop(names: readonly string[], { graceMs, killMs, signal }: { graceMs: number; killMs: number; signal: AbortSignal }): Promise<void> {
    if ((await this.living(names)).length === 0) return;
    await this.call(['stop', '--no-block', '--', ...names]);
    if ((await this.until(names, graceMs, signal)).length === 0) return;
    for (const name of await this.living(names)) await this.run('systemctl', ['kill', '--signal=SIGKILL', '--', name], { timeoutMs: callMs });
    const left = await this.until(names, killMs, signal);
    if (left.length > 0) throw new MoatError<SystemctlErrorCode>('systemd', `expected ${left.join(', ')} to stop within ${graceMs + killMs} ms, it did not`);
  }

  /** Starts these, and waits until they run or have begun to. Throws MoatError 'systemd'. */
  async start(names: readonly string[], withinMs: number, signal: AbortSignal): Promise<void> {
    if (names.length === 0) return;
    await this.call(['start', '--no-block', '--', ...names]);
    for (const end = performance.now() + withinMs; ;) {
      const left = (await this.show(names)).filter(({ active, sub }) => !(active === 'active' || (active === 'activating' && sub !== 'auto-restart')));
      const [first] = left;
      if (first === undefined) return;
      if (performance.now() > end || left.some(({ active }) => active === 'failed')) throw new MoatError<SystemctlErrorCode>('systemd', `expected ${first.name} to start, it is ${first.active} (${first.sub})`, { hint: `journalctl -u ${first.name}` });
      await wait(lookMs, undefined, { signal });
    }
  }

  /** That these failed is forgotten, and how often they were started; nothing happens to those that have not. */
  async forgive(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.run('systemctl', ['reset-failed', '--', ...names], { timeoutMs: callMs });
  }

  private async living(names: readonly string[]): Promise<string[]> { return (await this.show(names)).flatMap(({ name, active }) => (isDown(active) ? [] : [name])); }

  private async until(names: readonly string[], ms: number, signal: AbortSignal): Promise<string[]> {
    for (const end = performance.now() + ms; ;) {
      const left = await this.living(names);
      if (left.length === 0 || performance.now() > end) return left;
      await wait(lookMs, undefined, { signal });
    }
  }

  private async call(args: readonly string[], timeoutMs = callMs): Promise<string> {
    const { code, stdout, stderr } = await this.run('systemctl', args, { timeoutMs });
    if (code !== 0) throw new MoatError<SystemctlErrorCode>('systemd', `systemctl ${args[0] ?? ''}: ${(stderr || stdout).trim().slice(0, 500)}`);
    return stdout;
  }
}

export const isDown = (active: string): boolean => active === 'inactive' || active === 'failed';

function readUnit(block: string): ShownUnit {
  const fields = new Map(block.split('\n').map((line) => { const at = line.indexOf('='); return [line.slice(0, at), line.slice(at + 1)]; }));
  const text = (name: string): string => fields.get(name) ?? '';
  const words = (name: string): string[] => text(name).split(' ').filter(Boolean);
  return {
    name: text('Id'), names: words('Names'), load: text('LoadState'), active: text('ActiveState'), sub: text('SubState'), enabled: text('UnitFileState'),
    transient: text('Transient') === 'yes', triggers: words('Triggers'), triggeredBy: words('TriggeredBy'), group: text('ControlGroup'),
  };
}
