/** Where a page ends, as text for the next request. */
import type * as z from 'zod';
import { Problem } from './problem.ts';

export const cursorOf = (place: unknown): string => Buffer.from(JSON.stringify(place)).toString('base64url');

export function readCursor<T>(text: string, shape: z.ZodType<T>): T {
  try {
    return shape.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch (cause) {
    throw new Problem('bad-input', { zh: 'cursor 不是上一页给出的', en: 'expected as cursor the `next` of the page before' }, { cause });
  }
}
