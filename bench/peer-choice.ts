/** Whether others are measured beside Moat: they are slower by orders of magnitude, and their figures change seldom. */
import { existsSync } from 'node:fs';

export const noPeers = '--no-peers';

export const peersWanted = !process.argv.includes(noPeers);

/** Whether the program of another is to be measured: it is installed, and was not left out by `--no-peers`. */
export const hasPeer = (file: string): boolean => peersWanted && existsSync(file);

/** Why there is no figure of another. */
export const peerMissing = peersWanted ? 'not installed here' : 'left out';
