import type { Behaviour } from '../core/ports.ts';

/** Every behaviour, in the order in which it sees events. */
export const behaviours: readonly Behaviour[] = [];
