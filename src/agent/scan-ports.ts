import type { Config } from './config-schema.ts';

/** The white list of the behaviour that watches listeners, for the check that looks at them; empty when there is none. */
export function portsOf({ behaviours }: Pick<Config, 'behaviours'>): readonly string[] {
  const settings = behaviours['port-whitelist'];
  const ports = typeof settings === 'object' ? settings['ports'] : undefined;
  return Array.isArray(ports) ? ports : [];
}
