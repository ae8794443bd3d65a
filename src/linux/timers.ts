/** Which units are started by systemd timers. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const folders = ['etc/systemd/system', 'run/systemd/system', 'run/systemd/transient', 'run/systemd/generator', 'usr/local/lib/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system'];
const filesMax = 2000;
const sizeMax = 64 * 1024;

/** Names of the units that timers here start: what `Unit=` says, else the timer's own name with `.service`. */
export function timedUnits(root: string): Set<string> {
  const units = new Set<string>();
  let left = filesMax;
  for (const folder of folders) {
    for (const name of names(join(root, folder))) {
      if (!name.endsWith('.timer')) continue;
      if (left-- <= 0) return units;
      units.add(unitOf(join(root, folder, name)) ?? `${name.slice(0, -6)}.service`);
    }
  }
  return units;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // the folder is not there on this system
  }
}

function unitOf(file: string): string | undefined {
  try {
    if (statSync(file).size > sizeMax) return undefined;
    return /^[ \t]*Unit[ \t]*=[ \t]*(\S{1,255})/m.exec(readFileSync(file, 'utf8'))?.[1];
  } catch {
    return undefined; // a dangling link: its name is what is left
  }
}
