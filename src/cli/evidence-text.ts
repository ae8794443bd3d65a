/** What the evidence commands share: sizes, the audit entry, verdicts. */
import { MoatError } from '../core/error.ts';
import { askControl } from '../agent/control.ts';
import type { Lang } from '../core/text.ts';
import type { EvidenceVerdict } from '../evidence/verify.ts';
import { colour } from './colour.ts';
import type { progressLine } from './progress.ts';
import type { Watching } from './remote/archive.ts';
import { safe } from './terminal.ts';

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

/** What became of an archive that was fetched from a server. */
export function fetchedLines({ verdict, path }: { verdict: EvidenceVerdict; path?: string }, lang: Lang): string[] {
  const where = path === undefined ? '' : `  ${safe(path)}`;
  if (verdict.ok) return [`${colour.green('●')} ${lang === 'zh' ? `已下载 ${bytesText(verdict.bytes)}，在此核验通过` : `fetched ${bytesText(verdict.bytes)}, proved untouched here`}${where}`];
  return [...verdict.faults.slice(0, 10).map(({ text }) => `${colour.red('✕')} ${safe(text[lang])}`), `${colour.red('●')} ${lang === 'zh' ? '不是原样，没有给它应有的名字' : 'NOT as it was; it was not given its name'}${where}`];
}

export const watchingOf = (line: ReturnType<typeof progressLine>, t: (zh: string, en: string) => string): Watching => ({
  progress: (bytes) => line.show(bytesText(bytes)),
  retried: (error) => { line.clear(); console.error(colour.yellow(safe(t(`连接断开，接着下载：${error.text?.zh ?? error.message}`, `the connection broke, going on: ${error.message}`)))); },
});
