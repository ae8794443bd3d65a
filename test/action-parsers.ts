/** How each action reads its input, of all that there are: reading touches nothing, so no machine is needed. */
import { allActions, type World } from '../src/actions/catalogue.ts';
import type { Parsers } from '../src/engine/response/playbook.ts';

/** What actions that are not to be called are made with. */
export const noMachine = { units: { root: '/' } } as World;

export const parsers: Parsers = new Map(allActions(noMachine).map((action) => [action.id, (input: unknown) => action.parse(input)]));
