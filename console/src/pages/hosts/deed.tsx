/** Shows what a deed would do, and does it only then. */
import { Button, Input, Modal } from 'antd';
import { useState } from 'react';
import type { Receipt, ReceiptOrPlan } from '../../../../src/api/contract/response.ts';
import { ask } from '../../api/client.ts';
import { useDo } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { Failure, Loading } from '../../parts/states.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { useQuery } from '@tanstack/react-query';
import { words } from './words.ts';

export interface DeedOf { kind: 'kill' | 'freeze'; pid: number; started: number }

export function Deed({ of: { kind, pid, started }, close }: { of: DeedOf; close: () => void }) {
  const t = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const deed = useDeed();
  const [why, setWhy] = useState('');
  const path = `/host/processes/${kind}`;
  const target = { pid, ...(started > 0 && { started }) };
  const plan = useQuery({ queryKey: [path, 'plan', pid, started], gcTime: 0, staleTime: Infinity, retry: false, queryFn: () => ask<ReceiptOrPlan>('POST', path, { body: { ...target, plan: true } }) });
  const run = useDo<void, Receipt>(() => ({ method: 'POST', path, body: { ...target, why } }), ['/host/processes', '/receipts']);
  const act = async (): Promise<void> => {
    let done: Receipt | undefined;
    const undo = (): void => { if (done) void deed(() => ask('POST', `/receipts/${done!.id}/undo`, { body: {} }), t('undone')); };
    const isDone = await deed(async () => { done = await run.mutateAsync(); if (done.status === 'failed' || done.status === 'stuck') throw new Error(t('doneFailed')); }, t(kind === 'kill' ? 'killed' : 'frozen'), kind === 'freeze' ? undo : undefined);
    if (isDone) close();
  };
  return (
    <Modal open onCancel={close} title={t(`${kind}Title`)} footer={[<Button key="no" onClick={close}>{c('cancel')}</Button>, <Button key="yes" type="primary" danger={kind === 'kill'} disabled={!plan.data} loading={run.isPending} onClick={() => { void act(); }}>{t(kind === 'kill' ? 'doKill' : 'doFreeze')}</Button>]}>
      {plan.isPending ? <Loading rows={3} /> : plan.error ? <Failure compact error={plan.error} /> : (
        <div className="h-story">
          <b><Inert>{say(plan.data.title)}</Inert></b>
          <section><h3>{t('will')}</h3><ol className="h-will">{plan.data.steps.map((step, at) => <li key={at}><Inert>{say(step.text)}</Inert></li>)}</ol></section>
          <p>{t('willRisk')}: {t(`risk_${plan.data.risk}`)} · {t(plan.data.reversible ? 'isBack' : 'notBack')}</p>
          <label>{t('why')}<Input value={why} maxLength={1000} placeholder={t('whyHow')} onChange={({ target: { value } }) => { setWhy(value); }} /></label>
        </div>
      )}
    </Modal>
  );
}
