/** What a check is: one finite look at a machine, a disk or an image that yields findings. */
import type { Finding } from '../core/finding.ts';
import type { Level } from '../core/level.ts';
import type { Manifest } from '../core/ports.ts';
import type { ImageFacts } from '../linux/image/facts.ts';
import type { Probes } from '../linux/probes.ts';
import type { Sweeps } from '../linux/sweep.ts';
import type { Procfs } from '../linux/procfs.ts';
import type { FileStat, Tree } from '../linux/tree.ts';
import type { Provenance } from '../linux/provenance.ts';
import type { Text } from '../core/text.ts';

export interface RuleHit { id: string; level: Level; title: Text; attack: readonly string[] }

/** What runs now; not there for a disk or an image. */
export interface Machine {
  procfs: Procfs;
  /** The kernel's answers by other ways than /proc; undefined where they cannot be had and for a recorded /proc. */
  probes?: Probes | undefined;
  /** The same asked of every process id and port, beside this thread; without it, in this thread. */
  sweeps?: Sweeps | undefined;
}

/** What reading a place needs: also those use it who list a machine and judge nothing. */
export interface Looking {
  /** Every file is looked at through it. */
  tree: Tree;
  /** Counts what was cut, skipped or not understood; shown in the report. */
  count(what: string, n?: number): void;
  /**
   * Something that could not be looked at while the rest could: shown in the report and told by the exit code. A check that can
   * look at nothing throws instead.
   */
  blind(what: string, why: Text): void;
}

export interface ScanContext extends Looking {
  signal: AbortSignal;
  /** Who put a file there, and whether it is as it was shipped. */
  provenance: Provenance;
  machine: Machine | undefined;
  /** Mount points that the walk does not go into, with the type of each; undefined for an image and where nobody knows. */
  mounts?: { over: ReadonlyMap<string, string> } | undefined;
  /** How an image is run and how it was made; undefined for anything else. */
  image?: ImageFacts | undefined;
  /** Where the integrity baseline of this machine and its key would lie; undefined when it was not said. */
  baseline?: { store: string; key: string } | undefined;
  /** What the rules for command lines say of one that a shell runs, or that starts `program`; src/agent hands in those that watch live processes. */
  rules(line: string, program?: string): readonly RuleHit[];
  /** Text of one of Moat's own files below signatures/. Throws when it is not there. */
  signatures(file: string): string;
  /** Ports that may be listened on, as configured for the white list (22, 443/tcp, 8000-8010); empty for no list. */
  ports: readonly string[];
  /** Unix ms. */
  now(): number;
  /** Folders of YARA rules, Moat's own first. */
  yara?: readonly string[];
}

/**
 * tree     files: works on the machine, a disk and an image
 * machine  processes and the kernel: needs the running machine
 */
export type Scope = 'tree' | 'machine';

export type CheckGroup = 'persistence' | 'access' | 'hiding' | 'kernel' | 'files' | 'web' | 'services' | 'malware';

interface Common extends Manifest {
  group: CheckGroup;
  scope: Scope;
  /** How often `moat up` runs it; 0 for never by itself. */
  everyMinutes: number;
}

/** A look at known places. Throws when it could not look: silence means clean. */
export interface PlaceCheck extends Common {
  run(context: ScanContext): AsyncIterable<Finding>;
  /** Mostly waits, for the kernel or for other processes: begun before the others and waited for after them. */
  readonly beside?: true;
}

/** A look at every file of the tree, in the one walk that all such checks share. */
export interface WalkCheck extends Common { walk(context: ScanContext): Visitor }

export type Check = PlaceCheck | WalkCheck;

/** `path` has no link in its folders; `stat` is of the path itself. */
export interface WalkedFile { path: string; stat: FileStat }

export interface Visitor {
  /** Asked for each file, link, folder and device: cheap. What it wants is handed to `look` later. */
  wants(file: WalkedFile): boolean;
  look(file: WalkedFile): AsyncIterable<Finding>;
  /** `look` first asks who owns the file, and for most that is all: their digests are taken ahead. */
  readonly asksOwner?: boolean;
  /** After the last file. `whole` is false when there was no time for all of them: what was not seen says nothing then. */
  end?(whole: boolean): AsyncIterable<Finding>;
}
