/** Keeping a rule: why, what it does, and the way back. */
import { useState } from 'react';
import { useNavigate } from 'react-router';
import type { z } from 'zod';
import type { ruleSaved } from '../../../../src/api/contract/rules.ts';
import { useDo } from '../../api/hooks.ts';
import { Notice } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { ruleAddress } from './list.tsx';
import { words } from './words.ts';

/** What is asked anew when a rule changed. */
export const touched = ['/rules', '/matrix'];
type Saved = z.infer<typeof ruleSaved>;

/** `before`: its text as it was; undefined for one that was not there. */
export function Save({ name, text, before, isTried, saved: tell, close }: { name: string; text: string; before: string | undefined; isTried: boolean; /** Hears when it is. */ saved: () => void; close: () => void }) {
  const t = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const go = useNavigate();
  const deed = useDeed();
  const [kept, setKept] = useState<Saved>();
  const act = useDo<{ method: 'PUT' | 'DELETE'; body?: unknown }, Saved>((call) => ({ ...call, path: `/rules/${encodeURIComponent(name)}` }), touched);
  const back = (): void => {
    void deed(async () => {
      await (before === undefined ? act.mutateAsync({ method: 'DELETE' }) : act.mutateAsync({ method: 'PUT', body: { text: before, why: c('undo') } }));
      if (before === undefined) void go('/rules');
    }, t(before === undefined ? 'removed' : 'undone'));
  };
  const save = async (why: string): Promise<void> => {
    const saved = await act.mutateAsync({ method: 'PUT', body: { text, why } });
    tell();
    // What does not hold yet stays on screen with what is left to do.
    if (!saved.live) { setKept(saved); throw new Error(say(saved.note) || t('savedNot')); }
    void go(ruleAddress(saved.id));
  };
  return (
    <Sure title={t('saveTitle')} ok={c('save')} close={close} done={t('saved')} undo={back} act={save}>
      <p>{t('saveHow')}</p>
      {!isTried && <Notice compact icon="warn" title={t('untried')} />}
      {kept && <Notice compact icon="warn" title={t('savedNot')} />}
    </Sure>
  );
}
