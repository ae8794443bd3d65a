/**
 * A story as the engine tells it of an intrusion that the kernel sensor would see, and the clean-up of it: the Moat that these tests share
 * watches no processes. Held against the API's own schemas, so that it cannot become another thing than what the server sends.
 */
import type { Page } from 'playwright-core';
import { cleanupPlan, keptPlan, stepDone, toldStory } from '../../src/api/contract/incidents.ts';
import { reachOf } from '../../src/engine/incident/story-reach.ts';
import { stepsOf } from '../../src/engine/incident/story-steps.ts';
import { tellStory } from '../../src/engine/incident/story.ts';
import { alertOf, attacker, connect, emptyDisk, logOn, pool, worldOf, write } from '../story-scenes.ts';
import { clock, Machine } from '../told-machine.ts';
import { hostile } from './fill.ts';

const cronFile = '/etc/cron.d/cache';

/** A log-on, a miner of a hostile name, a line in cron, and a connection out. */
function story(incident: string): unknown {
  clock.now = Date.now() - 3_600_000;
  const machine = new Machine();
  const disk = emptyDisk();
  machine.seen(1, 0, '/usr/lib/systemd/systemd', '/sbin/init');
  const { shell } = logOn(machine, 'root', attacker);
  write(machine, disk, shell, `/tmp/.x/${hostile}`, 'miner');
  const miner = machine.run(shell, `/tmp/.x/${hostile}`, `/tmp/.x/${hostile} -o stratum+tcp://pool`);
  write(machine, disk, miner, cronFile, '*/5 * * * * root /tmp/.x/m');
  const told = tellStory({ alerts: [alertOf(connect(machine, miner, pool, 3333))], findings: [] }, worldOf(machine, disk));
  return toldStory.parse(JSON.parse(JSON.stringify({ incident, told: Date.now(), story: { ...told, reached: reachOf(told, []) }, steps: stepsOf(told) })));
}

type State = 'open' | 'applied' | 'undone';
export interface Played { asked: string[]; states: Map<string, State> }

/** Answers for one incident: its story, and a clean-up whose steps are only written down as done. All else the real server answers. */
export async function play(page: Page, incident: string): Promise<Played> {
  const told = story(incident);
  const plan = planOf(incident);
  const played: Played = { asked: [], states: new Map(plan.steps.map(({ id }) => [id, 'open'])) };
  let isMade = false;
  const base = `**/api/v1/incidents/${incident}`;
  await page.route(`${base}/story`, (route) => route.fulfill({ json: told }));
  await page.route(`${base}/plan`, (route) => {
    isMade ||= route.request().method() === 'POST';
    return route.fulfill({ json: route.request().method() === 'POST' ? plan : keptPlan.parse({ plan: isMade ? plan : null }) });
  });
  for (const [deed, state] of [['apply', 'applied'], ['undo', 'undone']] as const) {
    await page.route(`${base}/plan/${deed}`, (route) => {
      const { step: id } = route.request().postDataJSON() as { step: string };
      played.asked.push(`${deed} ${id}`);
      played.states.set(id, state);
      return route.fulfill({ json: stepDone.parse({ ...plan.steps.find((step) => step.id === id)!, status: state }) });
    });
  }
  return played;
}

function planOf(incident: string): ReturnType<typeof cleanupPlan.parse> {
  const step = (id: string, action: string, more: object): object => ({
    id, action, input: { path: cronFile }, target: cronFile, command: ['moat', 'quarantine', cronFile], title: { zh: `隔离 ${cronFile}`, en: `Put ${cronFile} into quarantine` }, node: `file:${id}`,
    evidence: [{ what: { zh: '由它写入', en: 'written by' }, value: hostile }], risk: 'low', reversible: true, approval: false, steps: [{ text: { zh: `移动 ${hostile}`, en: `move ${hostile}` } }], ...more,
  });
  return cleanupPlan.parse({
    id: 'p1a2b3c4d5e6', incident, title: { zh: `清理 ${hostile}`, en: `Clean-up of ${hostile}` }, made: Date.now(), left: 0,
    steps: [step('1', 'quarantine-file', {}), step('2', 'remove-line', { title: { zh: '去掉一行', en: 'Take a line out' } }), step('3', 'kill-tree', { title: { zh: '结束进程树', en: 'End a tree of processes' }, risk: 'high', reversible: false, approval: true })],
    left_alone: [{ node: 'file:9', title: { zh: hostile, en: hostile }, why: { zh: '属于软件包', en: 'it belongs to a package' } }],
  });
}
