import type { Detection } from '../core/alert.ts';
import type { Finding } from '../core/finding.ts';
import type { Batch, Log, Store } from '../core/ports.ts';
import type { Lang } from '../core/text.ts';
import type { Health } from '../engine/health.ts';

/** What the parts of the agent are handed that look at the machine now and again, and raise alerts of what they find. */
export interface RaisesAlerts {
  /** Where the integrity baseline lies. */
  dataFolder: string;
  store: Pick<Store, 'ledger'>;
  health: Health;
  log: Log;
  lang: Lang;
  host: string;
  now: () => number;
  /** Stores the events of what was found. */
  push: (batch: Batch) => Promise<void>;
  /** Keeps what was found before it is raised. */
  found?: (findings: readonly Finding[]) => void;
  raise: (detection: Detection) => void;
  /** Returns when what was raised is stored; false when the disk is full. */
  settle: () => boolean;
}
