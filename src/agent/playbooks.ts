/** Reads playbooks: those that come with Moat, and the user's own. Whatever the runner could not run is refused by file and line. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { MoatError } from '../core/error.ts';
import { levels } from '../core/level.ts';
import { phases, type Playbook } from '../core/playbook.ts';
import { expand, faultsOf, type Parsers } from '../engine/response/playbook.ts';
import type { PlaybookErrorCode } from '../engine/response/playbook-run.ts';
import { tactics } from '../engine/response/tactics.ts';
import { installRoot } from './paths.ts';
import { readYamlText } from './yaml.ts';

const filesMax = 500;
/** It lies beside them and is none. */
const linkageFile = 'linkage.yml';

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const monthMs = 30 * units.d;
const msOf = (text: string): number => Number(text.slice(0, -1)) * units[text.at(-1) as keyof typeof units];
const span = z.string().regex(/^\d{1,6}[smhd]$/, 'expected a number with s, m, h or d, such as 10m').transform(msOf).refine((ms) => ms > 0 && ms <= monthMs, 'expected more than nothing and at most 30d');
const ban = z.string().regex(/^(?:\d{1,6}[smhd]|escalating)$/, 'expected escalating, or a number with s, m, h or d, such as 1h').transform((text): number | 'escalating' => (text === 'escalating' ? text : msOf(text)));
const words = (max: number) => z.strictObject({ zh: z.string().min(1).max(max), en: z.string().min(1).max(max) });
const id = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected small letters, digits and -');
const stepId = z.string().regex(/^[a-z][a-z0-9_-]{0,79}$/, 'expected small letters, digits, _ and -');
const variable = z.string().regex(/^__[a-z][a-z0-9_]{0,61}__$/, 'expected a name such as __limit__').refine((name) => name !== '__proto__', 'expected another name');
const value = z.union([z.string().max(1000), z.number(), z.boolean()]);

const command = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('moat-action'), action: z.string().min(1).max(64), input: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/), value).default({}),
    for: ban.optional(), force: z.boolean().default(false), ask: z.boolean().default(false), expires: span.default(4 * units.h),
  }),
  z.strictObject({ type: z.literal('manual'), command: words(2000), level: z.enum(levels).default('high'), expires: span.default(4 * units.h) }),
  z.strictObject({ type: z.literal('notify'), message: words(2000), level: z.enum(levels).default('medium') }),
], { error: 'expected a command that the runner can run: moat-action, manual or notify' });

const common = {
  name: words(200).optional(), phase: z.enum(phases).optional(), delay: span.default(0),
  /** CACAO names who does it and to what: here it is always this machine. */
  agent: z.literal('moat', 'expected moat: what runs elsewhere cannot be run').optional(), targets: z.array(z.literal('this-host', 'expected this-host: what is done to others cannot be run')).max(1).optional(),
};
const step = z.discriminatedUnion('type', [
  z.strictObject({ ...common, type: z.literal('start'), on_completion: stepId }),
  z.strictObject({ ...common, type: z.literal('end') }),
  z.strictObject({ ...common, type: z.literal('action'), commands: z.array(command).min(1).max(50), timeout: span.optional(), compensate: z.boolean().default(false), on_completion: stepId.optional(), on_success: stepId.optional(), on_failure: stepId.optional() }),
  z.strictObject({ ...common, type: z.literal('if-condition'), condition: z.string().min(1), on_true: stepId, on_false: stepId.optional(), on_completion: stepId }),
  z.strictObject({ ...common, type: z.literal('while-condition'), condition: z.string().min(1), on_true: stepId, max: z.number('expected max: a loop needs a bound').int().min(1).max(1000), on_completion: stepId }),
  z.strictObject({ ...common, type: z.literal('switch-condition'), switch: z.string().min(1).max(200), cases: z.record(z.string().min(1).max(200).refine((name) => name !== '__proto__'), stepId), on_completion: stepId }),
  z.strictObject({ ...common, type: z.literal('parallel'), next_steps: z.array(stepId).min(1).max(20), on_completion: stepId }),
  z.strictObject({ ...common, type: z.literal('playbook-action'), playbook_id: id, on_completion: stepId }),
], { error: 'expected a step that the runner can run: start, end, action, if-condition, while-condition, switch-condition, parallel or playbook-action' });

