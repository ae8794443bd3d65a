import { existsSync, readFileSync } from 'node:fs';
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

/** Folders of an installation, beside the objects of the kernel sensor and the packages. */
export const programParts = ['bin', 'dist', 'rules', 'playbooks', 'intel', 'signatures', 'console/dist'] as const;

/** Packages that stand outside the bundle; see tools/build.mjs. */
const outside = ['@node-rs/argon2', '@photostructure/sqlite', '@virustotal/yara-x', 'koffi'];

/** The packages that run with Moat, as folders of its node_modules: those outside the bundle and what they depend on. */
export const programPackages = (root: string): string[] => outside.flatMap((one) => closure(root, one));

/** Files and folders that are Moat's own: its program, rules, configuration, data and unit. Of a developer's checkout not what else lies there. */
export const ownPaths = (configFile: string, dataFolder: string): string[] => [
  ...[...programParts, 'sensor', 'package.json', ...programPackages(installRoot()).map((name) => `node_modules/${name}`)].map((part) => join(installRoot(), part)),
  configFile, dataFolder, '/etc/moat', '/etc/systemd/system/moat.service', '/etc/systemd/system/moat.service.d', '/etc/systemd/system/moat-hands.service', '/etc/systemd/system/moat-hands.service.d', '/etc/systemd/system/moat-hands.socket', '/usr/local/bin/moat',
];

/** A package and what it depends on. */
function closure(source: string, name: string, seen = new Set<string>()): string[] {
  const manifest = join(source, 'node_modules', name, 'package.json');
  if (seen.has(name) || !existsSync(manifest)) return [];
  seen.add(name);
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> };
  return [name, ...Object.keys({ ...dependencies, ...optionalDependencies }).flatMap((next) => closure(source, next, seen))];
}
