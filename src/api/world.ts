/** What the routes reach Moat through. */
import type { AuditInput } from '../engine/response/audit.ts';
import type { Store } from '../core/ports.ts';
import type { Download } from './contract/route.ts';
import type { Feed } from './feed.ts';
import type { Place } from './access/sessions.ts';
import type { Lockout } from './access/lockout.ts';
import type { Challenges } from './access/challenges.ts';
import type { SetUp } from './access/set-up.ts';

export interface World {
  host: string;
  version: string;
  /** Group and environment of this machine. */
  place(): Place;
  /** What passkeys are bound to: a domain, and the addresses that the console is opened by. */
  passkeys(): { domain: string; origins: string[] };
  now: () => number;
  store: Pick<Store, 'ledger' | 'incidents' | 'response' | 'accounts' | 'requests' | 'scans'>;
  /** What the agent's own socket answers too: one way to ask, and one to answer. Throws MoatError. */
  ask(operation: string, argument?: unknown): Promise<unknown>;
  /** A file that Moat keeps: an archive of evidence, or what lies in quarantine. Throws MoatError. */
  download(what: 'evidence' | 'quarantine', id: string): Promise<Download>;
  /** On disk when it resolves. */
  audit(entry: Omit<AuditInput, 'time' | 'via'>): Promise<void>;
  feed: Feed;
  /** Something that ought not to happen: for the log. */
  fault(error: unknown): void;
  lockout: Lockout;
  challenges: Challenges;
  setUp: SetUp;
}
