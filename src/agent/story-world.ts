/** What stories are told from on this machine: the origin graph, short looks at files, stored requests. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import type { Packages, ProcessNode } from '../core/lineage.ts';
import type { EventLog } from '../core/ports.ts';
import type { FileLook, StoryWorld } from '../engine/incident/story-world.ts';
import type { OriginGraph } from '../engine/origin/graph.ts';
import { bytesOf, nameOf } from '../linux/file-names.ts';
import { type MountPoint, mountPoints, pathHere } from '../linux/mount-points.ts';
import { Procfs } from '../linux/procfs.ts';

export interface StoryWorldOptions { graph: OriginGraph; packages: Packages; events: Pick<EventLog, 'range'>; now: () => number; /** Process of the one who asks. */ asker?: number | undefined; /** When Moat began to watch, Unix ms. */ since?: number | undefined }

const textMax = 1 << 20;
const tablesMax = 200;
const foldersMax = 200;
const witnessesMax = 16;
const depthMax = 512;
/** Events looked at for the requests of one moment. */
const eventsMax = 50_000;
const account = /^[A-Za-z_][\w.-]{0,31}\$?$/;
const requestKinds = ['access', 'nginx', 'apache'] as const;

export function storyWorld({ graph, packages, events, now, asker, since }: StoryWorldOptions): StoryWorld {
  return {
    lineage: graph, apart: new Set([process.pid, ...(asker === undefined ? [] : [asker])].flatMap((pid) => lineTo(graph, pid))),
    processes: () => graph.memory.all(),
    owner: (path) => (packages.ready ? packages.owner(path) : undefined),
    look, text: textOf, files: filesBelow, onHost: containerPaths(graph),
    cronTables: (user) => [...(user !== undefined && account.test(user) ? [`/var/spool/cron/crontabs/${user}`, `/var/spool/cron/${user}`] : []), '/etc/crontab', ...listed('/etc/cron.d')],
    *requests(from, to) {
      let n = 0;
      for (const event of events.range(from, to, requestKinds)) {
        if (n++ >= eventsMax) return;
        if (event.source_ip !== undefined) yield event;
      }
    },
    since,
    now: now(),
  };
}

/** By the mounts of a process that still runs in the container; each container is looked at once. */
function containerPaths(graph: OriginGraph): StoryWorld['onHost'] {
  const procfs = new Procfs();
  const living = new Map<string, number[]>();
  for (const { container, ended, pid } of graph.memory.all()) {
    if (container === undefined || ended !== undefined) continue;
    const pids = living.get(container);
    if (pids === undefined) living.set(container, [pid]);
    else if (pids.length < witnessesMax) pids.push(pid);
  }
  if (living.size === 0) return () => undefined;
  const ours = mountPoints(procfs, 'self') ?? [];
  const mounts = new Map<string, readonly MountPoint[] | undefined>();
  const mountsOf = (container: string): readonly MountPoint[] | undefined => {
    if (!mounts.has(container)) {
      // The number may be another's by now.
      const pid = living.get(container)?.find((one) => procfs.container(one) === container);
      mounts.set(container, pid === undefined ? undefined : mountPoints(procfs, pid));
    }
    return mounts.get(container);
  };
  return ({ container }, path) => {
    const theirs = container === undefined ? undefined : mountsOf(container);
    return theirs && pathHere(path, theirs, ours);
  };
}

/** A process and all above it. */
function lineTo(graph: OriginGraph, pid: number): ProcessNode[] {
  const line: ProcessNode[] = [];
  for (let at = graph.process(pid); at !== undefined && line.length < depthMax; at = at.parent) line.push(at);
  return line;
}


function look(path: string): FileLook | 'blind' | undefined {
  try {
    const found = lstatSync(bytesOf(path), { throwIfNoEntry: false });
    return found && {
      kind: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : found.isSymbolicLink() ? 'symlink' : 'other',
      inode: found.ino, device: found.dev, size: found.size, uid: found.uid, born: found.birthtimeMs, changed: Math.max(found.mtimeMs, found.ctimeMs),
    };
  } catch (error) {
    // A file in the way is as good as none; what we may not see may be there.
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR' ? undefined : 'blind';
  }
}

/** Undefined beyond `most` files, and when a folder cannot be read. */
function filesBelow(folder: string, most: number): string[] | undefined {
  const files: string[] = [];
  const open = [folder];
  for (let at = open.pop(), seen = 0; at !== undefined; at = open.pop()) {
    if (++seen > foldersMax) return undefined;
    try {
      // A link in its place leads elsewhere.
      if (!lstatSync(bytesOf(at)).isDirectory()) { if (at === folder) return undefined; continue; }
      for (const one of readdirSync(bytesOf(at), { withFileTypes: true, encoding: 'buffer' })) {
        const name = nameOf(one.name);
        if (one.isDirectory()) { if (name !== 'node_modules') open.push(`${at}/${name}`); } else if (one.isFile() || one.isSymbolicLink()) files.push(`${at}/${name}`);
        if (files.length > most || open.length > foldersMax) return undefined;
      }
    } catch { return undefined; /* it is gone, or not ours to see */ }
  }
  return files.sort();
}

/** Pipes, devices and links are not opened: whoever owns the folder may have put one there. */
function textOf(path: string): string | undefined {
  const fd = opened(path);
  if (fd === undefined) return undefined;
  try {
    const { size } = fstatSync(fd);
    if (!fstatSync(fd).isFile() || size > textMax) return undefined;
    const whole = Buffer.alloc(size);
    let at = 0;
    for (let n = 1; n > 0 && at < size; at += n) n = readSync(fd, whole, at, size - at, at);
    const text = nameOf(whole.subarray(0, at));
    return text.includes('\0') ? undefined : text;
  } catch { return undefined; /* it cannot be read after all */ } finally { closeSync(fd); }
}

/** When it was read last is evidence: that stays, where we may keep it. */
function opened(path: string): number | undefined {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  for (const more of [constants.O_NOATIME, 0]) {
    try {
      return openSync(bytesOf(path), flags | more);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined; // not there, or not ours to see: `look` tells which
    }
  }
  return undefined;
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).slice(0, tablesMax).map((name) => `${folder}/${name}`);
  } catch { return []; /* no such folder on this machine */ }
}
