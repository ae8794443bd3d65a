/** What the evidence commands share: sizes, the audit entry, verdicts. */
import { MoatError } from '../core/error.ts';
import { askControl } from '../agent/control.ts';

export const bytesText = (bytes: number): string => (bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KiB` : bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`);

/** False when no agent runs: its audit log has one writer. */
export async function recordEvidence(dataFolder: string, entry: { operation: string; target: string; by: string; why: string; result: string }): Promise<boolean> {
  try {
    await askControl(dataFolder, 'evidence-record', entry);
    return true;
  } catch (error) {
    if ((error as MoatError).code !== 'not-running') throw error;
    return false;
  }
}
