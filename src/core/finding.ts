/** What a look at a machine, a disk or an image found: the words of `moat scan`. */
import type { Level } from './level.ts';
import type { Text } from './text.ts';

/**
 * intrusion  somebody got in, or stays in: decides the verdict
 * weakness   a door that stands open: to be shut, says nothing of who came through it
 * notice     worth knowing when one reads the rest
 */
export type FindingKind = 'intrusion' | 'weakness' | 'notice';

/** One observed fact: `what` names it (a line of a file, a mode, a digest), `value` is as it was seen, bounded and not escaped; `path` and `line` where it is a line of a file. */
export interface Evidence { what: Text; value: string; path?: string; line?: number }

/** An action by its id and what it is asked to do, as `Action.parse` takes it; paths as seen from inside the tree. */
export interface FixAction { action: string; input: Readonly<Record<string, string | number | boolean>> }

/** Of one finding. */
export const fixActionsMax = 20;

/**
 * What would put it right. `commands` are argument lists for a person to run as root, in this order; empty when only a person can do
 * it. `actions` put it right through Moat, each planned and shown before and taken back by `moat undo`; not there where no action does it.
 */
export interface Fix { text: Text; commands: readonly (readonly string[])[]; actions?: readonly FixAction[] }

export interface Finding {
  /** Derived from check and key: the same state found again has the same id. */
  id: string;
  /** Folder of the check. */
  check: string;
  kind: FindingKind;
  level: Level;
  /** What is wrong, in one line. */
  title: Text;
  /** As seen from inside the tree. */
  path?: string;
  pid?: number;
  user?: string;
  /** Remote address or listening address, canonical. */
  address?: string;
  evidence: readonly Evidence[];
  /** What it means for somebody who has never met it. */
  means?: Text;
  fix?: Fix;
  /** `attack:T1053.003`, `matrix:计划任务`, `dengbao:8.1.4.1`, `cis:5.1.1`. */
  refs: readonly string[];
  /** When it most likely came to be, Unix ms. */
  time?: number;
  /**
   * What it shares with other findings of the same story: absolute paths, `pid:…`, `user:…`, `address:…`. Its own path, pid, user and
   * address, and the paths and addresses in its evidence, link without standing here.
   */
  links?: readonly string[];
}
