/** What the server says of the text, asked while one writes: the latest text alone counts. */
import { useEffect, useState } from 'react';
import type { RuleCheck } from '../../../../src/api/contract/rules.ts';
import { ask } from '../../api/client.ts';

/** After the last key, ms. */
const restMs = 350;
export interface Checked { of: string; check?: RuleCheck; error?: unknown }

/** The answer to the latest text that has one; `isNow`: it is the answer to this text. */
export function useCheck(text: string): { checked: Checked | undefined; isNow: boolean } {
  const [checked, setChecked] = useState<Checked>();
  useEffect(() => {
    if (text.trim() === '') return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      ask<RuleCheck>('POST', '/rules/check', { body: { text }, signal: stop.signal }).then((check) => { setChecked({ of: text, check }); return undefined; }, (error: unknown) => { if (!stop.signal.aborted) setChecked({ of: text, error }); });
    }, restMs);
    return () => { clearTimeout(timer); stop.abort(); };
  }, [text]);
  return { checked, isNow: checked?.of === text };
}
