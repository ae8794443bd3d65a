/** What the agent knows beside the events: packages of this machine and intelligence lists. Lives longer than one configuration. */
import { noKnowledge } from '../core/lineage.ts';
import type { Knowledge } from '../core/ports.ts';
import type { Health } from '../engine/health.ts';
import { watchPackages, type LivePackages } from '../linux/packages/live.ts';
import type { Config } from './config-schema.ts';
import type { Handlers } from './control.ts';
import { checkOf, IntelligenceLists, type ListState } from './intelligence.ts';

export interface OpenKnowledgeOptions { config: Config; dataFolder: string; version: string; health: Health }

export interface OpenedKnowledge {
  /** The lineage of processes is none of it. */
  knowledge: Knowledge;
  configure: (config: Config) => void;
  packages: LivePackages;
  lists: () => ListState[];
  handlers: () => Handlers;
  close: () => Promise<void>;
}

/** Returns at once; what is read shows up bit by bit. */
export function openKnowledge({ config, dataFolder, version, health }: OpenKnowledgeOptions): OpenedKnowledge {
  const packages = watchPackages({ health: (state, detail) => health.state('packages', state, detail), count: (what, n) => health.count('packages', what, n) });
  const lists = new IntelligenceLists({ dataFolder, version, health: (part, state, detail) => health.state(part, state, detail) });
  const configure = (next: Config): void => {
    lists.configure(next.intelligence).catch((error: unknown) => health.state('intelligence', 'blind', { zh: String(error), en: String(error) }));
  };
  configure(config);
  return {
    knowledge: { ...noKnowledge, packages, intelligence: lists.intelligence },
    configure,
    packages,
    lists: () => lists.state(),
    handlers: () => ({ 'intelligence': () => lists.state(), 'intelligence-check': (argument) => checkOf(lists.intelligence, lists.state(), argument) }),
    close: async () => { await Promise.all([packages.close(), lists.close()]); },
  };
}
