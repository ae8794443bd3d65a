/**
 * Text of a rule that was left unsaved, kept in this browser: of each account and rule its own, the latest few. What a browser holds may be
 * anything: what is no draft is left out.
 */
import { useEffect, useState } from 'react';
import { useMe } from '../../api/session.tsx';
import { keep, kept } from '../../parts/kept.ts';

export interface Draft { of: string; text: string; /** What it was begun from. */ base: string; time: number }

const name = 'rule-drafts';
const most = 10;

export function readDrafts(said: string | undefined): Draft[] {
  try {
    const found: unknown = JSON.parse(said ?? '[]');
    return Array.isArray(found) ? found.filter(isDraft).slice(0, most) : [];
  } catch {
    return [];
  }
}

const isDraft = (one: unknown): one is Draft => {
  const { of, text, base, time } = (typeof one === 'object' && one !== null ? one : {}) as Partial<Record<keyof Draft, unknown>>;
  return typeof of === 'string' && typeof text === 'string' && typeof base === 'string' && typeof time === 'number';
};

/** The latest first; the oldest make room. */
export const withDraft = (drafts: readonly Draft[], draft: Draft): Draft[] => [draft, ...withoutDraft(drafts, draft.of)].slice(0, most);
export const withoutDraft = (drafts: readonly Draft[], of: string): Draft[] => drafts.filter((one) => one.of !== of);

/** Whether it is written down. */
function put(change: (drafts: readonly Draft[]) => Draft[]): boolean {
  const drafts = change(readDrafts(kept(name)));
  return keep(name, drafts.length === 0 ? undefined : JSON.stringify(drafts));
}

interface Kept { text: string; setText: (text: string) => void; /** What was found when the page was opened, until it is discarded. */ found: Draft | undefined; discard: () => void; /** It is saved, or not wanted any more. */ forget: () => void }

/** `rule`: which one is written, as its address says. `first`: what stands there without a draft. */
export function useDraft(rule: string, first: string): Kept {
  const { name: me } = useMe();
  const of = `${me} ${rule}`;
  const [found, setFound] = useState(() => readDrafts(kept(name)).find((one) => one.of === of && one.text !== first));
  const [text, show] = useState(found?.text ?? first);
  const [isKept, setKept] = useState(true);
  // A browser that keeps nothing asks before it goes.
  useEffect(() => {
    if (isKept) return undefined;
    const stay = (event: BeforeUnloadEvent): void => { event.preventDefault(); };
    addEventListener('beforeunload', stay);
    return () => { removeEventListener('beforeunload', stay); };
  }, [isKept]);
  const forget = (): void => { put((drafts) => withoutDraft(drafts, of)); setKept(true); };
  const setText = (next: string): void => {
    show(next);
    if (next === first) forget();
    else setKept(put((drafts) => withDraft(drafts, { of, text: next, base: found?.base ?? first, time: Date.now() })));
  };
  return { text, setText, found, discard: () => { setFound(undefined); setText(first); }, forget };
}
