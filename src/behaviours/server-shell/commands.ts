/** Which programs a command of a shell calls, as far as its text shows without running it. */
import { baseName } from '../program-kind.ts';

const most = 16;
const prefixes = new Set(['sudo', 'nohup', 'setsid', 'env', 'exec', 'time', 'timeout', 'nice', 'ionice', 'stdbuf', 'command', 'builtin', 'then', 'do', 'else', 'if', 'while', 'until', '!', '{', '(']);

/**
 * The plain names of the programs in `echo a | base64 -d; cd /x && ./y $(id)`: what stands first in each part.
 * Assignments and redirections before it are passed over, as are words such as nohup that run another.
 */
export function commandsOf(text: string): string[] {
  const found: string[] = [];
  for (const part of text.slice(0, 1024).split(/[;|&\n`(){}]+|\$\(/)) {
    if (found.length >= most) break;
    const name = programIn(part);
    if (name !== undefined) found.push(name);
  }
  return found;
}

function programIn(part: string): string | undefined {
  let isSkipping = false;
  for (const word of part.trim().split(/\s+/, 12)) {
    const bare = word.replace(/^["']+|["']+$/g, '');
    if (bare === '' || /^\w+=/.test(bare)) continue;
    if (/^\d*[<>]/.test(bare)) { isSkipping = /^\d*[<>]+&?$/.test(bare); continue; }
    if (isSkipping) { isSkipping = false; continue; }
    if (prefixes.has(bare) || bare.startsWith('-') || /^\d+[smh]?$/.test(bare)) continue;
    return baseName(bare).slice(0, 64) || undefined;
  }
  return undefined;
}
