/** One walk over a whole tree, shared by all checks that look at every file. */
import { MoatError } from '../core/error.ts';
import { diskMounts } from '../linux/proc-host.ts';
import type { Machine, WalkedFile } from '../checks/port.ts';
import type { Tree } from '../linux/tree.ts';

const depthMax = 1024;
/** What the kernel makes up; nobody stores files there. */
const madeUp = new Set(['/proc', '/sys', '/dev/pts', '/sys/kernel/debug', '/run/systemd/journal']);
const pathMax = 64 * 1024;

export interface WalkOptions {
  signal: AbortSignal;
  machine: Machine | undefined;
  count(what: string, n?: number): void;
  /** Folders that could not be read. */
  onFault(path: string, reason: string): void;
}

/** Every file, link, folder and device, folder by folder, without following links. Other file systems than disks and memory are passed over on a running machine. */
export function* walk(tree: Tree, options: WalkOptions): Iterable<WalkedFile> {
  const local = options.machine ? localDevices(tree, options.machine) : undefined;
  const folders: { path: string; depth: number }[] = [{ path: '', depth: 0 }];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    options.signal.throwIfAborted();
    for (const name of namesIn(tree, folder.path, options)) {
      const path = `${folder.path}/${name}`;
      let stat;
      try {
        stat = tree.stat(path);
      } catch (error) {
        if (!(error instanceof MoatError)) throw error;
        options.onFault(path, error.message);
        continue;
      }
      if (!stat) { options.count('files that vanished while looked at'); continue; }
      yield { path, stat };
      if (stat.kind !== 'folder' || (tree.kind === 'machine' && madeUp.has(path))) continue;
      if (local && !local.has(stat.device)) { options.count('mounts passed over: not on a disk of this machine'); continue; }
      if (folder.depth >= depthMax || path.length > pathMax) { options.count('folders too deep'); options.onFault(path, 'too deep'); continue; }
      folders.push({ path, depth: folder.depth + 1 });
    }
  }
}

function namesIn(tree: Tree, path: string, options: WalkOptions): string[] {
  try {
    return tree.list(path || '/') ?? [];
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    options.onFault(path || '/', error.message);
    return [];
  }
}

/** Devices of disks, and of file systems in memory where programs are dropped. Asking a dead network mount would wait for ever. */
function localDevices(tree: Tree, machine: Machine): Set<number> {
  const places = [...diskMounts(machine.procfs).map(({ path }) => path), '/', '/tmp', '/var/tmp', '/dev', '/dev/shm', '/run', '/run/shm', '/boot', '/home'];
  const devices = new Set<number>();
  for (const place of places) {
    try {
      const device = tree.stat(place)?.device;
      if (device !== undefined) devices.add(device);
    } catch (error) {
      if (!(error instanceof MoatError)) throw error; // the walk meets it again and tells
    }
  }
  return devices;
}
