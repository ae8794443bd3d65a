import type { Program } from '../core/format.ts';

/** Every program whose syslog or journal messages Moat understands. */
export const programs: readonly Program[] = [];
