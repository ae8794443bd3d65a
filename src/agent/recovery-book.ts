/** Recovery plans on disk, so that one goes on after a restart: a list of files may be long, so each is a file of Moat's own. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import type { RecoveryPlan } from '../core/recovery.ts';

export type RecoveryErrorCode = 'no-plan' | 'bad-input' | 'refused';

/** `checks`: by which the incident's findings (ids) were found. */
export interface KeptRecovery { plan: RecoveryPlan; checks: readonly string[]; findings: readonly string[] }

const keptMax = 40;
const bytesMax = 64 << 20;
const idPattern = /^r[0-9a-z]{6,40}$/;

export class RecoveryBook {
  private readonly folder: string;

  constructor(dataFolder: string) { this.folder = join(dataFolder, 'recovery/plans'); }

  /** On disk when it returns; the oldest make room. */
  save(kept: KeptRecovery): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const at = this.path(kept.plan.id);
    const fd = openSync(`${at}.new`, 'w', 0o600);
    try {
      writeFileSync(fd, JSON.stringify(kept));
      fsyncSync(fd);
    } finally { closeSync(fd); }
    renameSync(`${at}.new`, at);
    for (const id of this.ids().slice(keptMax)) rmSync(this.path(id), { force: true });
  }

  get(id: string): KeptRecovery | undefined {
    if (!idPattern.test(id) || !existsSync(this.path(id)) || statSync(this.path(id)).size > bytesMax) return undefined;
    try {
      return JSON.parse(readFileSync(this.path(id), 'utf8')) as KeptRecovery;
    } catch (error) { throw new MoatError<RecoveryErrorCode>('no-plan', `expected a recovery plan in ${this.path(id)}: ${(error as Error).message}`, { cause: error }); }
  }

  /** Those of an incident, the latest first. */
  *of(incident: string): Iterable<KeptRecovery> {
    for (const id of this.ids()) {
      const kept = this.get(id);
      if (kept?.plan.incident === incident) yield kept;
    }
  }

  /** Newest first: their ids begin with the time. */
  private ids(): string[] {
    if (!existsSync(this.folder)) return [];
    return readdirSync(this.folder).flatMap((name) => (name.endsWith('.json') && idPattern.test(name.slice(0, -5)) ? [name.slice(0, -5)] : [])).sort().reverse();
  }

  private path(id: string): string { return join(this.folder, `${id}.json`); }
}
