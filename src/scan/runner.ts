/** Runs checks over a tree: those of places one after the other, those of files in one walk together. */
import type { Check, ScanContext, Visitor } from '../checks/port.ts';
import { MoatError } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import { levels } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import { verdictOf, type Blind, type ScanReport } from './report.ts';
import { walk } from './walk.ts';

/** What a scan is given: a context without what the runner itself keeps. */
export type ScanSetup = Omit<ScanContext, 'count' | 'blind'> & {
  /** What could not be looked at already when the tree was opened. */
  faults?: readonly { what: string; error: MoatError }[];
  /** What was counted then. */
  counts?: Readonly<Record<string, number>>;
};

export interface Progress { check?: Text; files?: number; findings: number }

const findingsMax = 20_000;
const faultsMax = 200;
const reportEveryFiles = 500;

export async function scan(checks: readonly Check[], setup: ScanSetup, onProgress: (progress: Progress) => void = () => undefined): Promise<ScanReport> {
  const started = setup.now();
  const counts: Record<string, number> = { ...setup.counts };
  const findings = new Map<string, Finding>();
  const blind: Blind[] = [];
  const count = (what: string, n = 1): void => { counts[what] = (counts[what] ?? 0) + n; };
  const cannot = (one: Blind): void => { if (blind.length < faultsMax) blind.push(one); else count('places that could not be looked at, beyond those listed'); };
  const contextOf = (id: string): ScanContext => ({ ...setup, count, blind: (what, why) => cannot({ check: id, what, why }) });
  const keep = (found: Finding): void => { if (findings.has(found.id) || findings.size < findingsMax) findings.set(found.id, found); else count('findings beyond the limit'); };
  const guard = async (id: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      setup.signal.throwIfAborted();
      cannot({ check: id, why: reasonOf(error) });
      return false;
    }
  };
  let files = 0;
  for (const { what, error } of setup.faults ?? []) cannot({ check: setup.tree.kind, what, why: reasonOf(error) });

  for (const check of checks) {
    setup.signal.throwIfAborted();
    if (!('run' in check)) continue;
    onProgress({ check: check.title, findings: findings.size });
    await guard(check.id, async () => { for await (const one of check.run(contextOf(check.id))) keep(one); });
  }

  const visitors = new Map<string, Visitor>();
  for (const check of checks) if ('walk' in check) await guard(check.id, async () => { visitors.set(check.id, check.walk(contextOf(check.id))); });
  if (visitors.size > 0) {
    const onFault = (path: string, reason: string): void => cannot({ check: 'walk', what: path, why: { zh: reason, en: reason } });
    for (const file of walk(setup.tree, { signal: setup.signal, machine: setup.machine, count, onFault })) {
      if (++files % reportEveryFiles === 0) { onProgress({ files, findings: findings.size }); await turn(); }
      for (const [id, visitor] of visitors) {
        if (!visitor.wants(file)) continue;
        const looked = await guard(id, async () => { for await (const one of visitor.look(file)) keep(one); });
        if (!looked) blind.at(-1)!.what ??= file.path;
      }
    }
    for (const [id, visitor] of visitors) if (visitor.end) await guard(id, async () => { for await (const one of visitor.end!()) keep(one); });
  }

  const sorted = [...findings.values()].sort((a, b) => levels.indexOf(b.level) - levels.indexOf(a.level) || (a.path ?? '').localeCompare(b.path ?? ''));
  const { kind, name } = setup.tree;
  return { tree: { kind, name }, started, ended: setup.now(), checks: checks.map(({ id }) => id), findings: sorted, blind, counts, files, verdict: verdictOf(sorted, blind) };
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

function reasonOf(error: unknown): Text {
  if (error instanceof MoatError) return { zh: error.hint ? `${error.message}（${error.hint}）` : error.message, en: error.hint ? `${error.message} (${error.hint})` : error.message };
  const text = `unexpected: ${error instanceof Error ? error.message : String(error)}`;
  return { zh: text, en: text };
}