const playbook = z.strictObject({
  type: z.literal('playbook').optional(), spec_version: z.literal('cacao-2.0').optional(),
  id, name: words(200), description: words(2000), grade: z.union([z.literal(1), z.literal(2), z.literal(3)], 'expected 1 (一级), 2 (二级) or 3 (三级)'),
  mode: z.enum(['guard', 'strict', 'manual']).default('guard'),
  triggers: z.strictObject({
    attack: z.array(z.string().regex(/^T\d{4}(?:\.\d{3})?$/, 'expected an ATT&CK technique such as T1110')).min(1).max(100).optional(),
    tactics: z.array(z.enum(tactics)).min(1).optional(),
    rules: z.array(z.string().min(1).max(200)).min(1).max(1000).optional(),
    level: z.enum(levels).default('high'),
  }).optional(),
  per: z.enum(['source_ip', 'origin_ip', 'user', 'pid', 'path', 'host', 'alert']).default('alert'),
  timeout: span.default(7 * units.d), compensate: z.boolean().default(false),
  playbook_variables: z.record(variable, z.strictObject({ type: z.enum(['string', 'integer', 'float', 'bool', 'boolean', 'ipv4-addr', 'ipv6-addr']).optional(), description: z.string().max(1000).optional(), constant: z.boolean().optional(), value })).default({}),
  workflow_start: stepId, workflow: z.record(stepId, step),
});

const bad = (message: string, cause?: unknown): MoatError<PlaybookErrorCode> => new MoatError<PlaybookErrorCode>('bad-playbook', message, { cause });

/**
 * All playbooks by id, those they name put into them; the user's own hold over those of the same id that come with Moat.
 * Throws MoatError 'bad-playbook' that reads `FILE:LINE: …`.
 */
export function readPlaybooks(actions: Parsers, own?: string): Map<string, Playbook> {
  const read = new Map<string, Read>();
  for (const folder of [join(installRoot(), 'playbooks'), ...(own === undefined ? [] : [own])]) {
    const here = new Map<string, Read>();
    for (const file of filesOf(folder)) {
      const one = readOne(file, actions);
      const twin = here.get(one.playbook.id);
      if (twin !== undefined) throw bad(`${file}:${one.lineOf(['id'])}: expected a different id, ${twin.file} has it too`);
      here.set(one.playbook.id, one);
    }
    for (const [key, one] of here) read.set(key, one);
  }
  const plain = new Map([...read].map(([key, { playbook: one }]) => [key, one]));
  return new Map([...read].map(([key, { playbook: one, file, lineOf }]) => {
    const whole = expand(one, plain);
    if (!('id' in whole)) throw bad(`${file}:${lineOf(whole.path)}: ${whole.path.join('.')}: ${whole.message}`);
    return [key, whole];
  }));
}

interface Read { file: string; playbook: Playbook; lineOf: (keys: readonly PropertyKey[]) => number }

function filesOf(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.yml') && name !== linkageFile).toSorted();
  } catch (error) { throw new MoatError<PlaybookErrorCode>('bad-playbook', `expected a folder of playbooks at ${folder}: ${(error as Error).message}`, { cause: error, hint: 'see response.playbooks in the configuration' }); }
  if (names.length > filesMax) throw bad(`expected at most ${filesMax} playbooks in ${folder}, got ${names.length}`);
  return names.map((name) => join(folder, name)).filter((file) => statSync(file).isFile());
}

/** Without those it names. Throws MoatError 'bad-playbook', or 'not-yaml'. */
function readOne(file: string, actions: Parsers): Read {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) { throw bad(`expected a playbook at ${file}: ${(error as Error).message}`, error); }
  const { value: raw, lineOf } = readYamlText(source, file);
  const read = playbook.safeParse(raw);
  const refuse = (path: readonly PropertyKey[], message: string): MoatError<PlaybookErrorCode> => bad(`${file}:${lineOf(path)}: ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw refuse(issue?.path ?? [], issue?.message ?? 'not a playbook');
  }
  const { type: _, spec_version: __, playbook_variables, workflow, ...head } = read.data;
  const one: Playbook = { ...head, playbook_variables: Object.fromEntries(Object.entries(playbook_variables).map(([name, given]) => [name, given.value])), workflow: Object.fromEntries(Object.entries(workflow).map(([name, { agent: _agent, targets: _targets, ...rest }]) => [name, rest])) };
  const [fault] = faultsOf(one, actions);
  if (fault !== undefined) throw refuse(fault.path, fault.message);
  return { file, playbook: one, lineOf };
}
