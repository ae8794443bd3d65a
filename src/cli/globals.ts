import type { Command } from 'commander';
import type { Config } from '../agent/config-schema.ts';
import { defaultConfigPath, defaultDataFolder } from '../agent/default-places.ts';

export interface Globals { lang?: string; remote?: string; config?: string; data?: string }

/** Options that stand before or after any sub-command. */
export const globals = (program: Command): Globals => program.opts<Globals>();

export const dataFolder = (program: Command): string => globals(program).data ?? defaultDataFolder();
export const configPath = (program: Command): string => globals(program).config ?? defaultConfigPath();

/** Throws when a file that was named is not there, or has a fault. */
export async function configOf(program: Command): Promise<Config> {
  // Most commands read none: they need not load what reads it.
  const { loadConfig } = await import('../agent/config.ts');
  const { config } = globals(program);
  return loadConfig(config ?? defaultConfigPath(), { mustExist: config !== undefined });
}
