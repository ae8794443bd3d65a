/** Prints the paths that a walk over a tree comes by. For tests that mount something in a namespace first. */
import { DiskTree } from '../src/linux/disk-tree.ts';
import { walk } from '../src/scan/walk.ts';

for (const { path } of walk(new DiskTree(process.argv[2]!, undefined), { signal: new AbortController().signal, machine: undefined, count: () => undefined, onFault: () => undefined })) console.log(path);
