/** `npm run bench -- soak`: six minutes of mixed load under `moat up` with the kernel sensor, as the service runs it. Memory must stay flat, nothing may be lost. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentStatus } from '../src/agent/agent.ts';
import { askControl } from '../src/agent/control.ts';
import { lacksKernel, startWatch } from '../test/live/kernel.ts';
import { serviceNode, rss, sharedApart } from './process.ts';
import { row, type Row } from './report.ts';

const lastsMs = 6 * 60_000;
const pauseMs = 300;

/** A round of a busy server: programs, files, connections, a pause. */
const round = `use Socket; my ($dir, $n) = @ARGV;
for (1..60) { my $p = fork; if (!$p) { exec "/bin/true" or exit 1 } waitpid $p, 0 }
for (1..3000) { open(my $f, ">", "$dir/f" . ($n * 3000 + $_) % 500) or die $!; print $f "x"; close $f }
for (1..100) { rename "$dir/f$_", "$dir/g$_"; unlink "$dir/g$_" }
socket(my $l, PF_INET, SOCK_STREAM, 0) or die; bind($l, sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($l, 128); my $at = getsockname $l;
for (1..200) { socket(my $s, PF_INET, SOCK_STREAM, 0) or die; connect($s, $at) or die; syswrite $s, "GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"; accept(my $c, $l); close $c; close $s }`;

export async function benchSoak(): Promise<Row[]> {
  if (await lacksKernel()) return [];
  const folder = mkdtempSync(join(tmpdir(), 'moat-soak-'));
  const watch = await startWatch({ metrics: true, run: serviceNode });
  try {
    const memory: number[] = [];
    const began = Date.now();
    let rounds = 0;
    for (; Date.now() - began < lastsMs; rounds++) {
      const { status, stderr } = spawnSync('/usr/bin/perl', ['-e', round, folder, String(rounds)], { stdio: ['ignore', 'ignore', 'pipe'] });
      if (status !== 0) throw new Error(`the load failed: ${stderr.toString()}`);
      memory.push(rss(watch.child));
      await sleep(pauseMs);
    }
    const { anonymous, proportional } = sharedApart(watch.child);
    await sleep(2000);
    const { counters, events } = await askControl(join(watch.folder, 'data'), 'status') as AgentStatus;
    const lost = Object.entries(counters).filter(([name]) => /lost/.test(name)).reduce((sum, [, n]) => sum + n, 0);
    const half = memory.slice(0, memory.length >> 1), rest = memory.slice(memory.length >> 1);
    const seen = Object.values(events).reduce((sum, n) => sum + n, 0);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    return [
      row('events seen', seen, 'events', { detail: `${rounds} rounds in ${Math.round((Date.now() - began) / 1000)} s` }),
      row('records lost', lost, 'records', { lowerIsBetter: true, budget: 0 }),
      row('memory, mean of the first half', mean(half), 'MB', { lowerIsBetter: true }),
      row('memory, mean of the second half', mean(rest), 'MB', { lowerIsBetter: true, budget: 180, detail: `${Math.max(...memory).toFixed(0)} MB at most; at the end ${anonymous.toFixed(0)} MB of its own, ${proportional.toFixed(0)} MB with its share of files` }),
    ];
  } finally {
    await watch.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
