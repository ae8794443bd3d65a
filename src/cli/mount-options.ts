/** `--without-mount` and `--into-mount`: which mounts a command looks into, beside what is configured. */
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { MountChoice } from '../scan/mounts.ts';
import type { Cli } from './program.ts';

export interface MountOptions { root?: string; withoutMount?: string[]; intoMount?: string[] }

export const withoutMountOption = (t: Cli['t']): Option => new Option('--without-mount <path>', t('不看此处或其下的挂载，也不算没能查（可多次；长期如此写 scan.without_mounts）', 'leave out what is mounted there or below, and do not tell it as not looked at (may be repeated; scan.without_mounts for good)')).argParser(mountPath);
export const intoMountOption = (t: Cli['t']): Option => new Option('--into-mount <path>', t('也看此处或其下的网络或 FUSE 挂载（可多次；长期如此写 scan.into_mounts）', 'look into mounts of the network or of FUSE there or below as well (may be repeated; scan.into_mounts for good)')).argParser(mountPath);

/** What is configured is meant for this machine. */
export function mountsFor({ root = '/', withoutMount = [], intoMount = [] }: MountOptions, configured: MountChoice = {}): MountChoice {
  const { without = [], into = [] } = resolve(root) === '/' ? configured : {};
  return { without: [...withoutMount, ...without], into: [...intoMount, ...into] };
}

function mountPath(text: string, all: string[] | undefined): string[] {
  if (!text.startsWith('/')) throw new InvalidArgumentError('expected the path of a mount, as the report names it: /data');
  return [...(all ?? []), text];
}
