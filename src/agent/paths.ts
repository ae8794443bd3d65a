import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder Moat is installed in: where package.json, rules/ and dist/ stand. The bundle and the sources lie at different depths below it. */
export function installRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'rules'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('expected package.json and rules/ above the program, got neither');
    folder = parent;
  }
  return folder;
}

/** Files and folders that are Moat's own: its program, rules, configuration, data and unit. */
export const ownPaths = (configFile: string, dataFolder: string): string[] => [
  ...['bin', 'dist', 'rules', 'sensor', 'intel', 'node_modules', 'package.json'].map((part) => join(installRoot(), part)),
  configFile, dataFolder, '/etc/moat', '/etc/systemd/system/moat.service', '/etc/systemd/system/moat.service.d', '/usr/local/bin/moat',
];
