/** Isolation, rate limits and closed ports, as asked by control requests. */
import type { ActionErrorCode, PlanStep, Receipt, ResponseStore, Risk } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { type Network, parseNetwork } from '../core/networks.ts';
import type { Text } from '../core/text.ts';
import type { AuditInput } from '../engine/response/audit.ts';
import type { Runner } from '../engine/response/runner.ts';
import type { ManagementSettings } from '../actions/channel.ts';
import type { IsolateSettings } from '../actions/isolate-host/action.ts';
import type { Firewall } from '../linux/firewall/firewall.ts';
import { readProbe } from '../linux/reach.ts';
import type { Config } from './config-schema.ts';
import type { Handlers } from './control.ts';

export interface NetworkOptions { runner: Runner; store: ResponseStore; now: () => number; firewall: () => Promise<Firewall>; audit: (entry: AuditInput) => Promise<void> }

/** Those whose whole effect is in the packet filter, which a machine forgets when it is started anew. */
export const networkActions = ['close-port', 'isolate-host', 'rate-limit'] as const;

/** What is shown before it is done. */
export interface ShownPlan { target: string; title: Text; steps: readonly PlanStep[]; risk: Risk; reversible: boolean; until?: number }

const whyMax = 1000, byMax = 200;

export function managementOf({ management, allow }: Config['response']): ManagementSettings {
  const networks = (texts: readonly string[]): Network[] => texts.flatMap((text) => parseNetwork(text) ?? []);
  return { from: networks(management.from), ports: management.ports, probes: management.probe.flatMap((text) => readProbe(text) ?? []), allow: networks(allow) };
}

export function isolationOf(config: Config['response'], resolvers: readonly Network[]): IsolateSettings {
  return { resolvers: config.isolation_dns ? resolvers : [], testMs: config.isolation_test_seconds * 1000 };
}

export function networkHandlers({ runner, store, now, firewall, audit }: NetworkOptions): Handlers {
  const read = (argument: unknown): { action: string; input: object; by: string; why: string; force: boolean; until: number | undefined } => {
    const { action, input, by, why, force, for_ms: forMs } = (typeof argument === 'object' && argument !== null ? argument : {}) as Readonly<Record<string, unknown>>;
    if (typeof action !== 'string' || !networkActions.some((one) => one === action)) throw new MoatError<ActionErrorCode>('bad-input', `expected one of ${networkActions.join(', ')}`);
    const until = typeof forMs === 'number' && forMs > 0 ? now() + forMs : undefined;
    const reason = typeof why === 'string' ? why.slice(0, whyMax) : '';
    return { action, input: { ...(typeof input === 'object' ? input : {}), why: reason, ...(until !== undefined && { until }) }, by: typeof by === 'string' ? by.slice(0, byMax) : 'operator', why: reason, force: force === true, until };
  };
  /** One that is being done counts too: to take it back waits for it. */
  const isolations = (): Receipt[] => store.receipts({ action: 'isolate-host', status: ['applied', 'applying', 'undoing', 'stuck'], limit: 100 });
  return {
    'network-plan': async (argument): Promise<ShownPlan> => {
      const { action, input, force } = read(argument);
      const { target, title, steps, risk, reversible, until } = (await runner.plan(action, input, { force })).plan;
      return { target, title, steps, risk, reversible, ...(until !== undefined && { until }) };
    },
    'network-do': async (argument): Promise<Receipt> => {
      const { action, input, by, why, force, until } = read(argument);
      return await runner.run({ action, input, by, why, force, via: 'control', ...(until !== undefined && { until }) });
    },
    /** The id of one, or none for the one that waits. */
    'isolate-confirm': async (argument): Promise<Receipt> => {
      const { id, by } = (typeof argument === 'object' && argument !== null ? argument : {}) as { id?: unknown; by?: unknown };
      const wanted = typeof id === 'string' ? id : isolations().find(({ status }) => status === 'applied')?.id;
      if (wanted === undefined) throw new MoatError<ActionErrorCode>('no-receipt', 'this machine is not isolated, or no more', { text: { zh: '本机没有被隔离，或已自动撤销', en: 'this machine is not isolated, or no more' } });
      return await runner.confirm(wanted, { by: typeof by === 'string' ? by.slice(0, byMax) : 'operator', why: '', via: 'control' });
    },
    /** Takes every isolation back; also one that no receipt tells of. */
    'release': async (argument): Promise<Receipt[]> => {
      const { by, why } = read({ ...(argument as object | null), action: 'isolate-host' });
      const undone: Receipt[] = [];
      // Newest first; all of one target, so one after the other.
      for (const { id } of isolations()) undone.push(await runner.undo(id, { by, why, via: 'control' }));
      if (undone.length > 0) return undone;
      const wall = await firewall();
      if (!(await wall.standing()).some(({ id }) => id === 'isolation')) return [];
      await wall.take('isolation');
      await audit({ time: now(), by, via: 'control', operation: 'release', target: 'host', why, result: 'an isolation without a receipt was taken away' });
      return [];
    },
  };
}
