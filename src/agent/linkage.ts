/** Reads a linkage table: the one that comes with Moat, or the user's own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MoatError } from '../core/error.ts';
import { levels } from '../core/level.ts';
import { alertFields, modes, type Link } from '../engine/response/linkage.ts';
import { installRoot } from './paths.ts';
import { readYamlText } from './yaml.ts';

export type LinkageErrorCode = 'bad-linkage';

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const span = z.string().regex(/^(?:\d{1,6}[smhd]|escalating)$/, 'expected escalating, or a number with s, m, h or d, such as 1h').transform((text) => (text === 'escalating' ? text : Number(text.slice(0, -1)) * units[text.at(-1) as keyof typeof units]));
const text = z.strictObject({ zh: z.string().min(1).max(200), en: z.string().min(1).max(200) });
const link = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected small letters, digits and -'),
  title: text,
  when: z.strictObject({
    attack: z.array(z.string().regex(/^T\d{4}(?:\.\d{3})?$/, 'expected an ATT&CK technique such as T1110')).min(1).max(100).optional(),
    rules: z.array(z.string().min(1).max(200)).min(1).max(1000).optional(),
    level: z.enum(levels).default('medium'),
  }).refine(({ attack, rules }) => attack !== undefined || rules !== undefined, 'expected attack or rules'),
  action: z.string().min(1).max(64),
  input: z.record(z.string().min(1).max(64), z.enum(alertFields)),
  for: span.optional(),
  mode: z.enum(modes).refine((mode) => mode !== 'observe', 'expected guard or strict'),
});
const table = z.array(link).max(1000).refine((links) => new Set(links.map(({ id }) => id)).size === links.length, 'expected a different id for each row');

/** Throws MoatError 'bad-linkage' with file and line. */
export function readLinkage(file = join(installRoot(), 'playbooks/linkage.yml')): Link[] {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) { throw new MoatError<LinkageErrorCode>('bad-linkage', `expected a linkage table at ${file}: ${(error as Error).message}`, { cause: error, hint: 'see response.linkage in the configuration' }); }
  const { value, lineOf } = readYamlText(source, file);
  const read = table.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new MoatError<LinkageErrorCode>('bad-linkage', `${file}:${lineOf(issue?.path ?? [])}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a linkage table'}`);
}
