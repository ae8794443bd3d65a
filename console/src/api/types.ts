/** Words of the wire: types alone, from the contract. */
import type { z } from 'zod';
import type { level } from '../../../src/api/contract/common.ts';

export type Level = z.output<typeof level>;
/** Mildest first. */
export const levels: readonly Level[] = ['info', 'low', 'medium', 'high', 'critical'];
export const worstFirst: readonly Level[] = levels.toReversed();
export interface Page<T> { items: T[]; next?: string }
