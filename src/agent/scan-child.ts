/**
 * Runs one scan in a process of its own, an entry of the build beside the program itself: niced, its memory capped, and
 * killable whatever it is doing. Reads a ChildRequest as JSON on stdin, which stays open for as long as it may live; writes
 * ScanMessage objects on stdout, one JSON text a line.
 */
import type { Text } from '../core/text.ts';
import type { Finding } from '../core/finding.ts';
import type { Blind, ReportHead, ScanReport } from '../scan/report.ts';
import type { Progress } from '../scan/runner.ts';
import { runAsChild, type Fault } from './child-side.ts';
import { listChecks, runScan, type CheckEntry, type ScanRequest } from './scan.ts';

export type ChildRequest = { list: true } | { scan: ScanRequest; nice: boolean };

export type ScanMessage =
  | { kind: 'checks'; checks: CheckEntry[] }
  | { kind: 'begin'; head: ReportHead }
  | { kind: 'progress'; progress: Progress }
  | { kind: 'finding'; finding: Finding }
  | { kind: 'blind'; blind: Blind }
  | { kind: 'warn'; text: Text }
  /** Findings and blind spots were told one by one. */
  | { kind: 'end'; report: Omit<ScanReport, 'findings' | 'blind'> }
  | Fault;

const progressEveryMs = 100;

await runAsChild<ChildRequest, ScanMessage>(async (request, { say, signal, stepBack }) => {
  if ('list' in request) { say({ kind: 'checks', checks: listChecks() }); return; }
  if (request.nice) for (const fault of await stepBack()) say({ kind: 'warn', text: fault });
  let told = 0;
  const { findings: _findings, blind: _blind, ...report } = await runScan(request.scan, signal, {
    begin: (head) => say({ kind: 'begin', head }),
    progress: (progress) => {
      if (!progress.check && performance.now() - told < progressEveryMs) return;
      told = performance.now();
      say({ kind: 'progress', progress });
    },
    finding: (finding) => say({ kind: 'finding', finding }),
    blind: (blind) => say({ kind: 'blind', blind }),
    warn: (text) => say({ kind: 'warn', text }),
  });
  say({ kind: 'end', report });
});
