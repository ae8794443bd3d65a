/** Reads a linkage table: the one that comes with Moat, or the user's own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { MoatError } from '../core/error.ts';
import { levels } from '../core/level.ts';
import type { Value } from '../core/playbook.ts';
import type { Text } from '../core/text.ts';
import { alertFields, modes, type AlertField, type Link } from '../engine/response/linkage.ts';
import { inputRefusal, type Parsers } from '../engine/response/playbook.ts';
import { installRoot } from './paths.ts';
import { readYamlText } from './yaml.ts';

export type LinkageErrorCode = 'bad-linkage';

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const span = z.string().regex(/^(?:\d{1,6}[smhd]|escalating)$/, 'expected escalating, or a number with s, m, h or d, such as 1h').transform((text) => (text === 'escalating' ? text : Number(text.slice(0, -1)) * units[text.at(-1) as keyof typeof units]));
const text = z.strictObject({ zh: z.string().min(1).max(200), en: z.string().min(1).max(200) });
const id = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected small letters, digits and -');
const link = z.strictObject({
  id,
  title: text,
  when: z.strictObject({
    attack: z.array(z.string().regex(/^T\d{4}(?:\.\d{3})?$/, 'expected an ATT&CK technique such as T1110')).min(1).max(100).optional(),
    rules: z.array(z.string().min(1).max(200)).min(1).max(1000).optional(),
    level: z.enum(levels).default('medium'),
    not: z.array(z.string().min(1).max(200)).min(1).max(1000).optional(),
  }).refine(({ attack, rules }) => attack !== undefined || rules !== undefined, 'expected attack or rules'),
  action: z.string().min(1).max(64),
  input: z.record(z.string().min(1).max(64).refine((name) => name !== '__proto__'), z.union([z.enum(alertFields), z.strictObject({ value: z.union([z.string().max(1000), z.number(), z.boolean()]) })], { error: `expected one of ${alertFields.join(', ')}, or { value: … }` })),
  for: span.optional(),
  mode: z.enum(modes).refine((mode) => mode !== 'observe', 'expected guard or strict'),
});
/** A row whose other half is not there: it says so, and never fires. */
const waiting = z.strictObject({ id, title: text, waits: text });
/** A row that another part of Moat does with each alert, whatever the mode. */
const always = z.strictObject({ id, title: text, always: text });
const table = z.array(z.unknown().transform((row, context): z.infer<typeof link> | z.infer<typeof waiting> | z.infer<typeof always> => {
  const read = typeof row === 'object' && row !== null && 'waits' in row ? waiting.safeParse(row) : typeof row === 'object' && row !== null && 'always' in row ? always.safeParse(row) : link.safeParse(row);
  if (read.success) return read.data;
  for (const { path, message } of read.error.issues) context.addIssue({ code: 'custom', path: [...path], message });
  return z.NEVER;
})).max(1000).refine((links) => new Set(links.map(({ id }) => id)).size === links.length, 'expected a different id for each row');

/** `waiting`: rows that never fire, and what each waits for. `always`: what another part of Moat does, and how to see it. */
export interface Linkage { links: Link[]; waiting: { id: string; title: Text; waits: Text }[]; always: { id: string; title: Text; always: Text }[] }

/** Only to see whether an action takes such a value: nothing is done with them. */
const samples: Readonly<Record<AlertField, Value>> = { source_ip: '203.0.113.9', origin_ip: '203.0.113.9', peer_ip: '203.0.113.9', user: 'deploy', pid: 4711, started: 1_800_000_000_000, path: '/tmp/x', program: '/tmp/x', file: '/tmp/x', port: '443/tcp' };

/** `actions`: how each reads its input; a row that none would take is refused. Throws MoatError 'bad-linkage' with file and line. */
export function readLinkage(actions: Parsers, file = join(installRoot(), 'playbooks/linkage.yml')): Linkage {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) { throw new MoatError<LinkageErrorCode>('bad-linkage', `expected a linkage table at ${file}: ${(error as Error).message}`, { cause: error, hint: 'see response.linkage in the configuration' }); }
  const { value, lineOf } = readYamlText(source, file);
  const read = table.safeParse(value);
  if (read.success) {
    const links = read.data.filter((row) => 'action' in row);
    for (const { id: row, action, input, for: span } of links) {
      const place = read.data.findIndex((one) => one.id === row);
      const parse = actions.get(action);
      const refusal = parse === undefined ? `expected one of ${[...actions.keys()].join(', ')}, got ${JSON.stringify(action)}`
        : inputRefusal(parse, { input: Object.fromEntries(Object.entries(input).map(([name, field]) => [name, typeof field === 'object' ? field.value : samples[field]])), for: span }, (one) => [one]);
      if (refusal !== undefined) throw new MoatError<LinkageErrorCode>('bad-linkage', `${file}:${lineOf([place, parse === undefined ? 'action' : 'input'])}: ${row}: ${parse === undefined ? '' : `${action} does not take its input: `}${refusal}`);
    }
    return { links, waiting: read.data.filter((row) => 'waits' in row), always: read.data.filter((row) => 'always' in row) };
  }
  const [issue] = read.error.issues;
  throw new MoatError<LinkageErrorCode>('bad-linkage', `${file}:${lineOf(issue?.path ?? [])}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a linkage table'}`);
}
