/**
 * Reads the package databases in a process of its own, an entry of the build: what reading costs, and the garbage it leaves, is gone
 * with it. Its argument is the root; it writes the index on stdout as wire.ts says. Stdin stays open for as long as it may live.
 */
import { setPriority } from 'node:os';
import { MoatError } from '../../core/error.ts';
import { offerToDie } from '../priority.ts';
import { writeAll } from '../write-all.ts';
import { PackagesError } from './error.ts';
import { packagesTree, readPackages } from './index.ts';
import { packedFault, packedPackages } from './wire.ts';

const niceness = 10;

const [, , root] = process.argv;
if (root === undefined) throw new Error('expected the root as argument');
process.stdin.on('end', () => process.exit(1)).resume();
// The terminal sends Ctrl-C to all of its processes; whoever started this one says when it ends.
process.on('SIGINT', () => undefined);
try { setPriority(niceness); } catch { /* a wish only: it runs as its parent does */ }
offerToDie();
try {
  for (const bytes of packedPackages(await readPackages(packagesTree(root)))) writeAll(1, bytes);
} catch (error) {
  // Anything else is a fault of ours: the other side finds it on stderr.
  if (!(error instanceof MoatError)) throw error;
  writeAll(1, packedFault(error instanceof PackagesError ? error : new PackagesError('broken', error.message, { text: error.text })));
}
process.exit(0);
