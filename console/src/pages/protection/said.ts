/** Texts of lengths of time and of states, and the way deeds of this page are asked for. */
import type { UseMutationResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { ApiError, Method } from '../../api/client.ts';
import { useDo } from '../../api/hooks.ts';
import { useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

const unitsMs = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]] as const;
/** Of ms: in the largest unit that leaves nothing over, or nearly. */
export function useSpan(): (ms: number) => string {
  const t = useTexts(words);
  return (ms) => {
    const [unit, size] = unitsMs.find(([, one]) => ms >= one && ms % one === 0) ?? unitsMs.find(([, one]) => ms >= one) ?? unitsMs[3];
    return t(unit, { count: Math.max(1, Math.round(ms / size)) });
  };
}

export interface Call { method: Exclude<Method, 'GET'>; path: string; body: unknown }
/** All that a deed of this page may change. */
const touched = ['/blocks', '/receipts', '/allow', '/port-list', '/zones', '/mode', '/runs', '/requests', '/quarantine', '/notices', '/overview', '/linkage'];
export const useAct = <T = unknown>(): UseMutationResult<T, ApiError, Call> => useDo<Call, T>((call) => call, touched);

const settleMs = 400;
/** What is typed, once the hand rests. `text`: compared as JSON. */
export function useSettled<T>(value: T): T {
  const text = JSON.stringify(value);
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => { setSettled(text); }, settleMs);
    return () => { clearTimeout(timer); };
  }, [text]);
  return JSON.parse(settled) as T;
}
