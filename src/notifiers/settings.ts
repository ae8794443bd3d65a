/** Settings that channels share. */
import * as z from 'zod';
import { levels } from '../core/level.ts';

const doc = (zh: string, en: string) => ({ zh, en });

/** The value itself, or where it stands: nobody need write a token into the configuration. */
export const secret = z.union([
  z.string().min(1).max(4096),
  z.strictObject({ file: z.string().startsWith('/').max(4096) }),
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/) }),
]);
export type Secret = z.infer<typeof secret>;

/** Whom a chat shall call, and from which level on. `id` says what such a name looks like. */
export const mentions = (id: RegExp) => ({
  mention: z.array(z.string().regex(id)).max(20).default([]).meta(doc('要 @ 的人', 'whom to mention')),
  mention_level: z.enum(levels).default('critical').meta(doc('从哪一级起 @ 人', 'from which level on they are mentioned')),
});
