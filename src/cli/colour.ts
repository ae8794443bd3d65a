/** Colours for a terminal, or where FORCE_COLOR asks; what goes into a pipe, a file or a build's log stays plain. */
import picocolors from 'picocolors';

const { env, stdout } = process;
export const colour = picocolors.createColors(!env['NO_COLOR'] && Boolean(env['FORCE_COLOR'] || (stdout.isTTY && env['TERM'] !== 'dumb')));
