/**
 * What a live test needs of the machine. Use with vitest: `describe.skipIf(lacks({...}))`; the reason is
 * printed once. `npm test` installs the packages of test/debian.json beforehand when it is root.
 */
import { existsSync } from 'node:fs';

interface Needs { root?: boolean; files?: readonly string[]; why?: string }

const said = new Set<string>();

/** True when something is missing; says what, once. */
export function lacks(needs: Needs): boolean {
  const missing: string[] = [];
  if (needs.root && process.getuid?.() !== 0) missing.push('root');
  for (const file of needs.files ?? []) if (!existsSync(file)) missing.push(file);
  if (missing.length === 0) return false;
  const reason = `skipped: needs ${missing.join(', ')}${needs.why ? ` (${needs.why})` : ''}`;
  if (!said.has(reason)) { said.add(reason); console.warn(reason); }
  return true;
}
