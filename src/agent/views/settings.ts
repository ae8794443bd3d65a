/** Settings that may be changed here: mode, allow list, wanted ports, zones, exceptions. Each change is laid over the configuration, must make sense with it, and holds at once. */
import { randomBytes } from 'node:crypto';
import { MoatError } from '../../core/error.ts';
import { parseNetwork } from '../../core/networks.ts';
import type { Text } from '../../core/text.ts';
import type { ExceptionHits } from '../../engine/exceptions.ts';
import type { Journal } from '../../engine/response/journal.ts';
import type { Config } from '../config-schema.ts';
import type { Handlers } from '../control.ts';
import type { PolicyPreview } from '../firewall-policy.ts';
import type { Here, SettingsHere } from '../settings-here.ts';

export interface SettingsViewOptions {
  here: SettingsHere;
  /** As the file says. */
  file: () => Config;
  /** With what was set here. */
  config: () => Config;
  journal: Pick<Journal, 'write'>;
  reload: () => Promise<Text | undefined>;
  pausedUntil: () => number | undefined;
  /** What wanted ports and zones would mean. */
  firewall: (next: Config['firewall']) => Promise<PolicyPreview>;
  now: () => number;
  /** How often each exception kept something quiet. */
  excused: Pick<ExceptionHits, 'of'>;
}
interface Asked { id?: unknown; by?: unknown; why?: unknown; network?: unknown; mode?: unknown; exception?: unknown; ports?: unknown; enforce?: unknown; zones?: unknown; flows?: unknown; remove?: unknown }

const newId = (): string => randomBytes(6).toString('hex');
const notThere = (): MoatError => new MoatError('no-item', 'there is none that was set here; what stands in the configuration is changed there', { zh: '没有在这里设置的这一项；写在配置文件中的请在文件中修改' });

export class SettingsView {
  private readonly options: SettingsViewOptions;
  private busy: Promise<unknown> = Promise.resolve();

  constructor(options: SettingsViewOptions) { this.options = options; }

  handlers(): Handlers {
    return {
      'mode': () => this.mode(), 'allow-list': () => this.allow(), 'port-list': () => this.ports(), 'zones': () => this.zones(), 'exceptions': () => this.exceptions(),
      'mode-set': (argument) => this.change(argument, 'mode', ({ mode }) => ({ mode: mode as Here['mode'] }), ({ mode }) => String(mode)).then(() => this.mode()),
      'allow-add': (argument) => this.change(argument, 'allow-add', ({ network, by, why }, { allow }) => {
        const read = typeof network === 'string' ? parseNetwork(network.trim()) : undefined;
        if (read === undefined) throw new MoatError('bad-input', 'expected an address or network such as 203.0.113.9 or 203.0.113.0/24', { zh: '应为地址或网段，如 203.0.113.9、203.0.113.0/24' });
        if (allow.some((one) => one.network === read.text) || this.options.file().response.allow.includes(read.text)) throw new MoatError('changed', `${read.text} is on the list already`, { zh: `${read.text} 已在名单上` });
        return { allow: [...allow, { id: newId(), network: read.text, why: textOf(why), by: textOf(by), created: this.options.now() }] };
      }, ({ network }) => textOf(network)).then(() => this.allow()),
      'allow-remove': (argument) => this.change(argument, 'allow-remove', ({ network }, { allow }) => {
        const rest = allow.filter((one) => one.network !== network);
        if (rest.length === allow.length) throw notThere();
        return { allow: rest };
      }, ({ network }) => textOf(network)).then(() => this.allow()),
      'port-list-set': (argument) => this.change(argument, 'port-list', portsOf, ({ enforce, remove }) => (remove === true ? 'as configured' : enforce === true ? 'enforced' : 'not enforced'), true).then(() => this.ports()),
      'port-list-preview': (argument) => this.preview(portsOf(objectOf(argument))),
      'zones-set': (argument) => this.change(argument, 'zones', zonesOf, ({ remove }) => (remove === true ? 'as configured' : 'set'), true).then(() => this.zones()),
      'zones-preview': (argument) => this.preview(zonesOf(objectOf(argument))),
      'exception-add': async (argument) => {
        const id = newId();
        await this.change(argument, 'exception-add', ({ exception, by }, { exceptions }) => ({ exceptions: [...exceptions, { ...(exception as Here['exceptions'][number]), id, by: textOf(by), created: this.options.now() }] }), ({ exception }) => `${id} ${(exception as { rule?: string }).rule ?? ''}`);
        return this.exceptions().find((one) => one.id === id);
      },
      'exception-remove': (argument) => this.change(argument, 'exception-remove', ({ id }, { exceptions }) => {
        const rest = exceptions.filter((one) => one.id !== id);
        if (rest.length === exceptions.length) throw notThere();
        return { exceptions: rest };
      }, ({ id }) => textOf(id)).then(() => true),
    };
  }

