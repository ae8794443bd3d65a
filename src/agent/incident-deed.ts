/** What `moat incident` asks of the agent, checked. */
import * as z from 'zod';
import { MoatError } from '../core/error.ts';
import { levels } from '../core/level.ts';
import type { Deed } from '../engine/incident/lifecycle.ts';
import type { IncidentErrorCode } from '../engine/incident/seeds.ts';

const word = z.string().max(4000);
const deed = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('status'), to: z.enum(['triaged', 'contained', 'eradicated', 'recovered', 'closed']) }),
  z.strictObject({ op: z.literal('reopen') }),
  /** 0: as long as the configuration says. */
  z.strictObject({ op: z.literal('false-alarm'), forMs: z.number().min(0).max(10 * 365 * 86_400_000) }),
  z.strictObject({ op: z.literal('assign'), to: word.optional() }),
  z.strictObject({ op: z.literal('note'), text: word }),
  z.strictObject({ op: z.literal('task'), title: word, to: word.optional() }),
  z.strictObject({ op: z.literal('task-done'), task: z.number().int(), open: z.boolean() }),
  z.strictObject({ op: z.literal('improve'), title: word, to: word.optional(), due: z.number().optional() }),
  z.strictObject({ op: z.literal('improve-done'), improvement: z.number().int(), open: z.boolean(), note: word.optional() }),
  z.strictObject({ op: z.enum(['tag', 'untag']), tag: word }),
  z.strictObject({ op: z.enum(['link', 'unlink']), target: word, title: word.optional() }),
  z.strictObject({ op: z.literal('grade'), level: z.enum(levels).optional(), grade: z.union([z.literal(1), z.literal(2), z.literal(3)]).optional() }),
  z.strictObject({ op: z.literal('clock'), how: z.enum(['reported', 'not-reportable']) }),
]);
const request = z.strictObject({ id: z.string().max(64), by: z.string().min(1).max(200), why: z.string().max(1000).default(''), revision: z.number().int().min(0).optional(), deed });

/** Throws MoatError 'bad-input'. */
export function readDeed(argument: unknown): { id: string; by: string; why: string; revision: number | undefined; deed: Deed } {
  const read = request.safeParse(argument);
  if (!read.success) throw new MoatError<IncidentErrorCode>('bad-input', `expected a change of an incident: ${read.error.issues[0]?.path.join('.') ?? ''} ${read.error.issues[0]?.message ?? ''}`);
  const { deed: given, revision, ...rest } = read.data;
  return { ...rest, revision, deed: fill(given) };
}

type Given = z.infer<typeof deed>;
/** What was left out is undefined. */
function fill(given: Given): Deed {
  switch (given.op) {
    case 'assign': return { op: 'assign', to: given.to };
    case 'grade': return { op: 'grade', level: given.level, grade: given.grade };
    case 'task': return { op: 'task', title: given.title, to: given.to };
    case 'improve': return { op: 'improve', title: given.title, to: given.to, due: given.due };
    case 'improve-done': return { op: 'improve-done', improvement: given.improvement, open: given.open, note: given.note };
    case 'link': case 'unlink': return { op: given.op, target: given.target, title: given.title };
    default: return given;
  }
}
