import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ModuleWorld, unloadModule } from '../../src/actions/unload-module/action.ts';
import type { Run } from '../../src/linux/run.ts';
import type { Scene } from '../actions.ts';

const ok = { code: 0, stdout: '', stderr: '' };

/** The tools of kmod on a recorded kernel: the kernel of a test machine has no modules to try. What they say is as kmod 30 says it. */
function kmod(root: string): Run {
  const list = join(root, 'proc/modules');
  const lines = (): string[] => readFileSync(list, 'utf8').split('\n').filter(Boolean);
  const write = (next: readonly string[]): void => {
    writeFileSync(`${list}.new`, next.map((line) => `${line}\n`).join(''));
    renameSync(`${list}.new`, list);
  };
  return (program, args) => Promise.resolve().then(() => {
    const last = args.at(-1) ?? '';
    switch (program) {
      case 'modinfo': {
        const file = join(root, `lib/modules/${last}.ko`);
        return existsSync(file) ? { ...ok, stdout: `${file}\n` } : { code: 1, stdout: '', stderr: `modinfo: ERROR: Module ${last} not found.\n` };
      }
      case 'rmmod':
        if (!lines().some((line) => line.startsWith(`${last} `))) return { code: 1, stdout: '', stderr: `rmmod: ERROR: Module ${last} is not currently loaded\n` };
        write(lines().filter((line) => !line.startsWith(`${last} `)));
        return ok;
      case 'insmod': {
        const name = (args[0] ?? '').replace(/^.*\/|\.ko$/g, '');
        writeFileSync(join(root, 'given'), args.slice(1).join(' '));
        write([...lines(), `${name} 16384 0 - Live 0x0000000000000000 (OE)`].sort());
        return ok;
      }
      default: return { code: 127, stdout: '', stderr: '' };
    }
  });
}

export function plantKernel(root: string): void {
  for (const folder of ['proc', 'lib/modules', 'sys/class/net/eth0/device/driver', 'sys/module/evil/parameters', 'sys/module/nic', 'sys/module/builtin', 'sys/module/hidden']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'proc/modules'), [
    'busy 20480 2 - Live 0x0000000000000000', 'evil 16384 0 - Live 0x0000000000000000 (OE)', 'forever 16384 0 [permanent], Live 0x0000000000000000', 'nft_ct 16384 0 - Live 0x0000000000000000',
    'nic 40960 0 - Live 0x0000000000000000', 'orphan 16384 0 - Live 0x0000000000000000 (OE)', 'shipped 16384 0 - Live 0x0000000000000000', 'starting 16384 0 - Loading 0x0000000000000000', 'used 16384 1 evil_two, Live 0x0000000000000000',
  ].map((line) => `${line}\n`).join(''));
  for (const name of ['evil', 'shipped']) writeFileSync(join(root, `lib/modules/${name}.ko`), `the module ${name}`);
  for (const [name, value] of [['port', '4444\n'], ['label', 'two words\n'], ['on', 'Y\n'], ['unset', '(null)\n']]) writeFileSync(join(root, 'sys/module/evil/parameters', name!), value!);
  writeFileSync(join(root, 'sys/module/hidden/initstate'), 'live\n');
  symlinkSync('../../../../../module/nic', join(root, 'sys/class/net/eth0/device/driver/module'));
}

export const moduleWorld = (root: string): ModuleWorld => ({ run: kmod(root), moduleRoot: root, owner: (path) => Promise.resolve(path.endsWith('/shipped.ko') ? { manager: 'dpkg', name: 'linux-image', version: '1', intact: true } : undefined) });

export async function scene(root: string): Promise<Scene> {
  if (!existsSync(join(root, 'proc'))) plantKernel(root);
  await Promise.resolve();
  return {
    actions: () => [unloadModule(moduleWorld(root))], action: 'unload-module', input: { module: 'evil' },
    look: () => { rmSync(join(root, 'proc/modules.new'), { force: true }); return Promise.resolve(readFileSync(join(root, 'proc/modules'), 'utf8')); },
    done: (_before, after) => { if ((after as string).includes('evil 16384')) throw new Error(`expected evil to be gone, got ${String(after)}`); },
  };
}
