/** Recovers until it is killed: one line for each step that is done. */
import type { RecoveryPlan } from '../src/core/recovery.ts';
import type { BackupSettings } from '../src/linux/backup/repository.ts';
import { openScene } from './recovery-scene.ts';

const [dir = '', settings = '[]', began = '0'] = process.argv.slice(2);
const scene = openScene(dir, JSON.parse(settings) as BackupSettings[], Number(began));
const plan = (await scene.ask('recovery-plan', { id: await scene.incident() })) as RecoveryPlan;
process.stdout.write(`plan ${plan.steps.length}\n`);
for (const { id } of plan.steps) {
  await scene.ask('recovery-step', { id: plan.id, step: id });
  process.stdout.write(`step ${id}\n`);
}
setInterval(() => undefined, 1000);