  private mode(): object {
    const { here, config, pausedUntil } = this.options;
    const paused = pausedUntil();
    return { mode: config().response.mode, set_by: here.get().mode === undefined ? 'configuration' : 'api', ...(paused !== undefined && { paused_until: paused }), overrides: config().response.overrides };
  }

  private allow(): object[] {
    const { here, file } = this.options;
    return [...file().response.allow.map((network) => ({ network, from: 'configuration' })), ...here.get().allow.map(({ network, why, by, created }) => ({ network, from: 'api', why, by, created }))];
  }

  private ports(): object {
    const { here, config } = this.options;
    const set_by = here.get().ports === undefined ? 'configuration' : 'api';
    const { enforce, ports } = config().firewall;
    return { enforced: enforce && ports.length > 0, items: ports.map(({ port, from, per_source }) => ({ port: String(port), from, ...(per_source !== undefined && { per_source }), set_by })) };
  }

  private zones(): object {
    const { here, config } = this.options;
    const { enforce, zones, flows } = config().firewall;
    return { enforced: enforce && zones.length > 0, zones, flows, set_by: here.get().zones === undefined ? 'configuration' : 'api' };
  }

  private exceptions(): ({ id: string } & object)[] {
    const { here, file, excused } = this.options;
    return [...file().exceptions.map((one, i) => ({ ...one, ...excused.of(one), id: `c${i + 1}`, from: 'configuration' })), ...here.get().exceptions.map((one) => ({ ...one, ...excused.of(one), from: 'api' }))];
  }

  /** What the packet filter would make of it. Throws MoatError 'bad-input' for what makes no sense. */
  private async preview(next: Partial<Here>): Promise<PolicyPreview> {
    const { here, file, firewall } = this.options;
    try {
      return await firewall(here.over(file(), { ...here.get(), ...next }).firewall);
    } catch (error) { throw asInput(error); }
  }

  /** One at a time. What does not fit the configuration, or cannot be done, is taken back and told. `isFirewall`: what would lock an administrator out is refused beforehand. */
  private async change(argument: unknown, operation: string, make: (asked: Asked, before: Here) => Partial<Here>, target: (asked: Asked) => string, isFirewall = false): Promise<void> {
    const asked = objectOf(argument);
    const mine = this.busy.then(() => (isFirewall && asked.remove !== true ? this.mustLetIn((before) => make(asked, before)) : undefined)).then(() => this.changeNow(asked, operation, make, target));
    this.busy = mine.catch(() => undefined);
    await mine;
  }

  private async mustLetIn(make: (before: Here) => Partial<Here>): Promise<void> {
    const { enforced, refused } = await this.preview(make(this.options.here.get()));
    if (enforced && refused) throw new MoatError('refused', refused.en, { text: refused });
  }

  private async changeNow(asked: Asked, operation: string, make: (asked: Asked, before: Here) => Partial<Here>, target: (asked: Asked) => string): Promise<void> {
    const { here, file, journal, reload, now } = this.options;
    const before = here.get();
    try {
      here.set({ ...before, ...make(asked, before) }, file());
      const fault = await reload();
      if (fault) throw new MoatError('bad-input', fault.en, { text: fault });
    } catch (error) {
      if (here.get() !== before) {
        here.set(before);
        await reload();
      }
      throw asInput(error);
    }
    await journal.write({ audit: [{ time: now(), by: textOf(asked.by) || 'operator', via: 'control', operation, target: target(asked), why: textOf(asked.why), result: 'done' }] });
  }
}

const objectOf = (value: unknown): Asked => (typeof value === 'object' && value !== null ? value : {});
const portsOf = ({ ports, enforce, remove }: Asked): Partial<Here> => (remove === true ? { ports: undefined } : { ports: { enforce: enforce === true, ports: Array.isArray(ports) ? ports : [] } });
const zonesOf = ({ zones, flows, remove }: Asked): Partial<Here> => (remove === true ? { zones: undefined } : { zones: { zones: Array.isArray(zones) ? zones : [], flows: Array.isArray(flows) ? flows : [] } });
/** What does not fit the configuration was asked for wrongly. */
const asInput = (error: unknown): unknown => ((error as MoatError).code === 'invalid' ? new MoatError('bad-input', (error as Error).message, { text: (error as MoatError).text }) : error);
const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 1000) : '');
