/** Archives that Moat keeps in its data folder, each with a note beside it: held, or let go after the time that policy says. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import type { EvidenceErrorCode } from './error.ts';

export interface Hold { since: string; by: string; why: string }

export interface Kept {
  id: string;
  incident?: string;
  made: string;
  by: string;
  why: string;
  bytes: number;
  fingerprint: string;
  /** SHA-256 of the manifest. */
  manifest: string;
  /** Of the chain of custody as it was last written here. */
  head: string;
  hold?: Hold;
}

/** `whole` is false while it is written, and for one whose writing was cut off. */
export type KeptRow = { kept: Kept; path: string; whole: boolean } | { id: string; path: string; broken: string };

const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,150}$/;
const rowsMax = 10_000;
const day = 86_400_000;

export class Keep {
  readonly folder: string;

  constructor(dataFolder: string) { this.folder = join(dataFolder, 'evidence'); }

  path(id: string): string { return join(this.folder, `${id}.tar`); }

  make(): void { mkdirSync(this.folder, { recursive: true, mode: 0o700 }); }

  /** On disk, whole, when it returns. */
  write(kept: Kept): void {
    const path = this.note(kept.id);
    const fd = openSync(`${path}.new`, 'w', 0o600);
    try {
      writeSync(fd, `${JSON.stringify(kept, undefined, 1)}\n`);
      fsyncSync(fd);
    } finally { closeSync(fd); }
    renameSync(`${path}.new`, path);
  }

  /** Oldest first; archives without a note are told as what they are. */
  list(): KeptRow[] {
    if (!existsSync(this.folder)) return [];
    const ids = readdirSync(this.folder).flatMap((name) => (name.endsWith('.tar') ? [name.slice(0, -4)] : [])).sort().slice(0, rowsMax);
    return ids.map((id): KeptRow => {
      const path = this.path(id);
      try {
        return { kept: this.read(id), path, whole: true };
      } catch (error) {
        return { id, path, broken: existsSync(this.note(id)) ? (error as Error).message : 'it has no note: it is being written, or its writing was cut off' };
      }
    });
  }

  /** By its id or a beginning of it that is one. Throws MoatError 'no-archive'. */
  get(id: string): Kept {
    const some = this.list().flatMap((row) => ('kept' in row && row.kept.id.startsWith(id) ? [row.kept] : []));
    const exact = some.find((one) => one.id === id) ?? (some.length === 1 ? some[0] : undefined);
    if (exact === undefined) throw new MoatError<EvidenceErrorCode>('no-archive', some.length > 1 ? `${some.length} archives begin with ${id.slice(0, 100)}` : `no archive ${id.slice(0, 100)} is kept here`, { zh: some.length > 1 ? `有 ${some.length} 份存档以 ${id.slice(0, 100)} 开头` : `没有存档 ${id.slice(0, 100)}`, hint: 'moat evidence list' });
    return exact;
  }

  /** Those that policy lets go at this moment. */
  due(now: number, keepDays: number): Kept[] {
    return this.list().flatMap((row) => ('kept' in row && row.kept.hold === undefined && now - Date.parse(row.kept.made) > keepDays * day ? [row.kept] : []));
  }

  /** Throws MoatError 'bad-input' for one that is held. */
  remove(kept: Kept): void {
    this.mustBeFree(kept);
    rmSync(this.path(kept.id), { force: true });
    rmSync(this.note(kept.id), { force: true });
  }

  /** Throws MoatError 'bad-input' for one that is held. */
  mustBeFree({ id, hold }: Kept): void {
    if (hold) throw new MoatError<EvidenceErrorCode>('bad-input', `expected an archive that nobody holds, ${id} is held by ${hold.by}: ${hold.why}`, { zh: `${id} 由 ${hold.by} 保留：${hold.why}`, hint: `moat evidence release ${id}` });
  }

  private note(id: string): string { return join(this.folder, `${id}.json`); }

  private read(id: string): Kept {
    const kept = JSON.parse(readFileSync(this.note(id), 'utf8')) as Kept;
    if (!idPattern.test(id) || kept.id !== id || typeof kept.head !== 'string' || Number.isNaN(Date.parse(kept.made))) throw new Error('its note cannot be read');
    return { ...kept, bytes: statSync(this.path(id)).size };
  }
}
