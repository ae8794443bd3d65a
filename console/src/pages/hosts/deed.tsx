/** Shows what a deed would do, and does it only then. */
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import type { Receipt, ReceiptOrPlan } from '../../../../src/api/contract/response.ts';
import { ask } from '../../api/client.ts';
import { useDo } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { Failure, Loading } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

export interface DeedOf { kind: 'kill' | 'freeze'; pid: number; started: number }

export function Deed({ of: { kind, pid, started }, close }: { of: DeedOf; close: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  const deed = useDeed();
  const receipt = useRef<string>(undefined);
  const path = `/host/processes/${kind}`;
  const target = { pid, ...(started > 0 && { started }) };
  const plan = useQuery({ queryKey: [path, 'plan', pid, started], gcTime: 0, staleTime: Infinity, retry: false, queryFn: () => ask<ReceiptOrPlan>('POST', path, { body: { ...target, plan: true } }) });
  const run = useDo<string, Receipt>((why) => ({ method: 'POST', path, body: { ...target, why } }), ['/host/processes', '/receipts']);
  const act = async (why: string): Promise<void> => {
    const done = await run.mutateAsync(why);
    if (done.status === 'failed' || done.status === 'stuck') throw new Error(t('doneFailed'));
    receipt.current = done.id;
  };
  const undo = (): void => { if (receipt.current !== undefined) void deed(() => ask('POST', `/receipts/${encodeURIComponent(receipt.current!)}/undo`, { body: {} }), t('undone')); };
  return (
    <Sure title={t(`${kind}Title`)} ok={t(kind === 'kill' ? 'doKill' : 'doFreeze')} isDanger={kind === 'kill'} isMissing={!plan.data} why="may" close={close} act={act} done={t(kind === 'kill' ? 'killed' : 'frozen')} undo={kind === 'freeze' ? undo : undefined}>
      {plan.isPending ? <Loading rows={3} /> : plan.error ? <Failure compact error={plan.error} /> : (
        <div className="h-story">
          <b><Inert>{say(plan.data.title)}</Inert></b>
          <section><h3>{t('will')}</h3><ol className="h-will">{plan.data.steps.map((step, at) => <li key={at}><Inert>{say(step.text)}</Inert></li>)}</ol></section>
          <p>{t('willRisk')}: {t(`risk_${plan.data.risk}`)} · {t(plan.data.reversible ? 'isBack' : 'notBack')}</p>
        </div>
      )}
    </Sure>
  );
}
