/** Journal files as systemd itself writes them, for tests. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalFile } from '../src/linux/journal-file.ts';

/** Of the package systemd-journal-remote. */
export const journalWriter = '/lib/systemd/systemd-journal-remote';

export interface Line { /** Unix ms. */ time: number; boot?: string; fields: Readonly<Record<string, string>> }

/** The bytes of a journal with these entries; the compact form unless it is not wanted. */
export function makeJournal(lines: readonly Line[], { compact = true, packing = 'ZSTD' }: { compact?: boolean; packing?: 'ZSTD' | 'LZ4' | 'XZ' } = {}): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'moat-journal-'));
  try {
    const path = join(folder, 'system.journal');
    const first = lines[0]?.time ?? 0;
    const input = lines.map(({ time, boot = 'a'.repeat(32), fields }) => `__REALTIME_TIMESTAMP=${time * 1000}\n__MONOTONIC_TIMESTAMP=${(time - first + 1000) * 1000}\n_BOOT_ID=${boot}\n${Object.entries(fields).map(([name, value]) => `${name}=${value}\n`).join('')}\n`).join('');
    execFileSync(journalWriter, ['--output', path, '--split-mode=none', '-'], { input, stdio: ['pipe', 'ignore', 'ignore'], env: { ...process.env, SYSTEMD_JOURNAL_COMPACT: compact ? '1' : '0', SYSTEMD_JOURNAL_COMPRESS: packing } });
    return readFileSync(path);
  } finally { rmSync(folder, { recursive: true }); }
}

/** A journal of bytes. */
export const journalOf = (bytes: Buffer, path = '/var/log/journal/x/system.journal'): JournalFile => new JournalFile({ size: bytes.length, read: (into, at) => bytes.copy(into, 0, Math.min(at, bytes.length)), close: () => undefined }, path);

/** The same journal as if `missing` more entries had been written before those from `index` on. */
export function withHole(bytes: Buffer, index: number, missing: number): Buffer {
  const out = Buffer.from(bytes);
  for (const { offset, number } of [...journalOf(bytes).entries()].slice(index)) out.writeBigUInt64LE(BigInt(number + missing), offset + 16);
  return out;
}
