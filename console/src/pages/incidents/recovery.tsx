/** Recovery: where each damaged file can be had again, step by step, then a look at everything and a watch. */
import { Button, Progress } from 'antd';
import { useState } from 'react';
import type { Incident, KeptRecovery } from '../../../../src/api/contract/incidents.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Failure, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

type Recovered = KeptRecovery['steps'][number];

export function RecoveryTab({ incident: { id } }: { incident: Incident }) {
  const t = useTexts(words);
  const mayAct = useMay('act');
  const mayApprove = useMay('approve');
  const base = `/incidents/${id}/recovery`;
  const asked = useGet<KeptRecovery>(base, {}, { live: ['action', 'incident'] });
  const make = useDo<void>(() => ({ method: 'POST', path: base, body: {} }), [base]);
  const finish = useDo<void>(() => ({ method: 'POST', path: `${base}/finish`, body: {} }), [base, `/incidents/${id}`]);
  const maker = mayAct && <Button type="primary" loading={make.isPending} onClick={() => { make.mutate(); }}>{t('recoveryMake')}</Button>;
  return (
    <div className="m-stack">
      {make.error && <Failure error={make.error} compact />}
      {finish.error && <Failure error={finish.error} compact />}
      <Shown of={asked}>{({ plan, steps, summary, watch }) => (plan === null
        ? <div className="m-card"><Empty icon="refresh" title={t('recoveryNone')} action={maker}>{t('recoveryNoneHow')}</Empty></div>
        : <>
          <div className="m-card m-pad mi-plan-head">
            <div className="m-grow m-stack-small">
              {summary && <><Progress percent={summary.tally.items === 0 ? 100 : Math.round((summary.tally.restored * 100) / summary.tally.items)} size="small" aria-label={t('restored', { done: summary.tally.restored, total: summary.tally.items })} /><span className="m-quiet">{t('restored', { done: summary.tally.restored, total: summary.tally.items })}{summary.tally.healthy > 0 && ` · ${summary.tally.healthy} ${t('healthy')}`}</span></>}
              {watch && watch.ended === undefined && <span>{t('watch')} <Time at={watch.until} style="clock" /></span>}
              <span className="m-quiet">{t('planMade')} <Time at={plan.made} /></span>
            </div>
            <div className="m-row">{mayApprove && <Button loading={finish.isPending} onClick={() => { finish.mutate(); }}>{t('finish')}</Button>}{maker}</div>
          </div>
          <ul className="mi-steps">{steps.map((step) => <Step key={step.id} step={step} base={base} mayAct={mayAct} />)}</ul>
          {plan.not_restored_count > 0 && <Card title={`${t('notRestored')} (${plan.not_restored_count})`}><Missing items={plan.not_restored} /></Card>}
        </>)}</Shown>
    </div>
  );
}

function Step({ step, base, mayAct }: { step: Recovered; base: string; mayAct: boolean }) {
  const t = useTexts(words);
  const say = useSay();
  const apply = useDo<void>(() => ({ method: 'POST', path: `${base}/apply`, body: { step: step.id } }), [base]);
  const undo = useDo<void>(() => ({ method: 'POST', path: `${base}/undo`, body: { step: step.id } }), [base]);
  const said = { open: '', done: t('done'), failed: t('failedStep'), undone: t('undone'), stuck: t('failedStep') }[step.state];
  return (
    <li className={`m-card mi-plan-step mi-plan-${step.state === 'done' ? 'applied' : step.state}`}>
      <div className="mi-plan-number" aria-hidden="true">{step.id}</div>
      <div className="m-grow m-stack-small">
        <div className="m-row"><h3 className="mi-plan-title m-grow"><Inert>{say(step.title)}</Inert></h3>{said !== '' && <span className={`mi-plan-state mi-plan-state-${step.state === 'done' ? 'applied' : step.state}`}>{said}</span>}
          {mayAct && step.state !== 'done' && <Button size="small" loading={apply.isPending} onClick={() => { apply.mutate(); }}>{t('recoveryStep')}</Button>}
          {mayAct && step.state === 'done' && <Button size="small" loading={undo.isPending} onClick={() => { undo.mutate(); }}>{t('undo')}</Button>}
        </div>
        <span className="m-quiet">{t(`source_${step.source}`)} · {step.files} {t('files')} · {t('restored', { done: step.restored, total: step.files })}</span>
        {step.error && <Inert block>{say(step.error)}</Inert>}
        {(apply.error ?? undo.error) && <Failure error={apply.error ?? undo.error} compact />}
        {step.missing.length > 0 && <Details items={step.missing} />}
      </div>
    </li>
  );
}

type Items = readonly { path: string; why: { zh: string; en: string } }[];
function Details({ items }: { items: Items }) {
  const t = useTexts(words);
  const [isOpen, setOpen] = useState(false);
  return <><button type="button" className="m-link" aria-expanded={isOpen} onClick={() => { setOpen(!isOpen); }}>{t('notRestored')} ({items.length})</button>{isOpen && <Missing items={items} />}</>;
}
function Missing({ items }: { items: Items }) {
  const t = useTexts(words);
  const say = useSay();
  return <><ul className="mi-left">{items.slice(0, 200).map((one, at) => <li key={at}><Inert code>{one.path}</Inert> <span className="m-quiet">— <Inert>{say(one.why)}</Inert></span></li>)}</ul>{items.length > 200 && <p className="m-faint">{t('more', { count: items.length - 200 })}</p>}</>;
}
