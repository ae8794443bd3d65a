/** The process that the crash test of playbooks kills: goes on with what there is, else begins the long one; says when it is through. */
import { writeSync } from 'node:fs';
import { long, openPlaybooks } from './scenes/playbook.ts';

const [dir = ''] = process.argv.slice(2);
const { response, runs } = openPlaybooks({ dir, now: Date.now });
await response.runner.recover();
writeSync(1, 'ready\n');
runs.start();
if (response.store.response.playbookRuns({}).length === 0) await runs.begin(long, { by: 'rule:test', why: 'a test', via: 'test' });
for (;;) {
  await runs.settled();
  if (runs.size === 0) break;
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  runs.tick();
}
writeSync(1, 'done\n');
await runs.close();
await response.close();
