/**
 * Runs one scan in a process of its own, an entry of the build beside the program itself: niced, its memory capped, and
 * killable whatever it is doing. Reads a ChildRequest as JSON on stdin, which stays open for as long as it may live; writes
 * ScanMessage objects on stdout, one JSON text a line.
 */
import { MoatError } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import { offerToDie, stepBack } from '../linux/priority.ts';
import { writeAll } from '../linux/write-all.ts';
import type { Blind, ReportHead, ScanReport } from '../scan/report.ts';
import type { Progress } from '../scan/runner.ts';
import { listChecks, runScan, type CheckEntry, type ScanRequest } from './scan.ts';

export type ChildRequest = { list: true } | { scan: ScanRequest; nice: boolean };

export type ScanMessage =
  | { kind: 'checks'; checks: CheckEntry[] }
  | { kind: 'begin'; head: ReportHead }
  | { kind: 'progress'; progress: Progress }
  | { kind: 'finding'; finding: Finding }
  | { kind: 'blind'; blind: Blind }
  | { kind: 'warn'; text: string }
  /** Findings and blind spots were told one by one. */
  | { kind: 'end'; report: Omit<ScanReport, 'findings' | 'blind'> }
  | { kind: 'fault'; code: string; message: string; hint?: string };

const progressEveryMs = 100;

async function main(): Promise<void> {
  const stop = new AbortController();
  const request = JSON.parse(await firstLine(() => process.exit(1))) as ChildRequest;
  if ('list' in request) { say({ kind: 'checks', checks: listChecks() }); return; }
  // The terminal sends Ctrl-C to all of its processes; whoever started this one says when it ends.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => stop.abort(new Error('stopped')));
  offerToDie();
  if (request.nice) for (const fault of await stepBack()) say({ kind: 'warn', text: fault });
  let told = 0;
  const { findings: _findings, blind: _blind, ...report } = await runScan(request.scan, stop.signal, {
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
}

/** `onEnd`: the other side is gone, so nobody waits for this any more. */
function firstLine(onEnd: () => void): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('end', onEnd);
  return new Promise((resolve) => {
    process.stdin.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
  });
}

const say = (message: ScanMessage): void => { writeAll(1, Buffer.from(`${JSON.stringify(message)}\n`)); };

try {
  await main();
  process.exit(0);
} catch (error) {
  // Ours, not the user's: the other side finds it on stderr.
  if (!(error instanceof MoatError)) { console.error(error); process.exit(1); }
  const { code, message, hint } = error;
  say({ kind: 'fault', code, message, ...(hint !== undefined && { hint }) });
  process.exit(2);
}
