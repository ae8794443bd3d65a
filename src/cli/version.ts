import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installRoot } from '../agent/paths.ts';

/** Of this Moat, as its package says. */
export function version(): string {
  return (JSON.parse(readFileSync(join(installRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}
