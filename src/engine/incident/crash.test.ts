import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closeIncidents, hour, openIncidents, shut, start, sweep, together } from '../../../test/incidents.ts';
import { alertOfCrash, alertsOfCrash } from '../../../test/incidents-child.ts';
import { verifyAudit } from '../response/audit.ts';

const child = join(import.meta.dirname, `../../../.cache/incidents-child-${process.pid}.mjs`);
beforeAll(() => build({
  entryPoints: [join(import.meta.dirname, '../../../test/incidents-child.ts')], outfile: child, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['@photostructure/sqlite'], logLevel: 'error',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
}));
afterAll(() => { rmSync(child, { force: true }); closeIncidents(); });

it('kill -9 at any moment: the same incidents are formed in the end, and nothing is counted twice', async () => {
  const now = (): number => start + 6 * hour;
  const dir = shut(openIncidents());
  let reached = 0, kills = 0;
  while (reached < alertsOfCrash) {
    const program = spawn(process.execPath, [child, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const end = once(program, 'close');
    // After so many more it is killed, in the middle of the next.
    const until = reached + 10 + Math.ceil(Math.random() * 40);
    let out = '';
    program.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      const done = Number(out.trim().split('\n').at(-1));
      if (done >= until && !program.killed && done < alertsOfCrash) { program.kill('SIGKILL'); kills++; }
    });
    const [code] = await end as [number | null];
    if (!program.killed) {
      // The last may have been stored before it could be told of; then there was nothing left to say.
      expect(code).toBe(0);
      break;
    }
    const before = reached;
    reached = Math.max(reached, Number(out.slice(0, out.lastIndexOf('\n')).split('\n').at(-1)));
    expect(reached).toBeGreaterThan(before);
  }
  expect(kills).toBeGreaterThan(3);
  const killed = openIncidents({ now }, dir);
  sweep(killed);
  const straight = openIncidents({ now });
  for (let i = 0; i < alertsOfCrash; i++) straight.take([alertOfCrash(i)]);
  expect(together(killed.store)).toBe(together(straight.store));
  const counts = (store: typeof killed.store): string[] => store.incidents.incidents({ limit: 1000 }).map(({ id, alert_count, level, grade }) => `${id} ${alert_count} ${level} ${grade}`).sort();
  expect(counts(killed.store)).toEqual(counts(straight.store));
  expect(counts(straight.store).length).toBeGreaterThan(3);
  expect(verifyAudit(killed.store.response.audit(1)).faults).toEqual([]);
});
