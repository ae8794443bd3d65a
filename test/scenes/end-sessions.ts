import { endSessions, type SessionWorld } from '../../src/actions/end-sessions/action.ts';
import { livesStill, readProcess } from '../../src/linux/process-tree.ts';
import type { Scene } from '../actions.ts';
import { procfs } from '../process-trees.ts';
import { processWorld } from './process-tree.ts';

export const sessionWorld = async (accountRoot: string): Promise<SessionWorld> => ({ ...await processWorld(), accountRoot });

/** `ROOT:USER:PID,PID…`: the accounts' root, whose sessions, and who must end. */
export async function scene(argument: string): Promise<Scene> {
  const [root = '', user = '', list = ''] = argument.split(':');
  const known = list.split(',').map(Number).map((pid) => ({ pid, ticks: readProcess(procfs, pid)?.ticks ?? -1 }));
  const world = await sessionWorld(root);
  return {
    actions: () => [endSessions(world)], action: 'end-sessions', input: { user },
    look: () => Promise.resolve(known.map((one) => livesStill(procfs, one) !== undefined)),
    done: (_before, after) => { if ((after as boolean[]).some(Boolean)) throw new Error(`expected all to have ended, got ${JSON.stringify(after)}`); },
  };
}
