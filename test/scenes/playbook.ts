/** A world for runs of playbooks: a counter in a file that an action raises by one, and people who answer when the test says so. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Action } from '../../src/core/action.ts';
import type { Alert } from '../../src/core/alert.ts';
import { MoatError } from '../../src/core/error.ts';
import type { Answer } from '../../src/core/notice.ts';
import type { Playbook, PlaybookCommand, Step } from '../../src/core/playbook.ts';
import type { Mode } from '../../src/engine/response/linkage.ts';
import { type People, PlaybookRuns } from '../../src/engine/response/playbook-run.ts';
import { openResponse, type Response } from '../actions.ts';

interface State { file: string; before: number; after: number }

export const counter = (dir: string, name: string): number => (existsSync(join(dir, name)) ? Number(readFileSync(join(dir, name), 'utf8')) : 0);

/** Raises the counter `name` by one: twice done is seen. `fail` breaks it while it is done. */
function raise(dir: string, automatic: Action['automatic'] = 'guard', id = 'raise'): Action {
  return {
    id, title: { zh: '加一', en: 'raise' }, blind: { zh: '无', en: 'nothing' }, automatic, halfDone: 'finish',
    parse(input) {
      const { name, fail } = (input ?? {}) as { name?: unknown; fail?: unknown };
      if (typeof name !== 'string' || !/^\w+$/.test(name)) throw new MoatError('bad-input', `expected a name, got ${JSON.stringify(name) ?? 'none'}`);
      return { name, fail: fail === true };
    },
    plan({ name, fail }) {
      if (name === 'protected') return Promise.reject(new MoatError('refused', 'it is protected'));
      const before = counter(dir, name);
      return Promise.resolve({ target: name, title: { zh: `${name} 加一`, en: `raise ${name}` }, steps: [{ text: { zh: '写', en: 'write' } }], risk: 'low', reversible: true, state: { file: fail ? join(dir, 'no/such/folder') : join(dir, name), before, after: before + 1 } });
    },
    async apply({ file, after }) {
      await new Promise((resolve) => { setTimeout(resolve, 3); });
      writeFileSync(file, String(after));
    },
    verify({ file, before, after }) {
      const is = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
      return Promise.resolve({ is: is === after ? 'finished' : is === before ? 'former' : 'between', evidence: { zh: String(is), en: String(is) } });
    },
    undo({ file, before }) {
      if (existsSync(file)) writeFileSync(file, String(before));
      return Promise.resolve();
    },
  } satisfies Action<{ name: string; fail: boolean }, State>;
}

export interface PlaybookScene {
  response: Response;
  runs: PlaybookRuns;
  /** Questions by id, and what people were told. */
  asked: Map<string, { what: string; expires: number; answer?: Answer }>;
  told: string[];
  /** Answers the only question that is open. */
  say(answer: Answer): void;
}

export interface SceneOptions { dir: string; now: () => number; mode?: () => Mode; paused?: () => number; alert?: (id: string) => Alert | undefined; asked?: PlaybookScene['asked']; isShared?: (address: string) => boolean }

export function openPlaybooks({ dir, now, mode = () => 'guard', paused = () => 0, alert = () => undefined, asked = new Map(), isShared }: SceneOptions): PlaybookScene {
  const response = openResponse(join(dir, 'store'), () => [raise(dir), raise(dir, 'strict', 'raise-strict'), raise(dir, 'never', 'raise-never')], now);
  const told: string[] = [];
  const people: People = {
    ask(id, what, _level, expires) { if (!asked.has(id)) asked.set(id, { what: what.en, expires }); },
    answer(id) { const { answer } = asked.get(id) ?? {}; return answer === undefined ? undefined : { answer, by: 'operator:wang' }; },
    withdraw(id) { const one = asked.get(id); if (one !== undefined) one.answer ??= 'reject'; },
    tell(_id, what) { told.push(what.en); },
  };
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const runs = new PlaybookRuns({ runner: response.runner, store: response.store.response, journal: response.journal, people, alert, log, now, count: () => undefined, pausedUntil: paused, modeFor: mode, ban: () => ({ first: 60_000, factor: 6, most: 3_600_000 }), isShared });
  return {
    response, runs, asked, told,
    say(answer) {
      const open = [...asked.values()].filter((one) => one.answer === undefined);
      if (open.length !== 1) throw new Error(`expected one question, got ${open.length}`);
      open[0]!.answer = answer;
    },
  };
}

/** A step before it has a delay. */
type Plain = Step extends infer S ? (S extends Step ? Omit<S, 'delay'> & { delay?: number } : never) : never;

export function playbook(workflow: Record<string, Plain>, more: Partial<Playbook> = {}): Playbook {
  const text = { zh: '试', en: 'trial' };
  return { id: 'trial', name: text, description: text, grade: 3, mode: 'guard', per: 'source_ip', timeout: 86_400_000, compensate: false, playbook_variables: {}, workflow_start: 'start', ...more, workflow: Object.fromEntries(Object.entries({ ...workflow, end: { type: 'end' } }).map(([id, step]) => [id, { delay: 0, ...step } as Step])) };
}

export const raising = (name: string, more: Record<string, string | boolean> = {}, action = 'raise'): PlaybookCommand => ({ type: 'moat-action', action, input: { name, ...more }, force: false, expires: 3_600_000 });
export const does = (name: string, next: string): Plain => ({ type: 'action', commands: [raising(name)], compensate: false, on_success: next });

/** Ten raises: in a row, side by side, and round. */
export const long = playbook({
  start: { type: 'start', on_completion: 'a' },
  a: { type: 'action', commands: [raising('n'), raising('n')], compensate: false, on_success: 'both' },
  both: { type: 'parallel', next_steps: ['left', 'right'], on_completion: 'round' },
  left: does('n', 'left2'), left2: does('m', 'end'), right: does('n', 'end'),
  round: { type: 'while-condition', condition: 'true', max: 3, on_true: 'in', on_completion: 'last' },
  in: does('n', 'end'),
  last: { type: 'action', commands: [raising('n'), raising('m')], compensate: false, on_success: 'end' },
});
