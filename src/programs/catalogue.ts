import type { Program } from '../core/format.ts';
import { sshd } from './sshd/program.ts';

/** Every program whose syslog or journal messages Moat understands. */
export const programs: readonly Program[] = [
  sshd,
];
